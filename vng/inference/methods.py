"""What can ground nouns, by name."""

from __future__ import annotations

from vng.inference.grounding import GroundingMethod
from vng.inference.rf_vng import GroundingSettings
from vng.inference.rf_vng_weights import load_rf_vng
from vng.inference.saliency import Saliency
from vng.inference.sam3 import load_sam3

SALIENCY, SAM3 = "saliency", "sam3:"


def open_grounding(
    name: str,
    settings: GroundingSettings | None = None,
    *,
    text_encoder: str | None = None,
    device: str = "cpu",
    download: bool = False,
) -> GroundingMethod:
    """A method by name.

    Args:
        name: ``saliency``; ``sam3:<folder>``; or what
            `vng.inference.rf_vng_weights.load_rf_vng` takes.
        settings: how RF-VNG is run over a video; None for its own.
        text_encoder: where RF-VNG's is, if not where its weights say.
        device: of torch.
        download: whether the model hub may be asked for what is not on disk.

    Raises:
        FileNotFoundError: there are no such weights.
        InputError: the name is unknown, or the weights are of another architecture.
    """
    if name == SALIENCY:
        return Saliency()
    if name.startswith(SAM3):
        return load_sam3(name.removeprefix(SAM3), device=device, download=download)
    return load_rf_vng(name, settings, text_encoder=text_encoder, device=device, download=download)
