"""Conversions there and back: what comes back is equal, what would be lost is refused."""

import json

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.mask_store.writer import MaskStoreWriter
from pointvos.core.masks import read_index_png, write_index_png
from pointvos.formats.convert_masks import ConvertCounts, ConvertOptions, convert_masks
from pointvos.formats.mask_sources import open_masks
from tests.annotation_files import LARGE_ID, coco, vng, write, ytvis
from tests.mask_corpus import contents, write_store
from tests.tiny_datasets import two_objects, write_frames

LEFT = np.array([[1, 1, 0, 0]], bool)
MIDDLE = np.array([[0, 1, 0, 0]], bool)
NOTHING = np.zeros((1, 4), bool)


def convert(source, output, kind, origin=None, **options) -> ConvertCounts:
    return convert_masks(open_masks(source, origin), output, kind, ConvertOptions(**options))


def read(path):
    return json.loads(path.read_text())


def write_pngs(folder, videos):
    for video, masks in videos.items():
        for number, mask in enumerate(masks):
            write_index_png(folder / video / f"{number:05d}.png", mask)
    return folder


def pngs(folder):
    return {
        str(path.relative_to(folder)): read_index_png(path).tolist()
        for path in folder.rglob("*.png")
    }


def store_of(folder, masks, video="v"):
    with MaskStoreWriter(folder) as writer:
        writer.add(video, [StoredMask.from_mask(*mask) for mask in masks])
    return folder


@pytest.mark.parametrize("sparse", [False, True])
def test_vng_to_a_store_and_back_is_equal(tmp_path, sparse):
    """Ids of 19 digits, frames and objects without masks, and unknown fields too."""
    source = write(tmp_path / "a.json", vng(sparse=sparse))
    counts = convert(source, tmp_path / "store", "store")
    assert (counts.videos, counts.objects, counts.objects_without_masks) == (2, 4, 1)
    assert (counts.masks, counts.empty_masks) == (5, 1)
    assert str(LARGE_ID) in MaskStore.open(tmp_path / "store").read("b").objects
    convert(tmp_path / "store", tmp_path / "back.json", "vng")
    assert sorted_annotations(read(tmp_path / "back.json")) == sorted_annotations(read(source))


def sorted_annotations(content):
    for part in ("videos", "annotations"):
        content[part].sort(key=lambda record: record["id"])
    return content


def test_ytvis_to_a_store_and_back_is_equal(tmp_path):
    content = ytvis()
    source = write(tmp_path / "a.json", content)
    convert(source, tmp_path / "store", "store")
    convert(tmp_path / "store", tmp_path / "back.json", "ytvis")
    back = read(tmp_path / "back.json")
    first = next(one for one in back["annotations"] if one["id"] == 1)
    assert first["areas"] == [12, None, 0]
    assert first["bboxes"] == [[0, 1, 3, 4], None, [0, 0, 0, 0]]
    for record in back["annotations"]:
        assert record.pop("length") == 3
        del record["areas"], record["bboxes"]
    assert sorted_annotations(back) == sorted_annotations(content)


def test_from_one_json_to_the_other_and_back(tmp_path):
    source = write(tmp_path / "a.json", vng())
    convert(source, tmp_path / "ytvis.json", "ytvis")
    middle = read(tmp_path / "ytvis.json")
    assert middle["categories"] == [{"id": 1, "name": "object"}]
    assert {record["category_id"] for record in middle["annotations"]} == {1}
    convert(tmp_path / "ytvis.json", tmp_path / "vng.json", "vng", "ytvis")
    back = read(tmp_path / "vng.json")
    assert "categories" not in back
    back, expected = sorted_annotations(back), sorted_annotations(read(source))
    for key in ("id", "video_id", "video_name", "segmentations", "note"):
        assert [one[key] for one in back["annotations"]] == [
            one[key] for one in expected["annotations"]
        ]
    assert back["videos"] == expected["videos"]


def test_images_of_coco_become_videos_of_one_frame(tmp_path):
    source = write(tmp_path / "a.json", coco())
    counts = convert(source, tmp_path / "store", "store")
    assert counts.videos_without_masks == ["000012"]
    convert(tmp_path / "store", tmp_path / "back.json", "ytvis")
    back = read(tmp_path / "back.json")
    assert [video["file_names"] for video in back["videos"]] == [["000011.jpg"], ["000012.jpg"]]
    assert [record["iscrowd"] for record in back["annotations"]] == [0, 1]
    message = "000011: expected object ids 1 to 254.*found '1000'; renumber gives"
    with pytest.raises(InputError, match=message):
        convert(tmp_path / "store", tmp_path / "png", "png", smaller_in_front=True)


