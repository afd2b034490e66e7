"""What prompts say, and what is refused."""

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.points import Points
from pointvos.pseudomask.backend import Prompt, checked_prompts

HEIGHT, WIDTH = 64, 96
IMAGE = np.zeros((HEIGHT, WIDTH, 3), np.uint8)


def points(*listed: tuple[int, int, int]) -> Points:
    return Points.from_pixels([p[:2] for p in listed], [p[2] for p in listed])


def trace(*xy: tuple[float, float]) -> np.ndarray:
    return np.array(xy, np.float32).reshape(-1, 2)


def mask(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    filled = np.zeros((height, width), bool)
    filled[5:9, 5:9] = True
    return filled


def test_points_are_sorted_by_label_and_shared_background_comes_last() -> None:
    given = Prompt(points=points((1, 2, 1), (3, 4, 0), (5, 6, 2)))

    (checked,) = checked_prompts(IMAGE, [given], points((7, 8, 0), (9, 10, 1)))

    assert checked.positive.tolist() == [[1.5, 2.5]]
    assert checked.negative.tolist() == [[3.5, 4.5], [7.5, 8.5], [9.5, 10.5]]
    assert checked.trace is None
    assert checked.previous is None


@pytest.mark.parametrize(
    "given",
    [
        Prompt(points=points((0, 0, 1))),
        Prompt(points=points((95, 63, 1), (0, 0, 0))),
        Prompt(trace=trace((0, 0), (95.9, 63.9))),
        Prompt(previous=mask()),
        Prompt(previous=mask(), points=points((6, 6, 0))),  # a correction
        Prompt(trace=trace((1, 1), (9, 9)), points=points((50, 50, 0))),
        Prompt(points=points((4, 4, 1), (4, 4, 2))),  # an ambiguous point contradicts nothing
    ],
)
def test_what_is_enough(given: Prompt) -> None:
    assert len(checked_prompts(IMAGE, [given])) == 1


def test_an_earlier_mask_without_a_pixel_says_nothing() -> None:
    (checked,) = checked_prompts(
        IMAGE, [Prompt(points=points((1, 1, 1)), previous=np.zeros((HEIGHT, WIDTH), bool))]
    )

    assert checked.previous is None


BAD = {
    "nothing": (Prompt(), "prompt 0: expected points, a trace or a mask, found nothing to go by"),
    "no points": (
        Prompt(points=Points.empty()),
        "prompt 0: expected points, a trace or a mask, found nothing",
    ),
    "ambiguous points only": (
        Prompt(points=points((5, 5, 2))),
        "prompt 0: expected points, a trace or a mask, found nothing",
    ),
    "background only": (
        Prompt(points=points((5, 5, 0), (6, 6, 0)), name="object 7"),
        "object 7: expected a foreground point, a trace or a mask that is not empty, found 2 "
        "background points alone; they do not say where the object is",
    ),
    "background and an empty mask": (
        Prompt(points=points((5, 5, 0)), previous=np.zeros((HEIGHT, WIDTH), bool)),
        "expected a foreground point, a trace or a mask that is not empty",
    ),
    "both labels on a pixel": (
        Prompt(points=points((9, 10, 1), (8, 8, 1), (9, 10, 0)), name="bike"),
        "bike: expected every pixel either on or off the object, found foreground and background "
        "points at (9, 10)",
    ),
    "point outside": (
        Prompt(points=points((96, 10, 1))),
        "prompt 0: expected points inside 96x64, found (96.5, 10.5)",
    ),
    "trace outside": (
        Prompt(trace=trace((5, 5), (120, 10), (5, -1))),
        "prompt 0: expected a trace inside 96x64, found (120, 10) and 1 more",
    ),
    "trace of one position": (
        Prompt(trace=trace((5, 5))),
        "prompt 0: expected a trace of at least 2 positions, found 1; give a single position as a "
        "foreground point",
    ),
    "empty trace": (Prompt(trace=trace()), "a trace of at least 2 positions, found 0"),
    "trace of triples": (
        Prompt(trace=np.zeros((4, 3), np.float32)),
        "prompt 0: expected a trace of finite (x, y) positions [N, 2], found (4, 3)",
    ),
    "trace with nan": (
        Prompt(trace=trace((1, 1), (float("nan"), 2))),
        "prompt 0: expected a trace of finite (x, y) positions [N, 2], found nan or inf",
    ),
    "mask of another size": (
        Prompt(previous=mask(height=63)),
        "prompt 0: expected a bool mask of 96x64 like the image, found bool [63, 96]",
    ),
    "mask of numbers": (
        Prompt(previous=mask().astype(np.uint8)),
        "prompt 0: expected a bool mask of 96x64 like the image, found uint8 [64, 96]",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_prompts(case: str) -> None:
    given, expected = BAD[case]
    with pytest.raises(InputError) as refused:
        checked_prompts(IMAGE, [given])
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_number_of_the_bad_prompt_is_named() -> None:
    with pytest.raises(InputError, match=r"^prompt 1: "):
        checked_prompts(IMAGE, [Prompt(points=points((1, 1, 1))), Prompt()])


def test_shared_background_is_checked_too() -> None:
    given = [Prompt(points=points((1, 1, 1)), name="dog")]
    with pytest.raises(InputError, match=r"^background: expected points inside 96x64, found"):
        checked_prompts(IMAGE, given, points((1, 64, 0)))
    with pytest.raises(InputError, match=r"^dog: .* found foreground and background points at \(1"):
        checked_prompts(IMAGE, given, points((1, 1, 0)))


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (IMAGE.astype(np.float32), r"float32 \[64, 96, 3\]"),
        (IMAGE[..., 0], r"uint8 \[64, 96\]"),
        (np.zeros((4, 4, 4), np.uint8), r"uint8 \[4, 4, 4\]"),
        (np.zeros((0, 4, 3), np.uint8), r"uint8 \[0, 4, 3\]"),
        ("image.jpg", "str"),
    ],
)
def test_bad_images(image: np.ndarray, found: str) -> None:
    with pytest.raises(InputError, match=rf"image: expected RGB uint8 \[H, W, 3\], found {found}"):
        checked_prompts(image, [])
