"""Weights of wjn922/ReferFormer, through an explicit key map, strictly."""

from collections.abc import Iterable, Mapping

from torch import Tensor

from pointvos.nn.official_weights import load_strictly, rename_keys
from vng.nn.rf_vng import RFVNG
from vng.nn.video_swin import VideoSwin
from vng.nn.video_swin_weights import adapted, video_swin_keys

SOURCE = "official ReferFormer"
TEXT_ENCODER = "text_encoder."
# The decoder holds the box heads a second time under its own name.
_ALIAS, _ALIASED = "transformer.decoder.bbox_embed.", "bbox_embed."
_TRUNK, _OUR_TRUNK = "backbone.0.body.", "trunk.backbone."
_MERGE = "downsamples.{}."  # of a Video Swin, taken out of its stages
# Numbers 0 .. 513, which older versions of transformers stored and newer ones do not have.
_DROPPED = ("text_encoder.embeddings.position_ids",)

_FIXED = {
    "resizer.fc.": "text.project.",
    "resizer.layer_norm.": "text.norm.",
    "fusion_module.multihead_attn.": "encoder.fuse.attention.",
    "input_proj.0.": "encoder.project.same_size.0.",
    "input_proj.1.": "encoder.project.same_size.1.",
    "input_proj.2.": "encoder.project.same_size.2.",
    "input_proj.3.": "encoder.project.halve.",
    "transformer.level_embed": "encoder.level",
    "transformer.reference_points.": "decoder.first_reference.",
    "query_embed.weight": "decoder.position",
    "class_embed.": "decoder.class_heads.",
    "bbox_embed.": "decoder.box_heads.",
    "controller.": "mask_head.controller.",
    "pixel_decoder.mask_features.": "pixel_decoder.mask.",
}
_ENCODER_LAYER = {
    "self_attn.": "attention.",
    "norm1.": "norm.",
    "linear1.": "feed_forward.expand.",
    "linear2.": "feed_forward.project.",
    "norm2.": "feed_forward.norm.",
}
_DECODER_LAYER = {
    "self_attn.": "read_queries.",
    "norm2.": "queries_norm.",
    "cross_attn.": "read_frame.",
    "norm1.": "frame_norm.",
    "linear1.": "feed_forward.expand.",
    "linear2.": "feed_forward.project.",
    "norm3.": "feed_forward.norm.",
}
_FPN_BLOCK = {
    "self_attn.": "read_clip.",
    "norm1.": "clip_norm.",
    "multihead_attn.": "read_words.",
    "norm2.": "words_norm.",
    "linear1.": "feed_forward.expand.",
    "linear2.": "feed_forward.project.",
    "norm3.": "feed_forward.norm.",
}


