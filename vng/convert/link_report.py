"""What became of every record: a line each, and how many of each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pointvos.core.mask_store.stored_mask import StoredMask
from vng.convert.link_types import Link, NoLink, Reason, Rule
from vng.convert.object_masks import NoMasks


def record_line(
    link: Link | NoLink,
    *,
    video: str | None,
    object_name: str | None,
    obj_id: int | None = None,
    masks: Sequence[StoredMask] | NoMasks | None = None,
) -> dict[str, Any]:
    """What ``linking.jsonl`` says of a record.

    `rule` is null without a noun, `reason` for an object of the set, whose `obj_id` is not null.
    """
    line: dict[str, Any] = {
        "key": link.key,
        "video": video,
        "object_name": object_name,
        "rule": None,
        "reason": None,
        "dataset_id": None,
        "vidln_id": None,
        "actor": None,
        "span": None,
        "noun": None,
        "distance": None,
        "candidates": link.candidates,
        "ambiguous": False,
        "contested": link.contested,
        "masks": 0,
        "obj_id": None,
        "note": link.note,
    }
    if isinstance(link, NoLink):
        ambiguous = link.reason is Reason.AMBIGUOUS
        return line | {"reason": str(link.reason), "ambiguous": ambiguous}
    place = link.place
    line |= {
        "rule": str(link.rule),
        "dataset_id": place.dataset_id,
        "vidln_id": place.vidln_id,
        "actor": place.actor,
        "span": [place.start, place.end],
        "noun": link.noun,
        "distance": None if link.distance is None else round(link.distance, 5),
        "ambiguous": link.ambiguous,
    }
    if isinstance(masks, NoMasks):
        return line | {"reason": str(masks.reason), "note": masks.note}
    return line | {"masks": len(masks or ()), "obj_id": obj_id}


@dataclass
class LinkTally:
    """How many records came to what.

    Attributes:
        records: all of them.
        in_set: rule -> objects of the set.
        left_out: reason -> records that are not in the set.
        ambiguous_kept: objects of the set whose noun is not clearly the nearest.
        contested: records that wanted a noun which another one wanted too.
        questions_unfit: records whose question names no span that fits.
        masks: of the objects of the set.
    """

    records: int = 0
    in_set: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    ambiguous_kept: int = 0
    contested: int = 0
    questions_unfit: int = 0
    masks: int = 0

    @property
    def objects(self) -> int:
        """Objects of the set."""
        return self.in_set.total()

    def add(self, line: Mapping[str, Any]) -> None:
        """Count a line that `record_line` gave."""
        self.records += 1
        if line["obj_id"] is None:
            self.left_out[line["reason"]] += 1
        else:
            self.in_set[line["rule"]] += 1
            self.ambiguous_kept += line["ambiguous"]
        self.contested += line["contested"] > 0
        self.questions_unfit += line["note"].startswith("its question")
        self.masks += line["masks"]

    def as_dict(self) -> dict[str, Any]:
        """The counts for results.json; a kind that did not occur is 0."""
        return {
            "records": self.records,
            "objects": self.objects,
            "linked_by": {str(rule): self.in_set[rule] for rule in Rule},
            "not_in_set": {str(reason): self.left_out[reason] for reason in Reason},
            "ambiguous_kept": self.ambiguous_kept,
            "contested": self.contested,
            "questions_unfit": self.questions_unfit,
        }


_RULES = {
    Rule.GIVEN: "as given",
    Rule.QUESTION: "by question",
    Rule.TEXT: "by text",
    Rule.TEXT_BY_TRACE: "by text, nearest trace",
    Rule.LEMMA: "by lemma",
    Rule.LEMMA_BY_TRACE: "by lemma, nearest trace",
    Rule.HEAD: "by head",
    Rule.HEAD_BY_TRACE: "by head, nearest trace",
}
_REASONS = {
    Reason.NULL_VIDEO_NAME: "null video_name",
    Reason.DUPLICATE_RECORD: "duplicate records",
    Reason.MISSING_VIDEO: "missing video",
    Reason.MISSING_NARRATIVE: "missing narrative",
    Reason.DAMAGED_NARRATIVE: "damaged narrative",
    Reason.NO_OBJECT_NAME: "no object_name",
    Reason.STOP_NOUN: "name is no thing",
    Reason.NOUN_NOT_FOUND: "noun not found",
    Reason.AMBIGUOUS: "ambiguous",
    Reason.NOUN_TAKEN: "noun taken by another object",
    Reason.MISSING_MASKS: "missing masks",
    Reason.UNUSABLE_MASKS: "unusable masks",
}


def linking_table(record: Mapping[str, Any]) -> str:
    """The linking report of results.json for a terminal."""
    total = record["records"]
    rows = [("records", total), ("in the set", record["objects"])]
    rows += [(f"  {label}", record["linked_by"][rule]) for rule, label in _RULES.items()]
    rows.append(("not in the set", total - record["objects"]))
    rows += [(f"  {label}", record["not_in_set"][reason]) for reason, label in _REASONS.items()]
    lines = [f"{'':<36}{'records':>10}{'share':>9}"]
    for label, count in rows:
        share = f"{count / total:.1%}" if total else "-"
        lines.append(f"{label:<36}{count:>10,}{share:>9}")
    others = {
        "kept though ambiguous": record["ambiguous_kept"],
        "wanted a noun that another wanted": record["contested"],
        "with a question that does not fit": record["questions_unfit"],
        "in none of the splits": record["not_chosen"],
    }
    lines += [f"{label:<36}{count:>10,}" for label, count in others.items() if count]
    return "\n".join(lines)
