"""Statistics of a narrated set as tables, beside what the paper says of VNG sets."""

from __future__ import annotations

from pointvos.metrics.reports import text_table
from vng.data.statistics import PAPER_SETS, SetStatistics

_HEADER = ["set", "videos", "objects", "narratives", "expressions", "nouns", "object-frames"]


def statistics_table(found: SetStatistics, *, markdown: bool = False) -> str:
    """The counts, with those of the paper below."""
    counts = (
        *(found.videos, found.objects, found.narratives, found.expressions),
        *(len(found.nouns), found.object_frames),
    )
    rows = [["this set", *(f"{count:,}" for count in counts)]]
    for name, (videos, objects) in PAPER_SETS.items():
        rows.append([name, f"{videos}K", f"{objects}K", *["-"] * 4])
    return text_table(_HEADER, rows, markdown=markdown)


def statistics_page(found: SetStatistics) -> str:
    """All of it in Markdown."""
    parts = [
        statistics_table(found, markdown=True),
        f"Of {found.object_frames:,} annotated object-frames {found.absent_object_frames:,} have "
        f"an empty mask (the object is absent); {found.objects_always_absent:,} objects are never "
        "there.",
        _distributions(found),
        "Most frequent nouns: "
        + ", ".join(f"{noun} ({count})" for noun, count in found.nouns.most_common(30)),
    ]
    return "\n\n".join(parts)


def _distributions(found: SetStatistics) -> str:
    names = ("mean", "least", "first_quartile", "median", "third_quartile", "most")
    rows = [
        [label, *(f"{values[name]:.4g}" for name in names)]
        for label, values in found.as_dict()["distributions"].items()
    ]
    header = ["", "mean", "least", "25 %", "median", "75 %", "most"]
    return text_table(header, rows, markdown=True)
