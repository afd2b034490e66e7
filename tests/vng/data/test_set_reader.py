"""Clips from sets of narrated videos."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.datasets.left_out import LeftOutVideos
from tests.vng.data.test_coco_png_set import CAPTION, narratives, write_coco
from tests.vng.tiny_set import (
    BALL,
    DOG,
    FRAMES,
    HEIGHT,
    TEXT,
    WIDTH,
    expressions_file,
    masks_file,
    truth,
    write_set,
)
from vng.data.coco_png_set import CocoPngSet
from vng.data.frames import VideoFolder
from vng.data.samples import NarratedClip
from vng.data.set_reader import NarratedSetReader
from vng.data.vng_set import VngSet


def write_frames(root: Path, count: int = FRAMES, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    (root / "clip").mkdir(parents=True)
    for t in range(count):
        Image.new("RGB", size, (10 * t, 0, 0)).save(root / f"clip/{t:05d}.png")
    return root


def reader(folder: Path, frames: Path, *, masks: bool = True, **changes: Any) -> NarratedSetReader:
    original = folder / "original.json" if masks else None
    narrated = VngSet.open(folder, original_masks=original)
    return NarratedSetReader("tiny", narrated, VideoFolder(frames).read, **changes)


@pytest.fixture
def found(tmp_path: Path) -> NarratedSetReader:
    return reader(write_set(tmp_path / "set"), write_frames(tmp_path / "frames"))


def clip(found: NarratedSetReader, frames: int, seed: int = 0) -> NarratedClip:
    return found.clip(0, frames, np.random.default_rng(seed))


def times(one: NarratedClip) -> list[int]:
    """Which frames these are; their red says so."""
    return [int(frame[0, 0, 0]) // 10 for frame in one.rgb]


def test_a_narrative_is_an_item_with_all_its_nouns(found: NarratedSetReader) -> None:
    assert len(found) == 1
    one = clip(found, FRAMES)
    assert one.text == TEXT
    assert [one.text[start:end] for start, end in one.spans] == ["dog", "ball"]
    assert one.video_name == "tiny/clip"
    assert not one.still
    assert times(one) == list(range(FRAMES))


def test_masks_of_all_frames(found: NarratedSetReader) -> None:
    one = clip(found, FRAMES)
    for noun, object_id in enumerate((DOG, BALL)):
        for t, mask in enumerate(truth(object_id)):
            assert one.known[noun, t] == (mask is not None)
            expected = np.zeros((HEIGHT, WIDTH), bool) if mask is None else mask
            assert (one.masks[noun, t] == expected).all()
    assert one.known.tolist() == [[True] * 4, [True, False, True, True]]


def test_a_clip_shows_a_known_object(found: NarratedSetReader) -> None:
    seen = set()
    for seed in range(60):
        one = clip(found, 1, seed)
        assert one.shown.any()
        assert one.still
        seen.update(times(one))
    assert seen == set(range(FRAMES))
    assert clip(found, 7).rgb.shape[0] == 7  # longer than the video


def test_a_noun_without_masks_is_no_negative(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    found = reader(folder, write_frames(tmp_path / "frames"), masks=False)
    one = clip(found, 3)
    assert [one.text[start:end] for start, end in one.spans] == ["ball"]
    assert found.nouns_left_out == 1


def test_a_noun_of_spaces_is_left_out(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    names = ("narrative_actor_idx", "noun_phrase_start_idx", "noun_phrase_end_idx", "obj_id")
    spans = {
        str(n): dict(zip(names, (0, start, end, BALL), strict=True))
        for n, (start, end) in enumerate([(1, 2), (21, 25)])
    }
    expressions_file(folder / "meta_expressions.json", expressions=spans)
    found = reader(folder, write_frames(tmp_path / "frames"), masks=False)
    assert clip(found, 1).spans == ((21, 25),)
    assert found.nouns_left_out == 1


def test_videos_without_nouns_are_counted(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    masks_file(folder / "extra_masks.json", 12345)  # of another object
    content = json.loads((folder / "extra_masks.json").read_text())
    frames = write_frames(tmp_path / "frames")
    with pytest.raises(InputError, match="tiny: clip: expected a noun with masks, found none; 1"):
        reader(folder, frames, masks=False)
    left_out = LeftOutVideos("tiny", 1)
    with pytest.raises(InputError, match="tiny: expected narratives with nouns that have masks"):
        reader(folder, frames, masks=False, left_out=left_out)
    assert left_out.reasons == {"clip": "none, not a noun with masks"}
    # Masks that are null everywhere are as good as none.
    content["annotations"][0].update(id=BALL, segmentations=[None] * FRAMES)
    (folder / "extra_masks.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="expected a noun with masks, found none"):
        reader(folder, frames, masks=False)


def test_sparse_sets_draw_annotated_frames_alone(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    (folder / "original.json").unlink()
    (folder / "set.json").write_text('{"frames": "sparse"}')
    frames = write_frames(tmp_path / "frames")
    found = reader(folder, frames, masks=False)
    assert {t for seed in range(40) for t in times(clip(found, 3, seed))} == {0, 2, 3}
    every = reader(folder, frames, masks=False, annotated_only=False)
    assert {t for seed in range(40) for t in times(clip(every, 3, seed))} == {0, 1, 2, 3}
    assert all(clip(every, 3, seed).known.any() for seed in range(40))


def test_an_object_that_is_never_there_is_known_to_be_absent(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    content = json.loads((folder / "extra_masks.json").read_text())
    empty = content["annotations"][0]["segmentations"][3]
    content["annotations"][0]["segmentations"] = [empty] * FRAMES
    (folder / "extra_masks.json").write_text(json.dumps(content))
    one = clip(reader(folder, write_frames(tmp_path / "frames"), masks=False), 2)
    assert one.known.all()
    assert not one.masks.any()


def test_frames_are_kept_small(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    one = clip(reader(folder, write_frames(tmp_path / "frames"), short_side=12), 2)
    assert one.rgb.shape == (2, 12, 16, 3)
    assert one.masks.shape == (2, 2, 12, 16)
    assert one.masks[0].sum() == pytest.approx(2 * 100 / 4, abs=12)


def test_what_does_not_fit(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    narrow = write_frames(tmp_path / "narrow", size=(20, HEIGHT))
    with pytest.raises(InputError, match="tiny: clip: expected masks of the size of the frames"):
        clip(reader(folder, narrow), 2)
    found = reader(folder, narrow)
    found.read = lambda video, index: np.zeros((HEIGHT, WIDTH - index, 3), np.uint8)
    with pytest.raises(InputError, match="tiny: clip: expected frames of one size, found more"):
        clip(found, 4)
    with pytest.raises(FileNotFoundError, match="expected the frames of 'clip'"):
        clip(reader(folder, write_set(tmp_path / "empty")), 2)


def test_which_videos_a_folder_holds(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    (video,) = VngSet.open(folder).videos.values()
    assert VideoFolder(write_frames(tmp_path / "frames")).holds(video)
    assert not VideoFolder(folder).holds(video)


def test_coco_png_gives_still_clips_with_unions(tmp_path: Path) -> None:
    root = write_coco(tmp_path)
    images = CocoPngSet.open(narratives(root), root, "val")
    rgb = np.full((8, 16, 3), 9, np.uint8)
    found = NarratedSetReader("png", images, lambda video, index: rgb)
    one = clip(found, 3)
    assert one.still
    assert one.text == CAPTION
    assert [one.text[start:end] for start, end in one.spans] == ["dogs", "tree", "dogs"]
    assert (one.masks[0, 0] == (np.arange(16) < 8)).all()
    assert (one.masks[0] == one.masks[2]).all()
    assert one.known.all()


@pytest.mark.data
@pytest.mark.parametrize(
    ("narrated", "frames", "items", "nouns"),
    [
        ("davis16_vng/train", "davis16/JPEGImages/480p", 30, 51),
        ("davis16_vng/val", "davis16/JPEGImages/480p", 10, 18),
        ("ytvos_vng", "ytvos_demo/JPEGImages", None, None),
    ],
)
def test_real_videos(
    data_dir: Path, narrated: str, frames: str, items: int | None, nouns: int | None
) -> None:
    of_set = VngSet.open(data_dir / narrated)
    found = NarratedSetReader(narrated, of_set, VideoFolder(data_dir / frames).read, cache_mb=50)
    assert found.nouns_left_out == 0
    assert sum(len(item.nouns) for item in found.items) == len(list(of_set))
    if items is not None:
        assert (len(found), len(list(of_set))) == (items, nouns)
    for item in range(0, len(found), 7):
        one = found.clip(item, 5, np.random.default_rng(item))
        assert one.shown.any()
        assert len(one.rgb) == 5


@pytest.mark.data
def test_real_coco_png(data_dir: Path) -> None:
    path = data_dir / "coco_png/png_coco_train2017.json"
    images = CocoPngSet.open(path, data_dir / "coco_panoptic", "train")
    files = VideoFolder(data_dir / "coco_panoptic/train2017")
    found = NarratedSetReader("png", images, files.read)
    assert len(found) == 35
    assert sum(len(item.nouns) for item in found.items) == 178
