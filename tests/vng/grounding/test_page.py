"""The page of a grounded video: whole, escaped, and with the frames and masks it was given."""

import base64
import gc
import io
import json
import weakref
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pointvos.core.run_lengths import decode_runs
from pointvos.visualize.colours import object_colour
from pointvos.visualize.smaller_mask import smaller_mask
from tests.vng.grounding.grounded_squares import (
    GREY,
    HEIGHT,
    NOUNS,
    QUESTION,
    WIDTH,
    grounded_squares,
    masks_at,
)
from vng.grounding.grounded import GroundedFrame, NounQuestion
from vng.grounding.page import MOST_FRAMES, SHORT_SIDE, mask_runs, write_page

HOSTILE = (
    '</script><script>window.broken = 1</script><b onclick="x">A</b> & \'man\' <!-- "rides" '
    "\U0001f6b2 \u05d0\u05d5\u05e4\u05e0\u05d9\u05d9\u05dd & a \U0001f469\u200d\U0001f6b4 dog"
)


class Parsed(HTMLParser):
    """A page taken apart as a browser does.

    Attributes:
        data: id of a JSON element -> its value.
        narrative: text of the narrative, without the numbers of nouns.
        nouns: (index, text) of the pieces of nouns in the narrative, in order.
        tags: names of all elements.
        text: outside of scripts and styles.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.data: dict[str, object] = {}
        self.narrative, self.text = "", ""
        self.nouns: list[tuple[int, str]] = []
        self.tags: list[str] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag in ("meta", "link", "input", "path", "line"):
            return
        self._open.append((tag, dict(attrs)))
        if tag == "span" and self._inside("narrative"):
            self.nouns.append((int(dict(attrs)["data-noun"]), ""))

    def handle_endtag(self, tag):
        if tag in [name for name, _ in self._open]:
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data):
        tag, attributes = self._open[-1] if self._open else ("", {})
        if tag == "script":
            if attributes.get("type") == "application/json":
                self.data[attributes["id"]] = json.loads(data)
            return
        if tag == "style":
            return
        self.text += data
        if self._inside("narrative") and tag != "sub":
            self.narrative += data
            if tag == "span":
                self.nouns[-1] = (self.nouns[-1][0], self.nouns[-1][1] + data)

    def _inside(self, identity: str) -> bool:
        return any(attributes.get("id") == identity for _, attributes in self._open)


def written(path: Path, question: NounQuestion = QUESTION, count: int = 5, **options) -> Parsed:
    options = {"title": "squares", "rate": 10.0, "note": "", **options}
    frames = options.pop("frames", None) or grounded_squares(count)
    write_page(path, frames, question, count=count, **options)
    return Parsed(path.read_text(encoding="utf-8"))


def blank(question: NounQuestion, count: int = 1) -> Iterator[GroundedFrame]:
    n = len(question.spans)
    for t in range(count):
        rgb, masks = np.zeros((24, 32, 3), np.uint8), np.zeros((n, 24, 32), bool)
        yield GroundedFrame(t, f"{t:05d}", rgb, masks, np.zeros(n, np.float32))


def test_frames_masks_and_scores_are_those_given(tmp_path):
    page = written(tmp_path / "index.html")

    found = page.data["found"]
    assert found["names"] == [f"{t:05d}" for t in range(5)]
    assert found["times"] == [0, 0.1, 0.2, 0.3, 0.4]
    assert (found["height"], found["width"]) == (HEIGHT, WIDTH)
    assert found["scores"] == [[900] * 5, [800, 800, 800, 200, 200], [50] * 5]
    assert found["drawn"] == ["11111", "11100", "00000"]
    assert [noun["colour"] for noun in found["nouns"]] == [
        list(object_colour(n)) for n in (1, 2, 3)
    ]
    for t in range(5):
        frame = page.data[f"frame-{t}"]
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(frame["jpeg"]))))
        assert picture.shape == (HEIGHT, WIDTH, 3)
        assert np.abs(picture.astype(int) - GREY).max() <= 2
        for text, mask in zip(frame["masks"], masks_at(t), strict=True):
            assert (text != "") == mask.any()
            if text:
                assert np.array_equal(mask, decode_runs(text.encode(), WIDTH, HEIGHT).T)


def test_the_narrative_is_whole_and_its_nouns_are_marked(tmp_path):
    page = written(tmp_path / "index.html")

    assert page.narrative == QUESTION.text
    assert page.nouns == [(0, "man"), (1, "red shirt"), (2, "dog")]


def test_nouns_that_nest_or_overlap_are_all_there(tmp_path):
    asked = NounQuestion("the red car door", ((4, 16), (8, 11), (9, 16)))

    page = written(tmp_path / "index.html", asked, frames=blank(asked), count=1)

    assert page.narrative == asked.text
    assert page.nouns == [(0, "red "), (1, "car"), (2, " door")]
    rows = page.text[page.text.index("Score over time") :]
    assert all(noun in rows for noun in ("red car door", "car", "ar door"))


def test_no_text_breaks_out_of_its_place(tmp_path):
    nouns = ["'man'", "\U0001f6b2", "\u05d0\u05d5\u05e4\u05e0\u05d9\u05d9\u05dd", "dog"]
    spans = tuple((HOSTILE.index(n), HOSTILE.index(n) + len(n)) for n in nouns)
    asked = NounQuestion(HOSTILE, spans)
    plain = written(tmp_path / "plain.html", QUESTION, frames=blank(QUESTION), count=1)

    page = written(
        tmp_path / "index.html", asked, frames=blank(asked), count=1, title=HOSTILE, note=HOSTILE
    )

    assert page.narrative == HOSTILE
    assert [text for _, text in page.nouns] == nouns
    assert page.text.count(HOSTILE) == 3  # the title twice, the note
    assert page.tags.count("script") == plain.tags.count("script")
    assert "b" not in page.tags


def test_names_of_frames_are_escaped_as_well(tmp_path):
    asked = QUESTION
    frame = next(grounded_squares(1))
    named = GroundedFrame(0, "</script>&\u2028", frame.rgb, frame.masks, frame.scores)

    page = written(tmp_path / "index.html", asked, frames=[named], count=1)

    assert page.data["found"]["names"] == ["</script>&\u2028"]
    assert "frame-0" in page.data


def test_half_a_character_is_no_reason_to_fail(tmp_path):
    asked = NounQuestion("a \ud83d man", ((4, 7),))

    page = written(tmp_path / "index.html", asked, frames=blank(asked), count=1)

    assert page.narrative == "a ? man"
    assert page.nouns == [(0, "man")]


def test_a_long_video_is_thinned_and_the_page_says_so(tmp_path):
    page = written(tmp_path / "index.html", frames=blank(QUESTION, 700), count=700)

    found = page.data["found"]
    assert len(found["names"]) == MOST_FRAMES
    assert (found["names"][0], found["names"][-1]) == ("00000", "00699")
    gaps = np.diff(np.array(found["times"]) * 10).round().astype(int)
    assert set(gaps.tolist()) == {2, 3}
    assert f"{MOST_FRAMES} of 700 frames are on this page" in page.text
    assert "frames are on this page" not in written(tmp_path / "short.html").text


def test_large_frames_are_made_smaller(tmp_path):
    rng = np.random.default_rng(0)
    mask = np.zeros((1, 720, 1280), bool)
    mask[0, 101:500, 203:900] = True
    rgb = rng.integers(0, 256, (720, 1280, 3), np.uint8)
    asked = NounQuestion("a man", ((2, 5),))
    frame = GroundedFrame(0, "00000", rgb, mask, np.ones(1, np.float32))

    page = written(tmp_path / "index.html", asked, frames=[frame], count=1)

    found = page.data["found"]
    assert (found["height"], found["width"]) == (SHORT_SIDE, 640)
    on_page = decode_runs(page.data["frame-0"]["masks"][0].encode(), 640, SHORT_SIDE).T
    assert (on_page == smaller_mask(mask[0], SHORT_SIDE, 640)).all()


def test_times_are_those_of_the_video(tmp_path):
    frames = grounded_squares(4, every=5)
    page = written(tmp_path / "index.html", frames=frames, count=4, rate=25.0)
    assert page.data["found"]["times"] == [0, 0.2, 0.4, 0.6]


def test_one_frame_is_held_at_a_time(tmp_path):
    alive: weakref.WeakSet[GroundedFrame] = weakref.WeakSet()
    most = 0

    def frames() -> Iterator[GroundedFrame]:
        nonlocal most
        for frame in grounded_squares(30):
            alive.add(frame)
            most = max(most, len(alive))
            yield frame

    written(tmp_path / "index.html", frames=frames(), count=30)
    gc.collect()

    assert most <= 3
    assert not alive


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    page = (tmp_path / "index.html", written(tmp_path / "index.html"))[0].read_text()
    for address in ("http:", "https:", "//cdn", "src=", "@import", "url("):
        assert address not in page
    assert "default-src 'none'" in page


def broken(**changes: np.ndarray) -> Iterator[GroundedFrame]:
    yield from grounded_squares(1)
    last = list(grounded_squares(2))[1]
    values = {"rgb": last.rgb, "masks": last.masks, "scores": last.scores, **changes}
    yield GroundedFrame(1, "00001", **values)


@pytest.mark.parametrize(
    ("frames", "rate", "message"),
    [
        (iter(()), 10.0, "expected frames to write, found none"),
        (grounded_squares(2), 0.0, "expected a positive frame rate, found 0"),
        (broken(rgb=np.zeros((HEIGHT, 50, 3), np.uint8)), 10.0, "at frame 00001"),
        (broken(masks=np.zeros((2, HEIGHT, WIDTH), bool)), 10.0, r"\(2, 120, 160\)"),
        (broken(scores=np.zeros(NOUNS + 1, np.float32)), 10.0, r"and \(4,\) at frame"),
    ],
)
def test_what_does_not_fit_is_refused_and_an_earlier_page_stays(tmp_path, frames, rate, message):
    path = tmp_path / "index.html"
    path.write_text("earlier")

    with pytest.raises(ValueError, match=message):
        write_page(path, frames, QUESTION, title="squares", rate=rate, count=2)

    assert [one.name for one in tmp_path.iterdir()] == ["index.html"]
    assert path.read_text() == "earlier"


@given(st.integers(1, 30), st.integers(1, 30), st.floats(0, 1), st.integers(0, 99))
def test_run_lengths_go_row_by_row(height, width, density, seed):
    mask = np.random.default_rng(seed).random((height, width)) < density

    text = mask_runs(mask)

    assert (text == "") == (not mask.any())
    if text:
        assert np.array_equal(mask, decode_runs(text.encode(), width, height).T)
