"""Scoring a folder of predicted masks, ``<sequence>/<frame>.png``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.masks import read_binary_png
from pointvos.core.progress import progress
from pointvos.core.safe_names import safe_join
from pointvos.formats.masked_video import MaskedVideo
from pointvos.metrics.object_scores import SequenceScores
from pointvos.metrics.rules import Missing, Objects, ScoringRules, Skip
from pointvos.metrics.sequence import SequenceScorer


@dataclass(frozen=True)
class PredictionScores:
    """Scores of a folder of predictions.

    Attributes:
        sequences: in the order of the videos.
        extra_frames: predicted masks of frames that have no ground truth; not looked at.
        extra_sequences: predicted sequences that are not among the videos; not looked at.
    """

    sequences: list[SequenceScores]
    extra_frames: int
    extra_sequences: int


def score_predictions(
    videos: Sequence[MaskedVideo], predictions: Path, rules: ScoringRules
) -> PredictionScores:
    """Score the predictions of all videos against their masks.

    Where the rules tell objects apart, a prediction is read as the dataset's masks are: a palette
    PNG of object ids, or for DAVIS 2016 also grey 0 / 255. Where they ask for foreground only, any
    image will do, and what is not 0 is foreground.

    Raises:
        FileNotFoundError: the folder, a sequence or a frame that is scored is missing.
        InputError: a prediction is damaged, has no palette or another size than the ground truth,
            or shows an object that does not exist.
    """
    if not predictions.is_dir():
        raise FileNotFoundError(f"{predictions}: expected a folder of predictions, found none")
    scored = []
    extra_frames = 0
    for video in progress(videos, description="scoring", unit="sequence"):
        folder = safe_join(predictions, video.name, source=predictions)
        if not folder.is_dir():
            raise FileNotFoundError(
                f"{folder}: expected the predicted masks of sequence {video.name}, found no folder"
            )
        scored.append(_score_video(video, folder, rules))
        extra_frames += sum(
            path.suffix.lower() == ".png" and path.stem not in video.annotated
            for path in folder.iterdir()
        )
    known = {Path(video.name).parts[0] for video in videos}
    extra = sum(path.is_dir() and path.name not in known for path in predictions.iterdir())
    return PredictionScores(scored, extra_frames, extra)


def _score_video(video: MaskedVideo, folder: Path, rules: ScoringRules) -> SequenceScores:
    scorer = SequenceScorer(rules, video.name)
    seen = False  # whether an earlier mask has shown an object
    for frame in video.annotated:
        truth = video.read_mask(frame)
        path = folder / f"{frame}.png"
        if path.is_file():
            scorer.add(frame, truth, _read(path, video, rules, truth.shape))
        elif not _is_scored(frame, video, rules, seen):
            scorer.add(frame, truth, np.zeros_like(truth))
        elif rules.missing is Missing.ERROR:
            raise FileNotFoundError(
                f"{path}: expected a predicted mask for this annotated frame, found none"
            )
        else:
            scorer.add(frame, truth, None)
        seen = seen or bool(truth.any())
    return scorer.result()


def _is_scored(frame: str, video: MaskedVideo, rules: ScoringRules, seen: bool) -> bool:
    """Whether the rules look at the prediction of a frame at all."""
    frames = list(video.annotated)
    if frame == frames[0] and rules.skip is not Skip.NONE:
        return False
    if frame == frames[-1] and rules.skip is Skip.FIRST_AND_LAST:
        return False
    return seen or rules.objects is not Objects.FIRST_APPEARANCE


def _read(
    path: Path, video: MaskedVideo, rules: ScoringRules, shape: tuple[int, ...]
) -> NDArray[np.uint8] | NDArray[np.bool_]:
    if rules.objects is Objects.FOREGROUND:
        prediction: NDArray[np.uint8] | NDArray[np.bool_] = read_binary_png(path)
    else:
        prediction = video.read_png(path)
    if prediction.shape != shape:
        raise InputError(
            f"{path}: expected a mask of {shape[1]}x{shape[0]} like the ground truth, found "
            f"{prediction.shape[1]}x{prediction.shape[0]}; resize it with nearest neighbour"
        )
    return prediction
