"""Trained models by name or file, and the settings they are run with."""

from pathlib import Path

import pytest
import torch

from pointvos.core.errors import InputError
from pointvos.core.weights import write_weights
from pointvos.inference.models import DEFAULTS, PACKAGED, PropagationSettings, load_model
from pointvos.nn.builders import BUILDERS
from pointvos.nn.lite import stcn_lite
from tests.tiny_network import tiny_stcn


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILDERS, "stcn_resnet50", tiny_stcn)


def test_every_architecture_has_settings() -> None:
    assert set(DEFAULTS) == set(BUILDERS)
    for settings in DEFAULTS.values():
        assert None not in vars(settings).values()


def test_random_weights_are_the_same_ones_and_leave_the_generator_alone(tiny: None) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, other = (load_model("random:stcn_resnet50") for _ in range(2))
    assert torch.equal(torch.rand(3), expected)
    for name, tensor in one.network.state_dict().items():
        assert torch.equal(tensor, other.network.state_dict()[name])
    assert not one.network.training


def test_weights_of_a_file(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = stcn_lite()
    path = tmp_path / "w.safetensors"
    write_weights(path, network.state_dict(), {"architecture": "stcn_lite"})
    model = load_model(str(path))
    assert (model.name, model.architecture) == (str(path), "stcn_lite")
    assert model.defaults == DEFAULTS["stcn_lite"]
    for name, tensor in network.state_dict().items():
        assert torch.equal(model.network.state_dict()[name], tensor)


def test_the_network_may_be_changed_before_use(tiny: None) -> None:
    model = load_model("random:stcn_resnet50", on_network=lambda network: network.bfloat16())
    assert next(model.network.parameters()).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("stcn-light", "model: expected stcn-lite, stcn-lite-points, stcn-lite-masks or a file of"),
        ("random:vit", "random:vit: expected weights of stcn_resnet50, stcn_lite, found 'vit'"),
    ],
)
def test_unknown_names(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_model(name)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"w.pth: expected weights"):
        load_model(str(tmp_path / "w.pth"))


def test_weights_of_another_architecture_are_named(tmp_path: Path, tiny: None) -> None:
    path = tmp_path / "w.safetensors"
    write_weights(path, {"a": torch.ones(1)}, {"architecture": "dynamite"})
    with pytest.raises(InputError, match=r"expected weights of .*stcn_lite, found 'dynamite'"):
        load_model(str(path))
    write_weights(path, {"a": torch.ones(1)}, {"architecture": "stcn_lite"})
    with pytest.raises(InputError, match="the weights are of another model"):
        load_model(str(path))
    torch.save({"a": torch.ones(1)}, tmp_path / "w.pth")  # then taken for official weights
    with pytest.raises(InputError, match=r"w.pth: official STCN weights: unknown key 'a'"):
        load_model(str(tmp_path / "w.pth"))


def test_settings_that_are_given_win_over_those_of_the_model(tiny: None) -> None:
    model = load_model("random:stcn_resnet50")
    tuned = model.propagator()
    assert (tuned.top_k, tuned.memory_every, tuned.resolution) == (20, 5, 480)
    assert tuned.gate is None
    given = model.propagator(PropagationSettings(top_k=7, resolution=0, gate=0.2))
    assert (given.top_k, given.memory_every, given.resolution) == (7, 5, None)
    assert given.gate == 0.2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"resolution": -1}, "resolution: expected at least 0, found -1"),
        ({"top_k": 0}, "top_k: expected at least 1, found 0"),
        ({"memory_every": 0}, "memory_every: expected at least 1, found 0"),
        ({"gate": -0.1}, "gate: expected at least 0"),
        ({"max_memory_frames": 1}, r"max_memory_frames: expected 0 \(no bound\) or at least 2"),
    ],
)
def test_settings_that_cannot_be_meant(change: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        PropagationSettings(**change)


def test_packaged_models_are_named_after_their_files() -> None:
    assert list(PACKAGED) == ["stcn-lite", "stcn-lite-points", "stcn-lite-masks"]
    assert all(file.endswith(".safetensors") for file in PACKAGED.values())
