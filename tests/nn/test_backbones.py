"""Trunks from transformers: levels, batch norm, weights from a folder."""

from pathlib import Path

import pytest
import torch

from pointvos.nn import backbones
from pointvos.nn.fixed_batch_norm import FixedBatchNorm2d


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(backbones.SWINS, "swin_tiny", (16, [1, 1, 1, 1], [1, 2, 4, 8], 4))
    monkeypatch.setitem(backbones.RESNET_DEPTHS, "resnet50", [1, 1, 1, 1])


@torch.inference_mode()
@pytest.mark.parametrize(
    ("name", "channels"), [("swin_tiny", (16, 32, 64, 128)), ("resnet50", (256, 512, 1024, 2048))]
)
def test_there_are_four_levels(name: str, channels: tuple[int, ...]) -> None:
    trunk = backbones.TRUNKS[name](None).eval()
    assert trunk.channels == channels
    features = trunk(torch.rand(1, 3, 64, 96))
    assert [level.shape[1:] for level in features] == [
        (c, 64 // stride, 96 // stride) for c, stride in zip(channels, (4, 8, 16, 32), strict=True)
    ]


@torch.inference_mode()
def test_training_keeps_the_statistics_of_batch_norm() -> None:
    trunk = backbones.resnet_trunk("resnet50", None)
    assert any(isinstance(module, FixedBatchNorm2d) for module in trunk.modules())
    frames = torch.rand(2, 3, 64, 64)
    for trained, evaluated in zip(trunk.train()(frames), trunk.eval()(frames), strict=True):
        torch.testing.assert_close(trained, evaluated)


def test_weights_come_from_a_folder(tmp_path: Path) -> None:
    torch.manual_seed(0)
    saved = backbones.swin_trunk("swin_tiny", None)
    saved.backbone.save_pretrained(tmp_path)
    torch.manual_seed(1)
    loaded = backbones.swin_trunk("swin_tiny", str(tmp_path))
    expected = saved.state_dict()
    assert loaded.state_dict().keys() == expected.keys()
    for name, tensor in loaded.state_dict().items():
        torch.testing.assert_close(tensor, expected[name], msg=name)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere: expected a folder with the weights of a swin"):
        backbones.swin_trunk("swin_tiny", str(tmp_path / "nowhere"))


def test_weights_of_another_backbone_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbones.swin_trunk("swin_tiny", None).backbone.save_pretrained(tmp_path)
    monkeypatch.setitem(backbones.SWINS, "swin_tiny", (16, [1, 1, 3, 1], [1, 2, 4, 8], 4))
    with pytest.raises(ValueError, match=r"expected the key .*layers.2.blocks.1"):
        backbones.swin_trunk("swin_tiny", str(tmp_path))
