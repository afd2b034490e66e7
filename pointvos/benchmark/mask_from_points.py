"""Masks from points, traces and clicks on single images: how good each backend's are.

Points are drawn as in the paper (section 3.1): at random, at least 20 pixels apart, the smaller
numbers within the larger. Every object is segmented by itself; where asked for, all objects of an
image in one call as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointvos.benchmark.click_rounds import ClickRules, click_alone, click_together
from pointvos.benchmark.named_backends import NamedBackend
from pointvos.benchmark.prompt_images import LabelledImage, PromptImage
from pointvos.benchmark.protocol import POINT_COUNTS, check_draws
from pointvos.benchmark.stored_scores import PartialResults
from pointvos.core.errors import InputError
from pointvos.core.points import PointLabel, Points
from pointvos.core.progress import progress
from pointvos.pseudomask.backend import MaskBackend, MaskResult, Prompt
from pointvos.simulation.point_sets import BACKGROUND, PointSampling, sample_frame
from pointvos.simulation.seeded import generator
from pointvos.simulation.traces import sample_trace

ALONE, TOGETHER = "alone", "together"
POINTS, WITH_BACKGROUND, TRACE = "points", "points_and_background", "trace"


@dataclass(frozen=True, kw_only=True)
class PromptProtocol:
    """What is tried on every object.

    Attributes:
        point_counts: foreground points, ascending; each also with as many background points.
        draws: how many times points and traces are drawn; with `seed`, `seed` + 1, ...
        seed: of the first draw.
        together: also all objects of an image in one call.
        clicks: how clicks are given; None for none.
    """

    point_counts: tuple[int, ...] = POINT_COUNTS
    draws: int = 3
    seed: int = 0
    together: bool = False
    clicks: ClickRules | None = field(default_factory=ClickRules)

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        check_draws(self.point_counts, self.draws, self.seed)
        if self.clicks is not None and self.clicks.limit < 1:
            raise InputError(f"clicks: expected at least 1, found {self.clicks.limit}")

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of the settings, points first: "1", "1+1", ..., "trace"."""
        return (
            *(str(count) for count in self.point_counts),
            *(f"{count}+{count}" for count in self.point_counts),
            TRACE,
        )


@dataclass(frozen=True)
class Skipped:
    """An image that could not be read, and why."""

    image: str
    reason: str


@dataclass(frozen=True, eq=False)
class DrawnPrompts:
    """What is drawn on one image.

    Attributes:
        points: object id -> pixels (x, y), int64 [P, 2], in the order drawn.
        background: pixels off every object, int64 [Q, 2].
        traces: object id -> float32 [N, 2].
    """

    points: dict[int, NDArray[np.int64]]
    background: NDArray[np.int64]
    traces: dict[int, NDArray[np.float32]]

    def prompt(self, setting: str, object_id: int) -> Prompt:
        """The prompt of one object in a setting of `PromptProtocol.settings`."""
        if setting == TRACE:
            return Prompt(trace=self.traces[object_id])
        pixels = self.points[object_id][: int(setting.split("+")[0])]
        return Prompt(points=_points(pixels, PointLabel.FOREGROUND))

    def shared(self, setting: str) -> Points | None:
        """The background points in a setting; None for those without."""
        if "+" not in setting:
            return None
        return _points(self.background[: int(setting.split("+")[1])], PointLabel.BACKGROUND)


def draw_prompts(image: LabelledImage, protocol: PromptProtocol, draw: int) -> DrawnPrompts:
    """Draw points and traces; the same for the same image, seed and draw."""
    seed, count = protocol.seed + draw, protocol.point_counts[-1]
    rule = PointSampling(points=count, background_points=count, seed=seed)
    points = sample_frame(image.index, rule, video=image.name, frame="")
    background = points.pop(BACKGROUND)
    traces = {
        object_id: sample_trace(
            image.mask(object_id), rng=generator(seed, image.name, TRACE, object_id)
        )
        for object_id in points
    }
    return DrawnPrompts(points, background, traces)


