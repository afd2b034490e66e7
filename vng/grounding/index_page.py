"""A page over the results of many narratives."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.55 system-ui, sans-serif; margin: 2rem auto; max-width: 1100px;
       padding: 0 1rem; color: light-dark(#222, #ddd); background: light-dark(#fff, #1b1b1d); }
h1 { font-size: 1.3rem; } h2 { margin: 2.2rem 0 .2rem; font-size: 1.05rem; }
img { max-width: 100%; display: block; border-radius: .3rem; }
p { margin: .3rem 0; overflow-wrap: anywhere; }
.nouns span { white-space: nowrap; margin-right: 1.2em; }
.nouns i { display: inline-block; width: .8em; height: .8em; border-radius: .2em;
           margin-right: .35em; }
.note { color: light-dark(#666, #aaa); font-size: .9em; }
a { color: light-dark(#0b57d0, #8ab4f8); }
"""


@dataclass(frozen=True)
class IndexEntry:
    """A narrative that was grounded.

    Attributes:
        folder: of its results, with slashes.
        video: name of the video.
        frames: of the video.
        name: of the narrative; may be empty.
        text: of it.
        nouns: words, colour (#rrggbb), mean score and number of frames with a mask of each noun.
    """

    folder: str
    video: str
    frames: int
    name: str
    text: str
    nouns: tuple[tuple[str, str, float, int], ...]

    @classmethod
    def of_results(cls, folder: str, results: Mapping[str, Any]) -> IndexEntry:
        """From the results.json in the folder."""
        nouns = tuple(
            (
                noun["noun"],
                noun["colour"],
                sum(noun["scores"]) / len(noun["scores"]),
                noun["frames_visible"],
            )
            for noun in results["nouns"]
        )
        video, narrative = results["video"], results["narrative"]
        return cls(
            folder, video["name"], video["frames"], narrative["name"], narrative["text"], nouns
        )

    def as_dict(self) -> dict[str, Any]:
        """The entry in the results.json over all."""
        return {
            "folder": self.folder,
            "video": self.video,
            "narrative": {"name": self.name, "text": self.text},
            "nouns": [
                {"noun": noun, "mean_score": round(score, 4), "frames_visible": visible}
                for noun, _, score, visible in self.nouns
            ],
        }


def index_page(title: str, entries: Sequence[IndexEntry], left_out: Mapping[str, str]) -> str:
    """A page with the strip of each narrative and a link to its own page.

    Args:
        title: of the page.
        entries: in their order.
        left_out: what could not be grounded, with reasons.
    """
    parts = [f"<h1>{html.escape(title)}</h1>", *map(_entry, entries)]
    if left_out:
        rows = "".join(
            f"<li>{html.escape(source)}: {html.escape(reason)}</li>"
            for source, reason in left_out.items()
        )
        parts.append(f"<h2>Left out</h2><ul class=note>{rows}</ul>")
    return (
        f"<!doctype html>\n<html lang=en><meta charset=utf-8>"
        f"<meta name=viewport content='width=device-width'><title>{html.escape(title)}</title>"
        f"<style>{_STYLE}</style>\n" + "\n".join(parts) + "\n</html>\n"
    )


def _entry(entry: IndexEntry) -> str:
    link = quote(entry.folder)
    heading = html.escape(": ".join(filter(None, (entry.video, entry.name))))
    nouns = "".join(
        f"<span><i style='background:{html.escape(colour)}'></i>{html.escape(noun)} "
        f"<span class=note>{score:.2f}, {visible} of {entry.frames} frames</span></span>"
        for noun, colour, score, visible in entry.nouns
    )
    return (
        f"<h2><a href='{link}/index.html'>{heading}</a></h2>\n<p>{html.escape(entry.text)}</p>\n"
        f"<p class=nouns>{nouns}</p>\n"
        f"<a href='{link}/index.html'><img src='{link}/strip.png' alt='{heading}' loading=lazy></a>"
    )
