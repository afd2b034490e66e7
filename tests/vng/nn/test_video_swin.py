"""Video Swin Transformer against its definition, one pair of tokens after another."""

from collections import defaultdict
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from pointvos.nn.efficientnet_lite import TrunkFeatures
from tests.vng.nn.tiny_rf_vng import TEXT_CHANNELS, tiny_inputs
from vng.nn.builders import BUILDERS, rf_vng_on
from vng.nn.clip_trunk import ClipTrunk
from vng.nn.rf_vng import RFVNG
from vng.nn.video_swin import VideoSwin
from vng.nn.video_windows import Extent, relative_places

Floats = NDArray[np.float64]
DEPTHS, HEADS, WINDOW = (2, 2, 1, 2), (1, 2, 2, 4), (2, 3, 3)


def tiny_trunk(*, window: Extent = WINDOW, drop_path: float = 0.0, seed: int = 0) -> VideoSwin:
    """Four channels, and weights that are large enough for everything to matter."""
    torch.manual_seed(seed)
    trunk = VideoSwin(channels=4, depths=DEPTHS, heads=HEADS, window=window, drop_path=drop_path)
    for parameter in trunk.parameters():
        nn.init.normal_(parameter, mean=float(parameter.ndim == 1), std=0.4)
    return trunk


