"""What linking takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.vidln.narrative import ActorNarrative, Narrative
from pointvos.vidln.nouns import Noun

MARGIN = 0.01
MAX_DISTANCE = 0.2


class Rule(StrEnum):
    """Why an object belongs to a noun, the surest first."""

    GIVEN = "GIVEN"  # the narratives are expressions that say which object they mean
    QUESTION = "QUESTION"  # a location-output question has its hash
    TEXT = "TEXT"  # the only noun that reads as the object is called
    TEXT_BY_TRACE = "TEXT_BY_TRACE"  # of several such nouns the one whose trace is nearest
    LEMMA = "LEMMA"  # the same in dictionary form, "dogs" for "dog"
    LEMMA_BY_TRACE = "LEMMA_BY_TRACE"
    HEAD = "HEAD"  # the same head, "guide dog" for "dog"
    HEAD_BY_TRACE = "HEAD_BY_TRACE"


class Reason(StrEnum):
    """Why an object is not in the set."""

    NULL_VIDEO_NAME = "NULL_VIDEO_NAME"  # the release has some; the authors skip them too
    DUPLICATE_RECORD = "DUPLICATE_RECORD"  # name and points of an earlier record of the video
    MISSING_VIDEO = "MISSING_VIDEO"  # no frames, or none that can be opened
    MISSING_NARRATIVE = "MISSING_NARRATIVE"
    DAMAGED_NARRATIVE = "DAMAGED_NARRATIVE"
    NO_OBJECT_NAME = "NO_OBJECT_NAME"
    STOP_NOUN = "STOP_NOUN"  # its name is no thing, such as "background"
    NOUN_NOT_FOUND = "NOUN_NOT_FOUND"
    AMBIGUOUS = "AMBIGUOUS"  # several nouns, none of which is clearly the nearest
    NOUN_TAKEN = "NOUN_TAKEN"  # by an object that is nearer, and there is no other noun
    MISSING_MASKS = "MISSING_MASKS"  # linked, but no mask shows it
    UNUSABLE_MASKS = "UNUSABLE_MASKS"  # of another size, or on frames that the video does not have


@dataclass(frozen=True, kw_only=True)
class LinkRules:
    """How objects are linked to nouns.

    Attributes:
        margin: how much nearer than the second the nearest of several nouns must be, in shares of
            the frame's diagonal.
        max_distance: how far the nearest of several nouns may be, in the same unit.
        ambiguous: whether an object with several nouns of which none is clearly the nearest is
            dropped, or keeps the nearest, the first where distances are not known.
        shared_nouns: of two objects that want one noun only the nearer gets it, or both may.
        stop_nouns: dictionary forms, in lower case, of nouns that are no things: objects called so
            get no noun, and no object gets them, unless a question says so.

    Raises:
        InputError: a distance is negative.
    """

    margin: float = MARGIN
    max_distance: float = MAX_DISTANCE
    ambiguous: Literal["drop", "keep"] = "drop"
    shared_nouns: Literal["nearest", "allow"] = "nearest"
    stop_nouns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the distances."""
        for name in ("margin", "max_distance"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name}: expected a share >= 0, found {getattr(self, name)}")


@dataclass(frozen=True, eq=False)
class LinkTarget:
    """An object that looks for its noun.

    Attributes:
        key: of its record.
        name: object_name of its record.
        name_nouns: the nouns in the name.
        foreground: frame -> float32 [P, 2], foreground points (x, y) in pixels of the frame.
    """

    key: str
    name: str | None
    name_nouns: tuple[Noun, ...]
    foreground: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class CaptionNouns:
    """A caption and its nouns.

    Attributes:
        narrative: that the caption is of.
        actor: index of the actor.
        nouns: in the order of the caption.
    """

    narrative: Narrative
    actor: int
    nouns: tuple[Noun, ...]

    @property
    def about(self) -> ActorNarrative:
        """The actor with the caption."""
        return self.narrative.actor_narratives[self.actor]

    @property
    def caption(self) -> str:
        """The text; empty where there is none."""
        return self.about.caption or ""


class NounPlace(NamedTuple):
    """A span of a caption.

    Attributes:
        dataset_id: of the narrative; None where it is not one of VidLN.
        vidln_id: of the narrative; None likewise.
        actor: index of the actor among those of the narrative.
        start: its first character in the caption.
        end: the character behind its last one.
    """

    dataset_id: str | None
    vidln_id: int | None
    actor: int
    start: int
    end: int

    def overlaps(self, other: NounPlace) -> bool:
        """Whether both have a character of one caption."""
        same_caption = self[:3] == other[:3]
        return same_caption and max(self.start, other.start) < min(self.end, other.end)


@dataclass(frozen=True)
class Link:
    """An object and its noun.

    Attributes:
        key: of the object's record.
        place: of the noun.
        noun: the characters there.
        rule: that chose it.
        distance: of the noun's trace from the object, in shares of the frame's diagonal; None where
            no key-frame with a trace has foreground points.
        candidates: nouns among which the rule chose.
        ambiguous: kept although none of them is clearly the nearest.
        contested: nouns that this object and another both wanted.
        note: why a question of its hash did not count.
    """

    key: str
    place: NounPlace
    noun: str
    rule: Rule
    distance: float | None
    candidates: int
    ambiguous: bool = False
    contested: int = 0
    note: str = ""


@dataclass(frozen=True)
class NoLink:
    """An object without a noun.

    Attributes:
        key: of the object's record.
        reason: why.
        candidates: nouns that came into question.
        contested: nouns that this object and another both wanted.
        note: more about it.
    """

    key: str
    reason: Reason
    candidates: int = 0
    contested: int = 0
    note: str = ""
