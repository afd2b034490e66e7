"""Speed and memory of propagation, as the Markdown of docs/performance.md.

Run it on an idle machine, from the repository, as ``python -m benchmarks.benchmark_propagation``.

- ``stages``: `stcn_resnet50` on one object, by stage, early and late in a video, beside the dense
  memory reading of the public code. The first memory entries are encoded frames; the others are
  those again, shifted by whole cells, as if the scene had moved. Then a whole period of steps is
  timed, of which one memorises its frame.
- ``lite``: frames per second of `stcn_lite` with its default settings.
- ``memory``: resident memory over a long video with a bounded memory.
"""

from __future__ import annotations

import contextlib
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.reference_reading import DenseReader, randomise
from pointvos.core.command_line import run_tool
from pointvos.core.errors import InputError
from pointvos.core.run_facts import peak_memory_mb, resident_memory_mb
from pointvos.inference.models import PACKAGED, load_model
from pointvos.inference.propagator import MEMORY_EVERY, Propagator
from pointvos.metrics.reports import text_table
from pointvos.nn.stcn import STCN

STAGES = ("encode_key", "read", "decode", "encode_value")
LITE_REPEATS = 7
ENCODED_ENTRIES = 4  # of the memory; the others repeat them
AIMS = "fp32 1.3 times at 70 frames and 2 times at 300; bf16 2 times at 70; lite 5 frames/s"


@dataclass(frozen=True, kw_only=True)
class BenchmarkSettings:
    """What to measure."""

    parts: str = "stages,lite,memory"
    """which, separated by commas"""

    variants: str = "dense reading,fp32,bf16"
    """of the stages, separated by commas; the first is what the others are compared with"""

    frames: str = "20,70,300"
    """lengths of the video at which stages are timed"""

    height: int = 480
    """of the frames, in pixels"""

    width: int = 854
    """of the frames, in pixels"""

    threads: int = 2
    """of torch"""

    periods: int = 2
    """memory periods (5 frames each) timed at each length"""

    compared: int = 12
    """frames over which the masks of the variants are compared"""

    long_video: int = 2000
    """frames of the memory measurement; the first reading is after a tenth of them"""


Frame = NDArray[np.uint8]


