"""Objects given by points start from masks made of them."""

import json
from pathlib import Path

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.points import PointLabel, Points
from pointvos.inference.models import TrainedModel
from pointvos.pseudomask.backend import MaskResult
from pointvos.pseudomask.grabcut import GrabCut
from pointvos.pseudomask.joined_models import DEFAULT_MODEL, JoinedModel, joined_parts, open_model
from pointvos.pseudomask.start_from_masks import StartFromMasks
from tests.benchmark.coloured_squares import COLOURS, RED_AND_BLUE
from tests.tiny_datasets import HEIGHT, WIDTH

FRAME = np.stack([np.vectorize(lambda i, c=c: COLOURS[i][c])(RED_AND_BLUE[0]) for c in range(3)], 2)
FRAME = FRAME.astype(np.uint8)
ON_RED, ON_BLUE = Points.from_pixels([(7, 8)], [1]), Points.from_pixels([(43, 33)], [1])


class Notes:
    """A tracker that keeps what it is given."""

    def __init__(self) -> None:
        self.given: list[dict] = []

    def step(self, frame, new_objects=None):
        self.given.append(dict(new_objects or {}))
        return np.zeros(frame.shape[:2], np.uint8)


class Boxes:
    """A backend with fixed answers; it keeps the prompts."""

    def __init__(self, *results: tuple[slice, float]) -> None:
        self.results = results
        self.prompts: list = []

    def masks(self, image, prompts, *, background=None):
        self.prompts.append(list(prompts))
        found = []
        for (columns, score), _ in zip(self.results, prompts, strict=False):
            mask = np.zeros(image.shape[:2], bool)
            mask[:, columns] = True
            found.append(MaskResult(mask, score))
        return found


def test_the_tracker_gets_the_masks_of_the_backend():
    notes = Notes()
    tracker = StartFromMasks(GrabCut(), notes)
    tracker.step(FRAME, {1: ON_RED, 2: ON_BLUE})
    tracker.step(FRAME)
    given, later = notes.given
    assert later == {}
    for object_id in (1, 2):
        truth = RED_AND_BLUE[0] == object_id
        overlap = (given[object_id] & truth).sum() / (given[object_id] | truth).sum()
        assert overlap > 0.7


def test_objects_of_a_frame_are_asked_for_at_once_and_do_not_overlap():
    backend, notes = Boxes((slice(0, 30), 0.6), (slice(20, 60), 0.9)), Notes()
    both = Points.from_pixels([(7, 8), (60, 2)], [1, 0])
    StartFromMasks(backend, notes).step(FRAME, {3: both, 7: ON_BLUE})
    (prompts,) = backend.prompts
    assert [len(prompt.points) for prompt in prompts] == [2, 1]  # those beside it count as well
    first, second = notes.given[0][3], notes.given[0][7]
    assert not (first & second).any()
    assert first[:, :20].all()
    assert second[:, 20:60].all()  # the surer mask is in front


def test_given_masks_stay_and_an_object_that_is_not_found_starts_from_its_points():
    backend, notes = Boxes((slice(0, 0), 0.0)), Notes()
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[2:5, 2:5] = True
    StartFromMasks(backend, notes).step(FRAME, {1: mask, 2: ON_BLUE})
    assert len(backend.prompts[0]) == 1
    assert notes.given[0][1] is mask
    assert notes.given[0][2] is ON_BLUE


def test_what_nobody_is_sure_of_is_not_used():
    backend, notes = Boxes((slice(0, 30), 0.6)), Notes()
    labels = [PointLabel.FOREGROUND, PointLabel.AMBIGUOUS]
    StartFromMasks(backend, notes).step(FRAME, {1: Points.from_pixels([(7, 8), (9, 9)], labels)})
    assert len(backend.prompts[0][0].points) == 1


def test_frames_without_points_do_not_reach_the_backend():
    backend, notes = Boxes((slice(0, 30), 0.6)), Notes()
    start = StartFromMasks(backend, notes)
    start.step(FRAME)
    start.step(FRAME, {1: np.ones((HEIGHT, WIDTH), bool)})
    assert backend.prompts == []
    assert [list(given) for given in notes.given] == [[], [1]]


def test_a_model_behind_a_backend_by_name():
    model = open_model("grabcut+random:stcn_lite")
    assert isinstance(model, JoinedModel)
    assert isinstance(open_model("random:stcn_lite"), TrainedModel)
    assert model.name == "grabcut+random:stcn_lite"
    assert model.used_settings() == open_model("random:stcn_lite").used_settings()
    json.dumps(model.used_settings())
    segmentation = model.propagator().step(FRAME, {1: ON_RED, 2: ON_BLUE})
    found = segmentation.index_mask()
    for object_id in (1, 2):  # a mask is the result on its frame, and GrabCut's are good here
        truth = RED_AND_BLUE[0] == object_id
        assert ((found == object_id) & truth).sum() / truth.sum() > 0.7


def test_the_default_model_is_packaged():
    model = open_model(DEFAULT_MODEL)
    assert isinstance(model, JoinedModel)
    assert model.model.architecture == "stcn_lite"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("grabcat+stcn-lite", r"did you mean grabcut"),
        ("grabcut+stcn-light", r"grabcut\+stcn-light: model: expected stcn-lite, .*'stcn-light'"),
        ("+stcn-lite", r"backend: expected .* found ''"),
    ],
)
def test_unknown_parts_of_a_model_are_named(name, message):
    with pytest.raises(InputError, match=message):
        open_model(name)


def test_a_plus_sign_in_the_path_of_a_file_joins_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("noun+sentence") / "w+1.safetensors"
    path.parent.mkdir()
    path.touch()
    assert joined_parts(str(path)) == [str(path)]
    assert joined_parts(f"{path}+interactive-lite+{path}") == [
        str(path),
        "interactive-lite",
        str(path),
    ]
    missing = "nowhere/w.safetensors"
    assert joined_parts(f"{missing}+grabcut+stcn") == [missing, "grabcut", "stcn"]
