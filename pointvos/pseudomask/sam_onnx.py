"""SAM or MobileSAM as an exported encoder and decoder, run by onnxruntime (an optional extra).

The decoder is the one that segment-anything's export_onnx_model.py writes. Its ``masks`` output is
not used: tracing froze the crop that undoes the padding to the shape of the export's dummy image,
so images of other proportions come out shifted. ``low_res_masks`` are scaled here instead.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pointvos.core.errors import InputError
from pointvos.pseudomask.sam_frame import SamFrame
from pointvos.pseudomask.segment_anything import TRACE_POINTS, Choice, SegmentAnything

DECODER_INPUTS = (
    "image_embeddings",
    "point_coords",
    "point_labels",
    "mask_input",
    "has_mask_input",
    "orig_im_size",
)
DECODER_OUTPUTS = ("iou_predictions", "low_res_masks")
DEFAULT_SIDE = 1024  # of an encoder whose input size is open
PADDING_POINT = -1  # label of the point that stands where a box would
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class SamOnnx:
    """A `SamNetwork` around two onnxruntime sessions.

    The encoder takes either normalised, padded pixels float [1, 3, side, side], or raw ones
    [h, w, 3] when preprocessing was exported with it; which, its input says.
    """

    keep_aspect = True

    def __init__(self, encoder: Any, decoder: Any, source: str) -> None:
        self.encoder, self.decoder = encoder, decoder
        (self.encoder_input, *more) = encoder.get_inputs()
        shape = self.encoder_input.shape
        if more or len(shape) not in (3, 4):
            raise InputError(
                f"{source}: expected an encoder with one input [1, 3, side, side] or [h, w, 3], "
                f"found {[(i.name, i.shape) for i in encoder.get_inputs()]}"
            )
        self.raw = len(shape) == 3
        fixed = [size for size in (shape[2:] if not self.raw else []) if isinstance(size, int)]
        if len(set(fixed)) > 1:
            raise InputError(f"{source}: expected an encoder with a square input, found {shape}")
        self.side = fixed[0] if fixed else DEFAULT_SIDE
        inputs = {entry.name: entry for entry in decoder.get_inputs()}
        outputs = [entry.name for entry in decoder.get_outputs()]
        if set(inputs) != set(DECODER_INPUTS) or not set(DECODER_OUTPUTS) <= set(outputs):
            raise InputError(
                f"{source}: expected a decoder of segment-anything's export (inputs "
                f"{', '.join(DECODER_INPUTS)}; outputs {', '.join(DECODER_OUTPUTS)}), found inputs "
                f"{', '.join(inputs)}; outputs {', '.join(outputs)}"
            )
        mask_side = inputs["mask_input"].shape[-1]
        self.mask_side = mask_side if isinstance(mask_side, int) else self.side // 4

    def encode(
        self, image: NDArray[np.uint8], frame: SamFrame
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The image embedding, and the size of the image that the decoder asks for."""
        pixels = frame.scaled(image) if self.raw else frame.pixels(image)
        wanted = np.uint8 if self.encoder_input.type == "tensor(uint8)" else np.float32
        (embedding, *_) = self.encoder.run(None, {self.encoder_input.name: pixels.astype(wanted)})
        return embedding, np.array([frame.height, frame.width], np.float32)

    def decode(
        self,
        encoding: tuple[NDArray[np.float32], NDArray[np.float32]],
        positions: NDArray[np.float32],
        labels: NDArray[np.int64],
        mask_logits: NDArray[np.float32] | None,
        *,
        several: bool,
    ) -> tuple[Tensor, Tensor]:
        """See `SamNetwork`; an export that chose one mask itself has nothing left to choose."""
        embedding, size = encoding
        if mask_logits is None:
            earlier = np.zeros((1, 1, self.mask_side, self.mask_side), np.float32)
        else:
            earlier = mask_logits
        inputs = {
            "image_embeddings": embedding,
            "point_coords": np.concatenate([positions, np.zeros((1, 2), np.float32)])[None],
            "point_labels": np.append(labels, PADDING_POINT).astype(np.float32)[None],
            "mask_input": earlier,
            "has_mask_input": np.array([mask_logits is not None], np.float32),
            "orig_im_size": size,
        }
        iou, logits = self.decoder.run(list(DECODER_OUTPUTS), inputs)
        if logits.shape[1] == 4:  # the mask for clear prompts, then three for ambiguous ones
            chosen = slice(1, None) if several else slice(0, 1)
            iou, logits = iou[:, chosen], logits[:, chosen]
        return torch.from_numpy(logits[0]), torch.from_numpy(iou[0])


def load_sam_onnx(
    path: str,
    *,
    choose: Choice = "predicted_iou",
    trace_points: int = TRACE_POINTS,
    device: str = "cpu",
) -> SegmentAnything:
    """An exported pair from a folder.

    Args:
        path: a folder with one ``*encoder*.onnx`` and one ``*decoder*.onnx``.
        choose: which candidate mask is taken; see `Choice`.
        trace_points: foreground points that a trace becomes.
        device: "cpu" or "cuda".

    Raises:
        FileNotFoundError: the folder or one of the files is not there.
        InputError: onnxruntime is not installed or cannot use the device; a file is damaged or is
            another export.
    """
    try:
        onnxruntime = import_module("onnxruntime")  # optional, and without type information
    except ImportError as error:
        raise InputError(
            "kind sam_onnx: expected the package onnxruntime, found none; install it with "
            "pip install 'pointvos[onnx]'"
        ) from error
    provider = PROVIDERS.get(device)
    if provider not in onnxruntime.get_available_providers():
        raise InputError(
            f"device: expected cpu or cuda, as far as this onnxruntime has them "
            f"({', '.join(onnxruntime.get_available_providers())}), found {device!r}"
        )
    sessions: dict[str, Any] = {}
    for part in ("encoder", "decoder"):
        file = _only_file(path, part)
        try:
            sessions[part] = onnxruntime.InferenceSession(str(file), providers=[provider])
        except Exception as error:  # its own exception types have no common base but this
            first_line = (str(error).splitlines() or [type(error).__name__])[0]
            raise InputError(f"{file}: expected an ONNX model, found: {first_line}") from error
    network = SamOnnx(sessions["encoder"], sessions["decoder"], path)
    return SegmentAnything(network, choose=choose, trace_points=trace_points)


def _only_file(folder: str, part: str) -> Path:
    found = sorted(Path(folder).expanduser().glob(f"*{part}*.onnx")) if folder else []
    if not found:
        raise FileNotFoundError(
            f"{folder or 'path'}: expected a folder with a file *{part}*.onnx, found none; export "
            "the pair from a SAM or MobileSAM checkpoint (docs/mask_backends.md)"
        )
    if len(found) > 1:
        raise InputError(
            f"{folder}: expected one file *{part}*.onnx, found {len(found)}: "
            f"{', '.join(file.name for file in found)}"
        )
    return found[0]
