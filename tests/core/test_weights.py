"""Weights come from files of tensors alone, and fit or are refused."""

import os
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pointvos.core.errors import InputError
from pointvos.core.weights import load_strictly, read_weights, write_weights

WEIGHTS = {"b": torch.arange(6.0).reshape(2, 3), "a": torch.ones(4, dtype=torch.float16)}


class _Touch:
    """Pickles as a call that leaves a folder behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def assert_equal(found: dict[str, torch.Tensor]) -> None:
    assert set(found) == set(WEIGHTS)
    for name, tensor in WEIGHTS.items():
        assert torch.equal(found[name], tensor)
        assert found[name].dtype == tensor.dtype


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "w.safetensors"
    write_weights(path, WEIGHTS, {"architecture": "x"})
    weights, metadata = read_weights(path)
    assert_equal(weights)
    assert metadata == {"architecture": "x"}
    assert [file.name for file in path.parent.iterdir()] == ["w.safetensors"]


def test_tensors_in_any_memory_layout_are_written(tmp_path: Path) -> None:
    image = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    write_weights(tmp_path / "w.safetensors", {"image": image}, {})
    assert torch.equal(read_weights(tmp_path / "w.safetensors")[0]["image"], image)


@pytest.mark.parametrize("new_format", [True, False])
def test_pytorch_files_of_tensors_are_read(tmp_path: Path, new_format: bool) -> None:
    path = tmp_path / "w.pth"
    torch.save(WEIGHTS, path, _use_new_zipfile_serialization=new_format)
    weights, metadata = read_weights(path)
    assert_equal(weights)
    assert metadata == {}


def test_a_failed_write_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    write_weights(path, WEIGHTS, {})
    with pytest.raises(AttributeError):
        write_weights(path, {"a": "no tensor"}, {})  # type: ignore[dict-item]
    assert_equal(read_weights(path)[0])
    assert [file.name for file in tmp_path.iterdir()] == ["w.safetensors"]


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none.pth: expected weights .* found none"):
        read_weights(tmp_path / "none.pth")


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize("name", ["w.pth", "w.pt", "w.bin"])
def test_a_pickle_with_code_is_refused_and_never_run(
    tmp_path: Path, name: str, protocol: int
) -> None:
    touched = tmp_path / "touched"
    path = tmp_path / name
    path.write_bytes(pickle.dumps({"a": _Touch(touched)}, protocol=protocol))
    with pytest.raises(InputError, match="a pickle with code is never run") as caught:
        read_weights(path)
    assert len(str(caught.value).splitlines()) == 1
    assert not touched.exists()


def test_code_in_a_torch_archive_is_refused_and_never_run(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    torch.save({"a": torch.ones(1), "b": _Touch(touched)}, tmp_path / "w.pth")
    with pytest.raises(InputError, match="a pickle with code is never run"):
        read_weights(tmp_path / "w.pth")
    assert not touched.exists()


@pytest.mark.parametrize("value", [[torch.ones(1)], {"a": 3}, {1: torch.ones(1)}, {"a": {}}])
def test_other_values_than_named_tensors(tmp_path: Path, value: object) -> None:
    torch.save(value, tmp_path / "w.pth")
    with pytest.raises(InputError, match="expected a mapping from names to tensors"):
        read_weights(tmp_path / "w.pth")


def test_damage_is_always_reported_in_one_line(tmp_path: Path) -> None:
    files = {}
    write_weights(tmp_path / "w.safetensors", WEIGHTS, {})
    files[tmp_path / "w.safetensors"] = (tmp_path / "w.safetensors").read_bytes()
    for name, new_format in (("new.pth", True), ("old.pth", False)):
        torch.save(WEIGHTS, tmp_path / name, _use_new_zipfile_serialization=new_format)
        files[tmp_path / name] = (tmp_path / name).read_bytes()
    draw, messages = random.Random(0), []
    for path, whole in files.items():
        for _ in range(60):
            damaged = bytearray(whole)
            for _ in range(draw.randint(1, 5)):
                damaged[draw.randrange(min(len(damaged), 400))] = draw.randrange(256)
            path.write_bytes(damaged[: draw.randint(1, len(damaged))])
            try:
                read_weights(path)
            except InputError as error:  # some damage is not seen: then values are wrong
                messages.append(str(error))
    assert len(messages) > 150
    for message in messages:
        assert message.startswith(str(tmp_path))
        assert ": expected " in message
        assert len(message.splitlines()) == 1


def linear() -> nn.Linear:
    return nn.Linear(3, 2)


def test_fitting_weights_are_copied() -> None:
    model = linear()
    weights = {"weight": torch.full((2, 3), 5.0, dtype=torch.float16), "bias": torch.zeros(2)}
    load_strictly(model, weights, "w.pth")
    assert model.weight.tolist() == [[5.0] * 3] * 2
    assert model.weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            {"weight": torch.ones(2, 3)},
            r"w.pth: expected the 2 tensors of this architecture, found 1 missing \(bias\) and 0 "
            r"unknown \(none\); the weights are of another model",
        ),
        (
            {"weight": torch.ones(2, 3), "bias": torch.ones(2), "more": torch.ones(1)},
            r"0 missing \(none\) and 1 unknown \(more\)",
        ),
        (
            {"weight": torch.ones(2, 4), "bias": torch.ones(2)},
            r"expected weight of shape \(2, 3\), found \(2, 4\)",
        ),
    ],
)
def test_misfits_are_named(weights: dict[str, torch.Tensor], message: str) -> None:
    model = linear()
    before = model.weight.clone()
    with pytest.raises(InputError, match=message):
        load_strictly(model, weights, "w.pth")
    assert torch.equal(model.weight, before)


def test_fresh_parts_stay_as_they_are_whether_the_weights_have_them_or_not() -> None:
    model = torch.nn.Linear(3, 2)
    bias = model.bias.detach().clone()
    load_strictly(model, {"weight": torch.full((2, 3), 5.0)}, "w.pth", fresh=["bias"])
    assert model.weight.tolist() == [[5.0] * 3] * 2
    assert torch.equal(model.bias, bias)
    other = {"weight": torch.ones(2, 3), "bias": torch.ones(7)}  # of another shape as well
    load_strictly(model, other, "w.pth", fresh=["bias"])
    assert torch.equal(model.bias, bias)
    with pytest.raises(InputError, match="fresh: expected a part of a parameter's name, found 'x'"):
        load_strictly(model, other, "w.pth", fresh=["x"])
    with pytest.raises(InputError, match=r"found 0 missing .* and 1 unknown .more"):
        load_strictly(model, {**other, "more": bias}, "w.pth", fresh=["bias"])


def test_a_number_fills_one_element_and_no_more() -> None:
    class Gain(nn.Module):
        def __init__(self, count: int) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.zeros(count))

    number = {"gain": torch.tensor(3.0)}
    one = Gain(1)
    load_strictly(one, number, "w.pth")
    assert one.gain.tolist() == [3.0]
    assert number["gain"].ndim == 0  # what was given stays as it was
    with pytest.raises(InputError, match=r"gain of shape \(2,\), found \(\)"):
        load_strictly(Gain(2), number, "w.pth")
