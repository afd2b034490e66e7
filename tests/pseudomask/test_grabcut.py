"""Masks by colour from points, a trace and an earlier mask."""

import cv2
import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.images import read_image
from pointvos.core.masks import read_index_png
from pointvos.core.points import Points
from pointvos.pseudomask.backend import Prompt
from pointvos.pseudomask.grabcut import GrabCut
from tests.pseudomask.two_disks import HEIGHT, WIDTH, overlap, two_disks


def on(*xy: tuple[int, int]) -> Points:
    return Points.from_pixels(xy, [1] * len(xy))


def off(*xy: tuple[int, int]) -> Points:
    return Points.from_pixels(xy, [0] * len(xy))


CROSS = [(40, 48), (28, 48), (52, 48), (40, 36), (40, 60)]


def test_several_points_find_their_disk_and_not_the_other() -> None:
    image, left, right = two_disks()

    (result,) = GrabCut().masks(image, [Prompt(points=on(*CROSS))])

    assert overlap(result.mask, left) > 0.95
    assert not (result.mask & right).any()
    assert result.mask.dtype == bool
    assert 0.9 < result.score <= 1


def test_objects_come_in_order_and_do_not_disturb_each_other() -> None:
    image, left, right = two_disks()
    second = on((110, 48), (104, 48), (116, 48), (110, 42), (110, 54))
    prompts = [Prompt(points=on(*CROSS)), Prompt(points=second)]

    results = GrabCut().masks(image, prompts)

    assert overlap(results[0].mask, left) > 0.95
    assert overlap(results[1].mask, right) > 0.95
    (alone,) = GrabCut().masks(image, prompts[1:])
    np.testing.assert_array_equal(alone.mask, results[1].mask)
    assert GrabCut().masks(image, []) == []


def test_a_trace_finds_its_disk() -> None:
    image, left, _ = two_disks()
    path = np.array([[26, 48], [40, 34], [54, 48], [40, 62], [30, 50]], np.float32)

    (result,) = GrabCut().masks(image, [Prompt(trace=path)])

    assert overlap(result.mask, left) > 0.9


def test_an_earlier_mask_is_corrected_by_a_point() -> None:
    image, left, _ = two_disks()
    earlier = np.zeros_like(left)
    earlier[30:66, 20:44] = True  # three quarters of the disk, and some green

    (result,) = GrabCut().masks(image, [Prompt(previous=earlier, points=on((56, 48)))])

    assert overlap(earlier, left) < 0.6
    assert overlap(result.mask, left) > 0.9


def test_points_keep_their_side_wherever_they_are() -> None:
    image, _, _ = two_disks()
    rng = np.random.default_rng(1)
    for _ in range(10):
        places = rng.permutation(HEIGHT * WIDTH)[:12]
        x, y = places % WIDTH, places // WIDTH
        labels = np.array([1] * 6 + [0] * 6)
        prompt = Prompt(points=Points.from_pixels(np.stack([x, y], 1), labels))

        (result,) = GrabCut(side=48).masks(image, [prompt])

        assert (result.mask[y, x] == labels).all()


def test_neighbours_of_different_labels_keep_their_side() -> None:
    image, _, _ = two_disks()
    both = Points.concatenate([on((40, 48)), off((41, 48), (40, 49), (39, 48))])

    for side in (480, 48):  # at 48 they share a pixel
        (result,) = GrabCut(side=side).masks(image, [Prompt(points=both)])

        assert result.mask[48, 40]
        assert not result.mask[48, [39, 41]].any()
        assert not result.mask[49, 40]


def test_a_point_between_others_is_not_lost_in_scaling() -> None:
    # One pixel of the small image, whose corner fades when it is scaled up.
    image, _, _ = two_disks()
    around = off((42, 48), (36, 48), (39, 51), (39, 45))
    prompt = Prompt(points=Points.concatenate([on((39, 48)), around]))

    (result,) = GrabCut(side=48).masks(image, [prompt])

    assert result.mask[48, 39]


def test_shared_background_holds_for_every_object() -> None:
    image, _, _ = two_disks()
    prompts = [Prompt(points=on(*CROSS)), Prompt(points=on((40, 48)))]

    results = GrabCut().masks(image, prompts, background=off((50, 50)))

    assert [bool(r.mask[50, 50]) for r in results] == [False, False]


def test_the_same_prompt_gives_the_same_mask_whatever_ran_before() -> None:
    # Blocks of random colours, for which the colour models depend on OpenCV's generator.
    colours = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    image = colours.repeat(6, axis=0).repeat(6, axis=1)
    prompt = Prompt(points=on((40, 48), (60, 50), (50, 30)))
    (first,) = GrabCut().masks(image, [prompt])
    cv2.setRNGSeed(99)
    GrabCut().masks(image[::-1], [prompt, Prompt(points=on((3, 3)))])

    (again,) = GrabCut().masks(image, [prompt])

    np.testing.assert_array_equal(first.mask, again.mask)
    assert first.score == again.score


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (1, 40), (700, 20)])
def test_odd_sizes_and_a_single_colour(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 90, np.uint8)

    (result,) = GrabCut(side=64).masks(image, [Prompt(points=on((0, 0)))])

    assert result.mask.shape == shape
    assert result.mask[0, 0]
    assert 0 <= result.score <= 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"side": 8}, "side: expected at least 32, found 8"),
        ({"iterations": 0}, "iterations: expected at least 1, found 0"),
    ],
)
def test_settings_that_cannot_be_meant(change: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        GrabCut(**change)


def test_prompts_are_checked() -> None:
    with pytest.raises(InputError, match="found nothing to go by"):
        GrabCut().masks(two_disks()[0], [Prompt()])


@pytest.mark.data
@pytest.mark.parametrize(("sequence", "least"), [("blackswan", 0.6), ("parkour", 0.7)])
def test_a_real_frame_from_ten_points(data_dir, sequence: str, least: float) -> None:
    images = data_dir / "davis16" / "JPEGImages" / "480p" / sequence
    annotations = data_dir / "davis16" / "Annotations" / "480p" / sequence
    image = read_image(images / "00000.jpg")
    truth = read_index_png(annotations / "00000.png") == 1
    y, x = np.nonzero(truth)
    chosen = np.random.default_rng(0).permutation(len(x))[:10]
    points = Points.from_pixels(np.stack([x, y], 1)[chosen], np.ones(10))

    (result,) = GrabCut().masks(image, [Prompt(points=points)])

    assert result.mask[y[chosen], x[chosen]].all()
    assert overlap(result.mask, truth) > least
