"""Finding on some frames, sharpening, carrying: with the packaged segmenter and memory network."""

import json
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.inference.models import load_model
from pointvos.pseudomask.builders import backend_by_name, build_backend
from vng.inference import hybrid as hybrid_module
from vng.inference.anchors import Candidate
from vng.inference.grounding import Frame, FrameGrounding, Memory, check_question
from vng.inference.hybrid import Hybrid, HybridSettings
from vng.inference.methods import open_grounding
from vng.text.spans import Span

HEIGHT, WIDTH = 96, 160
TEXT = "a red box, a blue box and a green leaf"
SPANS = [(2, 9), (13, 21), (28, 38)]
COLOURS = {"red": (210, 40, 40), "blue": (40, 60, 210), "green": (20, 220, 20)}


def truth(colour: str, t: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    if colour == "red":
        mask[12:44, 10 + 3 * t : 50 + 3 * t] = True
    if colour == "blue":
        mask[52:88, 90 - 2 * t : 126 - 2 * t] = True
    return mask


def video(count: int = 12) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    ground = rng.integers(110, 146, (HEIGHT, WIDTH, 3))
    frames = []
    for t in range(count):
        rgb = ground.copy()
        for colour in ("red", "blue"):
            rgb[truth(colour, t)] = COLOURS[colour]
        frames.append(np.clip(rgb + rng.integers(-8, 9, rgb.shape), 0, 255).astype(np.uint8))
    return frames


class RoughFinder:
    """Finds colours, but only their left three quarters; counts the frames it sees."""

    def __init__(self) -> None:
        self.name = self.identity = "rough"
        self.seen: list[int] = []

    def check(self, text: str, spans: Sequence[Span]) -> None:
        check_question(text, spans)

    def ground(
        self,
        frames: Iterable[Frame],
        text: str,
        spans: Sequence[Span],
        *,
        memory: Memory | None = None,
    ) -> Iterator[FrameGrounding]:
        first = 0 if memory is None else memory["seen"]
        for t, frame in enumerate(frames, first):
            self.seen.append(t)
            masks = []
            for start, end in spans:
                colour = np.array(COLOURS[text[start:end].split()[0]])
                mask = np.abs(frame.astype(int) - colour).max(axis=-1) < 20
                columns = np.flatnonzero(mask.any(axis=0))
                if len(columns):
                    mask[:, columns[len(columns) * 3 // 4] :] = False
                masks.append(mask)
            masks_NHW = np.stack(masks)
            scores = np.where(masks_NHW.any(axis=(1, 2)), 0.8 - 0.01 * t, 0.05)
            yield FrameGrounding(masks_NHW, scores.astype(np.float32), {"seen": t + 1})


def hybrid(finder: RoughFinder, **settings) -> Hybrid:
    return Hybrid(
        name="test",
        finder=finder,
        backend=build_backend(backend_by_name("interactive-lite")),
        model=load_model("stcn-lite-masks"),
        settings=HybridSettings(**{"reach": 0.4, **settings}),  # a quarter is missing
    )


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


def test_sharp_masks_on_all_frames_from_rough_ones_on_some() -> None:
    finder = RoughFinder()
    found = list(hybrid(finder, look_every=4).ground(iter(video()), TEXT, SPANS))
    assert finder.seen == [0, 1, 2]  # frames 0, 4 and 8
    assert len(found) == 12
    for t, one in enumerate(found):
        assert one.masks.shape == (3, HEIGHT, WIDTH)
        assert iou(one.masks[0], truth("red", t)) > 0.85
        assert iou(one.masks[1], truth("blue", t)) > 0.85
        assert not one.masks[2].any()
    assert found[0].scores == pytest.approx([0.8, 0.8, 0.05])
    assert found[2].scores == pytest.approx([0.795, 0.795, 0.05])  # between two frames
    assert found[11].scores == pytest.approx([0.78, 0.78, 0.05])
    assert [one.memory is not None for one in found] == [False] * 11 + [True]


def test_where_a_noun_moves_far_every_frame_is_looked_at() -> None:
    """The red box jumps between frames 4 and 8."""
    frames = video(13)
    frames = [*frames[:6], *(np.roll(frame, 70, axis=1) for frame in frames[6:])]
    finder = RoughFinder()
    found = list(hybrid(finder, look_every=4).ground(iter(frames), TEXT[:9], SPANS[:1]))
    assert len(finder.seen) == 4 + 3  # 0, 4, 8, 12; then 5, 6, 7
    for t, one in enumerate(found):
        true = truth("red", t) if t < 6 else np.roll(truth("red", t), 70, axis=1)
        assert iou(one.masks[0], true) > 0.7, t
    finder = RoughFinder()
    list(hybrid(finder, look_every=4, least_overlap=0).ground(iter(frames), TEXT[:9], SPANS[:1]))
    assert len(finder.seen) == 4


def test_behind_the_last_look_too() -> None:
    frames = video(7)
    frames = [*frames[:4], *(np.roll(frame, 70, axis=1) for frame in frames[4:])]
    finder = RoughFinder()
    found = list(hybrid(finder, look_every=4).ground(iter(frames), TEXT[:9], SPANS[:1]))
    assert len(finder.seen) == len(found) == 7
    assert [one.memory is not None for one in found] == [False] * 6 + [True]
    assert found[-1].memory == {"finder": {"seen": 7}}


def test_two_of_three_decide_a_pixel() -> None:
    one, two, three = (np.array([[bits >> n & 1 for bits in range(8)]], bool) for n in range(3))
    decided = hybrid_module._majority(one, Candidate.of(two, three, 1.0))
    assert decided.tolist() == [[bin(bits).count("1") >= 2 for bits in range(8)]]


def test_the_backend_sees_each_frame_once() -> None:
    """It remembers the encoding of one frame, which is what takes its time."""
    method = hybrid(RoughFinder(), look_every=4)
    shown: list[int] = []
    of_backend = method.backend.masks

    def masks(image: np.ndarray, prompts: list, **options: object) -> list:
        shown.append(int(image.sum()))
        return of_backend(image, prompts, **options)

    method.backend.masks = masks
    frames = video(9)
    list(method.ground(frames, TEXT, SPANS))
    looked = [int(frame.sum()) for frame in frames[::4]]
    assert shown == [one for one in looked for _ in ("red", "blue")]


def test_it_goes_on_behind_a_stretch_as_if_it_had_never_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hybrid_module, "LONGEST", 4)
    monkeypatch.setattr(hybrid_module, "SHORTEST", 4)
    frames = video(9)
    whole = list(hybrid(RoughFinder(), look_every=2).ground(iter(frames), TEXT, SPANS))
    assert [t for t, one in enumerate(whole) if one.memory is not None] == [3, 7, 8]
    memory = json.loads(json.dumps(whole[3].memory))
    rest = hybrid(RoughFinder(), look_every=2).ground(frames[4:], TEXT, SPANS, memory=memory)
    for one, other in zip(rest, whole[4:], strict=True):
        assert np.array_equal(one.masks, other.masks)
        assert np.array_equal(one.scores, other.scores)


def test_two_words_for_one_thing_both_get_it() -> None:
    text = "a red box, that red thing"
    found = list(hybrid(RoughFinder()).ground(video(6), text, [(2, 9), (16, 25)]))
    for t, one in enumerate(found):
        assert iou(one.masks[0], truth("red", t)) > 0.85
        assert np.array_equal(one.masks[0], one.masks[1])


def test_below_the_least_score_nothing_is_carried() -> None:
    found = list(hybrid(RoughFinder(), least_score=0.9).ground(video(3), TEXT, SPANS))
    assert not any(one.masks.any() for one in found)


def test_one_frame() -> None:
    (one,) = hybrid(RoughFinder()).ground(video(1), TEXT, SPANS)
    assert iou(one.masks[0], truth("red", 0)) > 0.85


def test_misuse() -> None:
    with pytest.raises(InputError, match="expected the memory of a hybrid to go on from, found a"):
        list(hybrid(RoughFinder()).ground(video(1), TEXT, SPANS, memory={"a": 1}))
    with pytest.raises(InputError, match="look_every: expected at least 1, found 0"):
        HybridSettings(look_every=0)
    with pytest.raises(InputError, match=r"least_score: expected 0 \.\. 1, found 2"):
        HybridSettings(least_score=2)
    with pytest.raises(InputError, match=r"least_overlap: expected 0 \.\. 1, found -1"):
        HybridSettings(least_overlap=-1)
    with pytest.raises(InputError, match="reach: expected at least 0, found -1"):
        HybridSettings(reach=-1)
    with pytest.raises(InputError, match="joined by '\\+', found 2 parts"):
        open_grounding("random:rf_vng_lite+interactive-lite")


def test_by_name() -> None:
    """Untrained as a finder: its masks are meaningless, but every part runs."""
    method = open_grounding("random:rf_vng_lite+interactive-lite+stcn-lite-masks")
    assert isinstance(method, Hybrid)
    found = list(method.ground(video(3), TEXT, SPANS))
    assert [one.masks.shape for one in found] == [(3, HEIGHT, WIDTH)] * 3
    other = open_grounding("random:rf_vng_lite+interactive-lite+stcn-lite")
    assert method.identity != other.identity
