"""Time and memory of RF-VNG without its text encoder, as Markdown.

Run it on an idle machine, from the repository, as ``python -m benchmarks.benchmark_rf_vng``. Every
line is measured in a process of its own, whose peak memory is that of the line. Random weights and
frames: they change nothing about the time. A clip is encoded once and then asked for one noun and
for several; only the mask of the best query of each is painted, as in inference. Processor time,
over the threads, tells more than that of the clock on a machine that others use.

- ``full``: `rf_vng_resnet50` at 360x640, beside the recorded time of the public code, which
  includes the text encoder and the masks of all queries and layers.
- ``lite``: `rf_vng_lite` at 320x568.

Then whole videos, in windows, with the packaged text encoder, as `tools/ground.py` runs RF-VNG:
their peak memory must not grow with the length.
"""

from __future__ import annotations

import json
import multiprocessing
import platform
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch

from pointvos.core.allocator import keep_freed_memory
from pointvos.core.command_line import run_tool
from pointvos.core.errors import InputError
from pointvos.core.run_facts import peak_memory_mb
from pointvos.metrics.reports import text_table
from vng.inference.grounding import Frame
from vng.inference.rf_vng import RFVNGGrounding
from vng.inference.rf_vng_weights import WINDOW
from vng.nn.builders import MINILM_CHANNELS, ROBERTA_CHANNELS, rf_vng_lite, rf_vng_resnet50
from vng.nn.rf_vng import RFVNG
from vng.text.encoder import load_text_encoder
from vng.text.features import TextFeatures

Result = TypeVar("Result")

AIM_RATIO = 1.5  # of the time for several nouns to that for one


class Part(NamedTuple):
    """A network and the size of its frames."""

    build: Callable[[], RFVNG]
    height: int
    width: int
    text_channels: int


PARTS = {
    "full": Part(rf_vng_resnet50, 360, 640, ROBERTA_CHANNELS),
    "lite": Part(rf_vng_lite, 320, 568, MINILM_CHANNELS),
}


@dataclass(frozen=True, kw_only=True)
class BenchmarkSettings:
    """What to measure."""

    parts: str = "full,lite"
    """which networks, separated by commas"""

    frames: str = "5,20,36"
    """lengths of the clip, separated by commas"""

    videos: str = "36,100,300"
    """lengths of whole videos, separated by commas; empty for none"""

    nouns: int = 8
    """asked for together, beside one"""

    words: int = 20
    """of the narrative"""

    threads: int = 2
    """of torch"""

    runs: int = 2
    """timed runs, of which the fastest counts"""

    public: Path = Path("../shared/golden/public/speed.json")
    """recorded times of the public code; left out where there is no such file"""


class Seconds(NamedTuple):
    """By the clock and of the processor."""

    clock: float
    processor: float


class Measurement(NamedTuple):
    """Of one network and one length."""

    encode: Seconds
    one: Seconds
    several: Seconds
    peak_mb: float


def fastest(run: Callable[[], object], runs: int) -> Seconds:
    """Seconds of the fastest of some calls."""
    found = []
    for _ in range(runs):
        start = time.perf_counter(), time.process_time()
        run()
        found.append(Seconds(time.perf_counter() - start[0], time.process_time() - start[1]))
    return min(found, key=lambda seconds: seconds.processor)


@torch.inference_mode()
def measure(name: str, frames: int, settings: BenchmarkSettings) -> Measurement:
    """Encode a clip, then ask for one noun and for several."""
    keep_freed_memory()
    torch.set_num_threads(settings.threads)
    part = PARTS[name]
    network = part.build().eval()
    clip = torch.rand(1, frames, 3, part.height, part.width)
    words = torch.randn(1, settings.words, part.text_channels)
    valid = torch.ones(1, settings.words, dtype=torch.bool)
    nouns = torch.randn(1, settings.nouns, part.text_channels)
    network.encode(clip[:, :1], words, valid)  # warm up
    encode = fastest(lambda: network.encode(clip, words, valid), settings.runs)
    features = network.encode(clip, words, valid)
    one = fastest(lambda: network.ground_best(features, nouns[:, :1]), settings.runs)
    several = fastest(lambda: network.ground_best(features, nouns), settings.runs)
    return Measurement(encode, one, several, peak_memory_mb())


