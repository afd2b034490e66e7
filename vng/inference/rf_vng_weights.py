"""RF-VNG from a file of weights: the file says of which network it is and how it is asked."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import cast, get_args

import torch

from pointvos.core.checkpoints import checked_device
from pointvos.core.errors import InputError
from pointvos.core.weights import load_strictly, read_official, read_weights, write_weights
from pointvos.inference.models import weights_digest
from pointvos.pseudomask.sam import quiet_loading
from vng.inference.rf_vng import GroundingSettings, RFVNGGrounding
from vng.nn.builders import BUILDERS
from vng.nn.official_weights import architecture_of, load_official_referformer
from vng.nn.rf_vng import RFVNG
from vng.text.encoder import MINILM, Sentence, TextEncoder, load_text_encoder
from vng.text.features import TextFeatures
from vng.text.queries import Query

PACKAGED = {"rf-vng-lite": "rf_vng_lite.safetensors"}
TEXT_PREFIX = "text_encoder."  # of a trained text encoder's tensors in a file of weights
LITE = "rf_vng_lite"
OFFICIAL_SUFFIX, ROBERTA = ".pth", "FacebookAI/roberta-base"  # of ReferFormer
PRESENCE = "presence_threshold"  # in the metadata of weights whose scores were calibrated
# Short side in pixels and frames at once: ReferFormer's, and what the small network is made for.
FULL_SIDE, LITE_SIDE, WINDOW = 360, 320, 36


def load_rf_vng(
    name: str,
    settings: GroundingSettings | None = None,
    *,
    text_encoder: str | None = None,
    device: str = "cpu",
    download: bool = False,
) -> RFVNGGrounding:
    """RF-VNG by the name of packaged weights, by a file, or untrained.

    Args:
        name: a key of `PACKAGED`; a .safetensors file written by training; a checkpoint (.pth) of
            the official ReferFormer, which takes the sentence for each noun; or
            ``random:<architecture>`` for untrained weights, with the packaged text encoder.
        settings: how it is run.
        text_encoder: where the text encoder is, if not where the file says.
        device: of torch.
        download: whether the model hub may be asked for a text encoder that is not on disk.

    Raises:
        FileNotFoundError: there is no such file, or no such text encoder.
        InputError: the weights are of another architecture, or the file does not say of which.
    """
    target = checked_device(device)
    if name.startswith("random:"):
        architecture = _known("architecture", name.removeprefix("random:"), tuple(BUILDERS), name)
        with quiet_loading():
            encoder = load_text_encoder(text_encoder or MINILM, device=device, download=download)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = BUILDERS[architecture](text_channels=encoder.channels)
        return _grounding(name, architecture, network.to(target), encoder, "noun", settings)
    if Path(name).suffix == OFFICIAL_SUFFIX:
        official = _official(Path(name), text_encoder, device=device, download=download)
        architecture, network, encoder = official
        return _grounding(name, architecture, network.to(target), encoder, "sentence", settings)
    path = _file(name)
    weights, metadata = read_weights(path)
    architecture = _known("architecture", metadata.get("architecture"), tuple(BUILDERS), path)
    query = _known("query", metadata.get("query"), get_args(Query), path)
    sentence = _known("sentence", metadata.get("sentence", "mean"), get_args(Sentence), path)
    with quiet_loading():
        encoder = load_text_encoder(
            text_encoder or metadata.get("text_encoder", MINILM),
            sentence=cast(Sentence, sentence),
            device=device,
            download=download,
        )
    of_text = {
        key.removeprefix(TEXT_PREFIX): value
        for key, value in weights.items()
        if key.startswith(TEXT_PREFIX)
    }
    if of_text:
        load_strictly(encoder.model, of_text, path)
    network = BUILDERS[architecture](text_channels=encoder.channels)
    own = {key: value for key, value in weights.items() if not key.startswith(TEXT_PREFIX)}
    load_strictly(network, own, path)
    return _grounding(
        name,
        architecture,
        network.to(target),
        encoder,
        cast(Query, query),
        settings,
        presence=_share(metadata.get(PRESENCE, "0"), path),
    )


def calibrate(name: str, target: str | Path, *, presence: float) -> None:
    """Write weights again that say from which score on a noun is there.

    Args:
        name: of packaged weights, or a .safetensors file.
        target: of the new file; it may be the same.
        presence: the score, in [0, 1].

    Raises:
        FileNotFoundError: there are no such weights.
        InputError: they are no .safetensors file.
    """
    weights, metadata = read_weights(_file(name))
    write_weights(target, weights, {**metadata, PRESENCE: f"{presence:.4f}"})


def _official(
    path: Path, text_encoder: str | None, *, device: str, download: bool
) -> tuple[str, RFVNG, TextEncoder]:
    """Network and text encoder of an official checkpoint, which holds the weights of both."""
    state = read_official(path)
    try:
        architecture = architecture_of(state)
        with quiet_loading():
            encoder = load_text_encoder(
                text_encoder or ROBERTA, sentence="pooler", device=device, download=download
            )
        network = BUILDERS[architecture](text_channels=encoder.channels)
        of_text = load_official_referformer(network, state)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    load_strictly(encoder.model, of_text, path)
    return architecture, network, encoder


def _grounding(
    name: str,
    architecture: str,
    network: RFVNG,
    encoder: TextEncoder,
    query: Query,
    settings: GroundingSettings | None,
    presence: float = 0.0,
) -> RFVNGGrounding:
    chosen = settings or GroundingSettings()
    side = LITE_SIDE if architecture == LITE else FULL_SIDE
    return RFVNGGrounding(
        name=name,
        network=network,
        text=TextFeatures(encoder, cache_mb=50.0),
        query=query,
        short_side=side if chosen.short_side is None else chosen.short_side,
        window=chosen.window or WINDOW,
        threshold=chosen.threshold,
        presence=presence if chosen.presence is None else chosen.presence,
        dtype=getattr(torch, chosen.dtype),
        weights_sha256=f"{weights_digest(network)} {weights_digest(encoder.model)}",
    )


def _file(name: str) -> Path:
    if name in PACKAGED:
        path = Path(str(resources.files("vng") / "weights" / PACKAGED[name]))
        if not path.is_file():
            raise FileNotFoundError(
                f"{name}: expected its weights in this installation, found none at {path}; give a "
                "file of weights that training wrote"
            )
        return path
    path = Path(name)
    if path.suffix != ".safetensors":
        raise InputError(
            f"model: expected {', '.join(PACKAGED)}, a .safetensors file, a .pth file of the "
            f"official ReferFormer or random:<architecture>, found {name!r}"
        )
    return path


def _known(what: str, value: str | None, known: tuple[str, ...], source: str | Path) -> str:
    if value not in known:
        raise InputError(
            f"{source}: expected weights of RF-VNG with {what} {', '.join(known)}, found "
            f"{'none' if value is None else repr(value)}"
        )
    return value


def _share(value: str, source: Path) -> float:
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise InputError(f"{source}: expected a {PRESENCE} in [0, 1], found {value[:20]!r}")
    return share
