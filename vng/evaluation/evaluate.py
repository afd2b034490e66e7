"""Methods over the videos of a set, resumable after each video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pointvos.benchmark.stored_scores import PartialResults
from pointvos.core.errors import InputError
from pointvos.core.progress import progress
from vng.data.expressions import NarratedVideo
from vng.evaluation.expression_scores import VngScores
from vng.evaluation.grounded_video import GroundedVideo, VideoRun, VideoTruth
from vng.evaluation.open_set import EvaluationSet
from vng.evaluation.presence import presence_auc
from vng.evaluation.probes import Probe, Question, probe_question
from vng.evaluation.stored_videos import video_from_json, video_to_json
from vng.inference.grounding import GroundingMethod


@dataclass(frozen=True)
class MethodResults:
    """All that one method did.

    Attributes:
        method: its name.
        identity: of its weights and settings.
        videos: in the order of the set.
    """

    method: str
    identity: str
    videos: tuple[GroundedVideo, ...]

    @property
    def scores(self) -> VngScores:
        """J and F of all expressions."""
        return VngScores(tuple(e.scores for video in self.videos for e in video.expressions))

    def probe(self, probe: str) -> float | None:
        """Mean J over the expressions that were asked wrongly; None where none was."""
        found = [
            expression.probes[probe]
            for video in self.videos
            for expression in video.expressions
            if probe in expression.probes
        ]
        return sum(found) / len(found) if found else None

    @property
    def present(self) -> list[float]:
        """Scores of the nouns, the mean over the frames of each."""
        return [one.presence for video in self.videos for one in video.expressions]

    @property
    def absent(self) -> list[float]:
        """Those of nouns of other videos; none where they were not asked for."""
        return [score for video in self.videos for score in video.absent]

    @property
    def presence_auc(self) -> float | None:
        """Whether nouns that are there score higher than nouns of other videos, a fraction."""
        return presence_auc(self.present, self.absent)

    def told_apart(self, *, same_word: bool) -> tuple[float, int] | None:
        """Share of pairs of nouns told apart, chance being one half, and how many pairs there are.

        Args:
            same_word: of the nouns that are called the same, or of the others.
        """
        pairs = [p.right for v in self.videos for p in v.pairs if p.same_word == same_word]
        return (sum(pairs) / len(pairs), len(pairs)) if pairs else None


def videos_with_expressions(evaluated: EvaluationSet) -> list[NarratedVideo]:
    """The videos that something is asked of, in the order of the set.

    Raises:
        InputError: there are none.
    """
    videos = [video for video in evaluated.narrated.videos.values() if video.expressions]
    if not videos:
        raise InputError("expected expressions in the set, found none")
    return videos


def evaluate(
    evaluated: EvaluationSet,
    methods: Sequence[GroundingMethod],
    partial: PartialResults,
    *,
    probes: Sequence[Probe] = (),
    masks_folder: Path | None = None,
) -> list[MethodResults]:
    """Run all methods over all videos.

    What can be wrong without looking at a pixel is looked for before the first video is run. The
    result of a finished video is kept in `partial`.

    Args:
        evaluated: what to run on; with frames.
        methods: what to run.
        partial: finished videos, of an earlier call too.
        probes: also tried.
        masks_folder: where to write the masks of the first method, in the official layout.

    Raises:
        FileNotFoundError: frames or masks are missing.
        InputError: something is damaged or cannot be asked; the message names video and expression.
    """
    videos = videos_with_expressions(evaluated)
    questions = {video.name: _questions(video, videos, probes) for video in videos}
    remaining = [
        (video, n, method)
        for video in videos
        for n, method in enumerate(methods)
        if partial.read(n, video.name) is None
    ]
    left = {video.name for video, _, _ in remaining}
    _check(evaluated, [video for video in videos if video.name in left], methods)
    total = sum(_passes(video, questions[video.name]) for video, _, _ in remaining)
    truth: tuple[str, VideoTruth] | None = None
    with progress(range(0), description="grounding", unit="frame", total=total) as bar:
        for video, n, method in remaining:
            bar.set_postfix_str(f"{method.name} on {video.name}")
            if truth is None or truth[0] != video.name:
                truth = video.name, VideoTruth(evaluated, video)
            run = VideoRun(
                evaluated=evaluated,
                video=video,
                method=method,
                truth=truth[1],
                on_frame=bar.update,
                masks_folder=masks_folder if n == 0 else None,
            )
            partial.keep(n, video.name, video_to_json(_named(run, questions[video.name], probes)))
    return [_gather(videos, n, method, partial) for n, method in enumerate(methods)]


def finished_videos(
    evaluated: EvaluationSet, methods: Sequence[GroundingMethod], partial: PartialResults
) -> int:
    """How many pairs of a method and a video an earlier call has finished."""
    names = [video.name for video in videos_with_expressions(evaluated)]
    return sum(partial.read(n, name) is not None for n in range(len(methods)) for name in names)


def _questions(
    video: NarratedVideo, videos: Sequence[NarratedVideo], probes: Sequence[Probe]
) -> dict[Probe, Question]:
    asked = {probe: probe_question(probe, video, videos) for probe in probes}
    return {probe: question for probe, question in asked.items() if question is not None}


def _passes(video: NarratedVideo, questions: dict[Probe, Question]) -> int:
    """Frames that are grounded for a video."""
    narratives = len({one.narrative for one in video.expressions})
    return len(video.frames) * (narratives + len(questions))


def _check(
    evaluated: EvaluationSet, videos: Sequence[NarratedVideo], methods: Sequence[GroundingMethod]
) -> None:
    assert evaluated.frames is not None, "grounding looks at frames"
    for video in progress(videos, description="checking the input", unit="video"):
        if not video.frames:
            raise InputError(f"{video.name}: expected frames, found none")
        evaluated.frames.check(video)
        for number, expression in enumerate(video.expressions):
            span = expression.start, expression.end
            try:
                for method in methods:
                    method.check(video.text(expression), [span])
            except InputError as error:
                raise InputError(f"{video.name}, expression {number}: {error}") from error
        VideoTruth(evaluated, video)


def _named(
    run: VideoRun, questions: dict[Probe, Question], probes: Sequence[Probe]
) -> GroundedVideo:
    """The run of a video, whose errors name it."""
    try:
        return run.ground(questions, probes)
    except InputError as error:
        if run.video.name in str(error):
            raise
        raise InputError(f"{run.video.name}: {error}") from error


def _gather(
    videos: Sequence[NarratedVideo], n: int, method: GroundingMethod, partial: PartialResults
) -> MethodResults:
    stored = [partial.read(n, video.name) for video in videos]
    found = [video_from_json(one) for one in stored if one is not None]
    assert len(found) == len(videos), "every video has been run"
    return MethodResults(method.name, method.identity, tuple(found))
