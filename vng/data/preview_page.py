"""A page to look at a narrated set: narratives whose nouns carry the colours of their masks."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pointvos.core.atomic import write_text
from pointvos.core.errors import InputError
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.masks import MAX_OBJECT_ID
from pointvos.core.progress import progress
from pointvos.visualize.colours import contrasting, object_colour
from pointvos.visualize.strip import small_overlay
from vng.data.expressions import NarratedVideo
from vng.data.statistics import NarratedSet

ReadFrame = Callable[[NarratedVideo, int], NDArray[np.uint8]]  # video, index -> RGB [H, W, 3]

PICTURES = 3  # a video
_STYLE = """
body { font: 16px/1.6 system-ui, sans-serif; margin: 2rem auto; max-width: 1100px; padding: 0 1rem;
       color: #222; background: #fff; }
h2 { margin: 2.5rem 0 .3rem; font-size: 1.1rem; overflow-wrap: anywhere; }
.pictures { display: flex; gap: 8px; }
figure { margin: 0; flex: 0 1 33%; } figure:only-child { flex-basis: 50%; }
img { width: 100%; display: block; }
figcaption { font-size: .8rem; color: #666; }
mark { padding: 0 .25em; border-radius: .2em; }
"""


def write_preview(path: str | Path, narrated: NarratedSet, count: int, read: ReadFrame) -> int:
    """Write a self-contained page with some videos of a set.

    Args:
        path: of the HTML file.
        narrated: the set.
        count: of videos, evenly spaced over those with expressions.
        read: gives a frame of a video.

    Returns:
        How many videos are on it.

    Raises:
        FileNotFoundError: a frame or mask file is missing.
        InputError: there is nothing to show, or a frame has another size than its masks.
    """
    videos = [video for video in narrated.videos.values() if video.expressions]
    if not videos or count < 1:
        raise InputError(f"preview: expected videos with expressions, found {len(videos)}")
    places = np.linspace(0, len(videos) - 1, min(count, len(videos))).round().astype(int)
    chosen = [videos[place] for place in dict.fromkeys(places.tolist())]
    parts = [
        _video(video, narrated, read)
        for video in progress(chosen, description="preview", unit="video")
    ]
    write_text(
        Path(path),
        "<!doctype html>\n<html lang=en><meta charset=utf-8><title>Narratives</title>"
        f"<style>{_STYLE}</style>\n<h1>{len(chosen)} of {len(videos)} narrated videos</h1>\n"
        + "\n".join(parts)
        + "\n</html>\n",
    )
    return len(chosen)


def _video(video: NarratedVideo, narrated: NarratedSet, read: ReadFrame) -> str:
    ids = list(dict.fromkeys(one.obj_id for one in video.expressions))[:MAX_OBJECT_ID]
    numbers = {object_id: number for number, object_id in enumerate(ids, start=1)}
    masks = {numbers[object_id]: narrated.masks(video, object_id) for object_id in ids}
    figures = "".join(
        _figure(video, index, masks, read) for index in telling_frames(list(masks.values()))
    )
    narratives = "\n".join(
        f"<p>{_highlighted(video, index, numbers)}</p>" for index in range(len(video.narratives))
    )
    name = html.escape(video.name)
    return f"<h2>{name}</h2>\n{narratives}\n<div class=pictures>{figures}</div>"


def telling_frames(masks: Sequence[Sequence[StoredMask | None]]) -> list[int]:
    """Frames that show the most objects, spread over the video, ascending; at most `PICTURES`.

    Args:
        masks: of each object, one a frame.
    """
    shown = np.array([[mask is not None and mask.area > 0 for mask in one] for one in masks])
    known = np.array([[mask is not None for mask in one] for one in masks])
    annotated = np.flatnonzero(known.any(axis=0))
    # More objects first, then more of them annotated; of equal frames the one in the middle.
    worth = shown.sum(axis=0) + known.sum(axis=0) / (len(masks) + 1)
    chosen = []
    for piece in np.array_split(annotated, min(PICTURES, len(annotated)) or 1):
        best = piece[worth[piece] == worth[piece].max(initial=0)]
        chosen += [int(one) for one in best[len(best) // 2 : len(best) // 2 + 1]]
    return chosen


def _figure(
    video: NarratedVideo,
    index: int,
    masks: dict[int, list[StoredMask | None]],
    read: ReadFrame,
) -> str:
    rgb = read(video, index)
    height, width = rgb.shape[0], rgb.shape[1]
    drawn = np.zeros((height, width), np.uint8)
    on_frame = [(number, of_one[index]) for number, of_one in masks.items()]
    # Small masks over large ones: nouns may overlap ("man", "shirt").
    for number, mask in sorted(on_frame, key=lambda one: -(one[1].area if one[1] else 0)):
        if mask is None:
            continue
        if (mask.height, mask.width) != (height, width):
            raise InputError(
                f"{video.name}, frame {video.frames[index]}: expected masks of {width}x"
                f"{height} as its image, found {mask.width}x{mask.height}"
            )
        drawn[mask.decode()] = number
    unknown = sum(mask is None for _, mask in on_frame)
    note = f", {unknown} not annotated" if unknown else ""
    picture = small_overlay(rgb, drawn, count=PICTURES)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="JPEG", quality=88)
    data = base64.b64encode(buffer.getvalue()).decode()
    frame = html.escape(video.frames[index])
    return (
        f'<figure><img src="data:image/jpeg;base64,{data}" alt="frame {frame}">'
        f"<figcaption>{frame}{note}</figcaption></figure>"
    )


def _highlighted(video: NarratedVideo, narrative: int, numbers: dict[int, int]) -> str:
    """A narrative with its nouns marked; of nouns that overlap in the text the first is marked."""
    text = video.narratives[narrative].description
    pieces, behind = [], 0
    of_narrative = [one for one in video.expressions if one.narrative == narrative]
    for one in sorted(of_narrative, key=lambda one: (one.start, -one.end)):
        if one.start < behind or one.obj_id not in numbers:
            continue
        colour = object_colour(numbers[one.obj_id])
        style = f"background:rgb{tuple(colour)};color:rgb{tuple(contrasting(colour))}"
        pieces.append(html.escape(text[behind : one.start]))
        pieces.append(f'<mark style="{style}">{html.escape(text[one.start : one.end])}</mark>')
        behind = one.end
    pieces.append(html.escape(text[behind:]))
    return "".join(pieces)