def evaluate_backends(
    images: Sequence[PromptImage],
    protocol: PromptProtocol,
    backends: Sequence[NamedBackend],
    partial: PartialResults,
    *,
    max_skipped: int = 0,
) -> tuple[list[list[dict[str, Any]]], list[Skipped]]:
    """Evaluate all backends on all images.

    The result of a finished image is kept in `partial`.

    Args:
        images: to read.
        protocol: what is tried on them.
        backends: that are tried.
        partial: finished images, of an earlier call too.
        max_skipped: images that cannot be read and are left out, before the run is given up.

    Returns:
        For each backend the records of the images that could be read, in their order (see
        `evaluate_image`); and the others.

    Raises:
        FileNotFoundError: a file is gone, and no more images may be skipped.
        InputError: a file is damaged, and no more images may be skipped; or no image shows an
            object.
    """
    skipped: list[Skipped] = []
    records: list[list[dict[str, Any]]] = [[] for _ in backends]
    bar = progress(images, description="masks", unit="image")
    for image in bar:
        missing = [n for n in range(len(backends)) if partial.read(n, image.name) is None]
        labelled = None
        if missing:
            try:
                labelled = image.read()
            except (InputError, FileNotFoundError) as error:
                skipped.append(Skipped(image.name, str(error)))
                if len(skipped) > max_skipped:
                    raise
                continue
        for n in missing:
            assert labelled is not None
            bar.set_postfix_str(f"{backends[n].name} on {image.name}")
            partial.keep(n, image.name, evaluate_image(backends[n].backend, labelled, protocol))
        for n, of_backend in enumerate(records):
            found = partial.read(n, image.name)
            assert found is not None
            of_backend.append({**found, "objects": _with_categories(image, found["objects"])})
    if not any(record["objects"] for record in records[0]):
        raise InputError(f"expected images that show an object, found none among {len(images)}")
    return records, skipped


def finished_images(
    images: Sequence[PromptImage], backends: Sequence[NamedBackend], partial: PartialResults
) -> int:
    """How many pairs of a backend and an image an earlier call has finished."""
    return sum(
        partial.read(n, image.name) is not None for n in range(len(backends)) for image in images
    )


def evaluate_image(
    backend: MaskBackend, image: LabelledImage, protocol: PromptProtocol
) -> dict[str, Any]:
    """All that is tried on one image, as JSON values.

    Returns:
        ``objects``: for each its ``object_id``, ``share`` of the image, and under "alone" (and
        "together") setting -> one [IoU, score] a draw; under ``clicks`` the IoU after each click on
        it alone. ``clicks_together``: after each click on any object the IoU of all. ``calls`` and
        ``seconds`` of the backend.
    """
    timed = _Timed(backend)
    ids = image.object_ids
    modes = (ALONE, TOGETHER) if protocol.together else (ALONE,)
    found: dict[int, dict[str, dict[str, list[list[float]]]]] = {
        object_id: {mode: {setting: [] for setting in protocol.settings} for mode in modes}
        for object_id in ids
    }
    for draw in range(protocol.draws):
        drawn = draw_prompts(image, protocol, draw)
        for setting in protocol.settings:
            for mode, object_id, result in _results(timed, image, drawn, setting, modes):
                pair = [image.iou(object_id, result.mask), result.score]
                found[object_id][mode][setting].append(pair)
    record: dict[str, Any] = {"image": image.name, "objects": []}
    for object_id in ids:
        row = {"object_id": object_id, "share": image.share(object_id), **found[object_id]}
        if protocol.clicks is not None:
            row["clicks"] = click_alone(timed, image, object_id, protocol.clicks)
        record["objects"].append(row)
    if protocol.clicks is not None and protocol.together and ids:
        record["clicks_together"] = click_together(timed, image, protocol.clicks)
    return {**record, "calls": timed.calls, "seconds": round(timed.seconds, 3)}


def _results(
    backend: MaskBackend,
    image: LabelledImage,
    drawn: DrawnPrompts,
    setting: str,
    modes: Sequence[str],
) -> Iterator[tuple[str, int, MaskResult]]:
    ids, background = image.object_ids, drawn.shared(setting)
    prompts = [drawn.prompt(setting, object_id) for object_id in ids]
    for object_id, prompt in zip(ids, prompts, strict=True):
        (result,) = backend.masks(image.rgb, [prompt], background=background)
        yield ALONE, object_id, result
    if TOGETHER in modes:
        results = backend.masks(image.rgb, prompts, background=background)
        for object_id, result in zip(ids, results, strict=True):
            yield TOGETHER, object_id, result


class _Timed:
    """A backend that counts its calls and their seconds."""

    def __init__(self, backend: MaskBackend) -> None:
        self._masks: Callable[..., list[MaskResult]] = backend.masks
        self.calls, self.seconds = 0, 0.0

    def masks(
        self,
        image: NDArray[np.uint8],
        prompts: Sequence[Prompt],
        *,
        background: Points | None = None,
    ) -> list[MaskResult]:
        start = time.perf_counter()
        results = self._masks(image, prompts, background=background)
        self.calls, self.seconds = self.calls + 1, self.seconds + time.perf_counter() - start
        return results


def _with_categories(image: PromptImage, objects: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    names = image.video.categories
    return [{**row, "category": names.get(row["object_id"], "")} for row in objects]


def _points(pixels: NDArray[np.int64], label: PointLabel) -> Points:
    return Points.from_pixels(pixels, [label] * len(pixels))