def generated_video(height: int, width: int) -> Iterator[tuple[Frame, NDArray[np.bool_]]]:
    """Frames without end and the mask of their object: a textured ellipse over a moving ground."""
    rng = np.random.default_rng(0)
    shape = (-(-height // 16), -(-width // 16), 3)
    ground, skin = (
        np.kron(rng.integers(low, low + 120, shape), np.ones((16, 16, 1)))[:height, :width]
        for low in (20, 110)
    )
    y, x = np.mgrid[:height, :width]
    index = 0
    while True:
        centre = width * (0.35 + 0.1 * np.sin(index / 40)), height * 0.5
        mask = ((x - centre[0]) / (width * 0.2)) ** 2 + ((y - centre[1]) / (height * 0.3)) ** 2 <= 1
        moved = np.where(mask[..., None], np.roll(skin, 3 * index, 1), np.roll(ground, index, 1))
        noise = rng.integers(0, 12, (height, width, 1))
        yield np.clip(moved + noise, 0, 255).astype(np.uint8), mask
        index += 1


@dataclass(frozen=True)
class Variant:
    """A way to run the same network."""

    name: str
    network: STCN
    bf16: bool = False
    fast_convolutions: bool = True

    @contextlib.contextmanager
    def precision(self) -> Iterator[None]:
        """The context in which all steps of a video are taken: weights are converted once."""
        with (
            torch.autocast("cpu", torch.bfloat16, enabled=self.bf16),
            torch.backends.nnpack.flags(enabled=self.fast_convolutions),
        ):
            yield


def chosen_variants(names: str) -> list[Variant]:
    """The public code's layout and reading, this project's, and its in half precision."""

    def network(dense: bool) -> STCN:
        model = load_model("random:stcn_resnet50").network
        randomise(model)
        if dense:
            model.reader = DenseReader()
            model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        return model

    ours = network(dense=False)
    known = {
        "dense reading": Variant("dense reading", network(dense=True), fast_convolutions=False),
        "fp32": Variant("fp32", ours),
        "bf16": Variant("bf16", ours, bf16=True),
    }
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in known:
            raise InputError(f"variants: expected {', '.join(known)}, found {name!r}")
    return [known[name] for name in wanted]


@contextlib.contextmanager
def stage_seconds(network: STCN) -> Iterator[dict[str, float]]:
    """Seconds spent in each of the four roles of a network, counted while the context is open."""
    seconds: dict[str, float] = dict.fromkeys(STAGES, 0.0)

    def timed(stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            result = call(*args, **kwargs)
            seconds[stage] += time.perf_counter() - start
            return result

        return run

    for stage in STAGES:
        setattr(network, stage, timed(stage, getattr(network, stage)))
    yield seconds
    for stage in STAGES:
        delattr(network, stage)


def fill_memory(propagator: Propagator, frames: int) -> None:
    """Bring the memory to the size it has after a number of frames."""
    (group,) = propagator.memory
    encoded = len(group.kinds)
    key_CEN = group.key[0].unflatten(1, (encoded, -1))
    value_OCEN = group.value[0].unflatten(2, (encoded, -1))
    for entry in range(encoded, 1 + (frames - 1) // MEMORY_EVERY):
        shift = entry // encoded
        key_CN, value_OCN = key_CEN[:, entry % encoded], value_OCEN[:, :, entry % encoded]
        propagator.memory.add([1], key_CN.roll(shift, 1), value_OCN.roll(shift, 2))


def time_stages(variant: Variant, frames: int, settings: BenchmarkSettings) -> dict[str, float]:
    """Seconds per frame by stage at one length of the video; "all" is the whole step."""
    video = generated_video(settings.height, settings.width)
    propagator = Propagator(variant.network)
    with variant.precision():
        warm_up = min(MEMORY_EVERY * ENCODED_ENTRIES, frames)
        for index in range(warm_up):
            frame, mask = next(video)
            propagator.step(frame, {1: mask} if index == 0 else None)
        with torch.inference_mode():
            fill_memory(propagator, frames)
        steps = settings.periods * MEMORY_EVERY
        pictures = [next(video)[0] for _ in range(steps)]
        with stage_seconds(variant.network) as seconds:
            start = time.perf_counter()
            for frame in pictures:
                propagator.step(frame).index_mask()
            total = time.perf_counter() - start
    found = {stage: seconds[stage] / steps for stage in STAGES}
    return {**found, "other": (total - sum(seconds.values())) / steps, "all": total / steps}


def masks_of(variant: Variant, settings: BenchmarkSettings) -> list[NDArray[Any]]:
    """Predicted masks of the first frames."""
    video = generated_video(settings.height, settings.width)
    propagator = Propagator(variant.network)
    masks = []
    with variant.precision():
        for index in range(settings.compared):
            frame, mask = next(video)
            masks.append(propagator.step(frame, {1: mask} if index == 0 else None).index_mask())
    return masks


def stages_part(settings: BenchmarkSettings) -> str:
    """Table of stages, table of speed-ups."""
    chosen = chosen_variants(settings.variants)
    rows, totals = [], {}
    for frames in map(int, settings.frames.split(",")):
        for variant in chosen:
            found = time_stages(variant, frames, settings)
            totals[variant.name, frames] = found["all"]
            largest = max(STAGES, key=found.__getitem__)
            cells = [f"{found[name]:.3f}" for name in (*STAGES, "other", "all")]
            ratio = totals[chosen[0].name, frames] / found["all"]
            share = f"{largest} {found[largest] / found['all']:.0%}"
            rows.append([f"{frames} frames, {variant.name}", *cells, f"{ratio:.2f}", share])
    header = ["s/frame", *STAGES, "other", "all", "times as fast", "dominates"]
    reference = masks_of(chosen[0], settings)
    agreement = []
    for variant in chosen[1:]:
        masks = masks_of(variant, settings)
        same = np.mean([ours == theirs for ours, theirs in zip(masks, reference, strict=True)])
        agreement.append(f"{variant.name} {same:.3%}")
    shown = np.mean([mask != 0 for mask in reference])
    return (
        f"## stcn_resnet50, one object, {settings.height}x{settings.width}, memory every "
        f"{MEMORY_EVERY} frames\n\n{text_table(header, rows, markdown=True)}\n\n"
        f"`encode_value` runs on one frame in {MEMORY_EVERY}; seconds are per frame all the same. "
        f"Pixels with the mask of {chosen[0].name} over {settings.compared} frames: "
        f"{', '.join(agreement)} ({shown:.0%} of them object). Random weights. Aims: {AIMS}."
    )


def lite_part(settings: BenchmarkSettings) -> str:
    """Frames per second of the small network, points given on the first frame."""
    try:
        model = load_model(next(iter(PACKAGED)))
    except FileNotFoundError:  # a checkout without weights: the same work with random ones
        model = load_model("random:stcn_lite")
    video = generated_video(settings.height, settings.width)
    propagator = model.propagator()
    period = propagator.memory_every
    frame, mask = next(video)
    propagator.step(frame, {1: mask})
    for _ in range(period * (propagator.memory.max_frames or 6)):  # until the memory is full
        propagator.step(next(video)[0])
    pictures = [next(video)[0] for _ in range(period)]
    repeats: list[float] = []  # milliseconds a frame, of one memory period each
    with stage_seconds(model.network) as seconds:
        for _ in range(LITE_REPEATS):
            start = time.perf_counter()
            for frame in pictures:
                propagator.step(frame).index_mask()
            repeats.append(1000 * (time.perf_counter() - start) / period)
    steps = period * LITE_REPEATS
    median = statistics.median(repeats)
    stages = ", ".join(f"{stage} {1000 * seconds[stage] / steps:.0f} ms" for stage in STAGES)
    return (
        f"## stcn_lite, one object, {settings.height}x{settings.width}, default settings\n\n"
        f"{1000 / median:.1f} frames/s: {median:.0f} ms a frame, {min(repeats):.0f} to "
        f"{max(repeats):.0f} over {LITE_REPEATS} runs of {period} frames ({stages}), with a full "
        f"memory; weights: {model.name}."
    )


def memory_part(settings: BenchmarkSettings) -> str:
    """Resident memory after a tenth and after all of a long video."""
    model = load_model("random:stcn_lite")
    propagator = model.propagator()
    readings = {}
    video = generated_video(settings.height, settings.width)
    for index in range(1, settings.long_video + 1):
        frame, mask = next(video)
        propagator.step(frame, {1: mask} if index == 1 else None).index_mask()
        if index in (settings.long_video // 10, settings.long_video):
            readings[index] = resident_memory_mb()
    (early, at_first), (late, at_last) = readings.items()
    return (
        f"## Memory over {late} frames, stcn_lite, {settings.height}x{settings.width}\n\n"
        f"Resident after {early} frames {at_first:.0f} MB, after {late} frames {at_last:.0f} MB: "
        f"{at_last - at_first:+.0f} MB (aim: less than 50). Peak {peak_memory_mb():.0f} MB. "
        f"{propagator.memory.frames_of(1)} frames in memory."
    )


PARTS = {"stages": stages_part, "lite": lite_part, "memory": memory_part}


def main(settings: BenchmarkSettings) -> None:
    """Print one section a part."""
    torch.set_num_threads(settings.threads)
    print(
        f"torch {torch.__version__}, {settings.threads} threads, "
        f"{torch.backends.cpu.get_cpu_capability()}, {platform.machine()}; "
        "made by `python -m benchmarks.benchmark_propagation`\n"
    )
    for part in settings.parts.split(","):
        print(PARTS[part](settings), end="\n\n", flush=True)


if __name__ == "__main__":
    run_tool(main, BenchmarkSettings, __doc__ or "")
