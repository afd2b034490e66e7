"""The interactive segmenter as a backend: what reaches the network, and what comes back."""

from typing import Any

import numpy as np
import pytest
import torch

from pointvos.core.errors import InputError
from pointvos.core.points import Points
from pointvos.core.weights import write_weights
from pointvos.nn.interactive.builders import interactive_lite
from pointvos.nn.interactive.mask_head import ABSENT_LOGIT
from pointvos.nn.interactive.prompts import BACKGROUND
from pointvos.nn.interactive.segmenter import Segmentation
from pointvos.pseudomask import interactive_weights
from pointvos.pseudomask.backend import Prompt
from pointvos.pseudomask.interactive import InteractiveBackend, network_size
from pointvos.pseudomask.interactive_prompts import MASK_LOGIT
from pointvos.pseudomask.interactive_weights import load_interactive

HEIGHT, WIDTH = 60, 90  # inside 64x96, so that nothing is a whole number of pixels


class Features:
    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size


class Recorder:
    """Object o has the o-th of as many upright strips as there are objects, K logits 4 or -4."""

    pixel_mean = torch.zeros(3, 1, 1)

    def __init__(self) -> None:
        self.encoded: list[torch.Tensor] = []
        self.asked: list[dict[str, Any]] = []

    def encode(self, frames_BCHW):
        self.encoded.append(frames_BCHW)
        return Features(tuple(frames_BCHW.shape[2:]))

    def segment(
        self, features, clicks, traces=None, *, objects, previous_BKHW=None, auxiliary=True
    ):
        self.asked.append({"clicks": clicks, "traces": traces, "previous": previous_BKHW})
        height, width = (side // 4 for side in features.size)
        logits = torch.full((1, objects + 1, height, width), -4.0)
        for slot in range(objects):
            left, right = width * slot // (objects + 1), width * (slot + 1) // (objects + 1)
            logits[:, slot + 1, :, left:right] = 4
        logits[:, 0] = -logits[:, 1:].amax(dim=1)
        return Segmentation(logits, ())

    def clicked(self, call: int = -1) -> list[tuple[float, float, int]]:
        clicks = self.asked[call]["clicks"]
        assert clicks.valid_BN.all()
        assert clicks.order_BN.tolist() == [list(range(clicks.valid_BN.shape[1]))]
        return [
            (*xy, slot)
            for xy, slot in zip(
                clicks.xy_BN2[0].tolist(), clicks.object_BN[0].tolist(), strict=True
            )
        ]


RIGHT = np.repeat(np.arange(WIDTH)[None] >= 75, HEIGHT, 0)


def image(value: int = 0) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), value, np.uint8)


def prompt(*listed: tuple[int, int, int], **more: Any) -> Prompt:
    return Prompt(
        points=Points.from_pixels([p[:2] for p in listed], [p[2] for p in listed]), **more
    )


def backend(network: Any, **more: Any) -> InteractiveBackend:
    plain = {"resolution": 64, "scales": (1.0,), "edge_radius": None}
    return InteractiveBackend(network, **{**plain, **more})


def test_positions_move_with_the_image() -> None:
    network = Recorder()
    shared = Points.from_pixels([[89, 59]], [0])
    backend(network).masks(image(51), [prompt((44, 29, 1)), prompt((0, 0, 1))], background=shared)
    assert network.encoded[0].shape == (1, 3, 64, 96)
    torch.testing.assert_close(network.encoded[0], torch.full((1, 3, 64, 96), 0.2))
    ratio = 64 / 60
    expected = [
        *((44.5 * ratio, 29.5 * ratio, 0), (0.5 * ratio, 0.5 * ratio, 1)),
        (89.5 * ratio, 59.5 * ratio, BACKGROUND),
    ]
    np.testing.assert_allclose(network.clicked(), expected, rtol=1e-6)
    assert network.asked[0]["traces"].valid_BTP.shape == (1, 0, 1)
    assert network.asked[0]["previous"] is None


