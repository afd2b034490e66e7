"""Strokes as pixels."""

import numpy as np
import pytest

from pointvos.vidln.drawing import draw_strokes, pixel_strokes


def stroke(*positions: tuple[float, float]) -> np.ndarray:
    return np.array(positions, np.float32)


def test_a_straight_line_is_three_pixels_wide() -> None:
    drawn = draw_strokes([stroke((0.25, 0.525), (0.75, 0.525))], 20, 40)
    expected = np.zeros((20, 40), bool)
    expected[9:12, 9:32] = True  # row 10, columns 10 to 30, and one pixel around
    np.testing.assert_array_equal(drawn, expected)
    np.testing.assert_array_equal(
        draw_strokes([stroke((0.525, 0.25), (0.525, 0.75))], 40, 20), expected.T
    )


def test_positions_draw_the_pixel_that_they_fall_into() -> None:
    # Of a frame of 10x8 pixels, (0.39, 0.49) is 3.9 pixels from the left and 3.92 from the top.
    drawn = draw_strokes([stroke((0.39, 0.49))], 8, 10, line_px=1)
    assert np.argwhere(drawn).tolist() == [[3, 3]]
    (moved,) = pixel_strokes([stroke((0.39, 0.49))], 8, 10)
    np.testing.assert_allclose(moved, [[3.9, 3.92]], rtol=1e-6)
    assert moved.dtype == np.float32


def test_the_pixels_between_positions_are_drawn() -> None:
    drawn = draw_strokes(
        [stroke((0.05, 0.05), (0.95, 0.95)), stroke((0.95, 0.05))], 10, 10, line_px=1
    )
    assert np.argwhere(drawn).tolist() == sorted([*([i, i] for i in range(10)), [0, 9]])


def test_a_single_position_is_a_square_and_none_is_nothing() -> None:
    drawn = draw_strokes([stroke((0.5, 0.5))], 9, 9)
    assert np.argwhere(drawn).tolist() == [[y, x] for y in (3, 4, 5) for x in (3, 4, 5)]
    assert not draw_strokes([], 9, 9).any()
    assert draw_strokes([], 9, 7).shape == (9, 7)


def test_lines_are_clipped_to_the_frame() -> None:
    drawn = draw_strokes([stroke((0, 0.5), (1, 0.5))], 9, 12)
    assert drawn[3:6].all()
    assert drawn.sum() == 36
    # x = 1 is the right border: its pixel is outside, the line reaches one pixel in.
    assert np.argwhere(draw_strokes([stroke((1, 0.5))], 9, 12)).tolist() == [
        [3, 11],
        [4, 11],
        [5, 11],
    ]
    assert not draw_strokes([stroke((1.2, 0.5), (1.2, 0.9))], 9, 12).any()
    assert not draw_strokes([stroke((-0.2, 0.5))], 9, 12).any()
    far = draw_strokes([stroke((-100, 0.5), (100, 0.5))], 720, 1280)
    assert far[359:362].all()
    assert far.sum() == 3 * 1280


@pytest.mark.parametrize("line_px", [0, 2, -1])
def test_the_width_is_an_odd_number(line_px: int) -> None:
    with pytest.raises(ValueError, match="expected a line of an odd number of pixels"):
        draw_strokes([], 4, 4, line_px=line_px)
