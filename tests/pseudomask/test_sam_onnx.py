"""An exported pair: what it is asked, and that it gives what the network gives.

Where onnxruntime is not installed, a stand-in with its two classes takes its place; the tests that
export and run a real pair are then skipped.
"""

import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from pointvos.core.errors import InputError
from pointvos.core.points import Points
from pointvos.pseudomask.backend import Prompt
from pointvos.pseudomask.sam import SamTorch
from pointvos.pseudomask.sam_onnx import DECODER_INPUTS, SamOnnx, load_sam_onnx
from pointvos.pseudomask.segment_anything import SegmentAnything
from tests.tiny_sam import SIDE, tiny_sam

HEIGHT, WIDTH = 48, 80
OUTPUTS = ("masks", "iou_predictions", "low_res_masks")


@dataclass
class FakeSession:
    """What `SamOnnx` uses of an InferenceSession."""

    inputs: dict[str, list[Any]]
    results: dict[str, np.ndarray]
    kind: str = "tensor(float)"
    asked: list[dict[str, np.ndarray]] = field(default_factory=list)

    def get_inputs(self):
        return [
            SimpleNamespace(name=name, shape=shape, type=self.kind)
            for name, shape in self.inputs.items()
        ]

    def get_outputs(self):
        return [SimpleNamespace(name=name) for name in self.results]

    def run(self, names, inputs):
        self.asked.append(inputs)
        return [self.results[name] for name in names or self.results]


def encoder(shape=(1, 3, SIDE, SIDE), kind="tensor(float)") -> FakeSession:
    return FakeSession({"x": list(shape)}, {"embedding": np.ones((1, 4, 8, 8), np.float32)}, kind)


def decoder(candidates: int = 4, mask_side: object = 32) -> FakeSession:
    """Candidate i covers i + 1 of the 16 columns; the last is rated highest."""
    shapes: dict[str, list[Any]] = {name: [1] for name in DECODER_INPUTS}
    shapes["mask_input"] = [1, 1, mask_side, mask_side]
    logits = np.full((1, candidates, 16, 16), -5, np.float32)
    for index in range(candidates):
        logits[0, index, :, : index + 1] = 5
    rating = np.linspace(0.1, 0.8, candidates, dtype=np.float32)[None]
    results = {"masks": logits[..., :3], "iou_predictions": rating, "low_res_masks": logits}
    return FakeSession(shapes, results)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def prompt(*listed: tuple[int, int, int]) -> Prompt:
    return Prompt(points=Points.from_pixels([p[:2] for p in listed], [p[2] for p in listed]))


def test_what_the_decoder_is_asked(image) -> None:
    network = SamOnnx(encoder(), decoder(), "pair")
    earlier = np.zeros((HEIGHT, WIDTH), bool)
    earlier[:, :20] = True
    points = Points.from_pixels([[0, 0], [79, 47]], [1, 0])
    backend = SegmentAnything(network)

    backend.masks(image, [Prompt(points=points), Prompt(points=points, previous=earlier)])

    assert len(network.encoder.asked) == 1
    first, second = network.decoder.asked
    assert set(first) == set(DECODER_INPUTS)
    assert {array.dtype for array in first.values()} == {np.dtype(np.float32)}
    x, y = SIDE / WIDTH, 38 / HEIGHT  # the image is 38 rows high in the input
    expected = [
        [[0.5 * x - 0.5, 0.5 * y - 0.5], [79.5 * x - 0.5, 47.5 * y - 0.5], [0, 0]],
    ]
    np.testing.assert_allclose(first["point_coords"], expected, atol=1e-5)
    assert first["point_labels"].tolist() == [[1, 0, -1]]
    assert first["orig_im_size"].tolist() == [HEIGHT, WIDTH]
    assert first["has_mask_input"].tolist() == [0]
    assert first["mask_input"].shape == (1, 1, 32, 32)
    assert second["has_mask_input"].tolist() == [1]
    assert (second["mask_input"].min(), second["mask_input"].max()) == (-10, 10)


