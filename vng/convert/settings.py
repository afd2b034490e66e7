"""Settings of `tools/build_vng_sets.py`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pointvos.core.errors import InputError
from pointvos.pseudomask.corpus import COMMIT_SECONDS
from pointvos.vidln.nouns import DEFAULT_PIPELINE
from vng.convert.link_types import MARGIN, MAX_DISTANCE
from vng.convert.stop_nouns import read_stop_nouns


@dataclass(frozen=True, kw_only=True)
class VngSetSettings:
    """What to build from what."""

    narratives: Path
    """Video Localized Narratives, .jsonl; or meta_expressions.json of a VNG set, whose expressions
    say which objects they mean"""

    frames: Path
    """folder with one folder of frames or video file a video (or, as in the release, an object)"""

    output: Path
    """folder for the set; an unfinished run with the same settings goes on there"""

    points: Path | None = None
    """Point-VOS records, .json or .jsonl"""

    points_from_traces: bool = False
    """instead of --points: predict a mask from the trace of every noun and draw points from it;
    nobody verifies them"""

    questions: Path | None = None
    """location-output questions of VidLN, .json; they name the nouns of PV-Oops"""

    masks: Path | None = None
    """mask store with the masks of the objects, as make_pseudo_masks.py writes it; by default
    --backend makes them"""

    backend: str = "interactive-lite"
    """what makes masks: interactive-lite, grabcut, a .safetensors file of an interactive segmenter,
    or a YAML file with a mask backend (docs/mask_backends.md)"""

    overlaps: Literal["keep", "resolve"] = "keep"
    """let masks made by --backend overlap, as two nouns may mean one thing or a part of it, or
    give each pixel to one object"""

    split_file: str = ""
    """text files, separated by commas, that list hashes of records or names of videos; take only
    those, in splits named as the files"""

    name: str = ""
    """of the set; by default that of the output folder"""

    dense: bool = False
    """declare that every frame has a mask of every object, and refuse objects of which this is not
    so; otherwise frames without a mask are unknown"""

    points_verified: Literal["yes", "no", "unknown"] = "unknown"
    """whether people have verified the points; stands in set.json"""

    masks_json: bool = False
    """write extra_masks.json beside the mask store"""

    pipeline: str = DEFAULT_PIPELINE
    """of spaCy, for nouns"""

    margin: float = MARGIN
    """how much nearer than the second the nearest of several nouns must be, as a share of the
    frame's diagonal"""

    max_distance: float = MAX_DISTANCE
    """how far the nearest of several nouns may be from the object, in the same unit"""

    ambiguous: Literal["drop", "keep"] = "drop"
    """what becomes of an object with several nouns of which none is clearly the nearest: keep takes
    the nearest, the first where distances are not known"""

    shared_nouns: Literal["nearest", "allow"] = "nearest"
    """of two objects that want one noun only the nearer gets it, or both may"""

    stop_nouns: str = ""
    """nouns that are no things ("background", "left") and name no object: default (the list of
    docs/vng_sets.md), none, or a text file with one a line; unless given, default with
    --points_from_traces and none without"""

    max_left_out: int = 0
    """lines of narratives, videos without frames, frames and objects with unusable masks that may
    be left out; they are listed in results.json"""

    shard_id: int = 0
    """which share of the videos this process makes, from 0"""

    num_shards: int = 1
    """how many processes share the videos; the last to end merges what all have made"""

    merge: bool = False
    """make nothing, only merge what the shards have made"""

    commit_every: float = COMMIT_SECONDS
    """seconds of work that a kill may cost; finished videos are written at least so often"""

    engine: Literal["local", "ray"] = "local"
    """processes of this machine, or a Ray cluster (pip install 'pointvos[ray]')"""

    workers: int = 1
    """processes or Ray actors"""

    threads: int = 1
    """of each, for torch and OpenCV (backend only)"""

    def __post_init__(self) -> None:
        """Refuse settings that do not go together."""
        if (self.points is None) != self.points_from_traces:
            found = "both" if self.points else "neither"
            raise InputError(
                f"points: expected either --points or --points_from_traces true, found {found}"
            )
        if self.given and (self.points_from_traces or self.questions):
            found = "--questions" if self.questions else "--points_from_traces"
            raise InputError(
                f"narratives: expected lines of VidLN with {found}, found {self.narratives}, taken "
                "for expressions of a VNG set because of its .json"
            )
        if self.points_from_traces and self.points_verified == "yes":
            raise InputError(
                "points_verified: expected no or unknown, as nobody verifies --points_from_traces, "
                "found yes"
            )
        if self.max_left_out < 0:
            raise InputError(f"max_left_out: expected at least 0, found {self.max_left_out}")

    @property
    def given(self) -> bool:
        """Whether the narratives are expressions that say which objects they mean."""
        return self.narratives.suffix.lower() == ".json"

    @property
    def stop_list(self) -> tuple[str, ...]:
        """The nouns of `stop_nouns`."""
        unless_given = "default" if self.points_from_traces else "none"
        return read_stop_nouns(self.stop_nouns or unless_given)

    @property
    def splits(self) -> list[Path]:
        """The files of `split_file`."""
        return [Path(name.strip()) for name in self.split_file.split(",") if name.strip()]
