"""The training set."""

from typing import Any

import numpy as np
import pytest

from pointvos.core.errors import InputError
from vng.data.augment import NarratedAugment
from vng.data.dataset import NarratedDataset, NarratedSettings, choose_nouns
from vng.data.samples import NarratedClip, collate_narrated, still_clip

SMALL = NarratedAugment(short_sides=(24,), longest=40)
HEIGHT, WIDTH = 30, 40


class Squares:
    """A reader of images: item i has i + 1 nouns, whose masks are squares; the last is absent."""

    def __init__(self, name: str, items: int) -> None:
        self.name = name
        self.items = items

    def __len__(self) -> int:
        return self.items

    def clip(self, item: int, frames: int, rng: np.random.Generator) -> NarratedClip:
        rgb = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        nouns = []
        for noun in range(item + 1):
            mask = np.zeros((HEIGHT, WIDTH), bool)
            if noun < item or item == 0:
                mask[8:20, 4 + 3 * noun : 18 + 3 * noun] = True
            nouns.append(((4 * noun, 4 * noun + 3), mask))
        text = "dog " * (item + 1)
        return still_clip(f"{self.name}/{item}", rgb, text, nouns, frames)


def dataset(samples: int = 40, seed: int = 0, **changes: Any) -> NarratedDataset:
    settings = NarratedSettings(**{"frames": 2, "video": SMALL, "still": SMALL, **changes})
    return NarratedDataset(
        [(Squares("a", 3), 2), (Squares("b", 2), 1)], settings, samples=samples, seed=seed
    )


def same(one: NarratedClip, other: NarratedClip) -> bool:
    return (
        one.video_name == other.video_name
        and one.spans == other.spans
        and one.rgb.shape == other.rgb.shape
        and bool((one.rgb == other.rgb).all() and (one.masks == other.masks).all())
    )


def test_a_sample_depends_on_seed_and_number_alone() -> None:
    first = dataset()
    backwards = {number: first[number] for number in reversed(range(12))}
    again = dataset()
    assert all(same(again[number], backwards[number]) for number in range(12))
    other = dataset(seed=1)
    assert not all(same(other[number], backwards[number]) for number in range(12))


def test_a_pass_takes_every_item_as_often_as_it_is_repeated() -> None:
    found = dataset()
    assert len(found.items) == 8
    passes = [[found[8 * epoch + place].video_name for place in range(8)] for epoch in range(3)]
    expected = sorted(["a/0", "a/1", "a/2"] * 2 + ["b/0", "b/1"])
    assert all(sorted(names) == expected for names in passes)
    assert passes[0] != passes[1] != passes[2]


def test_no_more_nouns_than_wanted() -> None:
    found = dataset(max_nouns=2)
    clips = [found[number] for number in range(40)]
    assert max(len(clip.spans) for clip in clips) == 2
    assert all(len(clip.spans) == len(clip.masks) == len(clip.known) for clip in clips)


def test_clips_make_batches() -> None:
    found = dataset()
    batch = collate_narrated([found[number] for number in range(4)])
    assert batch.frames_BT3HW.shape[:3] == (4, 2, 3)
    assert batch.known_BNT.any(dim=2).any(dim=1).all()


def test_nouns_are_drawn_without_replacement_and_one_is_seen() -> None:
    rgb = np.zeros((4, 4, 3), np.uint8)
    shown, hidden = np.ones((4, 4), bool), np.zeros((4, 4), bool)
    nouns = [((2 * n, 2 * n + 1), shown if n == 3 else hidden) for n in range(6)]
    one = still_clip("v", rgb, "abcdefghijkl", nouns, 1)
    one.known[5] = False
    drawn = set()
    for seed in range(100):
        found = choose_nouns(one, 3, np.random.default_rng(seed))
        assert (6, 7) in found.spans
        assert len(set(found.spans)) == 3
        assert found.spans == tuple(sorted(found.spans))
        assert found.shown.sum() == 1
        drawn.update(found.spans)
    assert drawn == {span for span, _ in nouns[:5]}  # nothing is known of the last
    assert choose_nouns(one, 6, np.random.default_rng(0)) is one


def test_samples_that_are_not_there() -> None:
    with pytest.raises(IndexError, match=r"expected a sample 0 \.\. 39, found 40"):
        dataset()[40]
    with pytest.raises(InputError, match="expected at least one narrative, found none"):
        NarratedDataset([], NarratedSettings(), samples=1, seed=0)


class Unknown(Squares):
    """Images of which nothing is known."""

    def clip(self, item: int, frames: int, rng: np.random.Generator) -> NarratedClip:
        found = super().clip(item, frames, rng)
        found.known[:] = False
        return found


def test_a_clip_without_anything_known_is_named() -> None:
    found = NarratedDataset(
        [(Unknown("c", 1), 1)], NarratedSettings(still=SMALL), samples=1, seed=0
    )
    with pytest.raises(InputError, match="c/0: expected a crop that shows an object, found none"):
        found[0]


@pytest.mark.parametrize("name", ["frames", "max_nouns"])
def test_settings_that_cannot_be(name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: expected at least 1, found 0"):
        NarratedSettings(**{name: 0})