def test_masks_are_of_the_size_of_the_image_and_where_the_network_says() -> None:
    network = Recorder()
    first, second = backend(network).masks(image(), [prompt((5, 5, 1)), prompt((40, 5, 1))])
    assert first.mask.shape == (HEIGHT, WIDTH)
    assert first.mask.dtype == bool
    np.testing.assert_array_equal(first.mask, np.repeat(np.arange(WIDTH)[None] < 30, HEIGHT, 0))
    assert not (first.mask & second.mask).any()
    assert abs(int(second.mask[0].sum()) - 30) <= 1
    # A third has logits of 4 against -4 and -4; the rest the other way round.
    sure = np.exp(4) / (np.exp(4) + 2 * np.exp(-4))
    doubt = np.exp(-4) / (np.exp(4) + 2 * np.exp(-4))
    assert first.score == pytest.approx(sure / (1 + 2 * doubt), rel=1e-3)


def test_points_end_on_their_side() -> None:
    (one,) = backend(Recorder()).masks(image(), [prompt((80, 3, 1), (2, 7, 0))])
    assert one.mask[3, 80]
    assert not one.mask[7, 2]
    assert one.mask.sum() == HEIGHT * WIDTH // 2


class TwoParts(Recorder):
    """The only object has the outer thirds of the image."""

    def segment(
        self, features, clicks, traces=None, *, objects, previous_BKHW=None, auxiliary=True
    ):
        height, width = (side // 4 for side in features.size)
        logits = torch.full((1, 2, height, width), 4.0)
        logits[:, 0, :, : width // 3] = logits[:, 0, :, 2 * width // 3 :] = -4
        logits[:, 1] = -logits[:, 0]
        return Segmentation(logits, ())


@pytest.mark.parametrize(
    ("given", "thirds"),
    [
        (prompt((5, 30, 1)), [True, False, False]),
        (prompt((5, 30, 1), (80, 30, 1)), [True, False, True]),
        (prompt((31, 30, 1)), [True, False, False]),  # next to it
        (prompt((45, 30, 1)), [True, False, True]),  # neither is preferred
        (Prompt(trace=np.array([[70, 30], [85, 20]], np.float32)), [False, False, True]),
        (prompt((5, 30, 1), previous=RIGHT), [True, False, True]),
        (Prompt(previous=RIGHT), [False, False, True]),
    ],
)
def test_parts_that_nothing_was_said_of_are_dropped(given: Prompt, thirds: list[bool]) -> None:
    (result,) = backend(TwoParts()).masks(image(), [given])
    assert [bool(result.mask[10, x]) for x in (10, 40, 80)] == thirds
    assert result.score > 0.99  # of the part that is left
    (whole,) = backend(TwoParts(), connected=False).masks(image(), [given])
    assert [bool(whole.mask[10, x]) for x in (10, 40, 80)] == [True, False, True]


def test_a_trace_becomes_the_pixels_that_it_passes() -> None:
    network = Recorder()
    path = np.array([[3.2, 30.2], [3.2, 33.2]], np.float32) / np.float32(64 / 60)
    backend(network).masks(image(), [prompt((5, 5, 1)), Prompt(trace=path)])
    traces = network.asked[0]["traces"]
    assert traces.object_BT.tolist() == [[1]]
    assert traces.valid_BTP.all()
    assert traces.xy_BTP2[0, 0].tolist() == [[3.5, y + 0.5] for y in range(30, 34)]
    assert traces.order_BT.tolist() == [[1.0]]  # after the click


def test_an_earlier_mask_becomes_logits() -> None:
    network = Recorder()
    left = np.repeat(np.arange(WIDTH)[None] < 45, HEIGHT, 0)
    backend(network).masks(image(), [prompt((5, 5, 1), previous=left), prompt((70, 5, 1))])
    previous = network.asked[0]["previous"]
    assert previous.shape == (1, 3, 16, 24)
    np.testing.assert_allclose(previous[0, 1, :, :12], MASK_LOGIT)
    np.testing.assert_allclose(previous[0, 1, :, 12:], -MASK_LOGIT)
    np.testing.assert_allclose(previous[0, 0], -previous[0, 1])
    np.testing.assert_allclose(previous[0, 2], ABSENT_LOGIT)  # it has none


def test_an_earlier_mask_alone_is_clicked_on_where_it_is_deepest() -> None:
    network = Recorder()
    square = np.zeros((HEIGHT, WIDTH), bool)
    square[10:21, 30:41] = True
    backend(network).masks(image(), [Prompt(previous=square)])
    np.testing.assert_allclose(network.clicked(), [(35.5 * 96 / 90, 15.5 * 64 / 60, 0)], rtol=1e-6)


def test_the_image_is_encoded_once() -> None:
    network = Recorder()
    one = backend(network, scales=(0.5, 1.0))
    picture = image(7)
    one.masks(picture, [prompt((5, 5, 1))])
    one.masks(picture.copy(), [prompt((5, 5, 1), (70, 5, 1))])
    assert [tuple(frame.shape[2:]) for frame in network.encoded] == [(32, 64), (64, 96)]
    picture[:] = 9  # the caller's buffer, refilled
    one.masks(picture, [prompt((5, 5, 1))])
    assert len(network.encoded) == 4
    assert one.masks(picture, []) == []
    assert len(network.encoded) == 4


def test_a_finer_copy_starts_from_the_coarser_ones_masks() -> None:
    network = Recorder()
    backend(network, scales=(0.5, 1.0)).masks(image(), [prompt((45, 30, 1))])
    coarse, fine = network.asked
    assert coarse["previous"] is None
    assert fine["previous"].shape == (1, 2, 8, 16)
    assert network.clicked(0)[0][:2] == pytest.approx((45.5 * 64 / 90, 30.5 * 32 / 60))
    assert network.clicked(1)[0][:2] == pytest.approx((45.5 * 96 / 90, 30.5 * 64 / 60))


def test_an_earlier_mask_takes_the_place_of_coarse_copies() -> None:
    network = Recorder()
    one = backend(network, scales=(0.5, 1.0))
    one.masks(image(), [prompt((5, 5, 1), previous=RIGHT), prompt((45, 5, 1))])
    assert len(network.asked) == 2  # the second object has none
    one.masks(image(), [prompt((5, 5, 1), previous=RIGHT)])
    assert len(network.asked) == 3
    assert network.asked[2]["previous"].shape == (1, 2, 16, 24)
    assert network.clicked()[0][:2] == pytest.approx((5.5 * 96 / 90, 5.5 * 64 / 60))


def test_a_point_off_one_object_is_no_background_where_it_lies_on_another() -> None:
    """The second strip belongs to the second object: the first one's point there is dropped."""
    network = Recorder()
    prompts = [prompt((5, 5, 1), (45, 9, 0), (80, 9, 0), (20, 9, 0)), prompt((40, 5, 1))]
    first, second = backend(network).masks(image(), prompts)
    assert len(network.asked) == 2
    assert [slot for *_, slot in network.clicked(0)] == [0, 1]
    background = [(round(x * 90 / 96 - 0.5), round(y * 60 / 64 - 0.5))
                  for x, y, slot in network.clicked(1) if slot == BACKGROUND]  # fmt: skip
    assert background == [(80, 9), (20, 9)]  # where nothing is, and on its own object
    assert second.mask[9, 45]
    assert not first.mask[9, 20]


def test_a_point_off_one_object_on_a_point_of_another_says_nothing_more() -> None:
    network = Recorder()
    backend(network).masks(image(), [prompt((5, 5, 1), (40, 5, 0)), prompt((40, 5, 1))])
    assert len(network.asked) == 1
    assert [slot for *_, slot in network.clicked()] == [0, 1]


def test_a_point_off_all_objects_is_background_at_once() -> None:
    network = Recorder()
    prompts = [prompt((5, 5, 1), (40, 9, 0)), prompt((70, 5, 1), (40, 9, 0))]
    backend(network).masks(image(), prompts)
    assert len(network.asked) == 1
    assert [slot for *_, slot in network.clicked()] == [0, 1, BACKGROUND]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((480, 854), (448, 800)),
        ((854, 480), (800, 448)),
        ((10, 10), (448, 448)),
        ((100, 10_000), (448, 1792)),  # narrower inside: memory has an end
        ((1, 3), (448, 1344)),
    ],
)
def test_sizes_inside(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert network_size(*size, 448) == expected
    assert network_size(*size, 1)[0] == 32


def test_the_edge_filter_moves_a_border_to_an_edge() -> None:
    picture = image(40)
    picture[:, 51:] = 220
    plain, filtered = (
        backend(Recorder(), edge_radius=radius).masks(picture, [prompt((5, 5, 1))])[0].mask
        for radius in (None, 0.2)
    )
    assert int(plain[30].sum()) == 45
    assert abs(int(filtered[30].sum()) - 51) <= 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"resolution": 0}, "resolution: expected at least 1, found 0"),
        ({"scales": (1.0, 0.5)}, r"scales: expected sizes that ascend .* found \[1.0, 0.5\]"),
        ({"edge_radius": 0.0}, "edge_radius: expected more than 0 or None, found 0.0"),
    ],
)
def test_settings_that_cannot_be_meant(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        InteractiveBackend(Recorder(), **change)  # type: ignore[arg-type]


def test_the_real_network_takes_everything_at_once() -> None:
    one = backend(load_interactive("random:interactive_lite"), scales=(0.5, 1.0), edge_radius=0.06)
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    earlier = np.zeros((HEIGHT, WIDTH), bool)
    earlier[40:50, 60:80] = True
    trace = np.array([[40, 20], [60, 25], [50, 40]], np.float32)
    prompts = [prompt((5, 5, 1), (80, 5, 0)), Prompt(trace=trace), Prompt(previous=earlier)]
    results = one.masks(noise, prompts, background=Points.from_pixels([[2, 55]], [0]))
    assert [result.mask.shape for result in results] == [(HEIGHT, WIDTH)] * 3
    assert all(0 <= result.score <= 1 for result in results)
    assert np.sum([result.mask for result in results], axis=0).max() == 1
    again = one.masks(noise, prompts, background=Points.from_pixels([[2, 55]], [0]))
    for before, after in zip(results, again, strict=True):
        np.testing.assert_array_equal(before.mask, after.mask)
        assert before.score == after.score


def test_weights_from_a_file(tmp_path) -> None:
    torch.manual_seed(3)
    network = interactive_lite()
    path = tmp_path / "mine.safetensors"
    write_weights(path, network.state_dict(), {"architecture": "interactive_lite"})
    loaded = load_interactive(str(path))
    assert not loaded.training
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, rtol=0, atol=0)


