"""Training of the interactive segmenter."""

from __future__ import annotations

from pathlib import Path

from pointvos.core.errors import InputError
from pointvos.core.weights import imagenet_lite0_file, load_strictly, read_weights
from pointvos.datasets.clips import ClipDataset
from pointvos.nn.efficientnet_lite import EfficientNetLite0, load_imagenet_lite0
from pointvos.nn.interactive.builders import interactive_full, interactive_lite
from pointvos.nn.interactive.segmenter import InteractiveSegmenter
from pointvos.training.data import draw_points_apart, open_sources
from pointvos.training.interactive.samples import PromptedFrames, collate_frames
from pointvos.training.interactive.settings import InteractiveSettings
from pointvos.training.interactive.step import interactive_step
from pointvos.training.loop import OpenedSamples, Task, run


def train(settings: InteractiveSettings) -> Path:
    """Train to the end, or to `stop_after`; returns the exported weights.

    Raises:
        FileNotFoundError: a folder or file of the settings is missing.
        InputError: the data, the weights or a checkpoint do not fit the settings.
        RuntimeError: a loss is not finite; the message says at which step and which term.
    """

    def open_samples(_: InteractiveSegmenter, samples: int) -> OpenedSamples:
        frames, left_out = make_frames(settings, samples=samples)
        return OpenedSamples(frames, len(frames.clips.videos), left_out)

    task = Task(
        title=settings.model,
        make_network=lambda: make_network(settings),
        step=interactive_step(settings.losses, settings.rounds),
        open_samples=open_samples,
        collate=collate_frames,
        metadata={"architecture": settings.model},
    )
    return run(settings, task)


def make_frames(
    settings: InteractiveSettings, *, samples: int
) -> tuple[PromptedFrames, dict[str, dict[str, str]]]:
    """The mixture of a run.

    Args:
        settings: of the run.
        samples: the length of the whole run over all processes.

    Returns:
        The frames, and for each source the videos left out with the reason.
    """
    readers, left_out = open_sources(settings)
    clips = ClipDataset(
        readers,
        settings.clips,
        samples=samples,
        seed=settings.seed,
        point_radius=0,
        draw_points=draw_points_apart(settings.prompts.point_distance),
    )
    return PromptedFrames(clips, settings.prompts, seed=settings.seed), left_out


def make_network(settings: InteractiveSettings) -> InteractiveSegmenter:
    """Build the network and give it its first weights.

    Raises:
        FileNotFoundError: a weights file, or the package with the ImageNet weights, is missing.
        InputError: the weights do not fit.
    """
    if settings.model == "interactive_lite":
        network = interactive_lite()
    else:
        folder = None if settings.backbone_folder is None else str(settings.backbone_folder)
        try:
            network = interactive_full(backbone=settings.backbone, weights=folder)
        except ValueError as error:
            raise InputError(str(error)) from error
    if settings.weights is not None:
        weights, metadata = read_weights(settings.weights)
        written_for = metadata.get("architecture", settings.model)
        if written_for != settings.model:
            raise InputError(
                f"{settings.weights}: expected weights of {settings.model}, found weights of "
                f"{written_for}"
            )
        load_strictly(network, weights, settings.weights, fresh=settings.fresh)
    elif settings.trunk_weights is not None:
        _load_trunk(network, settings.trunk_weights)
    elif settings.imagenet and isinstance(network.trunk, EfficientNetLite0):
        load_imagenet_lite0(network.trunk, read_weights(imagenet_lite0_file())[0])
    return network


def _load_trunk(network: InteractiveSegmenter, path: Path) -> None:
    """Take the trunk out of the weights of a network on the same trunk."""
    weights, _ = read_weights(path)
    trunk = {
        name.split("trunk.", 1)[1]: value for name, value in weights.items() if "trunk." in name
    }
    if not trunk:
        raise InputError(f"{path}: expected the weights of a trunk, found none")
    load_strictly(network.trunk, trunk, path)
