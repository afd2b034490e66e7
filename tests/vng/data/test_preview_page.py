"""The page that shows narratives with their masks."""

import html
import re
from pathlib import Path

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.visualize.colours import object_colour
from tests.vng.tiny_set import HEIGHT, TEXT, WIDTH, expressions_file, write_set
from vng.data.expressions import NarratedVideo
from vng.data.preview_page import telling_frames, write_preview
from vng.data.vng_set import VngSet


def read(video: NarratedVideo, index: int) -> np.ndarray:
    del video
    return np.full((HEIGHT, WIDTH, 3), 40 * index, np.uint8)


def opened(folder: Path) -> VngSet:
    return VngSet.open(folder, original_masks=folder / "original.json")


def test_nouns_have_the_colours_of_their_masks(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    assert write_preview(tmp_path / "page.html", opened(folder), 5, read) == 1
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    marks = re.findall(r'<mark style="background:rgb(\([^)]*\))[^>]*>([^<]*)</mark>', page)
    assert marks == [(str(object_colour(1)), "dog"), (str(object_colour(2)), "ball")]
    (paragraph,) = re.findall(r"<p>(.*)</p>", page)
    assert re.sub(r"<[^>]*>", "", paragraph) == TEXT
    assert page.count("data:image/jpeg;base64,") == 3
    assert "00001, 1 not annotated" not in page  # another frame shows more
    assert "http" not in page  # nothing is loaded from elsewhere


def test_text_of_the_set_is_text(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    text = "A <script>dog</script> & more"
    start = text.index("dog")
    expression = {
        "narrative_actor_idx": 0,
        "noun_phrase_start_idx": start,
        "noun_phrase_end_idx": start + 3,
        "obj_id": 7,
    }
    narrative = {"actor_idx": 0, "actor_name": "", "description": text}
    expressions_file(
        folder / "meta_expressions.json",
        expressions={"0": expression},
        actor_narratives=[narrative],
    )
    write_preview(tmp_path / "page.html", opened(folder), 1, read)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert html.escape("<script>") in page


def masks(*shown: str) -> list[list[StoredMask | None]]:
    """Of each object a letter a frame: x there, . absent, - not annotated."""
    kinds = {"x": np.ones((2, 2), bool), ".": np.zeros((2, 2), bool)}
    return [
        [None if one == "-" else StoredMask.from_mask(1, "0", kinds[one]) for one in of_object]
        for of_object in shown
    ]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (["xxxxxxxxx"], [1, 4, 7]),
        (["x"], [0]),
        (["-x"], [1]),
        (["--"], []),
        (["x..x..x..", ".......xx"], [0, 3, 7]),
        (["x--", ".x."], [0, 1, 2]),
    ],
)
def test_frames_that_show_the_most(shown: list[str], expected: list[int]) -> None:
    assert telling_frames(masks(*shown)) == expected


def test_frames_of_another_size(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    with pytest.raises(InputError, match=r"clip, frame 0000\d: expected masks of 9x8 as its image"):
        write_preview(
            tmp_path / "page.html", opened(folder), 1, lambda *_: np.zeros((8, 9, 3), np.uint8)
        )
    assert not (tmp_path / "page.html").exists()


def test_nothing_to_show(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    expressions_file(folder / "meta_expressions.json", expressions={})
    with pytest.raises(InputError, match="expected videos with expressions, found 0"):
        write_preview(tmp_path / "page.html", opened(folder), 1, read)
