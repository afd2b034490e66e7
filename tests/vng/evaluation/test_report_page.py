"""The page of an evaluation: tables, and pictures of what went wrong."""

from pathlib import Path

import numpy as np

from pointvos.core.mask_store.stored_mask import StoredMask
from tests.vng.evaluation.colour_words import FRAMES, HEIGHT, WIDTH, square, write_set
from vng.evaluation.expression_scores import ExpressionScores
from vng.evaluation.open_set import open_set
from vng.evaluation.report_page import AROUND, HardExpression, report_page, strip_of
from vng.evaluation.reports import Table, paper_table


def hard(tmp_path: Path, *, predicted: np.ndarray | None = None):
    evaluated = open_set(write_set(tmp_path), frames=tmp_path / "frames")
    video = evaluated.narrated.videos["second"]
    expression = video.expressions[1]
    truth = evaluated.narrated.masks(video, expression.obj_id)
    found = predicted if predicted is not None else square("second", "green ball", 0)
    zero = (0.0,) * FRAMES
    scores = ExpressionScores("second", 1, "blue ball", expression.obj_id, video.frames, zero, zero)
    masks = {t: StoredMask.from_mask(1, video.frames[t], found) for t in (0, 2, FRAMES - 1)}
    return HardExpression(video, expression, scores, truth, masks), evaluated.frames


def test_outlines_and_predictions(tmp_path: Path) -> None:
    one, frames = hard(tmp_path)
    strip = strip_of(one, frames)
    assert strip.shape[1] > 3 * WIDTH
    assert strip.shape[0] > 2 * HEIGHT
    above, below = np.split(strip, [strip.shape[0] // 2])
    frame = frames.read(one.video, 0)
    green = frame[square("second", "green ball", 0)][0]
    assert (above == green).all(axis=-1).any()  # nothing is drawn on it in the row above
    assert not (below[:HEIGHT] == green).all(axis=-1).any() or (above != below).any()
    empty, frames = hard(tmp_path / "empty", predicted=np.zeros((HEIGHT, WIDTH), bool))
    assert not np.array_equal(strip, strip_of(empty, frames))


def test_a_pixel_is_seen(tmp_path: Path) -> None:
    pixel = np.zeros((HEIGHT, WIDTH), bool)
    pixel[20, 20] = True
    one, frames = hard(tmp_path, predicted=pixel)
    none, frames = hard(tmp_path / "none", predicted=np.zeros_like(pixel))
    assert not np.array_equal(strip_of(one, frames), strip_of(none, frames))


def test_the_page_holds_everything_and_runs_nothing(tmp_path: Path) -> None:
    one, frames = hard(tmp_path)
    evil = Table(["noun", "J"], [["<script>alert(1)</script>", "3.0"]])
    long = Table(["noun"], [[f"n{k}"] for k in range(40)])
    page = report_page(
        "A <set>",
        "note",
        {"Scores": evil, "Paper": paper_table(), "Nouns": long},
        [(one, strip_of(one, frames))],
    )
    assert "<script>" not in page
    assert "A &lt;set&gt;" in page
    assert "<mark>blue ball</mark> are here." in page
    assert page.count("data:image/jpeg;base64,") == 1
    assert "http" not in page
    assert "<summary>40 rows" in page
    assert "52.8" in page


def test_long_narratives_are_cut_around_the_noun(tmp_path: Path) -> None:
    from vng.data.expressions import Expression
    from vng.evaluation.report_page import _narrative

    text = "word " * 2000 + "dog" + " word" * 2000
    start = text.index("dog")
    shown = _narrative(text, Expression(0, start, start + 3, 1))
    assert "<mark>dog</mark>" in shown
    assert shown.startswith("... ")
    assert shown.endswith(" ...")
    assert len(shown) < 3 * AROUND
