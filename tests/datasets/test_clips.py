"""The training set: what sample a number gives depends on the seed and the number alone."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.datasets.augment import AugmentSettings
from pointvos.datasets.clips import MAX_DRAWS, ClipDataset, ClipSettings
from pointvos.datasets.reference import ReferenceKind
from pointvos.datasets.samples import UNKNOWN, AnnotatedFrame, Clip, ClipReader
from tests.tiny_clips import ArrayReader, noise, point_video, square_frame, square_video

SMALL = AugmentSettings(crop=32)


def random_pixels(
    mask: NDArray[np.bool_], count: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    y, x = np.nonzero(mask)
    chosen = rng.permutation(len(x))[:count]
    return np.stack([x, y], axis=1)[chosen].astype(np.float32) + np.float32(0.5)


def settings(reference: ReferenceKind = "mask", **changes: object) -> ClipSettings:
    base = ClipSettings(reference=reference, video=SMALL, static=replace(SMALL, rotation=20))
    return replace(base, **changes)


def dataset(
    *readers: tuple[ClipReader, int],
    clips: ClipSettings | None = None,
    seed: int = 0,
    samples: int = 1000,
    radius: int = 0,
) -> ClipDataset:
    return ClipDataset(
        readers or [(ArrayReader([square_video(seed=i) for i in range(4)]), 1)],
        clips or settings(),
        samples=samples,
        seed=seed,
        point_radius=radius,
        draw_points=random_pixels,
    )


def assert_equal(one: Clip, other: Clip) -> None:
    assert one.video_name == other.video_name
    np.testing.assert_array_equal(one.rgb, other.rgb)
    np.testing.assert_array_equal(one.index, other.index)
    np.testing.assert_array_equal(one.reference, other.reference)
    for (xy, classes), (other_xy, other_classes) in zip(one.points, other.points, strict=True):
        np.testing.assert_array_equal(xy, other_xy)
        np.testing.assert_array_equal(classes, other_classes)


def test_a_sample_does_not_depend_on_what_was_drawn_before() -> None:
    clips = settings(paste=0.5)
    in_order = dataset(clips=clips)
    samples = [in_order[number] for number in range(12)]
    fresh = dataset(clips=clips)
    for number in (11, 3, 7, 0):
        assert_equal(fresh[number], samples[number])
        assert_equal(dataset(clips=clips)[number], samples[number])


def test_seed_and_number_change_the_sample() -> None:
    first = dataset(seed=1)
    assert (first[0].rgb != dataset(seed=2)[0].rgb).any()
    assert (first[0].rgb != first[4].rgb).any()


def test_a_pass_visits_every_video_as_often_as_the_mixture_says() -> None:
    davis = ArrayReader([square_video(seed=i) for i in range(3)], name="davis")
    youtube = ArrayReader([square_video(seed=i) for i in range(4)], name="youtube")
    mixed = dataset((davis, 5), (youtube, 1))
    one_pass = 5 * 3 + 4
    assert len(mixed.videos) == one_pass
    orders = []
    for epoch in range(3):
        names = [mixed[epoch * one_pass + place].video_name for place in range(one_pass)]
        assert Counter(names) == {
            **{f"davis/video{i}": 5 for i in range(3)},
            **{f"youtube/video{i}": 1 for i in range(4)},
        }
        orders.append(tuple(names))
    assert len(set(orders)) == 3


def test_the_length_is_that_of_the_run() -> None:
    short = dataset(samples=7)
    assert len(short) == 7
    with pytest.raises(IndexError, match=r"expected a sample 0 .. 6, found 7"):
        short[7]


def test_shapes_of_a_clip() -> None:
    clip = dataset()[0]
    assert clip.rgb.shape == (3, 32, 32, 3)
    assert clip.index.shape == (3, 32, 32)
    assert clip.reference.shape == (1, 32, 32)
    assert (clip.rgb.dtype, clip.index.dtype, clip.reference.dtype) == (np.uint8, np.uint8, bool)


def test_the_mask_is_the_reference_after_augmentation() -> None:
    clip = dataset()[3]
    np.testing.assert_array_equal(clip.reference[0], clip.index[0] == 1)


def test_drawn_points_lie_in_the_augmented_mask() -> None:
    data = dataset(clips=settings("drawn_points", reference_counts=(3,)))
    for number in range(8):
        clip = data[number]
        assert 1 <= clip.reference[0].sum() <= 3
        assert clip.index[0][clip.reference[0]].tolist() == [1] * int(clip.reference[0].sum())


def test_points_reference_needs_no_mask() -> None:
    data = dataset((ArrayReader([point_video()]), 1), clips=settings("points"))
    for number in range(20):
        clip = data[number]
        assert set(np.unique(clip.index)) == {UNKNOWN}
        drawn = {(int(x), int(y)) for y, x in np.argwhere(clip.reference.any(axis=0))}
        xy, classes = clip.points[0]
        assert drawn == {(int(x), int(y)) for (x, y), c in zip(xy, classes, strict=True) if c > 0}
        assert len(clip.reference) == len(set(classes[classes > 0]))


def test_both_objects_of_a_video_are_kept() -> None:
    data = dataset((ArrayReader([point_video()]), 1), clips=settings("points"))
    assert max(len(data[number].reference) for number in range(20)) == 2
    one = dataset((ArrayReader([point_video()]), 1), clips=settings("points", max_objects=1))
    assert {len(one[number].reference) for number in range(20)} == {1}


@pytest.mark.parametrize("reference", ["mask", "points"])
def test_distractors_come_as_objects_or_as_background(reference: ReferenceKind) -> None:
    videos = [
        square_video(seed=i) if reference == "mask" else point_video(seed=i) for i in range(4)
    ]
    data = dataset((ArrayReader(videos), 1), clips=settings(reference, paste=1.0))
    numbers = Counter(len(data[number].reference) for number in range(60))
    assert set(numbers) == {1, 2}
    for number in range(60):
        clip = data[number]
        assert clip.reference[0].any()
        slots = set(np.unique(clip.index)) - {0, UNKNOWN}
        slots |= {int(c) for _, classes in clip.points for c in classes} - {0}
        assert slots <= set(range(1, len(clip.reference) + 1))


def test_distractors_of_the_same_video() -> None:
    """Videos of one gray each: with twins alone a clip has the gray of its own video only."""

    def video(gray: int) -> list[AnnotatedFrame]:
        frame = square_frame(20, 10)
        return [AnnotatedFrame(np.full_like(frame.rgb, gray), frame.index, {})] * 3

    plain = replace(SMALL, clip_color=(0.0,) * 4, frame_color=(0.0,) * 4, rotation=0, shear=0)
    plain = replace(plain, crop_scale=(0.3, 0.9))
    reader = ArrayReader([video(gray) for gray in (40, 90, 140, 190)])
    grays = {}
    for twin in (None, 0.0, 1.0):
        data = dataset((reader, 1), clips=settings(paste=1.0, twin=twin, video=plain))
        grays[twin] = [len(np.unique(data[number].rgb)) for number in range(30)]
    assert set(grays[1.0]) == {1}
    assert max(grays[0.0]) == 2
    assert grays[None] == grays[0.0]


def test_a_crop_that_loses_the_object_is_drawn_again_but_not_for_ever() -> None:
    # Every frame is moved by up to a whole crop, so that most draws lose the object.
    clips = settings(video=replace(SMALL, frame_shift=1.0))
    data = dataset(clips=clips)
    assert all(data[number].reference.any() for number in range(5))
    hopeless = settings(video=replace(SMALL, frame_shift=1e6))
    message = rf"arrays/video\d: expected a crop that shows the object, found none in {MAX_DRAWS}"
    with pytest.raises(InputError, match=message):
        dataset(clips=hopeless)[0]


def test_a_video_that_cannot_give_a_clip_is_named() -> None:
    data = dataset((ArrayReader([square_video(2)], name="mine"), 1))
    with pytest.raises(InputError, match="mine/video0: expected at least 3 annotated frames"):
        data[0]


def test_no_video_at_all() -> None:
    with pytest.raises(InputError, match="training data: expected at least one video, found none"):
        dataset((ArrayReader([]), 1))


def test_static_images_take_their_own_augmentation() -> None:
    still = replace(SMALL, rotation=0, shear=0, frame_color=(0.0, 0.0, 0.0, 0.0))
    reader = ArrayReader([[square_frame(20, 10)]], static=True)
    moved = dataset((reader, 1), clips=settings(video=still))[0]
    assert (moved.rgb[0] != moved.rgb[1]).any()
    unmoved = dataset((reader, 1), clips=settings(static=still))[0]
    np.testing.assert_array_equal(unmoved.rgb[0], unmoved.rgb[1])


def test_an_object_seen_in_the_mask_but_without_a_point_is_no_reference() -> None:
    video = [
        AnnotatedFrame(noise(t), mask.index, points.points)
        for t, (mask, points) in enumerate(zip(square_video(), point_video(), strict=True))
    ]
    data = dataset((ArrayReader([video]), 1), clips=settings("points", paste=0.5))
    for number in range(30):
        assert data[number].reference.any(axis=(1, 2)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reference_counts": ()}, "reference_counts: expected numbers of points >= 1"),
        ({"reference_counts": (0, 1)}, "reference_counts"),
        ({"max_objects": 0}, "max_objects: expected at least 1, found 0"),
        ({"max_span": 1}, "max_span: expected at least 2 frames"),
        ({"paste": 1.2}, "paste: expected a probability, found 1.2"),
        ({"twin": -0.5}, "twin: expected a probability, found -0.5"),
    ],
)
def test_settings_that_cannot_be_meant(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        settings(**change)
