"""What can ground nouns, by name."""

from __future__ import annotations

from dataclasses import replace

from pointvos.core.errors import InputError
from pointvos.inference.models import load_model, weights_digest
from pointvos.pseudomask.backend_weights import weights_sha256
from pointvos.pseudomask.builders import backend_by_name, build_backend
from pointvos.pseudomask.joined_models import JOINED, joined_parts
from vng.inference.grounding import GroundingMethod
from vng.inference.hybrid import Hybrid, HybridSettings
from vng.inference.rf_vng import GroundingSettings
from vng.inference.rf_vng_weights import load_rf_vng
from vng.inference.saliency import Saliency
from vng.inference.sam3 import load_sam3

SALIENCY, SAM3, HYBRID = "saliency", "sam3:", "hybrid"
DEFAULT_METHOD = HYBRID
HYBRID_PARTS = ("rf-vng-lite", "interactive-lite", "stcn-lite-masks")


def open_grounding(
    name: str,
    settings: GroundingSettings | None = None,
    *,
    hybrid: HybridSettings | None = None,
    text_encoder: str | None = None,
    device: str = "cpu",
    download: bool = False,
) -> GroundingMethod:
    """A method by name.

    Args:
        name: ``saliency``; ``sam3:<folder>``; what `vng.inference.rf_vng_weights.load_rf_vng`
            takes; such a name with a mask backend and a propagation model, joined by plus signs;
            or ``hybrid``, which is the three packaged ones (`HYBRID_PARTS`).
        settings: how RF-VNG is run over a video; None for its own.
        hybrid: how the parts of a hybrid play together; None for its own.
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
    parts = HYBRID_PARTS if name == HYBRID else tuple(joined_parts(name))
    if len(parts) not in (1, len(HYBRID_PARTS)):
        raise InputError(
            f"{name}: expected a finder, a mask backend and a model to propagate with, joined by "
            f"{JOINED!r}, found {len(parts)} parts"
        )
    finder = load_rf_vng(
        parts[0], settings, text_encoder=text_encoder, device=device, download=download
    )
    if len(parts) == 1:
        return finder
    backend = replace(backend_by_name(parts[1]), device=device)
    model = load_model(parts[2], device=device)
    return Hybrid(
        name=name,
        finder=finder,
        backend=build_backend(backend),
        model=model,
        settings=hybrid,
        identity=f"{backend!r} {weights_sha256(backend)} {weights_digest(model.network)}",
    )
