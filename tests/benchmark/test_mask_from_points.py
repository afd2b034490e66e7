"""The protocol of masks from points, around backends whose masks are known."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pointvos.benchmark.click_rounds import (
    CLICK_LIMIT,
    ClickRules,
    click_alone,
    click_together,
    clicks_until,
)
from pointvos.benchmark.mask_from_points import (
    ALONE,
    TOGETHER,
    PromptProtocol,
    draw_prompts,
    evaluate_backends,
    evaluate_image,
)
from pointvos.benchmark.mask_reports import summary_record, tables
from pointvos.benchmark.named_backends import NamedBackend, open_backends
from pointvos.benchmark.prompt_images import LabelledImage, first_and_middle, spread_over
from pointvos.benchmark.prompt_sheet import EACH, chosen_objects, prompt_sheet
from pointvos.benchmark.stored_scores import PartialResults
from pointvos.core.errors import InputError
from pointvos.core.masks import VOID
from pointvos.core.points import PointLabel
from pointvos.formats.davis import read_davis
from pointvos.pseudomask.backend import MaskResult, checked_prompts
from tests.benchmark.coloured_squares import GREEN_COMES_LATE, RED, RED_AND_BLUE, write_scene
from tests.tiny_datasets import HEIGHT, WIDTH, square_mask

QUICK = PromptProtocol(point_counts=(1, 2), draws=2)


class Oracle:
    """Knows the true masks: gives the object under the first point, or under the trace's middle."""

    def __init__(self, truth: dict[bytes, np.ndarray] | np.ndarray) -> None:
        self.truth = truth
        self.prompts: list[Any] = []
        self.backgrounds: list[Any] = []

    def masks(self, image, prompts, *, background=None):
        checked = checked_prompts(image, prompts, background)
        self.prompts.append(prompts)
        self.backgrounds.append(background)
        index = self.truth[image.tobytes()] if isinstance(self.truth, dict) else self.truth
        return [MaskResult(self._mask(index, one), 1.0) for one in checked]

    def _mask(self, index, prompt):
        if prompt.trace is not None:
            pixels = np.floor(prompt.trace).astype(int)
            ids = index[pixels[:, 1], pixels[:, 0]]
            return index == np.bincount(ids[(ids > 0) & (ids < VOID)]).argmax()
        x, y = np.floor(prompt.positive[0]).astype(int)
        return index == index[y, x]


class Nothing:
    """Finds nothing."""

    def masks(self, image, prompts, *, background=None):
        checked_prompts(image, prompts, background)
        return [MaskResult(np.zeros(image.shape[:2], bool), 0.0) for _ in prompts]


class Squares:
    """Gives the pixels within a distance of a point, less those of the background points."""

    def __init__(self, reach: int) -> None:
        self.reach = reach
        self.previous: list[Any] = []

    def masks(self, image, prompts, *, background=None):
        height, width = image.shape[:2]
        y, x = np.mgrid[:height, :width]
        results = []
        for one, prompt in zip(checked_prompts(image, prompts, background), prompts, strict=True):
            self.previous.append(prompt.previous)
            mask = np.zeros((height, width), bool)
            for px, py in np.floor(one.positive).astype(int).tolist():
                mask |= (abs(x - px) <= self.reach) & (abs(y - py) <= self.reach)
            for px, py in np.floor(one.negative).astype(int).tolist():
                mask &= ~((abs(x - px) <= self.reach) & (abs(y - py) <= self.reach))
            results.append(MaskResult(mask, 0.5))
        return results


def labelled(index: np.ndarray, name: str = "image") -> LabelledImage:
    return LabelledImage(name, np.repeat(index[..., None] * 20, 3, axis=2).astype(np.uint8), index)


TWO = square_mask({1: (2, 5, 21), 4: (35, 20, 11)})


def means(record: dict[str, Any], mode: str = ALONE) -> dict[str, list[float]]:
    return {
        setting: [iou for row in record["objects"] for iou, _ in row[mode][setting]]
        for setting in record["objects"][0][mode]
    }


def test_the_truth_scores_one_and_takes_one_click() -> None:
    image = labelled(TWO)
    record = evaluate_image(Oracle(TWO), image, PromptProtocol(together=True))
    assert [row["object_id"] for row in record["objects"]] == [1, 4]
    for mode in (ALONE, TOGETHER):
        assert means(record, mode) == {
            setting: [1.0] * 6
            for setting in ("1", "2", "5", "10", "1+1", "2+2", "5+5", "10+10", "trace")
        }
    assert [row["clicks"] for row in record["objects"]] == [[1.0], [1.0]]
    assert record["clicks_together"] == [[1.0, 1.0]]
    # Nine settings, three draws, each of two objects and both; a click on each, and on both.
    assert record["calls"] == 9 * 3 * 3 + 2 + 1


