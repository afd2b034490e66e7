"""RF-VNG with its text encoder, with the weights that a run starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pointvos.core.errors import InputError
from pointvos.core.weights import (
    imagenet_lite0_file,
    load_strictly,
    read_official,
    read_weights,
)
from pointvos.nn.efficientnet_lite import EfficientNetLite0, load_imagenet_lite0
from pointvos.pseudomask.sam import quiet_loading
from vng.nn.builders import BUILDERS
from vng.nn.official_weights import load_official_referformer
from vng.nn.rf_vng import RFVNG, ClipFeatures
from vng.text.encoder import EncodedText, TextEncoder, load_text_encoder
from vng.text.features import TextFeatures
from vng.text.queries import Query, asked_text, noun_queries
from vng.text.spans import Span
from vng.training.known_classes import fill_noun_classes
from vng.training.settings import VngSettings

TEXT_PREFIX = "text_encoder."  # of the text encoder's tensors in a file of weights
VIDEO_SWIN = "rf_vng_video_swin_tiny"  # its trunk comes as one file, not as a folder


class NarrativeGrounder(nn.Module):
    """The network with what reads its narratives.

    Args:
        rf_vng: the network.
        text: an encoder to train with it, or features of a frozen one, which is then no part of the
            module: it is not counted, trained or stored.
        query: what stands for a noun.
        stores_text: whether a frozen encoder is not the one that its name stands for, having been
            trained before, and has to be stored with the network.
    """

    def __init__(
        self,
        *,
        rf_vng: RFVNG,
        text: TextEncoder | TextFeatures,
        query: Query,
        stores_text: bool = False,
    ) -> None:
        super().__init__()
        self.rf_vng = rf_vng
        self.query = query
        self.stores_text = stores_text
        self.text_encoder = text if isinstance(text, TextEncoder) else None
        self.frozen_text = text if isinstance(text, TextFeatures) else None

    def forward(
        self,
        frames_BT3HW: Tensor,
        sizes_B2: Tensor,
        texts: Sequence[str],
        spans: Sequence[Sequence[Span]],
    ) -> tuple[ClipFeatures, Tensor]:
        """Encode clips and their narratives.

        Args:
            frames_BT3HW: float, RGB in [0, 1], padded right and below.
            sizes_B2: int64, height and width before padding.
            texts: the narratives.
            spans: for each its nouns.

        Returns:
            The clips, and what to ask of them, float [B, N, D]: the arguments of `RFVNG.ground`.
        """
        texts, spans = asked_text(texts, spans, self.query)
        encoded = self._read(texts, frames_BT3HW.device)
        nouns_BND, _ = noun_queries(encoded, spans, self.query)
        features = self.rf_vng.encode(frames_BT3HW, encoded.token_BLC, encoded.valid_BL, sizes_B2)
        return features, nouns_BND

    def _read(self, texts: Sequence[str], device: torch.device) -> EncodedText:
        if self.text_encoder is not None:
            encoded: EncodedText = self.text_encoder(texts)
            return encoded
        assert self.frozen_text is not None
        return self.frozen_text.to(device)(texts)


def make_network(settings: VngSettings) -> NarrativeGrounder:
    """Build the network and its text encoder, and give them their first weights.

    Raises:
        FileNotFoundError: a weights file, the text encoder or a package with weights is missing.
        InputError: the weights do not fit.
    """
    with quiet_loading():
        encoder = load_text_encoder(
            settings.text_encoder, sentence=settings.sentence, download=settings.download
        )
    options: dict[str, Any] = {"text_channels": encoder.channels}
    if settings.backbone_folder is not None and settings.model == VIDEO_SWIN:
        options["weights"] = read_official(
            settings.backbone_folder, of="Video Swin", item="state_dict"
        )
    elif settings.backbone_folder is not None:
        options["weights"] = str(settings.backbone_folder)
    try:
        network = BUILDERS[settings.model](**options)
    except (OSError, ValueError) as error:
        raise InputError(f"{settings.backbone_folder}: {error}") from error
    network.checkpoint_gradients = settings.checkpoint_gradients
    if settings.imagenet and (settings.weights is None or settings.fresh):
        _fill_from_imagenet(network, encoder, settings.query)  # weights replace what is not fresh
    stores_text = False
    if settings.weights is not None:
        stores_text = _load_weights(network, encoder, settings, settings.weights)
    if settings.freeze_text:
        text: TextEncoder | TextFeatures = TextFeatures(encoder, cache_mb=settings.text_cache_mb)
    else:
        text = encoder.train()
        _freeze_what_is_not_read(encoder, settings)
    return NarrativeGrounder(
        rf_vng=network, text=text, query=settings.query, stores_text=stores_text
    )


def exported(network: NarrativeGrounder, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a `NarrativeGrounder` under the names of RF-VNG's own.

    The text encoder keeps its prefix. A frozen one is not among them, unless it was trained in a
    stage before: then it is nowhere else.
    """
    own = {
        name.removeprefix("rf_vng.").replace("text_encoder.model.", TEXT_PREFIX, 1): value
        for name, value in weights.items()
    }
    if network.frozen_text is not None and network.stores_text:
        state = network.frozen_text.encoder.model.state_dict()
        own |= {TEXT_PREFIX + name: value for name, value in state.items()}
    return own


