"""Annotation files: typed, read on demand, and refused in one line where they are damaged."""

import copy

import pytest

from pointvos.core.errors import InputError
from pointvos.formats.annotation_file import AnnotationFile
from tests.annotation_files import EMPTY, HEIGHT, LARGE_ID, WIDTH, box, coco, vng, write, ytvis


def test_videos_and_objects_are_typed(tmp_path):
    file = AnnotationFile(write(tmp_path / "a.json", vng()))
    assert file.names() == ["b", "a"]
    video = file.videos[3]
    assert (video.name, video.height, video.width) == ("b", HEIGHT, WIDTH)
    assert video.frames == ("0", "1", "2")
    assert [one.id for one in file.objects_of("b")] == [LARGE_ID, 5]
    assert file.members == {"info": {"year": 2023}}
    assert file.record(file.objects[2])["note"] == "é"
    assert not file.images


def test_not_annotated_is_not_absent(tmp_path):
    file = AnnotationFile(write(tmp_path / "a.json", vng()))
    masks = file.masks(file.objects[LARGE_ID])
    assert [mask and mask.rle for mask in masks] == [box(0, 3), None, EMPTY]
    assert [mask and mask.area for mask in masks] == [12, None, 0]
    assert file.masks(file.objects[6]) == [None] * 3
    video = file.read("b")
    assert [(mask.object_id, mask.frame) for mask in video.masks] == [
        ("5", "0"),
        ("5", "2"),
        (str(LARGE_ID), "0"),
        (str(LARGE_ID), "2"),
    ]


def test_images_are_videos_of_one_frame(tmp_path):
    file = AnnotationFile(write(tmp_path / "a.json", coco()))
    assert file.images
    assert file.names() == ["000011", "000012"]
    areas = {mask.object_id: (mask.frame, mask.area) for mask in file.read("000011").masks}
    assert areas == {"1000": ("000011", 16), "1001": ("000011", 6)}
    assert file.read("000012").masks == []


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("name", "one", "one"),
        ("ytid", "two", "two"),
        ("file_names", ["0.png", "1.png", "2.png"], "b"),  # from video_name
        ("file_names", ["train/x/0.png", "train/x/1.png", "train/x/2.png"], "train/x"),
    ],
)
def test_where_the_name_of_a_video_comes_from(tmp_path, field, value, expected):
    content = vng()
    content["videos"][0][field] = value
    assert AnnotationFile(write(tmp_path / "a.json", content)).names() == [expected, "a"]


def test_the_first_of_an_id_may_win(tmp_path):
    content = vng()
    content["annotations"].append({**content["annotations"][0], "video_id": 7})
    path = write(tmp_path / "a.json", content)
    with pytest.raises(InputError, match=rf"annotations\[4\]: .* once, found {LARGE_ID} again"):
        AnnotationFile(path)
    file = AnnotationFile(path, first_wins=True)
    assert file.duplicates == [LARGE_ID]
    assert file.objects[LARGE_ID].video_id == 3


VIDEO, OBJECT = ("videos", 0), ("annotations", 0)


@pytest.mark.parametrize(
    ("place", "field", "value", "message"),
    [
        (VIDEO, "id", "3", r"videos\[0\]: expected a whole number as 'id', found '3'"),
        (VIDEO, "id", 7, r"videos\[1\]: expected every id once, found 7 again"),
        (VIDEO, "height", None, "video 3: expected a whole number as 'height', found None"),
        (VIDEO, "width", 10**9, "video 3: expected a height and width"),
        (VIDEO, "file_names", None, "video 3: expected file names, found None"),
        (VIDEO, "file_names", [1], "video 3: expected file names"),
        (VIDEO, "file_names", ["b/0.png", "b/0.jpg"], "expected every frame once, found '0' again"),
        (VIDEO, "file_names", ["../../x/0.png"], "video 3: video name: expected a name inside"),
        (VIDEO, "file_names", ["/etc/0.png"], "video 3: video name: expected a name inside"),
        (VIDEO, "name", "a", "videos of different names, found 'a' with the ids 3 and 7"),
        (OBJECT, "id", 1.5, r"annotations\[0\]: expected a whole number as 'id', found 1.5"),
        (OBJECT, "id", 10**30, r"annotations\[0\]: expected a whole number as 'id'"),
        (OBJECT, "id", None, r"annotations\[0\]: expected a whole number as 'id', found None"),
        (OBJECT, "video_id", 99, "expected one of the 2 videos in the file, found video 99"),
        (OBJECT, "object_id", "\n", r"annotations\[0\]: expected an object id"),
        (OBJECT, "segments_info", [], r"annotations\[0\]: .*found panoptic segments"),
    ],
)
def test_damage_is_refused_on_opening(tmp_path, place, field, value, message):
    content = copy.deepcopy(vng())
    content[place[0]][place[1]][field] = value
    path = write(tmp_path / "a.json", content)
    with pytest.raises(InputError, match=message) as error:
        AnnotationFile(path)
    assert str(error.value).startswith(f"{path}: ")
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("segmentations", None, "expected segmentations for 3 frames, found None"),
        ("segmentations", [None], "expected segmentations for 3 frames, found 1"),
        ("segmentations", [None, 7, None], "frame 1: expected run lengths, polygons or null"),
        ("segmentations", [{**EMPTY, "size": [9, 9]}, None, None], "frame 0: .*found .9, 9"),
        ("scores", [1], r"expected scores for 3 frames, found \[1\]"),
        ("scores", [2, None, None], r"expected scores in \[0, 1\], found 2"),
    ],
)
def test_damaged_masks_are_refused_on_reading(tmp_path, field, value, message):
    content = vng()
    content["annotations"][0][field] = value
    file = AnnotationFile(write(tmp_path / "a.json", content))
    with pytest.raises(InputError, match=rf"a\.json: b: annotation {LARGE_ID}: .*{message}"):
        file.read("b")
    assert file.read("a").masks


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"info": {}}, "expected annotations of videos or of images, found neither"),
        ({**ytvis(), **{"images": coco()["images"]}}, "found images and videos"),
        ({"videos": [7]}, r"videos\[0\]: expected a record, found 7"),
        ([], "expected '{'"),
    ],
)
def test_other_json_is_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        AnnotationFile(write(tmp_path / "a.json", content))
