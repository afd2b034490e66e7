"""Videos of a store where a folder of PNGs is expected."""

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.mask_store.writer import MaskStoreWriter
from pointvos.formats.masked_video import MaskedVideo
from pointvos.formats.stored_video import stored_video

MASK = np.eye(3, 5, dtype=bool)


@pytest.fixture
def store(tmp_path):
    with MaskStoreWriter(tmp_path) as writer:
        writer.add("set/v", [StoredMask.from_mask(f"set/v/{k}", "10", MASK) for k in (3,)])
        writer.add("hashed", [StoredMask.from_mask("0a1b", "10", MASK)])
    return MaskStore.open(tmp_path)


def test_masks_without_frames(store, tmp_path):
    video = stored_video(store, "set/v", tmp_path / "absent", masks_only=True)
    assert isinstance(video, MaskedVideo)
    assert video.size == (3, 5)
    assert video.read_mask("10").tolist() == (3 * MASK).tolist()
    assert video.first_appearance() == {3: "10"}


def test_objects_without_numbers_are_refused_at_once(store, tmp_path):
    with pytest.raises(InputError, match=r"hashed: expected object ids 1 to 254 .* found '0a1b'"):
        stored_video(store, "hashed", tmp_path)


def test_a_video_that_is_not_there(store, tmp_path):
    with pytest.raises(InputError, match="expected a video of this mask store"):
        stored_video(store, "x", tmp_path)