@pytest.mark.parametrize("kind", ["store", "ytvis", "vng"])
def test_pngs_come_back(tmp_path, kind):
    """Through JSON the objects of all videos need numbers of their own; their names stay."""
    source = write_pngs(tmp_path / "png", {"train/a": two_objects(), "b": two_objects(4)})
    middle = tmp_path / ("middle" if kind == "store" else "middle.json")
    if kind != "store":
        message = "numbers of their own in the whole file, found '1', another of this number"
        with pytest.raises(InputError, match=message):
            convert(source, middle, kind)
        assert not middle.exists()
    convert(source, middle, kind, renumber=kind != "store")
    counts = convert(middle, tmp_path / "again", "png", kind)
    assert pngs(tmp_path / "again") == pngs(source)
    assert counts.masks == 2 * 6 + 2 * 4
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("kind", ["ytvis", "vng"])
def test_a_store_comes_back_with_its_scores(tmp_path, kind):
    expected = write_store(tmp_path / "store", 4)
    convert(tmp_path / "store", tmp_path / "a.json", kind, renumber=True)
    convert(tmp_path / "a.json", tmp_path / "again", "store", kind)
    assert contents(tmp_path / "again") == expected


def test_all_frames_are_listed_if_they_are_known(tmp_path):
    store = store_of(tmp_path / "store", [(1, "00001", LEFT), (1, "00003", NOTHING)])
    write_frames(tmp_path / "frames/v", [f"{number:05d}" for number in range(5)])
    convert(store, tmp_path / "a.json", "vng", frames=tmp_path / "frames")
    content = read(tmp_path / "a.json")
    assert content["videos"][0]["file_names"] == [f"v/{number:05d}.jpg" for number in range(5)]
    (record,) = content["annotations"]
    assert [value is None for value in record["segmentations"]] == [True, False, True, False, True]
    (tmp_path / "frames/v/00003.jpg").unlink()
    with pytest.raises(InputError, match="v: expected masks on its 4 frames, found one on '00003'"):
        convert(store, tmp_path / "b.json", "vng", frames=tmp_path / "frames")


def test_what_pngs_cannot_hold_is_refused_or_switched(tmp_path):
    masks = [(1, "0", LEFT), (2, "0", MIDDLE), (1, "1", LEFT), (3, "0", NOTHING), (3, "1", NOTHING)]
    store = store_of(tmp_path / "store", masks)
    switches = {}
    for switch, message in [
        (
            "drop_unseen",
            "v: expected objects that are seen .* found '3' absent on all; drop_unseen",
        ),
        ("missing_as_absent", "v: expected masks of every object .* none of '2' on frame 1"),
        ("smaller_in_front", "v: expected objects that do not overlap"),
    ]:
        with pytest.raises(InputError, match=message):
            convert(store, tmp_path / "png", "png", **switches)
        assert pngs(tmp_path / "png") == {}
        switches[switch] = True
    counts = convert(store, tmp_path / "png", "png", **switches)
    assert counts.dropped_objects == 1
    assert pngs(tmp_path / "png") == {"v/0.png": [[1, 2, 0, 0]], "v/1.png": [[1, 1, 0, 0]]}


def test_objects_may_be_renumbered_in_pngs(tmp_path):
    store = store_of(tmp_path / "store", [("beef", "0", MIDDLE), (str(LARGE_ID), "0", ~LEFT)])
    with pytest.raises(InputError, match="renumber gives them numbers"):
        convert(store, tmp_path / "png", "png")
    counts = convert(store, tmp_path / "png", "png", renumber=True)
    assert counts.numbers == {"v": {str(LARGE_ID): 1, "beef": 2}}
    assert pngs(tmp_path / "png") == {"v/0.png": [[0, 2, 1, 1]]}


