"""Does a method follow the points, or whatever is salient?

Every object is followed alone, started by its own points and by points that are not on it, and
scored each time against the true mask of that object. A method that segments what is salient scores
the same whatever it is given; one that follows the points scores near zero for wrong ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.benchmark.methods import Method
from pointvos.benchmark.protocol import Initialisation
from pointvos.benchmark.side_by_side import Index, run_side_by_side
from pointvos.core.errors import InputError
from pointvos.core.points import PointLabel, Points
from pointvos.formats.initial_points import InitialPoints
from pointvos.formats.masked_video import MaskedVideo
from pointvos.metrics.frame_scores import FrameScore
from pointvos.metrics.rules import Objects, ScoringRules, Skip, Void
from pointvos.metrics.sequence import SequenceScorer

Probe = Literal["swapped", "background", "missing"]
"""swapped: the points of another object on the same frame. background: as many random background
points. missing: nothing on or near it, one point in the background as far as possible from every
object."""

OWN = "own"
PROBES: tuple[Probe, ...] = get_args(Probe)
_SKIPPED_FRAMES = {Skip.NONE: 0, Skip.FIRST: 1, Skip.FIRST_AND_LAST: 2}


class ProbeRun(NamedTuple):
    """One pass over a video with one object."""

    kind: str
    """Either "own" or a probe."""
    object_id: int
    """The object that is scored."""


@dataclass(frozen=True)
class ProbedObject:
    """Mean J and F of one object for each kind of points that could be tried on it."""

    sequence: str
    object_id: int
    scores: Mapping[str, FrameScore]


def probe_runs(
    video: MaskedVideo, points: InitialPoints, probes: Iterable[Probe], rules: ScoringRules
) -> dict[ProbeRun, Initialisation]:
    """What starts each run of the probes over a video.

    A probe that an object cannot have (no second object on its frame) is left out for it, and so
    are objects that the rules do not score.

    Args:
        video: with masks.
        points: of every object; the label background marks points off all objects.
        probes: which to try beside the object's own points.
        rules: of the benchmark.
    """
    kinds = list(probes)
    order = list(video.annotated)
    runs: dict[ProbeRun, Initialisation] = {}
    for frame, objects in points.by_frame.items():
        position = order.index(frame) if frame in order else 0
        late = position > 0 and rules.objects in (Objects.FIRST_FRAME, Objects.FIRST_FRAME_RANGE)
        if late or len(order) - position <= _SKIPPED_FRAMES[_object_rules(rules).skip]:
            continue
        ids = sorted(objects)
        for place, object_id in enumerate(ids):
            own = objects[object_id]
            other = objects[ids[(place + 1) % len(ids)]] if len(ids) > 1 else Points.empty()
            given = {
                OWN: own.foreground,
                "swapped": other.foreground,
                "background": _as_foreground(own.background),
            }
            if "missing" in kinds:
                given["missing"] = farthest_background(video.read_mask(frame))
            for kind in (OWN, *kinds):
                if len(given[kind]):
                    runs[ProbeRun(kind, object_id)] = {frame: {object_id: given[kind]}}
    return runs


def farthest_background(mask: NDArray[np.uint8]) -> Points:
    """The background pixel farthest from all objects of a mask [H, W], as a foreground point."""
    distance = np.asarray(cv2.distanceTransform((mask == 0).astype(np.uint8), cv2.DIST_L2, 5))
    y, x = np.unravel_index(int(distance.argmax()), distance.shape)
    if mask[y, x]:
        return Points.empty()
    return Points.from_pixels([(int(x), int(y))], [PointLabel.FOREGROUND])


def score_probes(
    method: Method,
    video: MaskedVideo,
    runs: Mapping[ProbeRun, Initialisation],
    rules: ScoringRules,
) -> list[ProbedObject]:
    """Run the probes over a video and score each run against its object, by ascending id."""
    scorers = {run: SequenceScorer(_object_rules(rules), video.name) for run in runs}
    started: set[ProbeRun] = set()

    def score(run: ProbeRun, frame: str, truth: Index | None, predicted: Index) -> None:
        if frame in runs[run]:
            started.add(run)
        if truth is not None and run in started:
            scorers[run].add(frame, truth == run.object_id, predicted == run.object_id)

    if runs:
        run_side_by_side(method, video, runs, score)
    found: dict[int, dict[str, FrameScore]] = {}
    for run, scorer in scorers.items():
        (scores,) = scorer.result().objects
        mean = FrameScore(scores.j_mean, scores.f_mean)
        found.setdefault(run.object_id, {})[run.kind] = mean
    return [ProbedObject(video.name, key, scores) for key, scores in sorted(found.items())]


def check_probes(runs: Iterable[Iterable[ProbeRun]], probes: Sequence[Probe]) -> None:
    """Refuse a probe that no object of any video can have.

    Raises:
        InputError: naming the probe.
    """
    possible = {run.kind for of_video in runs for run in of_video}
    for probe in probes:
        if probe not in possible:
            reason = "no frame shows two new objects" if probe == "swapped" else "no background"
            raise InputError(f"probe {probe}: expected an object to try it on, found {reason}")


@dataclass(frozen=True)
class ProbeSummary:
    """J&F, as fractions, of the objects that a probe could be tried on.

    Attributes:
        objects: how many.
        own: started by their own points.
        probed: started by the points of the probe.
    """

    objects: int
    own: float
    probed: float


def summarise_probes(objects: Iterable[ProbedObject]) -> dict[str, ProbeSummary]:
    """Mean over objects for each probe that was tried."""
    tried = list(objects)
    summaries: dict[str, ProbeSummary] = {}
    for probe in PROBES:
        pairs = [(one.scores[OWN], one.scores[probe]) for one in tried if probe in one.scores]
        if pairs:
            own, probed = np.mean(np.mean(pairs, axis=2), axis=0).tolist()
            summaries[probe] = ProbeSummary(len(pairs), own, probed)
    return summaries


def _object_rules(rules: ScoringRules) -> ScoringRules:
    """Of one object alone, from the frame on which it is given."""
    after_first = rules.objects is Objects.FIRST_APPEARANCE and rules.skip is Skip.NONE
    return ScoringRules(
        skip=Skip.FIRST if after_first else rules.skip,
        void=Void.OBJECT,
        objects=Objects.FOREGROUND,
        bound_th=rules.bound_th,
    )


def _as_foreground(points: Points) -> Points:
    return replace(points, labels=np.full(len(points), PointLabel.FOREGROUND, dtype=np.int8))
