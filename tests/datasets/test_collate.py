"""Clips of different numbers of objects and points become one batch."""

import numpy as np
import pytest
import torch

from pointvos.datasets.collate import NO_POINT, collate_clips
from pointvos.datasets.samples import UNKNOWN, Clip

SIZE = 8


def clip(slots: list[bool], points: list[list[int]], *, color: int = 0) -> Clip:
    """A clip whose object o covers row o; `slots` says which objects are initialised."""
    index = np.zeros((3, SIZE, SIZE), np.uint8)
    reference = np.zeros((len(slots), SIZE, SIZE), bool)
    for o, initialised in enumerate(slots):
        index[:, o] = o + 1
        reference[o, o] = initialised
    return Clip(
        video_name="v",
        rgb=np.full((3, SIZE, SIZE, 3), color, np.uint8),
        index=index,
        points=[
            (np.full((len(classes), 2), t + 0.5, np.float32), np.array(classes, np.int64))
            for t, classes in enumerate(points)
        ],
        reference=reference,
    )


def test_shapes_dtypes_and_ranges() -> None:
    batch = collate_clips(
        [clip([True], [[1], [], [0]], color=255), clip([True, True], [[1, 2, 0], [0], []])]
    )
    assert batch.frames_BTCHW.shape == (2, 3, 3, SIZE, SIZE)
    assert batch.frames_BTCHW.dtype == torch.float32
    assert batch.frames_BTCHW[0].eq(1).all()
    assert batch.frames_BTCHW[1].eq(0).all()
    assert batch.reference_BOHW.shape == (2, 2, SIZE, SIZE)
    assert batch.reference_BOHW.dtype == torch.float32
    assert batch.index_BTHW.shape == (2, 3, SIZE, SIZE)
    assert batch.index_BTHW.dtype == torch.int64
    assert batch.xy_BTP2.shape == (2, 3, 3, 2)
    assert batch.xy_BTP2.dtype == torch.float32
    assert batch.classes_BTP.dtype == torch.int64
    assert batch.present_BO.tolist() == [[True, False], [True, True]]


def test_channels_come_first() -> None:
    one = clip([True], [[], [], []])
    one.rgb[0, 2, 5] = (10, 20, 30)
    pixel = collate_clips([one]).frames_BTCHW[0, 0, :, 2, 5]
    assert (pixel * 255).tolist() == pytest.approx([10, 20, 30])


def test_points_are_padded() -> None:
    batch = collate_clips([clip([True, True], [[1, 2, 0], [0], []])])
    assert batch.classes_BTP[0].tolist() == [
        [1, 2, 0],
        [0, NO_POINT, NO_POINT],
        [NO_POINT] * 3,
    ]
    assert batch.xy_BTP2[0, 1].tolist() == [[1.5, 1.5], [0, 0], [0, 0]]


def test_no_loss_where_an_object_is_that_nothing_initialises() -> None:
    batch = collate_clips([clip([False, True], [[1, 2, 0], [1], [2]])])
    assert batch.present_BO.tolist() == [[False, True]]
    assert batch.index_BTHW[0, :, 0].unique().tolist() == [UNKNOWN]
    assert batch.index_BTHW[0, :, 1].unique().tolist() == [2]
    assert batch.index_BTHW[0, :, 2:].unique().tolist() == [0]
    assert batch.classes_BTP[0].tolist() == [
        [NO_POINT, 2, 0],
        [NO_POINT, NO_POINT, NO_POINT],
        [2, NO_POINT, NO_POINT],
    ]


def test_the_clips_are_left_as_they_were() -> None:
    one = clip([False, True], [[1], [1], [1]])
    collate_clips([one])
    assert set(np.unique(one.index)) == {0, 1, 2}
    assert one.points[0][1].tolist() == [1]


def test_a_batch_without_any_point() -> None:
    batch = collate_clips([clip([True], [[], [], []])])
    assert batch.xy_BTP2.shape == (1, 3, 0, 2)
    assert batch.classes_BTP.shape == (1, 3, 0)


def test_moving_to_a_device_keeps_every_field() -> None:
    batch = collate_clips([clip([True], [[1], [1], [1]])])
    moved = batch.to("meta")
    assert {tensor.device.type for tensor in vars(moved).values()} == {"meta"}
    assert moved.frames_BTCHW.shape == batch.frames_BTCHW.shape