def test_a_store_and_pngs_go_on_where_they_were_stopped(tmp_path):
    content = vng()
    source = write(tmp_path / "a.json", content)
    with MaskStoreWriter(tmp_path / "store") as writer:
        writer.add("a", open_masks(source).read("a").masks)
    counts = convert(source, tmp_path / "store", "store")
    assert (counts.videos, counts.already) == (1, 1)
    counts = convert(source, tmp_path / "store", "store")
    assert (counts.videos, counts.already) == (0, 2)
    content["annotations"][0]["note"] = "other"
    with pytest.raises(InputError, match=r"expected a new store or one made from .*other\.json"):
        convert(write(tmp_path / "other.json", content), tmp_path / "store", "store")
    assert sorted(path.name for path in (tmp_path / "store").iterdir() if "new" in path.name) == []

    png = write_pngs(tmp_path / "png", {"a": two_objects(), "b": two_objects()})
    convert(png, tmp_path / "second", "store")
    write_pngs(tmp_path / "out", {"a": two_objects()})
    counts = convert(tmp_path / "second", tmp_path / "out", "png")
    assert (counts.videos, counts.already) == (1, 1)


def test_damage_leaves_no_json_behind(tmp_path):
    content = vng()
    content["annotations"][1]["segmentations"][1]["counts"] = "1"
    source = write(tmp_path / "a.json", content)
    with pytest.raises(InputError, match="a: annotation 2: frame 1: expected runs that add up"):
        convert(source, tmp_path / "out.json", "ytvis")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json"]
    convert(write(source, vng()), tmp_path / "out.json", "ytvis")
    with pytest.raises(InputError, match="expected a new file to write to, found one"):
        convert(source, tmp_path / "out.json", "ytvis")


def test_masks_of_several_sizes_do_not_go_into_json(tmp_path):
    store = store_of(tmp_path / "store", [(1, "0", LEFT), (1, "1", np.ones((2, 4), bool))])
    with pytest.raises(InputError, match=r"v: expected masks of one size .*\(1, 4\), \(2, 4\)"):
        convert(store, tmp_path / "a.json", "vng")


def test_the_kind_is_told_by_the_content_or_refused(tmp_path):
    kinds = {"vng": vng(), "vng sparse": vng(sparse=True), "ytvis": ytvis(), "ytvis coco": coco()}
    for name, content in kinds.items():
        assert open_masks(write(tmp_path / "a.json", content)).kind == name.split()[0]
    content = ytvis()
    del content["categories"]
    write(tmp_path / "a.json", content)
    with pytest.raises(InputError, match=r"expected categories .* say which of the two it is"):
        open_masks(tmp_path / "a.json")
    assert open_masks(tmp_path / "a.json", "ytvis").kind == "ytvis"
    store_of(tmp_path / "out/masks", [(1, "0", LEFT)])
    assert open_masks(tmp_path / "out").kind == open_masks(tmp_path / "out/masks").kind == "store"
    assert open_masks(write_pngs(tmp_path / "png", {"a": two_objects()})).kind == "png"


def test_what_holds_no_masks_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected masks, found nothing"):
        open_masks(tmp_path / "absent")
    with pytest.raises(InputError, match=r"expected a mask store .* or folders of PNGs, found"):
        open_masks(tmp_path)
    (tmp_path / "Annotations").mkdir()
    with pytest.raises(InputError, match="found Annotations; give the folder in it"):
        open_masks(tmp_path)
    with pytest.raises(InputError, match="expected a JSON file, found a folder"):
        open_masks(tmp_path, "vng")
    path = write(tmp_path / "a.json", vng())
    with pytest.raises(InputError, match="expected a folder, found a file"):
        open_masks(path, "store")
    with pytest.raises(InputError, match=r"expected another kind to convert to .* found vng"):
        convert(path, tmp_path / "b.json", "vng")
    content = ytvis()
    content["annotations"].append(content["annotations"][0])
    with pytest.raises(InputError, match="expected every id once, found 1 again"):
        open_masks(write(path, content))


@pytest.mark.data
@pytest.mark.parametrize("name", ["davis16_vng/val", "ytvos_vng"])
def test_real_vng_files_come_back_equal(data_dir, tmp_path, name):
    source = data_dir / name / "extra_masks.json"
    convert(source, tmp_path / "store", "store")
    convert(tmp_path / "store", tmp_path / "back.json", "vng")
    back, expected = read(tmp_path / "back.json"), read(source)
    assert sorted_annotations(back) == sorted_annotations(expected)
