"""Many narratives, of one video or of many: a folder for each, and a page over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pointvos.core.atomic import write_json, write_text
from pointvos.core.errors import InputError
from pointvos.core.frame_lookup import find_video
from pointvos.core.frame_stride import StridedFrames
from pointvos.core.frames import FrameSource, open_frames
from pointvos.core.images import IMAGE_SUFFIXES
from pointvos.core.jsonfile import read_json
from pointvos.core.run_facts import RunFacts
from pointvos.core.safe_names import safe_join
from vng.grounding.ground_video import RESULTS, ground_video, is_finished, run_identity
from vng.grounding.grounded import numbered_name
from vng.grounding.index_page import IndexEntry, index_page
from vng.grounding.language import language_note
from vng.grounding.question_files import LeftOutNarratives, VideoQuestion
from vng.inference.grounding import GroundingMethod


class Videos:
    """The video of each question.

    Args:
        path: a video file or a folder of frames, which is the one video; or a folder with one video
            file or folder of frames for each video.
        stride: every n-th frame is looked at.

    Raises:
        FileNotFoundError: there is nothing at the path.
    """

    def __init__(self, path: Path, *, stride: int = 1) -> None:
        self.path, self._stride = path, stride
        if not path.exists():
            raise FileNotFoundError(f"{path}: expected a video or a folder of videos, found none")
        self.is_one = path.is_file() or any(
            one.suffix.lower() in IMAGE_SUFFIXES for one in path.iterdir()
        )
        self._opened: tuple[str, FrameSource] | None = None

    def open(self, question: VideoQuestion) -> FrameSource | None:
        """The video that a question is of; None where there is one video, and it is another.

        Raises:
            FileNotFoundError: there is no such video.
            InputError: it cannot be read, its name would leave the folder, or the question does not
                say which of several videos it is of.
        """
        if self.is_one:
            frames = self._read("", self.path)
            return frames if question.video in ("", frames.name) else None
        if not question.video:
            raise InputError(
                f"{question.source}: expected the name of a video, for {self.path} holds several, "
                "found none"
            )
        path = find_video(self.path, question.video, source=question.source)
        if path is None:
            raise FileNotFoundError(
                f"{question.source}: expected a video {question.video} in {self.path}, found none"
            )
        return self._read(question.video, path)

    def _read(self, name: str, path: Path) -> FrameSource:
        if self._opened is None or self._opened[0] != name:
            frames = open_frames(path)
            self._opened = name, StridedFrames(frames, self._stride)
        return self._opened[1]


@dataclass
class AllGrounded:
    """What became of many narratives.

    Attributes:
        left_out: those that could not be asked, because of their text or their video.
        entries: those that were grounded, by this run or an earlier one.
        done_before: how many of them an earlier run had finished.
        of_other_videos: those of videos that were not given.
        notes: what a user should know of a narrative before looking at its masks, by its source.
    """

    left_out: LeftOutNarratives
    entries: list[IndexEntry] = field(default_factory=list)
    done_before: int = 0
    of_other_videos: int = 0
    notes: dict[str, str] = field(default_factory=dict)

    def summary(self) -> str:
        """A line for the terminal."""
        parts = [f"{len(self.entries)} narratives grounded"]
        if self.done_before:
            parts.append(f"{self.done_before} of them by an earlier run")
        if self.left_out.reasons:
            parts.append(f"{len(self.left_out.reasons)} left out")
        if self.of_other_videos:
            parts.append(f"{self.of_other_videos} of other videos")
        if self.notes:
            parts.append(f"{len(self.notes)} do not look English")
        return ", ".join(parts)


def ground_all(
    method: GroundingMethod,
    videos: Videos,
    questions: Iterable[VideoQuestion],
    output: str | Path,
    *,
    facts: RunFacts,
    left_out: LeftOutNarratives | None = None,
    overwrite: bool = False,
) -> AllGrounded:
    """Ground the narratives of a file, each into a folder of its own (`ground_video`).

    Folders are ``<video>/<number>-<name>``, of a single video ``<number>-<name>``. A narrative that
    an earlier run has finished is not grounded again. In the end ``index.html`` shows all of them,
    and ``results.json`` says what came of each.

    Args:
        method: that grounds.
        videos: where frames are.
        questions: in any order.
        output: a folder; that of an earlier, unfinished run goes on.
        facts: of the run.
        left_out: counts what cannot be asked; by default nothing may be.
        overwrite: replace results of other runs.

    Raises:
        FileNotFoundError: a video is missing and may not be left out.
        InputError: as `ground_video`; too much cannot be asked, or everything; or nothing is asked
            of the video.
    """
    output = Path(output)
    done = AllGrounded(left_out or LeftOutNarratives())
    for number, question, frames in _asked(videos, questions, done):
        folder = folder_of(output, question, number, one_video=videos.is_one)
        if is_finished(folder, run_identity(method, frames, question.question)):
            done.done_before += 1
        else:
            try:
                ground_video(
                    method, frames, question.question, folder, facts=facts, overwrite=overwrite
                )
            except InputError as error:
                raise InputError(f"{question.source}: {error}") from error
        note = language_note(question.question.text)
        if note is not None:
            done.notes[question.source] = note
        place = folder.relative_to(output).as_posix()
        done.entries.append(IndexEntry.of_results(place, read_json(folder / RESULTS)))
    reasons = done.left_out.reasons
    if not done.entries and reasons:
        raise InputError(
            f"{videos.path}: expected a narrative that can be asked of it, found none and "
            f"{len(reasons)} left out; the first: {next(iter(reasons.values()))}"
        )
    if not done.entries:
        raise InputError(
            f"{videos.path}: expected narratives of it, found "
            f"{done.of_other_videos} of other videos"
        )
    title = f"{videos.path.name}: {done.summary()}"
    write_text(output / "index.html", index_page(title, done.entries, reasons))
    record = {
        "method": method.name,
        "narratives": [entry.as_dict() for entry in done.entries],
        "done_before": done.done_before,
        "of_other_videos": done.of_other_videos,
        "left_out": reasons,
        "notes": done.notes,
    }
    write_json(output / RESULTS, {**record, **facts.as_dict()})
    return done


def _asked(
    videos: Videos, questions: Iterable[VideoQuestion], done: AllGrounded
) -> Iterator[tuple[int, VideoQuestion, FrameSource]]:
    """Questions whose video is there, with their number among those of their folder."""
    numbers: Counter[str] = Counter()
    for question in questions:
        above = "" if videos.is_one else question.video
        number = numbers[above]
        numbers[above] += 1
        try:
            frames = videos.open(question)
        except (FileNotFoundError, InputError) as error:
            done.left_out.add(question.source, error)
            continue
        if frames is None:
            done.of_other_videos += 1
            continue
        yield number, question, frames


def folder_of(output: Path, question: VideoQuestion, number: int, *, one_video: bool) -> Path:
    """Where the results of a narrative stand.

    Args:
        output: of all.
        question: of the video.
        number: of the narrative among those of its video, or of all if they are of one.
        one_video: whether all are of one.

    Raises:
        InputError: the name of the video would leave the folder.
    """
    leaf = numbered_name(number, question.question.name)
    above = "" if one_video else f"{question.video}/"
    return safe_join(output, f"{above}{leaf}", source=question.source)