def test_nothing_scores_zero_and_takes_all_clicks() -> None:
    record = evaluate_image(Nothing(), labelled(TWO), QUICK)
    assert {iou for ious in means(record).values() for iou in ious} == {0.0}
    assert [row["clicks"] for row in record["objects"]] == [[0.0] * CLICK_LIMIT] * 2
    summary = summary_record([NamedBackend("nothing", Nothing())], [[record]], [], QUICK)
    clicks = summary["methods"]["nothing"]["groups"]["all objects"]["clicks"]
    assert clicks == {
        "0.85": {"mean": float(CLICK_LIMIT), "failed": 1.0},
        "0.90": {"mean": float(CLICK_LIMIT), "failed": 1.0},
    }


def test_points_are_nested_apart_and_on_their_side() -> None:
    index = np.zeros((200, 300), np.uint8)
    index[20:150, 30:200] = 3
    index[:, 250:] = VOID
    image, protocol = labelled(index), PromptProtocol()
    drawn = draw_prompts(image, protocol, 0)
    ten = drawn.prompt("10", 3).points
    assert ten is not None
    pixels = ten.pixels()
    assert len(ten) == 10
    assert (ten.labels == PointLabel.FOREGROUND).all()
    assert (index[pixels[:, 1], pixels[:, 0]] == 3).all()
    distance = np.linalg.norm(pixels[:, None] - pixels[None], axis=2)
    assert distance[~np.eye(10, dtype=bool)].min() >= 20
    for count in (1, 2, 5):
        fewer = drawn.prompt(f"{count}", 3).points
        assert fewer is not None
        np.testing.assert_array_equal(fewer.xy, ten.xy[:count])
    off = drawn.shared("5+5")
    assert off is not None
    assert len(off) == 5
    assert (off.labels == PointLabel.BACKGROUND).all()
    assert (index[off.pixels()[:, 1], off.pixels()[:, 0]] == 0).all()
    assert drawn.shared("5") is None
    trace = drawn.prompt("trace", 3).trace
    assert trace is not None
    assert len(trace) >= 2


def test_a_draw_depends_on_the_seed_and_the_image_alone() -> None:
    index = np.ones((200, 300), np.uint8)

    def first(name: str, draw: int, seed: int = 0) -> list[float]:
        points = draw_prompts(labelled(index, name), PromptProtocol(seed=seed), draw).prompt("1", 1)
        assert points.points is not None
        return list(points.points.xy[0].tolist())

    assert first("a", 0) == first("a", 0)
    assert first("a", 1) == first("a", 0, seed=1)
    assert len({tuple(first(name, draw)) for name in "ab" for draw in range(3)}) == 6


def test_background_points_come_with_the_settings_that_say_so() -> None:
    oracle = Oracle(TWO)
    evaluate_image(oracle, labelled(TWO), PromptProtocol(point_counts=(2,), draws=1, clicks=None))
    counts = [None if one is None else len(one) for one in oracle.backgrounds]
    assert counts == [None, None, 2, 2, None, None]  # 2 points, 2+2, trace; each for two objects
    assert [len(one) for one in oracle.prompts] == [1] * 6


def test_void_is_not_scored() -> None:
    index = square_mask({1: (10, 10, 10)})
    index[10:20, 20:30] = VOID
    image = labelled(index)
    wide = np.zeros(index.shape, bool)
    wide[10:20, 10:30] = True
    assert image.iou(1, wide) == 1.0
    assert image.iou(1, ~wide) == 0.0
    half = np.zeros(index.shape, bool)
    half[10:20, 10:15] = True
    assert image.iou(1, half) == 0.5


def test_clicks_go_to_the_deepest_pixel_of_the_larger_error() -> None:
    # Two squares of 11, and a click gives 11x11 pixels around it.
    index = square_mask({1: (2, 5, 11)}) | square_mask({1: (40, 20, 11)})
    image, backend = labelled(index), Squares(reach=5)
    assert click_alone(backend, image, 1, ClickRules()) == [0.5, 1.0]
    assert backend.previous[0] is None
    assert int(backend.previous[1].sum()) == 121


def test_a_mask_that_is_too_large_gets_a_background_click() -> None:
    index = square_mask({1: (10, 10, 9)})
    image = labelled(index)

    class Large:
        """Twice too wide until a background point says so."""

        def masks(self, image, prompts, *, background=None):
            (one,) = checked_prompts(image, prompts, background)
            self.negative = np.floor(one.negative).astype(int).tolist()
            mask = np.zeros(image.shape[:2], bool)
            mask[10:19, 10 : 19 if self.negative else 28] = True
            return [MaskResult(mask, 1.0)]

    backend = Large()
    assert click_alone(backend, image, 1, ClickRules()) == [0.5, 1.0]
    assert backend.negative == [[23, 14]]  # the middle of what was taken wrongly


