"""Checkpoints in the format of transformers: where they are, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointvos.core.errors import InputError
from pointvos.core.weights import UNREADABLE

if TYPE_CHECKING:
    import torch


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
    """A model from a folder or the model hub, complete, in eval mode on `device`.

    In fp32 whatever its files hold: half precision cannot tell positions a pixel apart.

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
    import torch
    from safetensors import SafetensorError

    target = checked_device(device)
    folder, source = _folder_or_name(name, example)
    options = {"local_files_only": not download}
    try:
        config, _ = config_of(source, **options)
        if config.get("model_type") not in model_types:
            raise InputError(
                f"{source}: expected a checkpoint of {' or '.join(sorted(model_types))}, found "
                f"{config.get('model_type')!r} in its config.json"
            )
        model, report = load(source, output_loading_info=True, dtype=torch.float32, **options)
    except InputError:
        raise
    except OSError as error:
        if folder is not None:
            raise InputError(
                f"{source}: expected a whole checkpoint, found: {_first_line(error)}"
            ) from error
        if download:
            raise FileNotFoundError(
                f"{source}: expected a folder, or a checkpoint that the model hub has, found: "
                f"{_first_line(error)}"
            ) from error
        raise FileNotFoundError(
            f"{source}: expected a folder, or a checkpoint of the model hub in its cache, found "
            f"neither; {_how(source)}"
        ) from error
    except (SafetensorError, *UNREADABLE) as error:
        raise InputError(
            f"{source}: expected a whole checkpoint, found: {_first_line(error)}"
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
    import torch

    try:
        target = torch.device(device)
        torch.empty(0, device=target)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"device: expected one that torch can use here (cpu, cuda, mps), found {device!r}: "
            f"{_first_line(error)}"
        ) from error
    return target


def _folder_or_name(name: str, example: str) -> tuple[Path | None, str]:
    """The folder, if it is one, and what transformers is given."""
    if not name:
        raise InputError(
            f"path: expected a checkpoint folder or a name such as {example}, found none"
        )
    folder = Path(name).expanduser()
    if not folder.exists() and not _is_path(name):
        return None, name
    if not (folder / "config.json").is_file():
        found = "no config.json in it" if folder.is_dir() else "no such folder"
        raise FileNotFoundError(
            f"{name}: expected a checkpoint folder with config.json and weights, found {found}; "
            f"{_how(example)}"
        )
    return folder, str(folder)


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