def measure_video(name: str, frames: int, settings: BenchmarkSettings) -> tuple[Seconds, float]:
    """Ground several nouns in a whole video; seconds and peak memory in MB."""
    keep_freed_memory()
    torch.set_num_threads(settings.threads)
    part = PARTS[name]
    encoder = load_text_encoder()
    method = RFVNGGrounding(
        name=name,
        network=part.build(text_channels=encoder.channels),  # type: ignore[call-arg]
        text=TextFeatures(encoder),
        query="noun",
        short_side=0,
        window=WINDOW,
    )
    text = " ".join(f"noun{n}" for n in range(settings.nouns))
    spans = [(match.start(), match.end()) for match in re.finditer(r"\w+", text)]
    rng = np.random.default_rng(0)

    def video() -> Iterator[Frame]:
        for _ in range(frames):
            yield rng.integers(0, 256, (part.height, part.width, 3), np.uint8)

    def run() -> None:
        for _ in method.ground(video(), text, spans):
            pass

    return fastest(run, 1), peak_memory_mb()


def apart(measured: Callable[..., Result], *arguments: object) -> Result:
    """A measurement in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(measured, *arguments).result()


def public_seconds(settings: BenchmarkSettings) -> dict[int, Seconds]:
    """Recorded times of the public code by the length of the clip, at 360x640."""
    if not settings.public.is_file():
        return {}
    found = {}
    for key, record in json.loads(settings.public.read_text()).items():
        prefix, size = "referformer_r50_forward_", "x360x640"
        if key.startswith(prefix) and size in key:
            frames = int(key.removeprefix(prefix).split(size)[0])
            found[frames] = Seconds(record["s_second"], record["cpu_s"])
    return found


def rows_of(name: str, settings: BenchmarkSettings) -> list[list[str]]:
    """Rows of one network."""
    public = public_seconds(settings) if name == "full" else {}
    rows = []
    for frames in map(int, settings.frames.split(",")):
        found = apart(measure, name, frames, settings)
        for count, ground in ((1, found.one), (settings.nouns, found.several)):
            clock = found.encode.clock + ground.clock
            processor = found.encode.processor + ground.processor
            ratio = processor / (found.encode.processor + found.one.processor)
            beside = ""
            if count == 1 and frames in public:
                beside = f"{public[frames].clock:.1f} ({public[frames].processor:.1f})"
            rows.append(
                [
                    f"{name}, {frames} frames, {count} noun(s)",
                    f"{clock:.1f} ({processor:.1f})",
                    f"{frames / clock:.2f}",
                    f"{ratio:.2f}",
                    f"{found.peak_mb:.0f}",
                    beside,
                ]
            )
    return rows


def main(settings: BenchmarkSettings) -> None:
    """Print one table."""
    names = [name.strip() for name in settings.parts.split(",")]
    for name in names:
        if name not in PARTS:
            raise InputError(f"parts: expected {', '.join(PARTS)}, found {name!r}")
    rows = [row for name in names for row in rows_of(name, settings)]
    print(
        f"torch {torch.__version__}, {settings.threads} thread(s), "
        f"{torch.backends.cpu.get_cpu_capability()}, {platform.machine()}; "
        "made by `python -m benchmarks.benchmark_rf_vng`\n"
    )
    header = ["", "s (processor s)", "frames/s", "times one noun", "peak MB", "public s"]
    print(text_table(header, rows, markdown=True), flush=True)
    print(f"\nPeak memory is that of both lines of a length. Aim: at most {AIM_RATIO} times one.\n")
    lengths = [int(length) for length in settings.videos.split(",") if length.strip()]
    if lengths:
        videos = [video_row(name, frames, settings) for name in names for frames in lengths]
        header = ["", "s (processor s)", "frames/s", "peak MB"]
        print(text_table(header, videos, markdown=True))


def video_row(name: str, frames: int, settings: BenchmarkSettings) -> list[str]:
    """The row of a whole video."""
    seconds, peak_mb = apart(measure_video, name, frames, settings)
    return [
        f"{name}, video of {frames} frames, {settings.nouns} nouns, windows of {WINDOW}",
        f"{seconds.clock:.1f} ({seconds.processor:.1f})",
        f"{frames / seconds.clock:.2f}",
        f"{peak_mb:.0f}",
    ]


if __name__ == "__main__":
    run_tool(main, BenchmarkSettings, __doc__ or "")