def test_the_last_mask_is_kept_from_the_backend_where_asked() -> None:
    backend = Squares(reach=3)
    click_alone(backend, labelled(TWO), 1, ClickRules(limit=4, previous=False))
    assert backend.previous == [None] * 4


def test_clicks_on_all_objects_at_once() -> None:
    index = square_mask({1: (5, 5, 11), 2: (16, 5, 11), 3: (40, 30, 3)})

    class Greedy:
        """The first object takes the second one's pixels until that has two points."""

        def masks(self, image, prompts, *, background=None):
            checked = checked_prompts(image, prompts, background)
            masks = [index == 1, index == 2, index == 3]
            if len(checked[1].positive) < 2:
                masks = [index > 0, np.zeros_like(masks[0]), masks[2]]
            self.background = background
            return [MaskResult(mask, 1.0) for mask in masks]

    backend = Greedy()
    rounds = click_together(backend, labelled(index), ClickRules())
    # A click on each; then one on the second, the worst; and all are right.
    assert rounds == [[pytest.approx(121 / 251), 0.0, 1.0], [1.0, 1.0, 1.0]]
    assert len(backend.background) == 0


def test_clicks_together_end_at_the_limit() -> None:
    rounds = click_together(Nothing(), labelled(TWO), ClickRules(limit=3))
    assert len(rounds) == 1 + 2 * 3 - 2  # two objects have six clicks, of which two are the first


def test_clicks_until() -> None:
    assert clicks_until([0.2, 0.85, 0.8], 0.85, 20) == 2
    assert clicks_until([0.2, 0.85], 0.9, 20) is None
    assert clicks_until([0.2, 0.95], 0.9, 1) is None


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    videos = {"red": RED, "pair": RED_AND_BLUE, "late": GREEN_COMES_LATE}
    return write_scene(tmp_path / "davis", videos)


def oracle_of(images: Any) -> Oracle:
    read = [image.read() for image in images]
    return Oracle({one.rgb.tobytes(): one.index for one in read})


def test_the_first_and_the_middle_frame(davis: Path) -> None:
    images = first_and_middle(read_davis(davis, "val"))
    assert [image.name for image in images] == [
        *("red/00000", "red/00003", "pair/00000", "pair/00003", "late/00000", "late/00003")
    ]
    assert [image.read().object_ids for image in images[2:]] == [[1, 2], [1, 2], [1], [1, 5]]
    assert [image.name for image in spread_over(images, 3)] == [
        *("red/00000", "pair/00000", "late/00000")
    ]
    assert spread_over(images, 0) == spread_over(images, 99) == images


def test_a_run_goes_on_where_it_stopped(davis: Path, tmp_path: Path) -> None:
    images = first_and_middle(read_davis(davis, "val"))
    protocol = PromptProtocol(point_counts=(1,), draws=1, clicks=None)
    oracle = oracle_of(images)

    class Stops(Oracle):
        def masks(self, image, prompts, *, background=None):
            if len(self.prompts) >= 9:
                raise KeyboardInterrupt
            return super().masks(image, prompts, background=background)

    partial = PartialResults(tmp_path / "partial", {"a": 1})
    with pytest.raises(KeyboardInterrupt):
        evaluate_backends(images, protocol, [NamedBackend("x", Stops(oracle.truth))], partial)

    again = PartialResults(tmp_path / "partial", {"a": 1})
    records, skipped = evaluate_backends(images, protocol, [NamedBackend("x", oracle)], again)
    # Two images were finished: three settings of one object each. Nine objects are on all images.
    assert len(oracle.prompts) == 3 * (9 - 2)
    assert [record["image"] for record in records[0]] == [image.name for image in images]
    assert skipped == []
    with pytest.raises(InputError, match="a was 1 and is 2; delete the folder"):
        PartialResults(tmp_path / "partial", {"a": 2})


def test_images_that_cannot_be_read_are_left_out_up_to_a_bound(davis: Path, tmp_path: Path) -> None:
    images = first_and_middle(read_davis(davis, "val"))
    backends = [NamedBackend("x", oracle_of(images))]
    (davis / "JPEGImages" / "480p" / "red" / "00003.jpg").write_bytes(b"no image")
    protocol = PromptProtocol(point_counts=(1,), draws=1, clicks=None)
    partial = PartialResults(tmp_path / "partial", {})
    with pytest.raises(InputError, match=r"red/00003\.jpg"):
        evaluate_backends(images, protocol, backends, partial)
    records, skipped = evaluate_backends(images, protocol, backends, partial, max_skipped=1)
    assert len(records[0]) == 5
    assert [one.image for one in skipped] == ["red/00003"]
    assert "00003.jpg" in skipped[0].reason


