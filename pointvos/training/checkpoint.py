"""Checkpoints: everything a run needs to go on as if it had never stopped."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from accelerate import Accelerator
from safetensors import SafetensorError

from pointvos import __version__
from pointvos.core.atomic import write_json
from pointvos.core.errors import InputError
from pointvos.core.jsonfile import read_json
from pointvos.core.weights import UNREADABLE, read_weights, write_weights
from pointvos.training.running_mean import RunningMean

KEPT = 2  # the newest, and one more in case the newest is found damaged
RUN_FILE = "run.json"
MEAN_FILE = "running_mean.safetensors"


def checkpoints(folder: Path) -> list[Path]:
    """Whole checkpoints in `folder`, oldest first; half-written ones carry another name."""
    found = [path for path in folder.glob("step_*") if re.fullmatch(r"step_\d+", path.name)]
    return sorted(found, key=lambda path: int(path.name[5:]))


def refuse_old_checkpoints(folder: Path) -> None:
    """A run from the beginning must not mix its checkpoints with those of another.

    Raises:
        InputError: there are checkpoints already.
    """
    found = checkpoints(folder)
    if found:
        raise InputError(
            f"{folder}: expected no checkpoints with resume false, found {found[-1].name}; choose "
            "another output folder or delete this one"
        )


def save_checkpoint(
    accelerator: Accelerator,
    folder: Path,
    iteration: int,
    run: dict[str, object],
    mean: RunningMean | None,
) -> None:
    """Write the state of the run at `iteration`, then drop all but the newest checkpoints.

    Model, optimiser and random states go through Accelerate, so that every kind of parallel
    training works; the learning rate follows from the iteration. The running mean is written here,
    because Accelerate reads such objects back as pickles with code. The folder gets its name only
    when it is whole.
    """
    temporary = folder / f"writing_{iteration:07d}"
    if accelerator.is_main_process and temporary.exists():
        shutil.rmtree(temporary)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(temporary))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        if mean is not None:
            write_weights(temporary / MEAN_FILE, mean.mean, {"updates": str(mean.updates)})
        state = {"iteration": iteration, "pointvos": __version__, **run}
        write_json(temporary / RUN_FILE, state)
        target = folder / f"step_{iteration:07d}"
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
        for old in checkpoints(folder)[:-KEPT]:
            shutil.rmtree(old)
    accelerator.wait_for_everyone()


def load_newest_checkpoint(
    accelerator: Accelerator, folder: Path, run: dict[str, object], mean: RunningMean | None
) -> int:
    """Restore the newest checkpoint; returns its iteration, 0 without one.

    All files are read as tensors and plain values: a pickle with code is refused, not run.

    Raises:
        InputError: the checkpoint is of a run with other settings, or is damaged.
    """
    found = checkpoints(folder)
    if not found:
        return 0
    newest = found[-1]
    stored = read_json(newest / RUN_FILE)
    if not isinstance(stored, dict) or not isinstance(stored.get("iteration"), int):
        raise InputError(f"{newest / RUN_FILE}: expected the settings of a run, found other values")
    changed = sorted(key for key in run if _given(stored.get(key)) != _given(run[key]))
    if changed:
        raise InputError(
            f"{newest}: expected a checkpoint of this run, found other values of "
            f"{', '.join(changed)}; choose another output folder or delete this one"
        )
    try:
        accelerator.load_state(str(newest))
        if mean is not None:
            weights, metadata = read_weights(newest / MEAN_FILE)
            mean.restore(weights, updates=int(metadata["updates"]))
    except (*UNREADABLE, SafetensorError) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{newest}: expected a whole checkpoint, found: {first_line}; delete it to go on from "
            "the one before"
        ) from error
    return int(stored["iteration"])


def _given(value: object) -> object:
    """Settings without those that are not set, so that a setting added later changes no run."""
    if isinstance(value, dict):
        return {key: _given(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_given(item) for item in value]
    return value
