"""Checkpoints in the format of transformers: where they are, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from pointvos.core.errors import InputError


def load_checkpoint(
    name: str,
    *,
    load: Callable[..., tuple[Any, dict[str, Any]]],
    config_of: Callable[..., tuple[dict[str, Any], dict[str, Any]]],
    model_types: Collection[str],
    example: str,
    device: str,
    download: bool,
) -> Any:
    """A model from a folder or the model hub, complete and in eval mode on `device`.

    Args:
        name: a folder with config.json and weights, or ``owner/model`` of the hub.
        load: ``from_pretrained`` of the model class.
        config_of: ``get_config_dict`` of its configuration.
        model_types: values of ``model_type`` in config.json that the class takes.
        example: a public checkpoint, for messages.
        device: of torch.
        download: whether the hub may be asked for what is not on disk.

    Raises:
        FileNotFoundError: there is no such folder, or nothing on disk and `download` is off.
        InputError: the checkpoint is of another model, incomplete or damaged; no such device.
    """
    if not name:
        raise InputError(
            f"path: expected a checkpoint folder or a name such as {example}, found none"
        )
    target = checked_device(device)
    folder = Path(name).expanduser()
    if folder.exists() or _is_path(name):
        if not (folder / "config.json").is_file():
            found = "no config.json in it" if folder.is_dir() else "no such folder"
            raise FileNotFoundError(
                f"{name}: expected a checkpoint folder with config.json and weights, found "
                f"{found}; {_how(example)}"
            )
        name, source = str(folder), str(folder)
    else:
        source = name
    options = {"local_files_only": not download}
    try:
        config, _ = config_of(name, **options)
        if config.get("model_type") not in model_types:
            raise InputError(
                f"{source}: expected a checkpoint of {' or '.join(sorted(model_types))}, found "
                f"{config.get('model_type')!r} in its config.json"
            )
        model, report = load(name, output_loading_info=True, **options)
    except InputError:
        raise
    except (SafetensorError, RuntimeError, ValueError, TypeError) as error:
        raise InputError(
            f"{source}: expected a whole checkpoint, found: {_first_line(error)}"
        ) from error
    except OSError as error:
        if folder.is_dir():
            raise InputError(
                f"{source}: expected a whole checkpoint, found: {_first_line(error)}"
            ) from error
        raise FileNotFoundError(
            f"{source}: expected this checkpoint on disk, found none; {_how(source)}"
        ) from error
    missing = sorted(report["missing_keys"]) + sorted(str(k) for k in report["mismatched_keys"])
    if missing:
        raise InputError(
            f"{source}: expected all weights of the model, found {len(missing)} missing or of "
            f"another shape (first: {missing[0]}); the checkpoint is incomplete or of another model"
        )
    return model.eval().to(target)


def checked_device(device: str) -> torch.device:
    """A device that torch has here.

    Raises:
        InputError: the name is none of torch's, or the device is not there.
    """
    try:
        target = torch.device(device)
        torch.empty(0, device=target)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"device: expected one that torch can use here (cpu, cuda, mps), found {device!r}: "
            f"{_first_line(error)}"
        ) from error
    return target


def _is_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or name.count("/") != 1


def _how(checkpoint: str) -> str:
    return (
        f"fetch it once with `hf download {checkpoint}` (add --local-dir FOLDER for a folder to "
        "give as path), or set download to true"
    )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
