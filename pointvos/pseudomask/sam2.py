"""SAM 2 (Ravi et al., 2024) through transformers, as an image segmenter."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pointvos.pseudomask.checkpoints import load_checkpoint
from pointvos.pseudomask.sam import prompt_tensors, quiet_loading
from pointvos.pseudomask.sam_frame import SamFrame
from pointvos.pseudomask.segment_anything import TRACE_POINTS, Choice, SegmentAnything

EXAMPLE = "facebook/sam2.1-hiera-tiny"


class Sam2Torch:
    """A `SamNetwork` around ``transformers.Sam2Model``; images are stretched to its square."""

    keep_aspect = False

    def __init__(self, model: Any) -> None:
        self.model = model
        self.side = int(model.prompt_encoder.input_image_size)
        self.mask_side = int(model.prompt_encoder.mask_input_size[0])

    def encode(self, image: NDArray[np.uint8], frame: SamFrame) -> list[Tensor]:
        """The feature maps of the three levels, fine to coarse."""
        pixels = torch.from_numpy(frame.pixels(image)).to(self.model.device, self.model.dtype)
        features: list[Tensor] = self.model.get_image_embeddings(pixels)
        return features

    def decode(
        self,
        encoding: list[Tensor],
        positions: NDArray[np.float32],
        labels: NDArray[np.int64],
        mask_logits: NDArray[np.float32] | None,
        *,
        several: bool,
    ) -> tuple[Tensor, Tensor]:
        """See `SamNetwork`."""
        inputs = prompt_tensors(self.model, positions, labels, mask_logits)
        output = self.model(image_embeddings=list(encoding), multimask_output=several, **inputs)
        return output.pred_masks[0, 0], output.iou_scores[0, 0]


def load_sam2(
    path: str,
    *,
    choose: Choice = "predicted_iou",
    trace_points: int = TRACE_POINTS,
    device: str = "cpu",
    download: bool = False,
) -> SegmentAnything:
    """SAM 2 or 2.1 from a checkpoint in the format of transformers, image or video.

    Arguments and errors are those of `load_sam`.
    """
    from transformers import Sam2Config, Sam2Model

    with quiet_loading():
        model = load_checkpoint(
            path,
            load=Sam2Model.from_pretrained,
            config_of=Sam2Config.get_config_dict,
            model_types={"sam2", "sam2_video"},  # the public files are those of the video model
            example=EXAMPLE,
            device=device,
            download=download,
        )
    return SegmentAnything(Sam2Torch(model), choose=choose, trace_points=trace_points)
