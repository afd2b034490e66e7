"""The point benchmark (paper, section 4.1): which points start which run.

Each object is given by 1, 2, 5 or 10 points on the frame where it first appears, the smaller sets
within the larger, and followed forward from there. A video is run once for every number of points
and every draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from pointvos.core.errors import InputError
from pointvos.formats.initial_points import (
    InitialPoints,
    initial_points_of,
    read_initial_points,
    records_of_video,
)
from pointvos.formats.masked_video import MaskedVideo
from pointvos.formats.point_vos_files import read_records
from pointvos.inference.propagator import GivenObject
from pointvos.metrics.rules import DAVIS_WITH_ID_GAPS, PRESETS, YOUTUBE_VOS, ScoringRules
from pointvos.simulation.point_sets import PointSampling, benchmark_records

POINT_COUNTS = (1, 2, 5, 10)  # paper, section 4.1
MASK = "mask"  # the setting that starts from masks, as in VOS

AUTOMATIC_RULES = {"davis": DAVIS_WITH_ID_GAPS, "youtube_vos": YOUTUBE_VOS}

Initialisation = Mapping[str, Mapping[int, GivenObject]]
"""Frame name -> object id -> points or mask."""


class Run(NamedTuple):
    """One pass over a video."""

    setting: str
    """Number of points, or "mask"."""
    draw: int
    """Counts the draws of points from 0."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkProtocol:
    """What is run on every video.

    Attributes:
        init: points, or the masks that STCN starts from ("masks / masks" in Tab. 9 of the paper).
        point_counts: foreground points an object, ascending.
        draws: how many times points are drawn; with `seed`, `seed` + 1, ...
        seed: of the first draw.
    """

    init: Literal["points", "mask"] = "points"
    point_counts: tuple[int, ...] = POINT_COUNTS
    draws: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        check_draws(self.point_counts, self.draws, self.seed)
        if self.init == MASK and self.draws > 1:
            raise InputError(f"draws: expected 1 with --init mask, found {self.draws}")

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of the settings, the strongest last."""
        return (MASK,) if self.init == MASK else tuple(str(count) for count in self.point_counts)


def check_draws(point_counts: Sequence[int], draws: int, seed: int) -> None:
    """Refuse numbers of points and draws that cannot be meant.

    Raises:
        InputError: the numbers of points do not ascend from at least 1, or a value is too small.
    """
    if not point_counts or point_counts[0] < 1 or list(point_counts) != sorted(set(point_counts)):
        raise InputError(f"point_counts: expected ascending numbers >= 1, found {point_counts}")
    if draws < 1 or seed < 0:
        raise InputError(
            f"draws and seed: expected draws >= 1 and seed >= 0, found {draws} and {seed}"
        )


def scoring_rules(name: str, dataset: str) -> ScoringRules:
    """The rules by the name of a preset; "auto" for those of the dataset.

    Raises:
        InputError: there is no such preset, or none that belongs to the dataset.
    """
    if name == "auto" and dataset not in AUTOMATIC_RULES:
        raise InputError(
            f"rules: expected one of {', '.join(PRESETS)} for dataset {dataset!r}, found auto, "
            f"which knows {', '.join(AUTOMATIC_RULES)}"
        )
    if name == "auto":
        return AUTOMATIC_RULES[dataset]
    if name not in PRESETS:
        raise InputError(f"rules: expected auto, {', '.join(PRESETS)}, found {name!r}")
    return PRESETS[name]


def draw_points(video: MaskedVideo, protocol: BenchmarkProtocol) -> list[InitialPoints]:
    """The initial points of one video, simulated from its masks; one a draw.

    Raises:
        InputError: a mask is damaged or none shows an object.
    """
    draws = []
    for draw in range(protocol.draws):
        rule = PointSampling(points=protocol.point_counts[-1], seed=protocol.seed + draw)
        records = benchmark_records(video, rule)
        draws.append(initial_points_of(records, video.frames, source=video.name))
    return draws


def points_from_file(path: Path, videos: Sequence[MaskedVideo]) -> dict[str, list[InitialPoints]]:
    """The initial points of all videos from one file.

    The file holds Point-VOS records; for a single video it may be any that `read_initial_points`
    takes.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: the file is damaged, lacks a video or an object of a video, or its points do
            not fit the frames.
    """
    points = {}
    records = [] if len(videos) == 1 else list(read_records(path).values())
    for video in videos:
        if len(videos) == 1:
            found = read_initial_points(path, video.frames, video=video.name)
        else:
            of_video = records_of_video(records, video.name, source=str(path))
            found = initial_points_of(of_video, video.frames, source=str(path))
        given = {object_id for objects in found.by_frame.values() for object_id in objects}
        shown = set(video.object_ids())
        if given != shown:
            raise InputError(
                f"{path}: {video.name}: expected points of the objects {sorted(shown)} that the "
                f"masks show, found {sorted(given)}"
            )
        points[video.name] = [found]
    return points


def masks_at_first_appearance(video: MaskedVideo) -> Initialisation:
    """The true mask of every object on the first frame that shows it."""
    masks: dict[str, dict[int, GivenObject]] = {}
    for object_id, frame in video.first_appearance().items():
        masks.setdefault(frame, {})[object_id] = video.read_mask(frame) == object_id
    return masks


def runs_of_video(
    video: MaskedVideo, draws: Sequence[InitialPoints], protocol: BenchmarkProtocol
) -> dict[Run, Initialisation]:
    """What starts each run over a video.

    An object that has fewer points than a setting asks for starts with all it has: where the mask
    is too small for more (paper, section 3.1).
    """
    if protocol.init == MASK:
        return {Run(MASK, 0): masks_at_first_appearance(video)}
    return {
        Run(str(count), draw): points.first(count).by_frame
        for draw, points in enumerate(draws)
        for count in protocol.point_counts
    }