def load_official_referformer(model: RFVNG, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Load a checkpoint of wjn922/ReferFormer with a ResNet or Video Swin trunk.

    Args:
        model: from `vng.nn.builders.rf_vng_resnet` with the same depth, or from
            `vng.nn.builders.rf_vng_video_swin_tiny`.
        state: official names to tensors: the item "model" of what
            `torch.load(path, weights_only=True)` gives.

    Returns:
        The weights of the checkpoint's text encoder, which is no part of this network, under the
        names of transformers' `RobertaModel`.

    Raises:
        ValueError: unknown or missing key, wrong shape, or two names of one tensor that differ;
            names the key.
    """
    ours, text_encoder = {}, {}
    if isinstance(model.trunk, VideoSwin):
        state = adapted(model.trunk, state, prefix=_TRUNK, source=SOURCE)
    for key, tensor in state.items():
        if key.startswith(_DROPPED):
            continue
        if key.startswith(TEXT_ENCODER):
            text_encoder[key.removeprefix(TEXT_ENCODER)] = tensor
        elif key.startswith(_ALIAS):
            _check_alias(key, tensor, state)
        else:
            ours[key] = tensor
    key_map = official_key_map(model)
    renamed = rename_keys(ours, key_map, dropped=(), source=SOURCE)
    load_strictly(model, renamed, key_map, source=SOURCE)
    return text_encoder


def architecture_of(names: Iterable[str]) -> str:
    """Which network of `vng.nn.builders` an official checkpoint is of.

    Args:
        names: of its tensors.

    Raises:
        ValueError: it is of a trunk that there is no key map for (Swin, larger Video Swins), or no
            checkpoint of ReferFormer at all.
    """
    known = set(names)
    blocks = {depth: f"{_TRUNK}layer3.{depth - 1}.conv1.weight" for depth in (6, 23)}
    if blocks[23] in known:
        return "rf_vng_resnet101"
    if blocks[6] in known:
        return "rf_vng_resnet50"
    last_block = f"{_TRUNK}layers.2.blocks.{{}}.norm1.weight"
    relative = f"{_TRUNK}patch_embed.proj.weight"
    if relative in known and last_block.format(5) in known and last_block.format(6) not in known:
        return "rf_vng_video_swin_tiny"
    raise ValueError(
        f"{SOURCE} weights: expected those of a ResNet-50, a ResNet-101 or a Video-Swin-T, found "
        f"{'another trunk' if any(x.startswith(_TRUNK) for x in known) else 'no trunk'}"
    )


def official_key_map(model: RFVNG) -> dict[str, str]:
    """Official name prefix -> ours, for a network with a ResNet or Video Swin trunk."""
    key_map = dict(_FIXED)
    for index in range(len(model.encoder.layers)):
        theirs, our = f"transformer.encoder.layers.{index}.", f"encoder.layers.{index}."
        key_map |= {theirs + a: our + b for a, b in _ENCODER_LAYER.items()}
    for index in range(len(model.decoder.layers)):
        theirs, our = f"transformer.decoder.layers.{index}.", f"decoder.layers.{index}."
        key_map |= {theirs + a: our + b for a, b in _DECODER_LAYER.items()}
    for index in range(len(model.pixel_decoder.stages)):
        stage, number = f"pixel_decoder.stages.{index}.", index + 1  # res2 is their number 1
        for theirs, our in (("adapter", "lateral"), ("layer", "output")):
            key_map[f"pixel_decoder.{theirs}_{number}.norm."] = f"{stage}{our}_norm."
            key_map[f"pixel_decoder.{theirs}_{number}."] = f"{stage}{our}."
        theirs = f"pixel_decoder.cross_attn_{number}."
        key_map |= {theirs + a: f"{stage}block.{b}" for a, b in _FPN_BLOCK.items()}
    if isinstance(model.trunk, VideoSwin):
        return key_map | video_swin_keys(model.trunk, theirs=_TRUNK, merge=_MERGE, ours="trunk.")
    return key_map | _resnet_keys(model)


def _resnet_keys(model: RFVNG) -> dict[str, str]:
    """Torchvision's names of a ResNet to those of transformers."""
    try:
        stages = model.trunk.backbone.encoder.stages  # type: ignore[attr-defined]
    except AttributeError as error:
        raise ValueError(
            f"{SOURCE} weights: expected a network with a Video Swin trunk or a ResNet trunk of "
            f"transformers, found {type(model.trunk).__name__}"
        ) from error
    embedder = f"{_OUR_TRUNK}embedder.embedder."
    keys = {
        f"{_TRUNK}conv1.": f"{embedder}convolution.",
        f"{_TRUNK}bn1.": f"{embedder}normalization.",
    }
    for s, stage in enumerate(stages):
        for b in range(len(stage.layers)):
            theirs = f"{_TRUNK}layer{s + 1}.{b}."
            our = f"{_OUR_TRUNK}encoder.stages.{s}.layers.{b}."
            for index in range(3):
                keys[f"{theirs}conv{index + 1}."] = f"{our}layer.{index}.convolution."
                keys[f"{theirs}bn{index + 1}."] = f"{our}layer.{index}.normalization."
            keys[f"{theirs}downsample.0."] = f"{our}shortcut.convolution."
            keys[f"{theirs}downsample.1."] = f"{our}shortcut.normalization."
    return keys


def _check_alias(key: str, tensor: Tensor, state: Mapping[str, Tensor]) -> None:
    name = _ALIASED + key.removeprefix(_ALIAS)
    if name not in state:
        raise ValueError(f"{SOURCE} weights: missing key {name!r}, of which {key!r} is a copy")
    if not tensor.equal(state[name]):
        raise ValueError(f"{SOURCE} weights: expected {key!r} to be equal to {name!r}")
