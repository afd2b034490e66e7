"""A page with the scores of a set, and pictures of the nouns that were hardest to ground."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.visualize.colours import WHITE
from pointvos.visualize.overlay import contour_thickness, overlay
from pointvos.visualize.smaller_mask import smaller_mask
from pointvos.visualize.strip import (
    STRIP_PICTURES,
    CaptionedPicture,
    picture_size,
    picture_strip,
)
from vng.data.expressions import Expression, NarratedVideo
from vng.evaluation.expression_scores import ExpressionScores
from vng.evaluation.open_set import FrameReader
from vng.evaluation.reports import Table

STRIPS = 12  # expressions that are shown
AROUND = 300  # characters of a narrative that are shown on each side of a noun
PREDICTED = 2  # colour of the DAVIS palette: green
_STYLE = """
body { font: 15px/1.55 system-ui, sans-serif; margin: 2rem auto; max-width: 1100px;
       padding: 0 1rem; color: #222; background: #fff; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.2rem; } h3 { margin: 1.6rem 0 .2rem; font-size: 1rem; }
.wide { overflow-x: auto; } details { margin: 1rem 0; } summary { cursor: pointer; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #ddd; }
th { border-bottom: 2px solid #999; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; padding-left: 0; min-width: 9rem;
                                 overflow-wrap: anywhere; }
img { max-width: 100%; display: block; }
mark { background: #ffe08a; padding: 0 .2em; border-radius: .2em; }
.note { color: #666; font-size: .9em; }
"""


@dataclass(frozen=True)
class HardExpression:
    """A noun that was grounded badly.

    Attributes:
        video: that it is of.
        expression: the noun and its narrative.
        scores: of it.
        truth: its true masks, one a frame.
        predicted: frame index -> predicted mask, of the frames that are shown.
    """

    video: NarratedVideo
    expression: Expression
    scores: ExpressionScores
    truth: Sequence[StoredMask | None]
    predicted: Mapping[int, StoredMask]


def report_page(
    title: str,
    note: str,
    tables: Mapping[str, Table],
    hard: Sequence[tuple[HardExpression, NDArray[np.uint8]]],
) -> str:
    """A self-contained page.

    Args:
        title: of the page.
        note: what was evaluated, in a sentence.
        tables: by heading; those after the second are folded away where they are long.
        hard: expressions with their strips, the worst first.
    """
    parts = [f"<h1>{html.escape(title)}</h1>\n<p class=note>{html.escape(note)}</p>"]
    parts += [_section(heading, table) for heading, table in tables.items()]
    if hard:
        parts.append(
            "<h2>Hardest expressions</h2>\n<p class=note>The true outline (white); below or beside "
            "it the predicted mask (green) with the true outline over it.</p>"
        )
        parts += [_hard(one, strip) for one, strip in hard]
    return (
        f"<!doctype html>\n<html lang=en><meta charset=utf-8><title>{html.escape(title)}</title>"
        f"<style>{_STYLE}</style>\n" + "\n".join(parts) + "\n</html>\n"
    )


def strip_of(hard: HardExpression, frames: FrameReader) -> NDArray[np.uint8]:
    """True outlines, and predicted masks under them; of a single frame beside them.

    Returns:
        uint8 RGB [H, W, 3].

    Raises:
        FileNotFoundError: a frame is missing.
        InputError: a frame is damaged.
    """
    true, predicted = [], []
    for index, found in sorted(hard.predicted.items()):
        rgb = frames.read(hard.video, index)
        truth = hard.truth[index]
        assert truth is not None, "pictures are of annotated frames"
        height, width = picture_size(rgb.shape[0], rgb.shape[1], STRIP_PICTURES)
        small = np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        outline = smaller_mask(truth.decode(), height, width).view(np.uint8)
        below = overlay(small, smaller_mask(found.decode(), height, width) * np.uint8(PREDICTED))
        j = dict(zip(hard.scores.frames, hard.scores.j, strict=True))[hard.video.frames[index]]
        absent = "" if truth.area else ", absent"
        true.append(
            CaptionedPicture(f"{hard.video.frames[index]}{absent}", _outlined(small, outline))
        )
        predicted.append(CaptionedPicture(f"J {100 * j:.1f}", _outlined(below, outline)))
    if len(true) == 1:
        return picture_strip([*true, *predicted])
    return np.concatenate([picture_strip(true), picture_strip(predicted)])


def _outlined(picture: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture with the outline of a mask, white on black."""
    drawn = picture.copy()
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    thickness = contour_thickness(*mask.shape)
    cv2.drawContours(drawn, contours, -1, (0, 0, 0), thickness + 2, cv2.LINE_AA)
    cv2.drawContours(drawn, contours, -1, WHITE, thickness, cv2.LINE_AA)
    return drawn


def _section(heading: str, table: Table) -> str:
    cells = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.header)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in table.rows
    )
    body = f"<div class=wide><table>\n<tr>{cells}</tr>\n{rows}\n</table></div>"
    if len(table.rows) > 15:
        body = (
            f"<details><summary>{len(table.rows)} rows, the worst first</summary>{body}</details>"
        )
    return f"<h2>{html.escape(heading)}</h2>\n{body}"


def _hard(hard: HardExpression, strip: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(strip).save(buffer, format="JPEG", quality=88)
    data = base64.b64encode(buffer.getvalue()).decode()
    name = html.escape(f"{hard.video.name}, expression {hard.scores.expression}")
    return (
        f"<h3>{name}: J&amp;F {100 * hard.scores.j_and_f:.1f}</h3>\n"
        f"<p>{_narrative(hard.video.text(hard.expression), hard.expression)}</p>\n"
        f'<img src="data:image/jpeg;base64,{data}" alt="{name}">'
    )


def _narrative(text: str, noun: Expression) -> str:
    """The noun, marked, in what stands around it."""
    first, last = max(0, noun.start - AROUND), min(len(text), noun.end + AROUND)
    return (
        f"{'... ' if first else ''}{html.escape(text[first : noun.start])}"
        f"<mark>{html.escape(text[noun.start : noun.end])}</mark>"
        f"{html.escape(text[noun.end : last])}{' ...' if last < len(text) else ''}"
    )