def test_weights_that_are_not_there(tmp_path, monkeypatch) -> None:
    with pytest.raises(FileNotFoundError, match=r"none; train them .*leave path empty for"):
        load_interactive(str(tmp_path / "no.safetensors"))
    monkeypatch.setitem(interactive_weights.PACKAGED, "interactive-lite", "gone.safetensors")
    with pytest.raises(FileNotFoundError, match="install pointvos with its weights, or train them"):
        load_interactive()
    with pytest.raises(InputError, match=r"path: expected interactive-lite or a \.safetensors"):
        load_interactive("interactive-heavy")


def test_weights_of_another_architecture(tmp_path) -> None:
    path = tmp_path / "stcn.safetensors"
    write_weights(path, {"a": torch.zeros(1)}, {"architecture": "stcn_lite"})
    with pytest.raises(InputError, match="interactive_full, interactive_lite, found 'stcn_lite'"):
        load_interactive(str(path))
    write_weights(path, {"a": torch.zeros(1)}, {"architecture": "interactive_lite"})
    with pytest.raises(InputError, match="the weights are of another model"):
        load_interactive(str(path))
    with pytest.raises(InputError, match="random:big: expected weights of interactive_full"):
        load_interactive("random:big")
    with pytest.raises(InputError, match="device: expected one that torch can use here"):
        load_interactive("random:interactive_lite", device="nowhere")