def test_images_without_objects(tmp_path: Path) -> None:
    empty = np.zeros((HEIGHT, WIDTH), np.uint8)
    images = first_and_middle(read_davis(write_scene(tmp_path / "d", {"empty": [empty]}), "val"))
    with pytest.raises(InputError, match="expected images that show an object, found none among 1"):
        evaluate_backends(images, QUICK, [NamedBackend("x", Nothing())], partial_in(tmp_path))


def partial_in(folder: Path) -> PartialResults:
    return PartialResults(folder / "partial", {})


def test_the_report_has_means_over_objects_and_small_ones_apart() -> None:
    index = np.zeros((100, 100), np.uint8)
    index[10:60, 10:60] = 1
    index[80:84, 80:84] = 2

    class Halves(Oracle):
        """Right for the large object; the upper half of the small one, and unsure of it."""

        def masks(self, image, prompts, *, background=None):
            results = super().masks(image, prompts, background=background)
            upper = np.arange(100)[:, None] < 82
            return [
                one if one.mask.sum() > 99 else MaskResult(one.mask & upper, 0.2) for one in results
            ]

    backends = [NamedBackend("halves", Halves(index)), NamedBackend("nothing", Nothing())]
    image = labelled(index)
    records = []
    for one in backends:
        record = evaluate_image(one.backend, image, QUICK)
        records.append([record])
    summary = summary_record(backends, records, [], QUICK)
    groups = summary["methods"]["halves"]["groups"]
    assert {name: group["objects"] for name, group in groups.items()} == {
        "all objects": 2,
        "under 1 % of the image": 1,
        "from 1 % of the image": 1,
    }
    assert groups["all objects"][ALONE]["1"] == {"mean": 75.0, "std": 0.0, "draws": [75.0, 75.0]}
    assert groups["under 1 % of the image"][ALONE]["trace"]["mean"] == 50.0
    assert groups["all objects"]["score_rank_correlation"]["2"] == pytest.approx(1.0)
    assert summary["methods"]["nothing"]["groups"]["all objects"]["score_rank_correlation"] == {
        setting: None for setting in QUICK.settings
    }
    assert groups["all objects"]["clicks"]["0.85"] == {"mean": 10.5, "failed": 0.5}
    text = "\n".join(tables(summary, QUICK, markdown=True))
    assert "| method  |    1 point |   2 points |" in text
    assert "| halves  | 75.0 ± 0.0 | 75.0 ± 0.0 |" in text
    assert "under 1 % of the image (1), each by itself" in text
    assert "| halves  |          10.50 |           50 % |" in text


def test_the_picture_shows_the_worst_first(davis: Path) -> None:
    images = first_and_middle(read_davis(davis, "val"))
    oracle = oracle_of(images)
    protocol = PromptProtocol(point_counts=(1, 2), draws=1, clicks=None)
    backend = NamedBackend("x", oracle)
    records, _ = evaluate_backends(images, protocol, [backend], partial_in(davis))
    for n, record in enumerate(records[0]):
        for row in record["objects"]:
            row[ALONE]["1"] = [[n / 10 + row["object_id"] / 100, 1.0]]
    chosen = [
        (record["image"], row["object_id"]) for record, row in chosen_objects(records[0], protocol)
    ]
    assert len(chosen) == 3 * EACH
    assert chosen[0] == ("red/00000", 1)
    assert chosen[-1] == ("late/00003", 5)
    one_row = prompt_sheet(images, records[0][:1], backend, protocol)
    sheet = prompt_sheet(images, records[0], backend, protocol)
    assert sheet.shape == (9 * one_row.shape[0], one_row.shape[1], 3)
    np.testing.assert_array_equal(sheet[: one_row.shape[0]], one_row)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"point_counts": ()}, r"point_counts: expected ascending numbers >= 1, found \(\)"),
        ({"point_counts": (2, 1)}, r"point_counts: .* found \(2, 1\)"),
        ({"draws": 0}, "draws and seed: expected draws >= 1 and seed >= 0, found 0 and 0"),
        ({"clicks": ClickRules(limit=0)}, "clicks: expected at least 1, found 0"),
    ],
)
def test_protocols_that_cannot_be_meant(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        PromptProtocol(**change)


def test_backends_by_name() -> None:
    grabcut, stcn = open_backends(["grabcut", "stcn-lite"])
    assert (grabcut.name, grabcut.weights_sha256) == ("grabcut", "")
    assert len(stcn.weights_sha256) == 64
    with pytest.raises(InputError, match="backends: expected names, each once, found none"):
        open_backends([])
    with pytest.raises(InputError, match="each once, found grabcut, grabcut"):
        open_backends(["grabcut", "grabcut"])