def reference(trunk: VideoSwin, clip_T3HW: Tensor, window: Extent) -> list[Floats]:
    """Features [T, h, w, C] of the stages of one clip, from the definition of the network."""
    weights = {name: x.detach().double().numpy() for name, x in trunk.state_dict().items()}
    frames = clip_T3HW.double().numpy()
    rows, columns = (-(-side // 4) for side in frames.shape[-2:])
    padded = np.zeros((len(frames), 3, 4 * rows, 4 * columns))
    padded[:, :, : frames.shape[2], : frames.shape[3]] = frames
    x = np.zeros((len(frames), rows, columns, 4))
    for t, i, j in np.ndindex(x.shape[:3]):
        patch = padded[t, :, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4]
        x[t, i, j] = [(patch * kernel).sum() for kernel in weights["patches.weight"]]
    x = normed(x + weights["patches.bias"], weights, "patches_norm")
    features = []
    for stage, (depth, heads) in enumerate(zip(DEPTHS, HEADS, strict=True)):
        for index in range(depth):
            name = f"stages.{stage}.{index}"
            shifted = index % 2 == 1
            attended = attention(normed(x, weights, f"{name}.attention_norm"), weights, name,
                                 heads=heads, window=window, shifted=shifted)  # fmt: skip
            x = x + attended
            hidden = linear(
                normed(x, weights, f"{name}.feed_forward_norm"), weights, f"{name}.expand"
            )
            activated = F.gelu(torch.from_numpy(hidden)).numpy()
            x = x + linear(activated, weights, f"{name}.project")
        features.append(x)
        if stage < 3:
            x = merged(x, weights, f"merges.{stage}")
    return features


def attention(
    x: Floats, weights: dict[str, Floats], name: str, *, heads: int, window: Extent, shifted: bool
) -> Floats:
    """Every token reads the tokens of its window; the grid of windows may be shifted.

    No token is moved: a shifted grid just starts half a window before the clip. The clip is filled
    up with zeros to whole windows of the grid that is not shifted.
    """
    size = x.shape[:3]
    sides = [min(s, w) for s, w in zip(size, window, strict=True)]
    shift = [w // 2 if shifted and s > w else 0 for s, w in zip(size, window, strict=True)]
    full = [-(-s // w) * w for s, w in zip(size, sides, strict=True)]
    padded = np.zeros((*full, x.shape[3]))
    padded[: size[0], : size[1], : size[2]] = x
    q, k, v = np.split(linear(padded, weights, f"{name}.attention.qkv"), 3, axis=-1)
    table = weights[f"{name}.attention.bias_PK"].reshape(*(2 * w - 1 for w in window), heads)
    tokens_of_window = defaultdict(list)
    for token in product(*(range(side) for side in full)):
        moved = [p - s for p, s in zip(token, shift, strict=True)]
        number = tuple(m // w for m, w in zip(moved, sides, strict=True))
        place = tuple(m % w for m, w in zip(moved, sides, strict=True))
        # The published rule: the tokens of a smaller window count as the first of a full one.
        counted = int(np.ravel_multi_index(place, sides))
        tokens_of_window[number].append((token, np.unravel_index(counted, window)))
    out = np.zeros_like(padded)
    width = x.shape[3] // heads
    for tokens in tokens_of_window.values():
        for (token, place), head in product(tokens, range(heads)):
            of_head = slice(head * width, (head + 1) * width)
            logits = [
                q[token][of_head] @ k[other][of_head] / np.sqrt(width)
                + table[tuple(np.subtract(place, its_place) + np.array(window) - 1)][head]
                for other, its_place in tokens
            ]
            shares = np.exp(np.array(logits) - max(logits))
            shares /= shares.sum()
            out[token][of_head] = sum(
                share * v[other][of_head] for share, (other, _) in zip(shares, tokens, strict=True)
            )
    return linear(out, weights, f"{name}.attention.project")[: size[0], : size[1], : size[2]]


def merged(x: Floats, weights: dict[str, Floats], name: str) -> Floats:
    frames, rows, columns, channels = x.shape
    half = -(-rows // 2), -(-columns // 2)
    padded = np.zeros((frames, 2 * half[0], 2 * half[1], channels))
    padded[:, :rows, :columns] = x
    out = np.zeros((frames, *half, 4 * channels))
    for i, j in np.ndindex(half):
        corners = ((2 * i, 2 * j), (2 * i + 1, 2 * j), (2 * i, 2 * j + 1), (2 * i + 1, 2 * j + 1))
        out[:, i, j] = np.concatenate([padded[:, a, b] for a, b in corners], axis=-1)
    return normed(out, weights, f"{name}.norm") @ weights[f"{name}.reduce.weight"].T


def linear(x: Floats, weights: dict[str, Floats], name: str) -> Floats:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def normed(x: Floats, weights: dict[str, Floats], name: str) -> Floats:
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    out: Floats = scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]
    return out


@pytest.mark.parametrize(
    ("frames", "height", "width", "window"),
    [
        (1, 61, 80, (2, 3, 3)),  # one frame; sides that divide by nothing
        (2, 48, 50, (2, 3, 3)),  # as many as the window has
        (3, 47, 65, (2, 3, 3)),  # more, and shifted in time
        (3, 50, 50, (4, 2, 3)),  # fewer
        (5, 33, 30, (3, 4, 4)),  # less than a window from stride 8 on
    ],
)
@torch.no_grad()
def test_it_computes_what_the_paper_defines(
    frames: int, height: int, width: int, window: Extent
) -> None:
    trunk = tiny_trunk(window=window).eval()
    clips_BT3HW = torch.randn(2, frames, 3, height, width)
    found = trunk(clips_BT3HW)
    expected = reference(trunk, clips_BT3HW[1], window)
    for stride, of_stage, by_definition in zip((4, 8, 16, 32), found, expected, strict=True):
        size = (-(-height // stride), -(-width // stride))
        assert of_stage.shape == (2 * frames, stride, *size)  # as many channels as the stride
        expected_TCHW = torch.from_numpy(by_definition).permute(0, 3, 1, 2).float()
        scale = expected_TCHW.abs().max().item()
        torch.testing.assert_close(of_stage[frames:], expected_TCHW, rtol=0, atol=1e-5 * scale)


def test_displacements_are_numbered_by_their_definition() -> None:
    window = (2, 3, 4)
    place_NN = relative_places(window)
    tokens = list(product(range(2), range(3), range(4)))
    for (n, a), (m, b) in product(enumerate(tokens), enumerate(tokens)):
        frames, rows, columns = (x - y for x, y in zip(a, b, strict=True))
        assert place_NN[n, m] == ((frames + 1) * 5 + rows + 2) * 7 + columns + 3


@torch.no_grad()
def test_frames_of_a_clip_see_each_other_and_no_other_clip() -> None:
    trunk = tiny_trunk().eval()
    clips_BT3HW = torch.randn(2, 3, 3, 32, 48)
    before = trunk(clips_BT3HW).f32_BCHW
    clips_BT3HW[1, 2] += 1
    changed = (trunk(clips_BT3HW).f32_BCHW - before).abs().amax(dim=(1, 2, 3))
    assert (changed[:3] == 0).all()
    assert (changed[3:] > 1e-3).all()


@pytest.mark.parametrize("at_once", [1, 3])
@torch.no_grad()
def test_portions_of_windows_change_nothing(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    trunk = tiny_trunk().eval()
    clips_BT3HW = torch.randn(2, 3, 3, 45, 70)
    whole = trunk(clips_BT3HW)
    monkeypatch.setattr("vng.nn.video_swin.WINDOWS_AT_ONCE", at_once)
    monkeypatch.setattr("vng.nn.video_swin.FRAMES_AT_ONCE", at_once)
    for x, y in zip(whole, trunk(clips_BT3HW), strict=True):
        torch.testing.assert_close(x, y, rtol=0, atol=1e-4)


def gradients(trunk: VideoSwin, clips_BT3HW: Tensor, *, forget: bool) -> dict[str, Tensor]:
    trunk.zero_grad()
    torch.manual_seed(3)  # of what is skipped
    features = trunk(clips_BT3HW, forget=forget)
    sum((x.square().mean() for x in features), torch.zeros(())).backward()
    grads = {}
    for name, parameter in trunk.named_parameters():
        assert parameter.grad is not None, name
        grads[name] = parameter.grad.clone()
    return grads


def test_gradients_reach_everything_and_forgetting_does_not_change_them() -> None:
    trunk = tiny_trunk(drop_path=0.3).train()
    clips_BT3HW = torch.randn(2, 3, 3, 45, 70)
    kept = gradients(trunk, clips_BT3HW, forget=False)
    assert [name for name, grad in kept.items() if not grad.abs().max() > 1e-6] == []
    forgotten = gradients(trunk, clips_BT3HW, forget=True)
    for name, grad in kept.items():
        torch.testing.assert_close(forgotten[name], grad, msg=name)


@torch.no_grad()
def test_training_skips_halves_of_blocks_for_whole_clips() -> None:
    trunk = tiny_trunk(drop_path=0.9)
    blocks = [block for stage in trunk.stages for block in stage]  # type: ignore[attr-defined]
    assert [block.drop_path for block in blocks] == pytest.approx([0.9 * i / 6 for i in range(7)])
    last, x_BTHWC = blocks[-1], torch.randn(200, 1, 1, 1, 32)
    torch.manual_seed(0)
    moved = (last.train()(x_BTHWC) - x_BTHWC).abs().amax(dim=(1, 2, 3, 4))
    assert 0.7 < (moved == 0).float().mean() < 0.9  # both halves are skipped by 0.81 of the clips
    full = (last.eval()(x_BTHWC) - x_BTHWC).abs().amax(dim=(1, 2, 3, 4))
    assert (full > 0).all()
    assert moved.max() > 5 * full.mean()  # what is not skipped counts ten times
    kept = last.train()._or_nothing(torch.ones(20_000, 1, 1, 1, 1))
    assert kept.unique().tolist() == pytest.approx([0, 10])
    assert kept.mean() == pytest.approx(1, abs=0.1)


def test_the_tiny_one_has_the_published_size() -> None:
    network = BUILDERS["rf_vng_video_swin_tiny"]()
    assert isinstance(network.trunk, VideoSwin)
    assert isinstance(network.trunk, ClipTrunk)
    # 28.2 M with the classifier of 400 classes, the norm before it, and patches of two frames.
    extra = 768 * 400 + 400 + 2 * 768 + 96 * 3 * 4 * 4
    sizes = [x.numel() for x in network.trunk.parameters()]
    assert sum(sizes) == 27_844_326
    assert round((sum(sizes) + extra) / 1e6, 1) == 28.2
    assert network.trunk.channels == (96, 192, 384, 768)
    assert network.trunk.stages[2][5].shift == (4, 3, 3)  # type: ignore[index]


class FrameByFrame(nn.Module):
    """The same trunk for clips of one frame: it does not say that it reads clips."""

    def __init__(self, trunk: VideoSwin) -> None:
        super().__init__()
        self.inner = trunk

    def forward(self, frames_F3HW: Tensor) -> TrunkFeatures:
        features: TrunkFeatures = self.inner(frames_F3HW[:, None])
        return features


def grounding_network(trunk: nn.Module) -> RFVNG:
    torch.manual_seed(0)
    return rf_vng_on(
        trunk, trunk_channels=(4, 8, 16, 32), channels=32, layers=1, text_channels=TEXT_CHANNELS
    )


@torch.no_grad()
def test_a_network_on_it_grounds_clips() -> None:
    network = grounding_network(tiny_trunk()).eval()
    inputs = tiny_inputs(height=50, width=70)
    last = network(*inputs).last
    assert last.masks_BNTQHW.shape == (2, 2, 3, 5, 13, 18)
    assert last.masks_BNTQHW.isfinite().all()
    # Clips one by one and in a batch are the same.
    alone = network(*(x[:1] for x in inputs[:1]), inputs.words_BLD[:1, :4],
                    inputs.word_valid_BL[:1, :4], inputs.nouns_BND[:1]).last  # fmt: skip
    torch.testing.assert_close(alone.masks_BNTQHW, last.masks_BNTQHW[:1], rtol=1e-4, atol=1e-3)
    best = network.ground_best(network.encode(*inputs[:3]), inputs.nouns_BND)
    assert best.masks_BNTHW.shape == (2, 2, 3, 13, 18)


@torch.no_grad()
def test_clips_of_one_frame_are_frames() -> None:
    trunk = tiny_trunk()
    inputs = tiny_inputs(frames=1, height=50, width=70)
    sizes_B2 = torch.tensor([[50, 70], [40, 33]])
    of_clips = grounding_network(trunk).eval()(*inputs, sizes_B2).last
    of_frames = grounding_network(FrameByFrame(trunk)).eval()(*inputs, sizes_B2).last
    torch.testing.assert_close(of_clips, of_frames)


def test_a_network_on_it_trains_with_and_without_forgetting() -> None:
    network = grounding_network(tiny_trunk(drop_path=0.2))
    inputs = tiny_inputs(height=50, width=70)
    grads = []
    for forget in (False, True):
        network.zero_grad()
        network.checkpoint_gradients = forget
        torch.manual_seed(5)
        features = network.eval().encode(*inputs[:3])  # nothing is drawn at random behind the trunk
        features.mask_FCHW.square().mean().backward()
        grads.append({n: x.grad for n, x in network.trunk.named_parameters()})  # type: ignore[attr-defined]
    for name, grad in grads[0].items():
        assert grad is not None
        torch.testing.assert_close(grads[1][name], grad, msg=name)
