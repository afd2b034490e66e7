"""Methods over videos by the point protocol, resumable after each sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pointvos.benchmark.methods import Method
from pointvos.benchmark.probes import (
    Probe,
    ProbedObject,
    ProbeRun,
    check_probes,
    probe_runs,
    score_probes,
)
from pointvos.benchmark.protocol import (
    MASK,
    BenchmarkProtocol,
    Initialisation,
    Run,
    draw_points,
    runs_of_video,
)
from pointvos.benchmark.side_by_side import Index, run_side_by_side
from pointvos.benchmark.stored_scores import PartialResults, scores_from_json, scores_to_json
from pointvos.core.errors import InputError
from pointvos.core.masks import write_index_png
from pointvos.core.progress import progress
from pointvos.core.safe_names import safe_join
from pointvos.formats.initial_points import InitialPoints
from pointvos.formats.masked_video import MaskedVideo
from pointvos.metrics.frame_scores import FrameScore
from pointvos.metrics.object_scores import SequenceScores
from pointvos.metrics.rules import ScoringRules, UnknownLabels
from pointvos.metrics.sequence import SequenceScorer


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What is evaluated on which videos, and how.

    Attributes:
        videos: with frames and masks.
        points: video name -> initial points, one a draw; empty to draw them from the masks.
        protocol: which runs.
        rules: how runs are scored.
        probes: also tried on the points of the first draw.
    """

    videos: Sequence[MaskedVideo]
    protocol: BenchmarkProtocol
    rules: ScoringRules
    points: Mapping[str, Sequence[InitialPoints]] = field(default_factory=dict)
    probes: Sequence[Probe] = ()

    def __post_init__(self) -> None:
        """Refuse probes of runs that start from masks."""
        if self.probes and self.protocol.init == MASK:
            raise InputError("probe: expected none with --init mask, they need points")


@dataclass(frozen=True)
class MethodScores:
    """All scores of one method.

    Attributes:
        method: its name.
        weights_sha256: empty for a baseline.
        runs: every run with the scores of all sequences, in the order of the videos.
        probed: all objects that were probed.
    """

    method: str
    weights_sha256: str
    runs: dict[Run, list[SequenceScores]]
    probed: list[ProbedObject]


def evaluate(
    evaluation: Evaluation,
    methods: Sequence[Method],
    partial: PartialResults,
    *,
    masks_folder: Path | None = None,
) -> list[MethodScores]:
    """Run all methods over all videos.

    Every frame and mask that is still needed is read once before the first run, so that damage in
    the last video is found at the start. The result of a finished sequence is kept in `partial`.

    Args:
        evaluation: what to run.
        methods: what to run it with.
        partial: finished sequences, of an earlier call too.
        masks_folder: where to write the masks of the first method and draw, as
            ``<setting>/<sequence>/<frame>.png``.

    Raises:
        InputError: a file is damaged, or a probe fits no object.
    """
    remaining = [
        (video, n, method)
        for video in evaluation.videos
        for n, method in enumerate(methods)
        if partial.read(n, video.name) is None
    ]
    points = _prepare(evaluation, list(dict.fromkeys(video for video, _, _ in remaining)))
    frames = sum(len(video.frames) for video, _, _ in remaining)
    with progress(range(0), description="evaluating", unit="frame", total=frames) as bar:
        for video, n, method in remaining:
            bar.set_postfix_str(f"{method.name} on {video.name}")
            scores = _evaluate_video(
                evaluation,
                method,
                video,
                points[video.name],
                masks_folder=masks_folder if n == 0 else None,
                on_frame=bar.update,
            )
            partial.keep(n, video.name, scores)
    return [_gather(evaluation, n, method, partial) for n, method in enumerate(methods)]


def finished_sequences(
    evaluation: Evaluation, methods: Sequence[Method], partial: PartialResults
) -> int:
    """How many pairs of a method and a sequence an earlier call has finished."""
    pairs = [(n, video.name) for n in range(len(methods)) for video in evaluation.videos]
    return sum(partial.read(*pair) is not None for pair in pairs)


def _prepare(
    evaluation: Evaluation, videos: Sequence[MaskedVideo]
) -> dict[str, Sequence[InitialPoints]]:
    """Draw the points of videos, and read everything once."""
    points: dict[str, Sequence[InitialPoints]] = {}
    probe_kinds = []
    for video in progress(videos, description="checking the input", unit="video"):
        given = evaluation.points.get(video.name)
        points[video.name] = draw_points(video, evaluation.protocol) if given is None else given
        for frame in video.frames.read():
            if frame.name in video.annotated:
                video.read_mask(frame.name)
        probe_kinds.append(_probe_runs(evaluation, video, points[video.name]))
    if len(videos) == len(evaluation.videos):  # nothing finished yet
        check_probes(probe_kinds, evaluation.probes)
    return points


def _probe_runs(
    evaluation: Evaluation, video: MaskedVideo, points: Sequence[InitialPoints]
) -> dict[ProbeRun, Initialisation]:
    if not evaluation.probes:
        return {}
    return probe_runs(video, points[0], evaluation.probes, evaluation.rules)


def _evaluate_video(
    evaluation: Evaluation,
    method: Method,
    video: MaskedVideo,
    points: Sequence[InitialPoints],
    *,
    masks_folder: Path | None,
    on_frame: Callable[[], object],
) -> dict[str, Any]:
    """All runs and probes of one method on one video, as JSON values."""
    # Objects that appear after the frames on which the rules look for them are followed too.
    rules = replace(evaluation.rules, unknown_labels=UnknownLabels.IGNORE)
    runs = runs_of_video(video, points, evaluation.protocol)
    scorers = {run: SequenceScorer(rules, video.name) for run in runs}

    def score(run: Run, frame: str, truth: Index | None, predicted: Index) -> None:
        scorers[run].add(frame, truth, predicted)
        if masks_folder is not None and run.draw == 0:
            folder = safe_join(masks_folder / run.setting, video.name)
            write_index_png(folder / f"{frame}.png", predicted)

    run_side_by_side(method, video, runs, score, on_frame=on_frame)
    probed = score_probes(method, video, _probe_runs(evaluation, video, points), evaluation.rules)
    return {
        "runs": [
            {**run._asdict(), "scores": scores_to_json(scorer.result())}
            for run, scorer in scorers.items()
        ],
        "probed": [asdict(one) for one in probed],
    }


def _gather(
    evaluation: Evaluation, n: int, method: Method, partial: PartialResults
) -> MethodScores:
    runs: dict[Run, list[SequenceScores]] = {}
    probed = []
    for video in evaluation.videos:
        stored = partial.read(n, video.name)
        assert stored is not None
        for one in stored["runs"]:
            run = Run(one["setting"], one["draw"])
            runs.setdefault(run, []).append(scores_from_json(one["scores"]))
        for one in stored["probed"]:
            scores = {kind: FrameScore(*pair) for kind, pair in one["scores"].items()}
            probed.append(ProbedObject(one["sequence"], one["object_id"], scores))
    return MethodScores(method.name, method.weights_sha256, runs, probed)
