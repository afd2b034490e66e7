"""Published weights of Video Swin Transformers: both layouts, every key used, misfits named."""

import pytest
import torch
from torch import Tensor

from tests.vng.nn.test_official_weights import official_state as official_grounding_state
from tests.vng.nn.test_video_swin import grounding_network, tiny_trunk
from vng.nn.official_weights import load_official_referformer
from vng.nn.video_swin import VideoSwin
from vng.nn.video_swin_weights import load_kinetics_video_swin

DEPTHS = (2, 2, 1, 2)
OF_BLOCK = {
    "norm1.weight": "attention_norm.weight",
    "norm1.bias": "attention_norm.bias",
    "attn.relative_position_bias_table": "attention.bias_PK",
    "attn.qkv.weight": "attention.qkv.weight",
    "attn.qkv.bias": "attention.qkv.bias",
    "attn.proj.weight": "attention.project.weight",
    "attn.proj.bias": "attention.project.bias",
    "norm2.weight": "feed_forward_norm.weight",
    "norm2.bias": "feed_forward_norm.bias",
    "mlp.fc1.weight": "expand.weight",
    "mlp.fc1.bias": "expand.bias",
    "mlp.fc2.weight": "project.weight",
    "mlp.fc2.bias": "project.bias",
}


def published(trunk: VideoSwin, *, prefix: str, merge: str) -> dict[str, Tensor]:
    """The trunk's weights as the published code names them, written out by hand."""
    own = trunk.state_dict()
    state = {
        f"{prefix}patch_embed.proj.weight": own["patches.weight"][:, :, None],  # of one frame
        f"{prefix}patch_embed.proj.bias": own["patches.bias"],
        f"{prefix}patch_embed.norm.weight": own["patches_norm.weight"],
        f"{prefix}patch_embed.norm.bias": own["patches_norm.bias"],
    }
    for s, depth in enumerate(DEPTHS):
        for b in range(depth):
            block = f"{prefix}layers.{s}.blocks.{b}."
            state |= {block + a: own[f"stages.{s}.{b}.{our}"] for a, our in OF_BLOCK.items()}
            # The numbers of displacements in a window of 2 x 3 x 3.
            state[f"{block}attn.relative_position_index"] = torch.tensor(
                [
                    [25 * (t - u + 1) + 5 * (i - k + 2) + (j - m + 2) for u, k, m in places()]
                    for t, i, j in places()
                ]
            )
    for s in range(3):
        state[f"{prefix}{merge.format(s)}norm.weight"] = own[f"merges.{s}.norm.weight"]
        state[f"{prefix}{merge.format(s)}norm.bias"] = own[f"merges.{s}.norm.bias"]
        state[f"{prefix}{merge.format(s)}reduction.weight"] = own[f"merges.{s}.reduce.weight"]
    return {name: x.clone() for name, x in state.items()}


def places() -> list[tuple[int, int, int]]:
    return [(t, i, j) for t in range(2) for i in range(3) for j in range(3)]


def kinetics(trunk: VideoSwin) -> dict[str, Tensor]:
    """A classifier of videos with that trunk, whose patches span two frames."""
    state = published(trunk, prefix="backbone.", merge="layers.{}.downsample.")
    patches = state["backbone.patch_embed.proj.weight"]
    state["backbone.patch_embed.proj.weight"] = torch.cat([2 * patches, -patches], dim=2)
    state |= {"backbone.norm.weight": torch.ones(32), "backbone.norm.bias": torch.zeros(32)}
    state |= {"cls_head.fc_cls.weight": torch.ones(5, 32), "cls_head.fc_cls.bias": torch.ones(5)}
    return state


def test_a_kinetics_classifier_fills_the_trunk() -> None:
    source, target = tiny_trunk(seed=1), tiny_trunk(seed=2)
    load_kinetics_video_swin(target, kinetics(source))
    for name, x in source.state_dict().items():
        assert target.state_dict()[name].equal(x), name


def test_patches_of_one_frame_are_taken_as_they_are() -> None:
    source, target = tiny_trunk(seed=1), tiny_trunk(seed=2)
    load_kinetics_video_swin(
        target, published(source, prefix="backbone.", merge="layers.{}.downsample.")
    )
    assert target.patches.weight.equal(source.patches.weight)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone.extra": torch.zeros(3)}, r"unknown key 'backbone.extra', found \[3\]"),
        ({"backbone.layers.2.blocks.1.norm1.bias": torch.zeros(3)}, "unknown key 'backbone.layers"),
        (
            {"backbone.layers.1.blocks.1.attn.qkv.bias": None},
            r"missing key 'backbone.layers.1.blocks.1.attn.qkv.bias' of shape \[24\]",
        ),
        (
            {"backbone.layers.0.downsample.reduction.weight": torch.zeros(2, 2)},
            r"'backbone.layers.0.downsample.reduction.weight' expected shape \[8, 16\]",
        ),
        ({"backbone.patch_embed.proj.weight": torch.zeros(4)}, r"expected shape \[4, 3, 4, 4\]"),
        (
            {"backbone.layers.0.blocks.0.attn.relative_position_index": torch.zeros(18, 18)},
            r"expected 'backbone.layers.0.blocks.0.attn.relative_position_index' to number the "
            r"displacements of windows of 18 tokens, found other numbers of shape \[18, 18\]",
        ),
    ],
)
def test_misfits_are_named(change: dict[str, Tensor | None], message: str) -> None:
    state = {**kinetics(tiny_trunk(seed=1)), **change}
    fitting = {key: tensor for key, tensor in state.items() if tensor is not None}
    with pytest.raises(ValueError, match=f"^Kinetics Video Swin weights: .*{message}"):
        load_kinetics_video_swin(tiny_trunk(), fitting)


def test_a_checkpoint_of_referformer_fills_the_network() -> None:
    network, trunk = grounding_network(tiny_trunk(seed=1)), tiny_trunk(seed=2)
    state = {
        name: x
        for name, x in official_grounding_state(network).items()
        if not name.startswith("backbone.")
    }
    state |= published(trunk, prefix="backbone.0.body.", merge="downsamples.{}.")
    text_encoder = load_official_referformer(network, state)
    assert set(text_encoder) == {"pooler.dense.bias"}
    for name, x in trunk.state_dict().items():
        assert network.state_dict()[f"trunk.{name}"].equal(x), name
    assert network.text.project.weight.equal(state["resizer.fc.weight"])

    state["backbone.0.body.layers.3.blocks.1.attn.relative_position_index"] += 1
    with pytest.raises(ValueError, match=r"^official ReferFormer weights: expected 'backbone.0"):
        load_official_referformer(network, state)
    del state["backbone.0.body.layers.3.blocks.1.attn.relative_position_index"]
    del state["backbone.0.body.downsamples.2.norm.bias"]
    with pytest.raises(ValueError, match=r"missing key 'backbone.0.body.downsamples.2.norm.bias'"):
        load_official_referformer(network, state)
