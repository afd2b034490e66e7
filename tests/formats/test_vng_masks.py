"""Masks of VNG by object id and frame."""

import pytest

from pointvos.core.errors import InputError
from pointvos.formats.vng_masks import VngMasks
from tests.annotation_files import LARGE_ID, vng, write


def test_dense_masks_stand_one_after_another(tmp_path):
    masks = VngMasks(write(tmp_path / "a.json", vng()))
    assert not masks.sparse
    assert LARGE_ID in masks
    assert masks.video_of(LARGE_ID).name == "b"
    assert [mask and mask.area for mask in masks.masks(LARGE_ID)] == [12, None, 0]
    assert [mask and mask.area for mask in masks.masks(2, frames=5)] == [None, 12, None, None, None]


def test_sparse_masks_stand_where_the_names_of_frames_say(tmp_path):
    masks = VngMasks(write(tmp_path / "a.json", vng(sparse=True)))
    assert masks.sparse
    assert masks.frame_numbers(masks.videos[3]) == [0, 4, 8]
    areas = [mask and mask.area for mask in masks.masks(LARGE_ID)]
    assert areas == [12, *[None] * 7, 0]
    assert len(masks.masks(2, frames=20)) == 20
    with pytest.raises(InputError, match="b: expected masks on its 8 frames, found frame 8"):
        masks.masks(LARGE_ID, frames=8)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["b/x.png", "b/4.png", "b/8.png"], "named by their numbers, found 'x'"),
        (["b/4.png", "b/04.png", "b/8.png"], "expected every frame once"),
        (["b/0.png", "b/4.png", "b/999999999.png"], "found '999999999'"),
    ],
)
def test_sparse_frames_without_numbers_are_refused(tmp_path, names, message):
    content = vng(sparse=True)
    content["videos"][0]["file_names"] = names
    masks = VngMasks(write(tmp_path / "a.json", content))
    with pytest.raises(InputError, match=rf"a\.json: b: expected .*{message}|{message}"):
        masks.masks(LARGE_ID)


def test_what_is_partly_sparse_is_refused(tmp_path):
    content = vng(sparse=True)
    del content["videos"][1]["ytid"]
    with pytest.raises(
        InputError, match="expected a ytid for every video or for none, found 1 of 2"
    ):
        VngMasks(write(tmp_path / "a.json", content))


def test_an_object_that_is_not_there(tmp_path):
    masks = VngMasks(write(tmp_path / "a.json", vng()))
    for ask in (masks.masks, masks.video_of):
        with pytest.raises(InputError, match="expected the object 77, found none such among 4"):
            ask(77)


def test_the_first_of_an_id_wins(tmp_path):
    content = vng()
    content["annotations"].append({**content["annotations"][0], "segmentations": [None] * 3})
    masks = VngMasks(write(tmp_path / "a.json", content))
    assert masks.duplicates == [LARGE_ID]
    assert masks.masks(LARGE_ID)[0] is not None


@pytest.mark.data
@pytest.mark.parametrize("name", ["davis16_vng/train", "davis16_vng/val", "ytvos_vng"])
def test_real_files(data_dir, name):
    masks = VngMasks(data_dir / name / "extra_masks.json")
    for number, one in masks.objects.items():
        found = masks.masks(number)
        assert len(found) == len(masks.videos[one.video_id].frames)
        assert any(mask is not None and mask.area for mask in found)


@pytest.mark.data
def test_the_uvo_file_of_the_official_evaluator(golden_dir):
    masks = VngMasks(golden_dir / "vng_eval_uvo/extra_masks.json")
    assert masks.sparse
    assert [mask is not None for mask in masks.masks(2, frames=10)].count(True) == 2
