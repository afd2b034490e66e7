"""Videos that training does without."""

import pytest

from pointvos.core.errors import InputError
from pointvos.datasets.left_out import LeftOutVideos


def test_videos_are_counted_and_bounded() -> None:
    left_out = LeftOutVideos("set", max_left_out=1)
    left_out.add("a", "its frames", "none")
    assert left_out.reasons == {"a": "none, not its frames"}
    message = "set: b: expected its frames, found none; 2 videos cannot be used, 1 may be left out"
    with pytest.raises(InputError, match=message):
        left_out.add("b", "its frames", "none")


def test_a_bound_below_zero() -> None:
    with pytest.raises(InputError, match="expected max_left_out >= 0, found -1"):
        LeftOutVideos("set", max_left_out=-1)
