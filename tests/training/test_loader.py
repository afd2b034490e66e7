"""Batches are the same for any number of workers, and errors stay what they are."""

from pathlib import Path

import pytest
import torch

from pointvos.core.errors import InputError
from pointvos.datasets.clips import ClipDataset
from pointvos.datasets.collate import VosBatch, collate_clips
from pointvos.training.data import make_dataset
from pointvos.training.loader import batches_of, make_loader
from tests.tiny_runs import tiny_run


def dataset(folder: Path, samples: int = 8) -> ClipDataset:
    return make_dataset(tiny_run(folder, "hybrid"), point_radius=1, samples=samples)[0]


def assert_same(one: VosBatch, other: VosBatch) -> None:
    for name, tensor in vars(one).items():
        assert torch.equal(tensor, getattr(other, name)), name


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_do_not_depend_on_the_workers(tmp_path: Path, workers: int) -> None:
    clips = dataset(tmp_path)
    alone = list(batches_of(make_loader(clips, collate_clips, first=0, batch_size=2, workers=0)))
    shared = list(
        batches_of(make_loader(clips, collate_clips, first=0, batch_size=2, workers=workers))
    )
    assert len(alone) == len(shared) == 4
    for one, other in zip(alone, shared, strict=True):
        assert_same(one, other)


def test_a_loader_may_start_at_any_sample(tmp_path: Path) -> None:
    clips = dataset(tmp_path)
    whole = list(batches_of(make_loader(clips, collate_clips, first=0, batch_size=2, workers=0)))
    later = list(
        batches_of(make_loader(dataset(tmp_path), collate_clips, first=4, batch_size=2, workers=0))
    )
    assert len(later) == 2
    for one, other in zip(whole[2:], later, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("gone", [False, True])
def test_an_error_of_a_video_arrives_as_it_was_raised(
    tmp_path: Path, workers: int, gone: bool
) -> None:
    clips = dataset(tmp_path)
    for mask in (tmp_path / "davis" / "Annotations").rglob("*.png"):
        if gone:
            mask.unlink()
        else:
            mask.write_bytes(b"no image")
    batches = batches_of(make_loader(clips, collate_clips, first=0, batch_size=2, workers=workers))
    kind = FileNotFoundError if gone else InputError
    with pytest.raises(kind, match=r"^\S+\.png: expected an image, found.*$") as caught:
        next(batches)
    assert len(str(caught.value).splitlines()) == 1


def test_an_error_of_our_own_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = dataset(tmp_path)

    def broken(number: int) -> None:
        raise ZeroDivisionError(number)

    monkeypatch.setattr(clips, "_video", broken)
    with pytest.raises(ZeroDivisionError):
        next(batches_of(make_loader(clips, collate_clips, first=0, batch_size=2, workers=0)))
