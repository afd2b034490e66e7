"""A page that plays a grounded video: one HTML file, nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from pointvos.core.atomic import atomic_path
from pointvos.core.progress import progress
from pointvos.visualize.colours import contrasting, legible_on
from pointvos.visualize.smaller_mask import smaller_mask
from pointvos.visualize.strip import strip_frames
from vng.grounding.grounded import GroundedFrame, NounLabel, NounQuestion
from vng.grounding.noun_pieces import noun_pieces

MOST_FRAMES = 300  # on a page
SHORT_SIDE = 360  # of the frames on it, in pixels, at most
_JPEG_QUALITY = 75
_SCORE_STEPS = 1000
# What the page may load: nothing but what stands in it.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def write_page(
    path: str | Path,
    frames: Iterable[GroundedFrame],
    question: NounQuestion,
    *,
    title: str,
    rate: float,
    count: int,
    note: str = "",
) -> int:
    """Write a page that plays the frames with the masks of the nouns; one frame is held at a time.

    Below the video stands the narrative, its nouns in the colours of their masks: pointing at a
    noun, or focusing it, shows its mask alone, a click keeps it so. Beside it is the score of
    each noun over time. Frames are smaller copies, and of a long video at most `MOST_FRAMES` are on
    the page, evenly spaced, which it says.

    Args:
        path: of the HTML file, written atomically.
        frames: of the video, in order and all of one size; read once.
        question: the narrative and its nouns.
        title: of the page.
        rate: frames per second of the video; a frame is shown at index / rate seconds.
        count: of the frames.
        note: what stands at the end of the page, for instance what found the masks.

    Returns:
        How many frames are on the page.

    Raises:
        ValueError: there are no frames, they differ in size, their masks or scores are not one a
            noun, or the rate is not positive.
    """
    if not rate > 0:
        raise ValueError(f"{path}: expected a positive frame rate, found {rate}")
    chosen = frozenset(strip_frames(count, count=MOST_FRAMES))
    shown = _Shown(question)
    with (
        atomic_path(path) as temporary,
        # A text from JSON may hold half a character, which UTF-8 has no bytes for: it becomes "?".
        temporary.open("w", encoding="utf-8", errors="replace", newline="\n") as file,
    ):
        read = 0
        bar = progress(frames, description="page", unit="frame", total=count)
        for read, frame in enumerate(bar, start=1):
            if read == 1:
                shown.begin(frame.rgb)
                file.write(_head(title) + _body(title, shown))
            if read - 1 in chosen:
                file.write(_frame_data(frame, shown, path))
        if not read:
            raise ValueError(f"{path}: expected frames to write, found none")
        file.write(_data("found", shown.as_dict(rate)))
        file.write(_foot(note, len(shown.names), read))
    return len(shown.names)


@dataclass
class _Shown:
    """What is known of the frames on the page; a few numbers each."""

    question: NounQuestion
    video_size: tuple[int, ...] = ()
    size: tuple[int, int] = (0, 0)  # height and width on the page
    names: list[str] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    scores: list[list[int]] = field(default_factory=list)  # one list a frame
    drawn: list[list[bool]] = field(default_factory=list)

    def begin(self, rgb: NDArray[np.uint8]) -> None:
        """Choose the size of the page's frames by the first one of the video."""
        self.video_size = rgb.shape
        height, width = rgb.shape[:2]
        scale = min(1.0, SHORT_SIDE / min(height, width))
        self.size = max(1, round(height * scale)), max(1, round(width * scale))

    def as_dict(self, rate: float) -> dict[str, Any]:
        """As the page's script reads it."""
        height, width = self.size
        nouns = [
            {"colour": label.colour, "contrast": contrasting(label.colour)}
            for label in self.question.labels
        ]
        drawn = ["".join("01"[one] for one in of_noun) for of_noun in zip(*self.drawn, strict=True)]
        return {
            "width": width,
            "height": height,
            "rate": rate,
            "nouns": nouns,
            "names": self.names,
            "times": [round(index / rate, 4) for index in self.indices],
            "scores": list(zip(*self.scores, strict=True)),
            "drawn": drawn,
        }


def _frame_data(frame: GroundedFrame, shown: _Shown, path: str | Path) -> str:
    nouns = len(shown.question.spans)
    expected = (shown.video_size, (nouns, *shown.video_size[:2]), (nouns,))
    if (frame.rgb.shape, frame.masks.shape, frame.scores.shape) != expected:
        raise ValueError(
            f"{path}: expected frames, masks and scores of the shapes {expected}, found "
            f"{frame.rgb.shape}, {frame.masks.shape} and {frame.scores.shape} at frame {frame.name}"
        )
    height, width = shown.size
    small = cv2.resize(frame.rgb, (width, height), interpolation=cv2.INTER_AREA)
    runs = [mask_runs(smaller_mask(mask, height, width)) for mask in frame.masks]
    data = {"jpeg": _jpeg(np.asarray(small, np.uint8)), "masks": runs}
    element = _data(f"frame-{len(shown.names)}", data)
    shown.names.append(frame.name)
    shown.indices.append(frame.index)
    shown.scores.append(np.rint(frame.scores * _SCORE_STEPS).astype(int).tolist())
    shown.drawn.append([run != "" for run in runs])
    return element