@pytest.mark.parametrize(
    ("candidates", "choose", "columns", "score"),
    [
        (4, "predicted_iou", 4, 0.8),
        (4, "single", 1, 0.1),
        (4, "points", 4, 0.8),
        (3, "predicted_iou", 3, 0.8),
        (1, "predicted_iou", 1, 0.1),  # chosen in the export
        (1, "single", 1, 0.1),
    ],
)
def test_which_candidate_is_taken(image, candidates, choose, columns, score) -> None:
    backend = SegmentAnything(SamOnnx(encoder(), decoder(candidates), "pair"), choose=choose)

    (result,) = backend.masks(image, [prompt((1, 1, 1))])

    assert result.score == pytest.approx(score)
    assert result.mask.shape == (HEIGHT, WIDTH)
    assert result.mask.mean() == pytest.approx(columns / 16, abs=0.04)


@pytest.mark.parametrize(
    ("shape", "kind", "expected", "dtype"),
    [
        ([1, 3, SIDE, SIDE], "tensor(float)", (1, 3, SIDE, SIDE), np.float32),
        (["h", "w", 3], "tensor(float)", (614, 1024, 3), np.float32),
        (["h", "w", 3], "tensor(uint8)", (614, 1024, 3), np.uint8),
        (["b", 3, "h", "w"], "tensor(float)", (1, 3, 1024, 1024), np.float32),
    ],
)
def test_what_the_encoder_is_given(image, shape, kind, expected, dtype) -> None:
    network = SamOnnx(encoder(shape, kind), decoder(mask_side="m"), "pair")

    SegmentAnything(network).masks(image, [prompt((1, 1, 1))])

    (given,) = network.encoder.asked
    assert given["x"].shape == expected
    assert given["x"].dtype == dtype
    if given["x"].ndim == 3:  # raw pixels
        assert given["x"].max() > 200
    assert network.decoder.asked[0]["mask_input"].shape[-1] == expected[-2] // 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder": encoder([1, 3])}, r"pair: expected an encoder with one input \[1, 3, side"),
        ({"encoder": encoder([1, 3, 8, 9])}, "pair: expected an encoder with a square input"),
        ({"decoder": encoder()}, r"pair: expected a decoder of segment-anything's export .*found "),
    ],
)
def test_other_exports_are_refused(change, message: str) -> None:
    parts = {"encoder": encoder(), "decoder": decoder(), **change}
    with pytest.raises(InputError, match=message):
        SamOnnx(parts["encoder"], parts["decoder"], "pair")


# ---------------------------------------------------------------- loading


def test_without_the_package_the_install_line_is_given(monkeypatch, tmp_path) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"expected the package onnxruntime, found none; install"):
        load_sam_onnx(str(tmp_path))


