"""What a job says of each of its videos besides the masks, so that a killed job goes on.

While a job runs, reports stand in files of JSON Lines, one for each group of videos, written before
the masks of the group are committed. A report counts only once the masks of its video are in the
store; where a video was made twice because of a kill, the later report counts, and both are equal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pointvos.core.atomic import write_text
from pointvos.core.errors import InputError
from pointvos.core.jsonfile import iterate_jsonl
from pointvos.pseudomask.make_masks import MadeVideo
from pointvos.pseudomask.quality import MaskQuality

_PART = re.compile(r"\d{8}-shard-\d{5}-of-\d{5}\.jsonl")


@dataclass(frozen=True, kw_only=True)
class VideoReport:
    """What a job says of one video.

    Attributes:
        video: its name.
        frames: annotated frames.
        masks: setting -> number of masks.
        left_out: frame -> why it has no masks; the whole video under the empty name.
        without_foreground: objects on frames on which they have no foreground point.
        seconds: that it took.
        peak_memory_mb: of the process that made it, until then.
    """

    video: str
    frames: int
    masks: dict[str, int]
    left_out: dict[str, str]
    without_foreground: int
    seconds: float
    peak_memory_mb: float

    @classmethod
    def of(cls, made: MadeVideo, *, peak_memory_mb: float) -> VideoReport:
        """The report of a video that has just been made."""
        return cls(
            video=made.name,
            frames=made.frames,
            masks={str(setting): len(masks) for setting, masks in made.masks.items()},
            left_out=dict(made.left_out),
            without_foreground=made.without_foreground,
            seconds=round(made.seconds, 4),
            peak_memory_mb=round(peak_memory_mb, 1),
        )

    @property
    def usable(self) -> bool:
        """Whether the video has a place in the store: it has frames, be it without masks."""
        return "" not in self.left_out


class Journal:
    """A folder of such files; a line holds the report of a video and the quality of its masks.

    Args:
        folder: made when the first report is written.
        shard_id: which of several processes this one is.
        num_shards: how many there are.
    """

    def __init__(self, folder: Path, *, shard_id: int = 0, num_shards: int = 1) -> None:
        self._folder = folder
        self._suffix = f"-shard-{shard_id:05d}-of-{num_shards:05d}.jsonl"

    def write(self, entries: Iterable[tuple[VideoReport, Sequence[MaskQuality]]]) -> None:
        """Add a group of videos, atomically."""
        self.write_values(
            {"report": asdict(report), "quality": [asdict(row) for row in rows]}
            for report, rows in entries
        )

    def write_values(self, values: Iterable[Any]) -> None:
        """Add a group of JSON values, a line each, atomically."""
        lines = [json.dumps(value, allow_nan=False) for value in values]
        if lines:
            number = max([int(path.name[:8]) for path in self.parts()], default=-1) + 1
            path = self._folder / f"{number:08d}{self._suffix}"
            write_text(path, "".join(f"{line}\n" for line in lines))

    def parts(self) -> list[Path]:
        """The files, the earliest first."""
        if not self._folder.is_dir():
            return []
        return sorted(path for path in self._folder.iterdir() if _PART.fullmatch(path.name))

    def remove(self, parts: Sequence[Path]) -> None:
        """Delete files whose reports stand elsewhere, and the folder once it is empty."""
        for path in parts:
            path.unlink(missing_ok=True)
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()


def read_part(path: Path) -> Iterator[tuple[VideoReport, list[dict[str, Any]]]]:
    """The reports in a file of a journal, each with the quality of its masks as JSON values.

    Raises:
        InputError: a line is not what a journal holds.
    """
    for number, value in iterate_jsonl(path):
        try:
            yield VideoReport(**value["report"]), list(value["quality"])
        except (TypeError, KeyError) as error:
            raise _no_report(path, number, error) from error


def read_reports(path: Path) -> dict[str, VideoReport]:
    """The reports in a file that `write_reports` wrote, by video; none where there is no file.

    Raises:
        InputError: a line is no report.
    """
    found = {}
    for number, value in iterate_jsonl(path) if path.is_file() else ():
        try:
            report = VideoReport(**value)
        except TypeError as error:
            raise _no_report(path, number, error) from error
        found[report.video] = report
    return found


def write_reports(path: Path, reports: Iterable[VideoReport]) -> None:
    """Write one report a line, atomically."""
    lines = [json.dumps(asdict(report), allow_nan=False) for report in reports]
    write_text(path, "".join(f"{line}\n" for line in lines))


def _no_report(path: Path, number: int, error: Exception) -> InputError:
    return InputError(f"{path}:{number}: expected the report of a video, found: {error}")
