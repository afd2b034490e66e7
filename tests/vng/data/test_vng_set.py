"""VNG sets: which masks an expression means, and where they may be."""

from pathlib import Path

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.mask_store.merging import finish_store
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.mask_store.writer import MaskStoreWriter
from tests.vng.tiny_set import BALL, DOG, FRAMES, expressions_file, masks_file, truth, write_set
from vng.data.vng_set import VngSet


def same(found: list[StoredMask | None], expected: list[np.ndarray | None]) -> bool:
    assert len(found) == len(expected)
    return all(
        (one is None) == (other is None) and (one is None or (one.decode() == other).all())
        for one, other in zip(found, expected, strict=True)
    )


def store_of(folder: Path, *object_ids: int, frame: str = "{:05d}") -> None:
    with MaskStoreWriter(folder) as writer:
        writer.add(
            "clip",
            [
                StoredMask.from_mask(one, frame.format(t), mask)
                for one in object_ids
                for t, mask in enumerate(truth(one))
                if mask is not None
            ],
        )
    finish_store(folder)


def test_own_and_original_masks(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    found = VngSet.open(folder, original_masks=folder / "original.json")
    assert [(video.name, number, e.obj_id) for video, number, e in found] == [
        ("clip", 0, DOG),
        ("clip", 1, BALL),
    ]
    assert not found.sparse
    for object_id in (DOG, BALL):
        assert same(found.masks(found.videos["clip"], object_id), truth(object_id))


def test_a_mask_store_gives_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    expressions_file(folder / "meta_expressions.json")
    store_of(folder / "masks", DOG, BALL)
    found = VngSet.open(folder)
    for object_id in (DOG, BALL):
        assert same(found.masks(found.videos["clip"], object_id), truth(object_id))


def test_masks_that_are_nowhere(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    found = VngSet.open(folder)
    with pytest.raises(
        InputError, match=r"clip: expected masks of object 7 in .*extra_masks\.json"
    ):
        found.masks(found.videos["clip"], DOG)
    (folder / "extra_masks.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"expected masks, in masks/ or extra_masks\.json"):
        VngSet.open(folder)


def test_an_object_in_two_files_is_refused(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    masks_file(folder / "original.json", DOG, BALL)
    with pytest.raises(InputError, match=f"found {BALL} and 0 more in both"):
        VngSet.open(folder, original_masks=folder / "original.json")


def test_masks_on_frames_that_the_video_does_not_have(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    expressions_file(folder / "meta_expressions.json", frames=["00000", "00001"])
    found = VngSet.open(folder, original_masks=folder / "original.json")
    with pytest.raises(InputError, match=r"clip: .*expected masks on its 2 frames, found frame 3"):
        found.masks(found.videos["clip"], DOG)
    expressions_file(folder / "meta_expressions.json")
    store_of(folder / "masks", 5, frame="img{}")
    found = VngSet.open(folder)
    with pytest.raises(InputError, match="frames of the video, found 'img0' of object 5"):
        found.masks(found.videos["clip"], 5)


def test_sparse_is_what_is_declared(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    (folder / "set.json").write_text('{"frames": "sparse"}')
    assert VngSet.open(folder).sparse
    (folder / "set.json").write_text('{"frames": "some"}')
    with pytest.raises(InputError, match="expected frames dense or sparse, found 'some'"):
        VngSet.open(folder)
    (folder / "set.json").unlink()
    names = [f"clip/{2 * t}.png" for t in range(FRAMES)]
    masks_file(folder / "extra_masks.json", BALL, ytid="clip", file_names=names)
    expressions_file(folder / "meta_expressions.json", frames=[str(t) for t in range(8)])
    found = VngSet.open(folder)
    assert found.sparse
    masks = found.masks(found.videos["clip"], BALL)
    assert [t for t, mask in enumerate(masks) if mask is not None] == [0, 4, 6]


@pytest.mark.data
@pytest.mark.parametrize(
    ("folder", "expressions", "annotated"),
    [("davis16_vng/train", 51, 3528), ("davis16_vng/val", 18, 1274), ("ytvos_vng", 11, 319)],
)
def test_real_sets(data_dir: Path, folder: str, expressions: int, annotated: int) -> None:
    found = VngSet.open(data_dir / folder)
    masks = [found.masks(video, expression.obj_id) for video, _, expression in found]
    assert len(masks) == expressions
    assert sum(mask is not None for of_one in masks for mask in of_one) == annotated