def metadata_of(settings: VngSettings) -> dict[str, str]:
    """What the exported weights say of themselves: all that inference needs to know."""
    return {
        "architecture": settings.model,
        "text_encoder": settings.text_encoder,
        "sentence": settings.sentence,
        "query": settings.query,
    }


def _fill_from_imagenet(network: RFVNG, encoder: TextEncoder, query: Query) -> None:
    """Fill what ImageNet taught; other trunks than EfficientNet-Lite0 come from a folder."""
    if not isinstance(network.trunk, EfficientNetLite0):
        return
    published, _ = read_weights(imagenet_lite0_file())
    load_imagenet_lite0(network.trunk, published)
    if network.noun_classes is not None:
        fill_noun_classes(network.noun_classes, published, encoder, query)


def _load_weights(network: RFVNG, encoder: TextEncoder, settings: VngSettings, path: Path) -> bool:
    """Fill network and text encoder; returns whether the file had weights for the latter."""
    if path.suffix == ".safetensors":
        weights, metadata = read_weights(path)
        _check_origin(path, metadata, settings)
        of_text = {name: value for name, value in weights.items() if name.startswith(TEXT_PREFIX)}
        own = {name: value for name, value in weights.items() if name not in of_text}
        load_strictly(network, own, path, fresh=settings.fresh)
        of_text = {name.removeprefix(TEXT_PREFIX): value for name, value in of_text.items()}
    else:
        first = {name: value.clone() for name, value in network.state_dict().items()}
        try:
            of_text = load_official_referformer(network, read_official(path))
        except ValueError as error:
            raise InputError(f"{path}: {error}") from error
        # That filled everything; what is to be fresh is put back.
        loaded = {name: value.clone() for name, value in network.state_dict().items()}
        network.load_state_dict(first)
        load_strictly(network, loaded, path, fresh=settings.fresh)
    if of_text:
        load_strictly(encoder.model, of_text, path)
    return bool(of_text)


def _check_origin(path: Path, metadata: Mapping[str, str], settings: VngSettings) -> None:
    """Words of one encoder mean nothing to a network that was trained with another."""
    written_for = metadata.get("architecture", settings.model)
    if written_for != settings.model:
        raise InputError(
            f"{path}: expected weights of {settings.model}, found weights of {written_for}"
        )
    for key, wanted in (("text_encoder", settings.text_encoder), ("sentence", settings.sentence)):
        found = metadata.get(key, wanted)
        if found != wanted:
            raise InputError(
                f"{path}: expected weights trained with {key} {wanted}, found {found}; set {key} "
                "to it"
            )


def _freeze_what_is_not_read(encoder: TextEncoder, settings: VngSettings) -> None:
    """Parameters without a gradient stop training on several processes: the pooled output."""
    if settings.sentence == "mean" or settings.query == "noun":
        for name, parameter in encoder.model.named_parameters():
            if name.startswith("pooler."):
                parameter.requires_grad_(False)
