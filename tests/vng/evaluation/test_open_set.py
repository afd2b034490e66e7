"""Sets by what is there, and their frames."""

import json
from pathlib import Path

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.video_writer import write_video
from tests.vng.data.panoptic_scene import write_scene
from tests.vng.evaluation.colour_words import FRAMES, HEIGHT, WIDTH, write_set
from vng.evaluation.open_set import MIXED, STUFF, THING, open_set


def test_frames_come_by_their_names(tmp_path: Path) -> None:
    found = open_set(write_set(tmp_path), frames=tmp_path / "frames")
    assert found.frames is not None
    video = found.narrated.videos["second"]
    frames = list(found.frames.iterate(video))
    assert len(frames) == FRAMES
    assert (frames[3] == found.frames.read(video, 3)).all()
    (tmp_path / "frames/second/00003.png").rename(tmp_path / "frames/second/3.png")
    found = open_set(tmp_path / "set", frames=tmp_path / "frames")
    assert found.frames is not None
    found.frames.check(video)  # the same number
    assert (list(found.frames.iterate(video))[3] == frames[3]).all()


def test_a_video_file(tmp_path: Path) -> None:
    folder = write_set(tmp_path)
    grey = [np.full((HEIGHT, WIDTH, 3), 40 * t, np.uint8) for t in range(FRAMES)]
    write_video(tmp_path / "videos/third.mp4", grey, rate=10)
    found = open_set(folder, frames=tmp_path / "videos")
    assert found.frames is not None
    video = found.narrated.videos["third"]
    means = [frame.mean() for frame in found.frames.iterate(video)]
    assert means == pytest.approx([40 * t for t in range(FRAMES)], abs=6)
    write_video(tmp_path / "videos/third.mp4", grey[:3], rate=10)
    found = open_set(folder, frames=tmp_path / "videos")
    assert found.frames is not None
    with pytest.raises(InputError, match="third: expected 5 frames, found 3"):
        list(found.frames.iterate(video))


def test_things_and_stuff(tmp_path: Path) -> None:
    coco = write_scene(tmp_path / "coco")

    def word(text: str, *ids: int):
        return {"utterance": text, "noun": True, "segment_ids": list(ids)}

    segments = [word("cat", 5), word("grass", 900000), word("scene", 5, 900000)]
    row = {"image_id": 0, "caption": "cat on grass, a scene", "segments": segments}
    path = tmp_path / "png_coco_train2017.json"
    path.write_text(json.dumps([row]))
    found = open_set(path, frames=coco)
    assert list(found.kinds["000000000009"].values()) == [THING, STUFF, MIXED]
    assert found.frames is not None
    (video,) = found.narrated.videos.values()
    found.frames.check(video)
    assert len(list(found.frames.iterate(video))) == 1
    with pytest.raises(InputError, match="expected --frames, the COCO folder"):
        open_set(path, frames=None)


def test_other_files(tmp_path: Path) -> None:
    path = tmp_path / "something.json"
    path.write_text("[]")
    with pytest.raises(InputError, match="expected the folder of a VNG set"):
        open_set(path, frames=None)
    path.write_text('{"videos": {"a": {"frames": [], "expressions": {"0": {"exp": "x"}}}}}')
    with pytest.raises(InputError, match="expected --masks with referring expressions"):
        open_set(path, frames=None)
    with pytest.raises(FileNotFoundError):
        open_set(tmp_path / "none.json", frames=None)
