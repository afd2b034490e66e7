"""What a benchmark scores and how it averages, as explicit switches with named presets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pointvos.core.errors import InputError
from pointvos.metrics.boundary import BOUND_TH

MAX_PROPOSALS = 20  # DAVIS 2019 unsupervised track: more predicted objects are an error


class Skip(StrEnum):
    """Annotated frames of a sequence that are not scored (frames without truth never are)."""

    NONE = "none"
    FIRST = "first"
    FIRST_AND_LAST = "first_and_last"


class Void(StrEnum):
    """What label 255 of the ground truth means."""

    BACKGROUND = "background"  # scored as if it were 0
    EXCLUDE = "exclude"  # taken out of both masks
    OBJECT = "object"  # an ordinary label, as in the 0/255 masks of DAVIS 2016


class Objects(StrEnum):
    """Which objects of a sequence are scored, and from which frame on."""

    FOREGROUND = "foreground"  # one object: whatever is not 0, in truth and prediction
    FIRST_FRAME_RANGE = "first_frame_range"  # 1 .. the highest label of the first annotated frame
    FIRST_FRAME = "first_frame"  # the labels of the first annotated frame, which may have gaps
    FIRST_APPEARANCE = "first_appearance"  # every label, after the first frame that shows it


class Matching(StrEnum):
    """How predicted labels find their object."""

    SAME_ID = "same_id"
    BEST_ASSIGNMENT = "best_assignment"  # one to one over the whole sequence, by mean (J + F) / 2


class EmptyFrames(StrEnum):
    """What a frame is worth on which neither truth nor prediction shows the object."""

    PERFECT = "perfect"  # 1
    UNSCORED = "unscored"


class Missing(StrEnum):
    """What happens when a scored frame has no prediction."""

    ERROR = "error"
    EMPTY = "empty"  # scored as an empty mask


class UnknownLabels(StrEnum):
    """What happens when a prediction has a label that no scored object has."""

    ERROR = "error"
    IGNORE = "ignore"


class AveragingUnit(StrEnum):
    """What is averaged into the score of a benchmark."""

    OBJECT = "object"  # all objects of all sequences alike
    EXPRESSION = "expression"  # the same, where every sequence is one expression with one object
    VIDEO = "video"  # the objects of a sequence first, then the sequences


@dataclass(frozen=True, kw_only=True)
class ScoringRules:
    """How sequences are scored. The presets below are the rules of known benchmarks.

    Attributes:
        skip: annotated frames that are left out.
        void: meaning of label 255 in the ground truth.
        objects: which objects count, and from when.
        matching: how predicted labels find their object.
        empty_frames: value of a frame without the object in truth and prediction.
        missing: frames without a prediction.
        unknown_labels: predicted labels that belong to no object. Checked on scored frames.
        averaging: what the final numbers are a mean of.
        bound_th: boundary tolerance of F, a fraction of the diagonal or whole pixels.

    Raises:
        InputError: two switches contradict each other.
    """

    skip: Skip
    void: Void
    objects: Objects
    matching: Matching = Matching.SAME_ID
    empty_frames: EmptyFrames = EmptyFrames.PERFECT
    missing: Missing = Missing.ERROR
    unknown_labels: UnknownLabels = UnknownLabels.ERROR
    averaging: AveragingUnit = AveragingUnit.OBJECT
    bound_th: float = BOUND_TH

    def __post_init__(self) -> None:
        if self.matching is Matching.SAME_ID:
            return
        if self.objects not in (Objects.FIRST_FRAME_RANGE, Objects.FIRST_FRAME):
            raise InputError(
                f"matching {self.matching.value!r} needs objects known from the first frame: "
                f"expected objects 'first_frame_range' or 'first_frame', found "
                f"{self.objects.value!r}"
            )
        if self.empty_frames is not EmptyFrames.PERFECT:
            raise InputError(
                f"matching {self.matching.value!r} compares means over the same frames: expected "
                f"empty_frames 'perfect', found {self.empty_frames.value!r}"
            )


# davis2017-evaluation, task "semi-supervised": void is scored as background there.
DAVIS_SEMI_SUPERVISED = ScoringRules(
    skip=Skip.FIRST_AND_LAST,
    void=Void.BACKGROUND,
    objects=Objects.FIRST_FRAME_RANGE,
)

# The same numbers on DAVIS; on data in its format with gaps between the ids no phantom objects.
# (The official scorer counts the ids of a gap as objects, and as perfect ones when not predicted.)
DAVIS_WITH_ID_GAPS = ScoringRules(
    skip=Skip.FIRST_AND_LAST,
    void=Void.BACKGROUND,
    objects=Objects.FIRST_FRAME,
)

# DAVIS 2016: one foreground object, stored as 0/1 or 0/255.
DAVIS_2016 = ScoringRules(
    skip=Skip.FIRST_AND_LAST,
    void=Void.OBJECT,
    objects=Objects.FOREGROUND,
)

# davis2017-evaluation, task "unsupervised".
DAVIS_UNSUPERVISED = ScoringRules(
    skip=Skip.NONE,
    void=Void.EXCLUDE,
    objects=Objects.FIRST_FRAME_RANGE,
    matching=Matching.BEST_ASSIGNMENT,
)

# Paper, section 5 and App. B: one object a sample and at most 3 frames with a true mask, all of
# them after the reference frame, so none may be dropped.
PV_OOPS = ScoringRules(
    skip=Skip.NONE,
    void=Void.OBJECT,
    objects=Objects.FOREGROUND,
)

# video-localized-narratives, eval_vng: frames with a mask, also an empty one, all of them scored.
VNG = ScoringRules(
    skip=Skip.NONE,
    void=Void.OBJECT,
    objects=Objects.FOREGROUND,
    averaging=AveragingUnit.EXPRESSION,
)

# The YouTube-VOS server: every annotated frame after the one that introduces the object.
YOUTUBE_VOS = ScoringRules(
    skip=Skip.NONE,
    void=Void.OBJECT,
    objects=Objects.FIRST_APPEARANCE,
)

PRESETS: dict[str, ScoringRules] = {
    "davis": DAVIS_SEMI_SUPERVISED,
    "davis_with_id_gaps": DAVIS_WITH_ID_GAPS,
    "davis_2016": DAVIS_2016,
    "davis_unsupervised": DAVIS_UNSUPERVISED,
    "pv_oops": PV_OOPS,
    "vng": VNG,
    "youtube_vos": YOUTUBE_VOS,
}
