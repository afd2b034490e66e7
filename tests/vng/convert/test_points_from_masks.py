"""Points drawn from the masks of a VNG set: whose they are and on which frames."""

from pathlib import Path

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.formats.point_vos import PointVosRecord, parse_record, record_to_json
from pointvos.simulation.point_sets import PointSampling
from tests.vng.tiny_set import BALL, DOG, truth, write_set
from vng.convert.points_from_masks import records_from_masks
from vng.data.expressions import ActorNarrative, Expression, NarratedVideo
from vng.data.vng_set import VngSet

RULE = PointSampling(points=4, background_points=3, min_distance=2)


class Narrated:
    """A set of one video with masks by hand."""

    sparse = True

    def __init__(self, masks: dict[int, list[np.ndarray | None]]) -> None:
        frames = tuple(f"{t:05d}" for t in range(len(next(iter(masks.values())))))
        told = (ActorNarrative(0, "", "thing"),)
        self.video = NarratedVideo(
            "clip", frames, told, tuple(Expression(0, 0, 5, obj_id) for obj_id in masks)
        )
        self.videos = {"clip": self.video}
        self._masks = masks

    def __iter__(self):
        for number, one in enumerate(self.video.expressions):
            yield self.video, number, one

    def masks(self, video: NarratedVideo, object_id: int) -> list[StoredMask | None]:
        return [
            None if mask is None else StoredMask.from_mask(object_id, frame, mask)
            for frame, mask in zip(video.frames, self._masks[object_id], strict=True)
        ]


def drawn(masks, rule=RULE, **more) -> list[PointVosRecord]:
    narrated = Narrated(masks)
    return records_from_masks(narrated, narrated.video, rule, **more)


def filled(*columns: int) -> np.ndarray:
    mask = np.zeros((20, 30), bool)
    mask[:, list(columns)] = True
    return mask


def test_points_lie_on_their_objects_and_beside_all(tmp_path: Path):
    folder = write_set(tmp_path / "set")
    opened = VngSet.open(folder, original_masks=folder / "original.json")
    records = records_from_masks(opened, opened.videos["clip"], RULE)
    assert [(one.key, one.object_name, one.object_id) for one in records] == [
        (f"clip/{DOG}", "dog", DOG),
        (f"clip/{BALL}", "ball", BALL),
    ]
    for record, frames in zip(records, ["0123", "023"], strict=True):
        # The ball is unknown on frame 1, where a point beside the dog might lie on it.
        assert record.frame_ids == [f"0000{frame}" for frame in frames]
        assert parse_record(record.key, record_to_json(record), source="x") == record
        for frame in record.frame_ids:
            points = record.points(frame)
            own, *others = (truth(one)[int(frame)] for one in (record.object_id, DOG, BALL))
            x, y = points.foreground.pixels().T
            assert len(x) == (4 if own.any() else 0)
            assert own[y, x].all()
            x, y = points.background.pixels().T
            assert len(x) == 3
            assert not any(mask[y, x].any() for mask in others if mask is not None)


def test_frames_are_chosen_among_those_that_show_an_object():
    nothing = filled()
    shown = [nothing, filled(3), nothing, filled(4), None, filled(5), filled(6), nothing]
    (record,) = drawn({1: shown}, frames=3)
    assert record.frame_ids == ["00001", "00005", "00006"]  # every third of 1, 3, 5 and 6
    (record,) = drawn({1: shown})
    assert record.frame_ids == ["00001", "00003", "00005", "00006"]
    (record,) = drawn({1: shown}, frames=2, choice="random")
    assert len(record.frame_ids) == 2
    assert drawn({1: [nothing, None]}) == []


def test_objects_may_overlap():
    part, whole = drawn({1: [filled(2, 3)], 2: [filled(1, 2, 3, 4)]})
    for record, columns in ((part, {2, 3}), (whole, {1, 2, 3, 4})):
        assert {int(x) for x in record.points("00000").foreground.pixels()[:, 0]} <= columns
        assert len(record.points("00000").foreground) == 4
    x = whole.points("00000").background.pixels()[:, 0]
    assert not {1, 2, 3, 4} & set(x.tolist())


def test_equal_seeds_draw_equal_points_and_the_rule_counts():
    masks = {1: [filled(2, 3, 9)]}
    assert drawn(masks) == drawn(masks)
    assert drawn(masks) != drawn(masks, PointSampling(points=4, min_distance=2, seed=1))
    far = PointSampling(points=2, background_points=0, sampling="farthest", min_distance=2)
    (record,) = drawn(masks, far)
    assert len(record.annotated_points) == 2


@pytest.mark.parametrize(
    ("masks", "more", "message"),
    [
        ({1: [filled(1)]}, {"frames": 0}, "frames: expected at least 1, found 0"),
        ({0: [filled(1)]}, {}, "clip: expected obj_id > 0, found 0"),
        (
            {1: [filled(1)], 2: [np.ones((5, 6), bool)]},
            {},
            "clip: expected masks of one size on frame 00000, found 6x5 and 30x20",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(masks, more, message):
    with pytest.raises(InputError, match=message):
        drawn(masks, **more)
