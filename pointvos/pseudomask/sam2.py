"""SAM 2 (Ravi et al., 2024) through transformers, as an image segmenter."""

from __future__ import annotations

from typing import Any

from pointvos.core.checkpoints import load_checkpoint
from pointvos.pseudomask.sam import SamTorch, quiet_loading
from pointvos.pseudomask.segment_anything import TRACE_POINTS, Choice, SegmentAnything

EXAMPLE = "facebook/sam2.1-hiera-tiny"


class Sam2Torch(SamTorch):
    """A `SamNetwork` around ``transformers.Sam2Model``; images are stretched to its square.

    Its encoding is a list, the feature maps of three levels, fine to coarse.
    """

    keep_aspect = False

    def __init__(self, model: Any) -> None:
        self.model = model
        self.side = int(model.prompt_encoder.input_image_size)
        self.mask_side = int(model.prompt_encoder.mask_input_size[0])


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
