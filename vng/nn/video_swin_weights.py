"""Published weights of Video Swin Transformers, through explicit key maps, strictly.

The names are those of the modules in the published code (SwinTransformer/Video-Swin-Transformer,
and the copy of it in wjn922/ReferFormer); no file of weights was at hand.
"""

from collections.abc import Mapping

from torch import Tensor

from pointvos.nn.official_weights import load_strictly, rename_keys
from vng.nn.video_swin import VideoSwin

SOURCE = "Kinetics Video Swin"
KINETICS, KINETICS_MERGE = "backbone.", "layers.{}.downsample."
# ReferFormer has no norm behind the stages, and the classifier has no place here either.
_DROPPED = ("backbone.norm.", "cls_head.")
_PATCHES = "patch_embed.proj.weight"
_PLACES = ".relative_position_index"  # constants that are stored all the same

_BLOCK = {
    "norm1.": "attention_norm.",
    "attn.relative_position_bias_table": "attention.bias_PK",
    "attn.qkv.": "attention.qkv.",
    "attn.proj.": "attention.project.",
    "norm2.": "feed_forward_norm.",
    "mlp.fc1.": "expand.",
    "mlp.fc2.": "project.",
}


def load_kinetics_video_swin(trunk: VideoSwin, state: Mapping[str, Tensor]) -> None:
    """Start a trunk from a classifier of videos of Kinetics, as ReferFormer does.

    Args:
        trunk: of the same size.
        state: published names to tensors: the item "state_dict" of the file.

    Raises:
        ValueError: unknown or missing key, or wrong shape; names the key, expected and found.
    """
    state = adapted(trunk, state, prefix=KINETICS, source=SOURCE)
    key_map = video_swin_keys(trunk, theirs=KINETICS, merge=KINETICS_MERGE)
    renamed = rename_keys(state, key_map, dropped=_DROPPED, source=SOURCE)
    load_strictly(trunk, renamed, key_map, source=SOURCE)


def video_swin_keys(trunk: VideoSwin, *, theirs: str, merge: str, ours: str = "") -> dict[str, str]:
    """Published name prefix -> ours.

    Args:
        trunk: whose names they are.
        theirs: prefix of all names of the trunk in the published weights.
        merge: behind it, prefix of what merges patches, with the number of the stage left out.
        ours: prefix of all our names.
    """
    keys = {
        f"{theirs}patch_embed.proj.": f"{ours}patches.",
        f"{theirs}patch_embed.norm.": f"{ours}patches_norm.",
    }
    for s, blocks in enumerate(trunk.stages):
        for b in range(len(blocks)):  # type: ignore[arg-type]
            block = f"{theirs}layers.{s}.blocks.{b}."
            keys |= {block + a: f"{ours}stages.{s}.{b}.{our}" for a, our in _BLOCK.items()}
    for s in range(len(trunk.merges)):
        keys[f"{theirs}{merge.format(s)}norm."] = f"{ours}merges.{s}.norm."
        keys[f"{theirs}{merge.format(s)}reduction."] = f"{ours}merges.{s}.reduce."
    return keys


def adapted(
    trunk: VideoSwin, state: Mapping[str, Tensor], *, prefix: str, source: str
) -> dict[str, Tensor]:
    """Published weights with patches of one frame, and without the numbers of displacements.

    Published patches of two frames are summed over the two: that sees a still video the same way.
    Numbers of displacements are constants, and the same here.

    Args:
        trunk: that they are for.
        state: published names to tensors.
        prefix: of the names of the trunk's weights; others are not looked at.
        source: whose weights they are, for errors.

    Raises:
        ValueError: they number displacements otherwise, as with another window.
    """
    first = trunk.stages[0][0].attention.place_NN  # type: ignore[index]
    kept = dict(state)
    for key, tensor in state.items():
        if key == prefix + _PATCHES and tensor.ndim == 5:
            kept[key] = tensor.sum(dim=2)
        if key.startswith(prefix) and key.endswith(_PLACES):
            if not tensor.equal(first.to(tensor)):
                raise ValueError(
                    f"{source} weights: expected {key!r} to number the displacements of windows of "
                    f"{len(first)} tokens, found other numbers of shape {list(tensor.shape)}"
                )
            del kept[key]
    return kept
