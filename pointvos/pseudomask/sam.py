"""SAM (Kirillov et al., ICCV 2023) through transformers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pointvos.core.checkpoints import load_checkpoint
from pointvos.pseudomask.sam_frame import SamFrame
from pointvos.pseudomask.segment_anything import TRACE_POINTS, Choice, SegmentAnything

EXAMPLE = "facebook/sam-vit-base"


class SamTorch:
    """A `SamNetwork` around ``transformers.SamModel``."""

    keep_aspect = True

    def __init__(self, model: Any) -> None:
        self.model = model
        self.side = int(model.config.vision_config.image_size)
        self.mask_side = 4 * int(model.config.prompt_encoder_config.image_embedding_size)

    def encode(self, image: NDArray[np.uint8], frame: SamFrame) -> Any:
        """The image embedding [1, C, h, w]."""
        pixels = torch.from_numpy(frame.pixels(image)).to(self.model.device, self.model.dtype)
        return self.model.get_image_embeddings(pixels)

    def decode(
        self,
        encoding: Any,
        positions: NDArray[np.float32],
        labels: NDArray[np.int64],
        mask_logits: NDArray[np.float32] | None,
        *,
        several: bool,
    ) -> tuple[Tensor, Tensor]:
        """See `SamNetwork`."""
        inputs = prompt_tensors(self.model, positions, labels, mask_logits)
        output = self.model(image_embeddings=encoding, multimask_output=several, **inputs)
        return output.pred_masks[0, 0], output.iou_scores[0, 0]


def prompt_tensors(
    model: Any,
    positions: NDArray[np.float32],
    labels: NDArray[np.int64],
    mask_logits: NDArray[np.float32] | None,
) -> dict[str, Tensor]:
    """The prompt of one object under the names that transformers gives it in SAM and SAM 2.

    Without points, one that is labelled as none: the decoders need something to attend to.
    """
    if not len(positions):
        positions, labels = np.zeros((1, 2), np.float32), np.array([-1])
    inputs = {
        "input_points": torch.from_numpy(positions)[None, None].to(model.device, model.dtype),
        "input_labels": torch.from_numpy(labels.astype(np.int64))[None, None].to(model.device),
    }
    if mask_logits is not None:
        inputs["input_masks"] = torch.from_numpy(mask_logits).to(model.device, model.dtype)
    return inputs


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Keeps transformers from reporting on stderr what `load_checkpoint` reports as an error."""
    from transformers.utils import logging

    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()


def load_sam(
    path: str,
    *,
    choose: Choice = "predicted_iou",
    trace_points: int = TRACE_POINTS,
    device: str = "cpu",
    download: bool = False,
) -> SegmentAnything:
    """SAM from a checkpoint in the format of transformers.

    Args:
        path: a folder with config.json and weights, or a name of the model hub.
        choose: which of the three candidate masks is taken; see `Choice`.
        trace_points: foreground points that a trace becomes.
        device: of torch.
        download: ask the model hub for what is not on disk.

    Raises:
        FileNotFoundError: the checkpoint is not on disk; the message says how to get it.
        InputError: it is of another model or incomplete, or a setting cannot be meant.
    """
    from transformers import SamConfig, SamModel

    with quiet_loading():
        model = load_checkpoint(
            path,
            load=SamModel.from_pretrained,
            config_of=SamConfig.get_config_dict,
            model_types={"sam"},
            example=EXAMPLE,
            device=device,
            download=download,
        )
    return SegmentAnything(SamTorch(model), choose=choose, trace_points=trace_points)
