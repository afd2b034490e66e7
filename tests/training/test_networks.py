"""First weights, frozen parameters, and what a run leaves behind."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pointvos.core.errors import InputError
from pointvos.core.weights import read_weights, write_weights
from pointvos.inference.models import load_model
from pointvos.nn.builders import BUILDERS, stcn_resnet50
from pointvos.nn.lite import stcn_lite
from pointvos.training.export import export_weights, exported_weights
from pointvos.training.networks import freeze, make_network
from pointvos.training.running_mean import RunningMean
from tests.tiny_network import tiny_stcn
from tests.tiny_runs import tiny_run

METADATA = {"architecture": "stcn_lite", "regime": "hybrid"}


def test_frozen_parameters_do_not_train() -> None:
    network = stcn_lite()
    frozen = freeze(network, ("depthwise", "trunk.stem"))
    held = {name for name, p in network.named_parameters() if not p.requires_grad}
    assert held
    assert all("depthwise" in name or "trunk.stem" in name for name in held)
    assert {n for n, _ in network.named_parameters() if "depthwise" in n} <= held
    assert frozen == sum(p.numel() for p in network.parameters() if not p.requires_grad)


def test_parameters_named_twice_are_counted_once() -> None:
    network = stcn_lite()
    assert freeze(network, ("trunk", "depthwise")) == 2_336_304


def test_a_name_that_matches_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="freeze: expected a part of a parameter's name, found 'x"):
        freeze(tiny_stcn(), ("trunk", "xyz"))


def test_exported_weights_are_half_precision_and_run(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = stcn_lite()
    path = tmp_path / "weights.safetensors"
    export_weights(network.state_dict(), METADATA, path)
    stored, metadata = read_weights(path)
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}
    assert metadata == {"architecture": "stcn_lite", "regime": "hybrid", "format": "pointvos"}
    assert path.stat().st_size < 16e6
    model = load_model(str(path))
    assert model.architecture == "stcn_lite"
    loaded = model.network.state_dict()
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded[name], tensor.half().float()), name


def test_the_running_mean_is_what_is_exported(tmp_path: Path) -> None:
    network = tiny_stcn()
    mean = RunningMean(network, 0.9)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1.0)
    state = {f"network.{name}": value for name, value in network.state_dict().items()}
    weights = exported_weights(state, mean)
    export_weights(weights, METADATA, tmp_path / "w.safetensors")
    stored = load_file(tmp_path / "w.safetensors")
    assert set(stored) == set(network.state_dict())
    for name, value in mean.mean.items():
        assert torch.equal(stored[name], value.half()), name


def test_what_half_precision_cannot_hold_stays_as_it_is(tmp_path: Path) -> None:
    network = tiny_stcn()
    name = "key_encoder.trunk.bn1.running_var"
    network.get_buffer(name).fill_(1e6)
    export_weights(network.state_dict(), METADATA, tmp_path / "w.safetensors")
    stored = load_file(tmp_path / "w.safetensors")
    assert stored[name].tolist() == [1e6] * len(stored[name])
    assert stored["key_encoder.trunk.bn1.num_batches_tracked"].dtype == torch.int64


def test_a_run_starts_from_given_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILDERS, "stcn_lite", lambda: tiny_stcn(seed=1))
    path = tmp_path / "weights.safetensors"
    export_weights(tiny_stcn(seed=7).state_dict(), METADATA, path)
    network = make_network(tiny_run(tmp_path, weights=path))
    expected = tiny_stcn(seed=7).state_dict()
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-3, rtol=1e-3)


def test_weights_of_another_architecture_are_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    write_weights(path, {"a": torch.ones(1)}, {"architecture": "stcn_resnet50"})
    with pytest.raises(
        InputError, match="expected weights of stcn_lite, found weights of stcn_res"
    ):
        make_network(tiny_run(tmp_path, weights=path))
    write_weights(path, {"a": torch.ones(1)}, {"architecture": "stcn_lite"})
    with pytest.raises(InputError, match=r"missing .* 1 unknown \(a\); the weights are of another"):
        make_network(tiny_run(tmp_path, weights=path))


def test_official_weights_that_are_none_are_refused_in_one_line(tmp_path: Path) -> None:
    torch.save({"encoder.conv1.weight": torch.ones(1)}, tmp_path / "stcn.pth")
    run = tiny_run(tmp_path, model="stcn_resnet50", weights=tmp_path / "stcn.pth")
    with pytest.raises(InputError, match=r"stcn.pth: official STCN weights: unknown key"):
        make_network(run)


def test_the_full_network_needs_weights_or_files_or_a_word(tmp_path: Path) -> None:
    run = tiny_run(tmp_path, model="stcn_resnet50", imagenet=True)
    with pytest.raises(
        InputError, match="found none; give --weights, or --resnet50 and --resnet18"
    ):
        make_network(run)


def test_the_full_network_starts_from_torchvision_weights(tmp_path: Path) -> None:
    network = stcn_resnet50()
    names = {"resnet50": "key_encoder.trunk.", "resnet18": "value_encoder.trunk."}
    for name, prefix in names.items():
        weights = {
            key.removeprefix(prefix): tensor.clone()
            for key, tensor in network.state_dict().items()
            if key.startswith(prefix) and not (name == "resnet18" and is_conv_bias(key))
        }
        if name == "resnet18":
            weights["conv1.weight"] = weights["conv1.weight"][:, :3].clone()
        write_weights(tmp_path / f"{name}.safetensors", weights, {})
    run = tiny_run(
        tmp_path,
        model="stcn_resnet50",
        imagenet=True,
        resnet50=tmp_path / "resnet50.safetensors",
        resnet18=tmp_path / "resnet18.safetensors",
    )
    started = make_network(run).state_dict()
    key = "key_encoder.trunk.layer3.5.conv3.weight"
    assert torch.equal(started[key], network.state_dict()[key])
    with pytest.raises(InputError, match="torchvision ResNet-50 weights: "):
        make_network(replace(run, resnet50=run.resnet18))


def is_conv_bias(key: str) -> bool:
    return key.endswith(".bias") and ("conv" in key or "downsample.0" in key)