@pytest.fixture
def stand_in(monkeypatch) -> None:
    """A module that opens files which hold "encoder" or "decoder"."""

    def open_session(path: str, providers: list[str]) -> FakeSession:
        text = Path(path).read_text()
        if text not in ("encoder", "decoder"):
            raise RuntimeError("Protobuf parsing failed.\nmore")
        return encoder() if text == "encoder" else decoder()

    module = SimpleNamespace(
        InferenceSession=open_session,
        get_available_providers=lambda: ["CPUExecutionProvider"],
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", module)


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text("encoder" if "encoder" in name else "decoder")


@pytest.mark.usefixtures("stand_in")
def test_a_folder_with_a_pair(tmp_path, image) -> None:
    write(tmp_path, "mobile_sam_encoder.onnx", "mobile_sam_decoder.onnx")

    (result,) = load_sam_onnx(str(tmp_path)).masks(image, [prompt((1, 1, 1))])

    assert result.mask.shape == (HEIGHT, WIDTH)


@pytest.mark.usefixtures("stand_in")
def test_folders_that_do_not_fit(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"path: expected a folder with a file \*encoder\*"):
        load_sam_onnx("")
    with pytest.raises(FileNotFoundError, match=r"none: expected a folder with a file \*encoder\*"):
        load_sam_onnx(str(tmp_path / "none"))
    write(tmp_path, "encoder.onnx")
    with pytest.raises(FileNotFoundError, match=r"expected a folder with a file \*decoder\*.onnx"):
        load_sam_onnx(str(tmp_path))
    write(tmp_path, "a.decoder.onnx", "b.decoder.onnx")
    with pytest.raises(InputError, match=r"one file \*decoder\*.onnx, found 2: a.decoder.onnx, b"):
        load_sam_onnx(str(tmp_path))
    (tmp_path / "a.decoder.onnx").unlink()
    (tmp_path / "b.decoder.onnx").write_text("broken")
    with pytest.raises(
        InputError, match=r"decoder.onnx: expected an ONNX model, found: Protobuf p"
    ):
        load_sam_onnx(str(tmp_path))


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there(tmp_path, device: str) -> None:
    with pytest.raises(InputError, match=rf"device: expected cpu or cuda.*found '{device}'"):
        load_sam_onnx(str(tmp_path), device=device)


# ---------------------------------------------------------------- a real pair


class Encoder(torch.nn.Module):
    """Pixels to embedding."""

    def __init__(self, model) -> None:
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model.vision_encoder(x, return_dict=True).last_hidden_state


class Decoder(torch.nn.Module):
    """The inputs and outputs of segment-anything's export around SamModel."""

    def __init__(self, model) -> None:
        super().__init__()
        self.model = model

    def forward(self, embedding, coords, labels, mask_input, has_mask_input, orig_im_size):
        prompts = self.model.prompt_encoder
        sparse = prompts._embed_points(coords[None], labels[None], pad=False)
        plain = prompts.no_mask_embed.weight.reshape(1, -1, 1, 1)
        dense = has_mask_input * prompts.mask_embed(mask_input) + (1 - has_mask_input) * plain
        found = [
            self.model.mask_decoder(
                image_embeddings=embedding,
                image_positional_embeddings=self.model.get_image_wide_positional_embeddings(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=several,
            )
            for several in (False, True)
        ]
        low = torch.cat([masks[0] for masks, _ in found], dim=1)
        iou = torch.cat([iou[0] for _, iou in found], dim=1)
        return low * orig_im_size.sum() / orig_im_size.sum(), iou, low


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A tiny SAM, and the folder it was exported to."""
    for package in ("onnxruntime", "onnx"):
        pytest.importorskip(package)
    model = tiny_sam()
    model.config._attn_implementation = "eager"
    folder = tmp_path_factory.mktemp("pair")
    inputs = (
        torch.randn(1, 16, 8, 8),
        torch.randn(1, 3, 2),
        torch.ones(1, 3),
        torch.randn(1, 1, 32, 32),
        torch.ones(1),
        torch.tensor([48.0, 80.0]),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing
        torch.onnx.export(
            Encoder(model),
            (torch.randn(1, 3, SIDE, SIDE),),
            folder / "encoder.onnx",
            input_names=["x"],
            output_names=["image_embeddings"],
            dynamo=False,
        )
        torch.onnx.export(
            Decoder(model),
            inputs,
            folder / "decoder.onnx",
            input_names=list(DECODER_INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes={"point_coords": {1: "points"}, "point_labels": {1: "points"}},
            dynamo=False,
        )
    return model, folder


@pytest.mark.parametrize("choose", ["predicted_iou", "points", "single"])
def test_a_real_pair_gives_what_the_network_gives(exported, image, choose: str) -> None:
    model, folder = exported
    earlier = np.zeros((HEIGHT, WIDTH), bool)
    earlier[5:30, 5:50] = True
    prompts = [
        prompt((5, 6, 1)),
        prompt((5, 6, 1), (70, 40, 0), (30, 9, 1), (2, 2, 0)),
        Prompt(trace=np.array([[3, 3], [60, 30]], np.float32)),
        Prompt(previous=earlier, points=Points.from_pixels([[9, 9]], [1])),
    ]
    expected = SegmentAnything(SamTorch(model), choose=choose).masks(image, prompts)

    results = load_sam_onnx(str(folder), choose=choose).masks(image, prompts)

    for result, wanted in zip(results, expected, strict=True):
        assert 0 < wanted.mask.mean() < 1
        assert (result.mask != wanted.mask).mean() < 5e-3
        assert result.score == pytest.approx(wanted.score, abs=1e-4)


def test_a_real_file_that_is_damaged(exported, tmp_path) -> None:
    _, folder = exported
    (tmp_path / "encoder.onnx").write_bytes((folder / "encoder.onnx").read_bytes()[:500])
    with pytest.raises(InputError, match=r"encoder.onnx: expected an ONNX model, found: "):
        load_sam_onnx(str(tmp_path))
