"""The released folders of PV-Oops and PV-Kinetics."""

import json

import pytest

from pointvos.core.errors import InputError
from pointvos.formats.point_vos_release import PointVosRelease
from tests.tiny_datasets import write_frames

KEYS = [f"{index:032x}" for index in range(4)]


def record(key, video="train/a video"):
    point = {"x": 3, "y": 4, "frame_id": "000001", "status": "ACCEPTED", "is_fg_candidate": True}
    return {
        "question_hash": key,
        "question": "?",
        "object_name": "dog",
        "video_name": video,
        "annotated_points": [point],
    }


@pytest.fixture
def root(tmp_path):
    """Oops with four objects, the last of which has no video name."""
    records = {key: record(key) for key in KEYS[:3]} | {KEYS[3]: record(KEYS[3], None)}
    (tmp_path / "Oops").mkdir()
    (tmp_path / "Oops" / "train.json").write_text(json.dumps(records))
    for key in KEYS[:3]:
        write_frames(tmp_path / "Oops/train/JPEGImages" / key, ["000000", "000001"])
    return tmp_path


def remove_frames(root, key):
    folder = root / "Oops/train/JPEGImages" / key
    folder.rename(folder.with_name(f"{key} elsewhere"))


def test_objects_come_with_their_frames(root):
    release = PointVosRelease(root, "Oops", "train")
    objects = list(release)
    assert [one.record.key for one in objects] == KEYS[:3]
    assert list(objects[0].frames.names) == ["000000", "000001"]
    assert objects[0].record.frame_ids == ["000001"]
    assert (release.unnamed, release.missing) == ([KEYS[3]], [])


def test_lines_are_read_as_well(tmp_path):
    (tmp_path / "Kinetics").mkdir()
    lines = [json.dumps({key: record(key)}) for key in KEYS[:2]]
    (tmp_path / "Kinetics/train.jsonl").write_text("\n".join(lines))
    for key in KEYS[:2]:
        write_frames(tmp_path / "Kinetics/train/JPEGImages" / key, ["000000"])
    assert len(list(PointVosRelease(tmp_path, "Kinetics", "train"))) == 2


def test_a_subset_keeps_what_it_lists(root):
    (root / "subset.txt").write_text(f"{KEYS[2]}\n{KEYS[0]}\n")
    release = PointVosRelease(root, "Oops", "train", subset=root / "subset.txt")
    assert [one.record.key for one in release] == [KEYS[0], KEYS[2]]


def test_missing_videos_are_an_error_by_default(root):
    remove_frames(root, KEYS[1])
    with pytest.raises(
        InputError, match=rf"train\.json: {KEYS[1]}: expected the frames of .*found"
    ):
        list(PointVosRelease(root, "Oops", "train"))


def test_missing_videos_are_counted_up_to_the_bound(root):
    remove_frames(root, KEYS[0])
    remove_frames(root, KEYS[1])
    release = PointVosRelease(root, "Oops", "train", max_missing=2)
    assert [one.record.key for one in release] == [KEYS[2]]
    assert release.missing == KEYS[:2]
    assert len(list(release)) == 1
    assert release.missing == KEYS[:2]  # counted anew, not twice
    with pytest.raises(InputError, match="2 objects are missing, 1 are allowed"):
        list(PointVosRelease(root, "Oops", "train", max_missing=1))


def test_what_the_subset_names_must_be_annotated(root):
    (root / "subset.txt").write_text(f"{KEYS[0]}\nffff\n")
    with pytest.raises(InputError, match="ffff: expected the record that the subset names"):
        list(PointVosRelease(root, "Oops", "train", subset=root / "subset.txt"))
    release = PointVosRelease(root, "Oops", "train", subset=root / "subset.txt", max_missing=1)
    assert len(list(release)) == 1
    assert release.missing == ["ffff"]


def test_a_hostile_key_is_refused(root):
    (root / "Oops/train.json").write_text(json.dumps({"../../x": record("../../x")}))
    with pytest.raises(InputError, match="expected a name inside the data folder"):
        list(PointVosRelease(root, "Oops", "train", max_missing=5))


def test_missing_annotations_are_named(root):
    with pytest.raises(FileNotFoundError, match=r"Oops/val\.json: expected annotations"):
        PointVosRelease(root, "Oops", "val")
