"""What the trainings of the paper need: FLOPs of a step, and the time that they take somewhere.

    python -m benchmarks.paper_scale --configs configs/paper/point_stcn_pv_oops.yaml

One sample goes forward and backward through the network of a configuration, in the size that it
trains with, while torch counts the FLOPs of convolutions, matrix products and attention (a
multiplication and an addition are two; element-wise work, sampling and the optimiser are not
counted). Steps and batch are those of the file; the number of GPUs is the paper's or, where it
names none, that of the public code whose schedule the file holds.

The times are not measured. They are these FLOPs divided by what a GPU can do and by the share of it
that a training gets, both of which are assumptions that flags change.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from pointvos.core.allocator import keep_freed_memory
from pointvos.core.command_line import parse_settings, run_tool
from pointvos.core.errors import InputError
from pointvos.core.progress import progress
from pointvos.core.run_facts import peak_memory_mb
from pointvos.datasets.collate import VosBatch
from pointvos.metrics.reports import text_table
from pointvos.nn.builders import BUILDERS as STCN_BUILDERS
from pointvos.training.settings import RunSettings, TrainSettings
from pointvos.training.steps import step_of
from vng.data.augment import NarratedAugment
from vng.data.samples import NarratedBatch
from vng.nn.builders import BUILDERS as VNG_BUILDERS
from vng.nn.builders import ROBERTA_CHANNELS
from vng.nn.rf_vng import RFVNG
from vng.training.settings import VngSettings
from vng.training.step import grounding_step

GPUS = {  # where the file is not for 8 (paper, appendix D; ReferFormer's code)
    "static_pretraining": 2,  # STCN's code
    "stcn_masks_davis_yt": 2,  # STCN's code
}
IMAGE_ASPECT, VIDEO_ASPECT = 4 / 3, 16 / 9  # width to height
STRIDE = 32  # sizes are rounded to it
POINTS = 30  # annotated on a frame: 10 on each of two objects and 10 beside them
DEFAULT = ",".join(
    f"configs/{name}.yaml"
    for name in (
        "paper/static_pretraining",
        "paper/point_stcn_pv_davis_yt",
        "paper/point_stcn_pv_oops",
        "paper/point_stcn_pv_kinetics",
        "paper/point_stcn_pv_oops_kinetics",
        "paper/stcn_pseudo_masks_pv_davis_yt",
        "paper/hybrid_stcn_davis_yt",
        "paper/stcn_masks_davis_yt",
        "vng/coco_png",
        "vng/coco_png_swin",
        "vng/oops_vng",
        "vng/kinetics_vng",
        "vng/uvo_vng",
        "vng/ovis_vng",
    )
)


@dataclass(frozen=True, kw_only=True)
class ScaleSettings:
    """What to count, and on what it would run."""

    configs: str = DEFAULT
    """files of trainings, separated by commas"""

    peak_tflops: float = 312.0
    """of a GPU, in the precision of the training: 312 is an A100 in bf16 or fp16, without
    sparsity"""

    shares: str = "0.35,0.15"
    """of the peak that a training gets, each a column of the table; 0.35 is what well-fed large
    networks reach, small batches and convolutions get less"""

    words: int = 60
    """tokens of a narrative"""

    threads: int = 1
    """of torch, for the count"""


class Counted(NamedTuple):
    """One sample, forward and backward.

    Attributes:
        flops: of both.
        seconds: of the processor that it took here.
    """

    flops: float
    seconds: float


def settings_of(path: Path) -> RunSettings:
    """The run that a file describes, by the folder in which it stands."""
    kind: type[RunSettings] = VngSettings if path.parent.name == "vng" else TrainSettings
    return parse_settings(kind, ["--config", str(path)])


def count(settings: RunSettings, *, words: int) -> Counted:
    """Count one sample of a run.

    Raises:
        InputError: it is no training of STCN or RF-VNG.
    """
    torch.manual_seed(0)
    if isinstance(settings, TrainSettings):
        return _counted(_stcn_loss(settings))
    if isinstance(settings, VngSettings):
        of_text = text_flops(words, trained=not settings.freeze_text)
        network = _counted(_vng_loss(settings, words))
        return Counted(network.flops + of_text, network.seconds)
    raise InputError(f"expected a training of STCN or RF-VNG, found {type(settings).__name__}")


class FlopCount(TorchDispatchMode):
    """Adds up the FLOPs of what runs below autograd, by the formulas of torch.

    torch's own `FlopCounterMode` also hooks modules, which fails where parts of a network run
    without gradients.

    Attributes:
        flops: so far.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0.0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run an operation and count it."""
        del types
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=out)
        return out


def _counted(loss: Callable[[], Tensor]) -> Counted:
    started = time.process_time()
    # There is no formula for the fused attention of processors; the plain one is matrix products.
    with sdpa_kernel(SDPBackend.MATH), FlopCount() as counter:
        loss().backward()
    return Counted(counter.flops, time.process_time() - started)


def _stcn_loss(settings: TrainSettings) -> Callable[[], Tensor]:
    network = STCN_BUILDERS[settings.model]()
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not any(part in name for part in settings.freeze))
    length, objects, side = (
        settings.clips.length,
        settings.clips.max_objects,
        settings.clips.video.crop,
    )
    rng = torch.Generator().manual_seed(0)
    batch = VosBatch(
        frames_BTCHW=torch.rand(1, length, 3, side, side, generator=rng),
        reference_BOHW=(torch.rand(1, objects, side, side, generator=rng) < 0.1).float(),
        index_BTHW=torch.randint(0, objects + 1, (1, length, side, side), generator=rng),
        xy_BTP2=side * torch.rand(1, length, POINTS, 2, generator=rng),
        classes_BTP=torch.randint(0, objects + 1, (1, length, POINTS), generator=rng),
        present_BO=torch.ones(1, objects, dtype=torch.bool),
    )
    step = step_of(settings.regime, settings.losses)
    return lambda: torch.stack(list(step(network, batch, 0).values())).sum()


class _ReadNarratives(nn.Module):
    """RF-VNG with random words for those of a text encoder, which is counted by itself."""

    def __init__(self, rf_vng: RFVNG, *, words: int, channels: int) -> None:
        super().__init__()
        self.rf_vng = rf_vng
        self.words, self.channels = words, channels

    def forward(
        self, frames_BT3HW: Tensor, sizes_B2: Tensor, texts: Sequence[str], spans: Sequence[Any]
    ) -> tuple[Any, Tensor]:
        words_BLD = torch.randn(len(texts), self.words, self.channels)
        valid_BL = torch.ones(len(texts), self.words, dtype=torch.bool)
        features = self.rf_vng.encode(frames_BT3HW, words_BLD, valid_BL, sizes_B2)
        return features, words_BLD[:, : len(spans[0])]


def _vng_loss(settings: VngSettings, words: int) -> Callable[[], Tensor]:
    network = VNG_BUILDERS[settings.model](text_channels=ROBERTA_CHANNELS)
    network.checkpoint_gradients = settings.checkpoint_gradients
    for name, parameter in network.named_parameters():
        if any(part in name for part in settings.freeze):
            parameter.requires_grad_(False)
    frames, nouns = settings.clips.frames, settings.clips.max_nouns
    if frames == 1:
        height, width = mean_size(settings.clips.still, IMAGE_ASPECT)
    else:
        height, width = mean_size(settings.clips.video, VIDEO_ASPECT)
    masks_BNTHW = torch.zeros(1, nouns, frames, height, width, dtype=torch.bool)
    masks_BNTHW[..., : height // 2, : width // 2] = True
    batch = NarratedBatch(
        video_names=("counted",),
        frames_BT3HW=torch.rand(1, frames, 3, height, width),
        sizes_B2=torch.tensor([[height, width]]),
        texts=("",),
        spans=(((0, 1),) * nouns,),
        masks_BNTHW=masks_BNTHW,
        known_BNT=torch.ones(1, nouns, frames, dtype=torch.bool),
    )
    step = grounding_step(settings.losses)
    grounder = _ReadNarratives(network, words=words, channels=ROBERTA_CHANNELS)
    # It has what the step asks of a `NarrativeGrounder`.
    return lambda: torch.stack(list(step(grounder, batch, 0).values())).sum()  # type: ignore[arg-type]


def mean_size(augment: NarratedAugment, aspect: float) -> tuple[int, int]:
    """Height and width whose area is the mean of those that an augmentation draws from.

    >>> mean_size(NarratedAugment(short_sides=(320,), longest=640), 2.0)
    (320, 640)
    """
    heights = [min(short, augment.longest / aspect) for short in augment.short_sides]
    height = float(np.sqrt(np.mean(np.square(heights))))
    return STRIDE * round(height / STRIDE), STRIDE * round(aspect * height / STRIDE)


def text_flops(words: int, *, trained: bool) -> float:
    """FLOPs of RoBERTa-base, 12 layers of 768 channels, on a narrative.

    A frozen one reads each narrative once in the whole training and does not count.

    >>> round(text_flops(60, trained=True) / 1e9)
    31
    """
    channels, layers = ROBERTA_CHANNELS, 12
    products = 12 * channels**2 * words + 2 * channels * words**2
    return 3.0 * 2 * layers * products if trained else 0.0


def what_costs(settings: RunSettings) -> str:
    """Says the same of runs whose samples cost the same."""
    names = ("model", "regime", "clips", "losses", "freeze", "freeze_text", "checkpoint_gradients")
    return repr([getattr(settings, name, None) for name in names])


def row_of(path: Path, settings: ScaleSettings, known: dict[str, Counted]) -> list[str]:
    """The row of one file; what was counted before is `known`."""
    run = settings_of(path)
    cost = what_costs(run)
    counted = known[cost] = known.get(cost) or count(run, words=settings.words)
    gpus = GPUS.get(path.stem, 8)
    samples = run.batch_size * run.accumulation
    per_gpu = counted.flops * samples * run.iterations
    hours = [
        per_gpu / (settings.peak_tflops * 1e12 * float(share)) / 3600
        for share in settings.shares.split(",")
    ]
    core_years = counted.seconds * samples * run.iterations * gpus / (365.25 * 24 * 3600)
    return [
        f"{path.parent.name}/{path.stem}",
        f"{counted.flops / 1e12:.2f}",
        f"{gpus} x {samples}",
        f"{run.iterations:,}",
        f"{per_gpu * gpus / 1e18:.2g}",
        *(f"{one:.2g}" for one in hours),
        f"{counted.seconds:.1f}",
        f"{core_years:.2g}",
    ]


def main(settings: ScaleSettings) -> None:
    """Print one table."""
    keep_freed_memory()
    torch.set_num_threads(settings.threads)
    shares = settings.shares.split(",")
    header = [
        "config",
        "TFLOP a sample",
        "GPUs x batch",
        "steps",
        "EFLOP in all",
        *(f"hours at {100 * float(share):.0f} %" for share in shares),
        "s a sample here",
        "core years here",
    ]
    known: dict[str, Counted] = {}
    paths = [Path(name.strip()) for name in settings.configs.split(",")]
    rows = [row_of(path, settings, known) for path in progress(paths, description="counting")]
    print(text_table(header, rows, markdown=True))
    processor = f"{settings.threads} thread(s), {torch.backends.cpu.get_cpu_capability()}"
    print(
        f"\nHours of all GPUs at once, each with a peak of {settings.peak_tflops:g} TFLOP/s; here: "
        f"processor seconds, {processor}, torch {torch.__version__}, peak memory "
        f"{peak_memory_mb():.0f} MB."
    )


if __name__ == "__main__":
    run_tool(main, ScaleSettings, __doc__ or "")