def mask_runs(mask: NDArray[np.bool_]) -> str:
    """Run lengths of a mask row by row, compressed as COCO does; "" for an empty one.

    >>> mask_runs(np.array([[False, True], [True, False]]))
    '121'
    """
    if not mask.any():
        return ""
    # COCO goes down the columns: of the transposed mask these are the rows.
    transposed = np.asfortranarray(mask.T.astype(np.uint8))
    counts: bytes = coco_mask.encode(transposed)["counts"]
    return counts.decode("ascii")


def _jpeg(rgb: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="JPEG", quality=_JPEG_QUALITY, optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _data(name: str, value: dict[str, Any]) -> str:
    """Data for the page's script; no text in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>\n'


def _resource(name: str) -> str:
    return (files("vng.grounding") / name).read_text(encoding="utf-8")


def _head(title: str) -> str:
    return (
        "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
        f'<meta http-equiv=Content-Security-Policy content="{_POLICY}">\n'
        '<meta name=viewport content="width=device-width, initial-scale=1">\n'
        f'<link rel=icon href="data:,">\n<title>{html.escape(title)}</title>\n'
        f"<style>\n{_resource('page.css')}</style>\n</head>\n"
    )


def _body(title: str, shown: _Shown) -> str:
    height, width = shown.size
    question = shown.question
    rows = "\n".join(_row(label) for label in question.labels)
    return f"""<body>
<h1>{html.escape(title)}</h1>
<noscript>This page plays a video with JavaScript, which is switched off.</noscript>
<main>
<div>
<div class=stage>
<canvas id=view width={width} height={height} style="--aspect:{width / height:.4f}" role=img
 aria-label="Frame with the masks of the nouns"></canvas>
<div class=controls>
<button id=play aria-label=Play><svg viewBox="0 0 16 16"><path d="M4 2l10 6-10 6z"/></svg></button>
<input id=slider type=range min=0 value=0 aria-label=Frame>
<output id=place></output>
</div>
</div>
<p id=narrative dir=auto>{_narrative(question)}</p>
<p class=hint>Point at a noun to see only its mask, click to keep it. Space plays, arrow keys step
(with shift: ten frames), Escape shows all nouns.</p>
</div>
<section aria-label="Nouns">
<h2>Score over time</h2>
{rows}
<p class=hint>Filled where a mask is drawn; the scale is 0 to 1. Click a chart to go there.</p>
</section>
</main>
"""


def _foot(note: str, shown: int, read: int) -> str:
    thinned = f"{shown} of {read} frames are on this page, evenly spaced.\n" if shown < read else ""
    return (
        f"<footer><p class=note>{html.escape(thinned + note)}</p></footer>\n"
        f"<script>\n{_resource('page.js')}</script>\n</body>\n</html>\n"
    )


def _narrative(question: NounQuestion) -> str:
    """The narrative; of a noun in several pieces the first is reached by keyboard."""
    parts = []
    reached: set[int] = set()
    for piece in noun_pieces(question.text, question.labels):
        text = html.escape(piece.text)
        if piece.label is None:
            parts.append(text)
            continue
        number = piece.label.number
        keys = "" if number in reached else ' tabindex=0 role=button aria-pressed="false"'
        reached.add(number)
        behind = f"<sub>{number}</sub>" if piece.last else ""
        parts.append(f"<span {_noun_attributes(piece.label)}{keys}>{text}{behind}</span>")
    return "".join(parts)


def _row(label: NounLabel) -> str:
    return (
        f"<div class=row data-noun={label.number - 1} style="
        f'"{_colours(label)}"><button aria-pressed="false" data-noun={label.number - 1}>'
        f"<span {_noun_attributes(label)}><bdi>{html.escape(label.text)}</bdi>"
        f"<sub>{label.number}</sub></span><span class=score></span></button>\n"
        "<svg class=chart preserveAspectRatio=none aria-hidden=true><path class=area />"
        "<path class=curve /><line class=now y1=-4 y2=104 /></svg></div>"
    )


def _noun_attributes(label: NounLabel) -> str:
    return f'class=noun data-noun={label.number - 1} style="{_colours(label)}"'


def _colours(label: NounLabel) -> str:
    colour, on = label.colour, legible_on(label.colour)
    return f"--colour:rgb{colour};--on:rgb{on}"
