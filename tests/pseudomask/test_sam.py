"""SAM and SAM 2 through transformers: loading, and what comes out of tiny random networks."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from pointvos.core.errors import InputError
from pointvos.core.images import read_image
from pointvos.core.points import Points
from pointvos.pseudomask.backend import Prompt
from pointvos.pseudomask.sam import load_sam
from pointvos.pseudomask.sam2 import load_sam2
from tests.tiny_sam import save, tiny_sam, tiny_sam2

HEIGHT, WIDTH = 48, 80
LOADERS = {"sam": load_sam, "sam2": load_sam2}


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("checkpoints")
    return {
        "sam": save(tiny_sam(), root / "sam"),
        "sam2": save(tiny_sam2(), root / "sam2"),
    }


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def prompt(*listed: tuple[int, int, int]) -> Prompt:
    return Prompt(points=Points.from_pixels([p[:2] for p in listed], [p[2] for p in listed]))


PROMPTS = [
    prompt((5, 6, 1)),
    prompt((5, 6, 1), (70, 40, 0), (30, 9, 1)),
    Prompt(trace=np.array([[3, 3], [60, 30]], np.float32)),
]


@pytest.mark.parametrize("kind", LOADERS)
@pytest.mark.parametrize("choose", ["predicted_iou", "points", "single"])
def test_every_prompt_gives_a_mask_of_the_image(folders, image, kind: str, choose: str) -> None:
    backend = LOADERS[kind](str(folders[kind]), choose=choose)

    results = backend.masks(image, PROMPTS)

    assert len(results) == 3
    for result in results:
        assert result.mask.shape == (HEIGHT, WIDTH)
        assert result.mask.dtype == bool
        assert 0 <= result.score <= 1
    assert len({result.mask.tobytes() for result in results}) == 3  # the prompts matter


@pytest.mark.parametrize("kind", LOADERS)
def test_an_earlier_mask_matters(folders, image, kind: str) -> None:
    backend = LOADERS[kind](str(folders[kind]), choose="single")
    earlier = np.zeros((HEIGHT, WIDTH), bool)
    earlier[5:30, 5:50] = True
    points = Points.from_pixels([[5, 6]], [1])

    without, with_it = backend.masks(
        image, [Prompt(points=points), Prompt(points=points, previous=earlier)]
    )
    (alone,) = backend.masks(image, [Prompt(previous=earlier)])

    assert (without.mask != with_it.mask).any()
    assert alone.mask.shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize("kind", LOADERS)
def test_prompts_do_not_depend_on_their_neighbours(folders, image, kind: str) -> None:
    backend = LOADERS[kind](str(folders[kind]))
    together = backend.masks(image, PROMPTS)

    for alone, result in zip(PROMPTS, together, strict=True):
        (single,) = backend.masks(image, [alone])
        np.testing.assert_array_equal(single.mask, result.mask)
        assert single.score == result.score


@pytest.mark.parametrize("kind", LOADERS)
def test_the_image_is_encoded_once(folders, image, kind: str, monkeypatch) -> None:
    backend = LOADERS[kind](str(folders[kind]))
    encoder = backend.network.model.vision_encoder
    calls = []
    handle = encoder.register_forward_hook(lambda *_: calls.append(1))

    backend.masks(image, PROMPTS)
    backend.masks(image, PROMPTS[:1])
    handle.remove()

    assert len(calls) == 1


def test_sam_gives_what_the_packaged_pipeline_gives(folders, image) -> None:
    # The processor scales pixel indices; it is given the indices that scale to our positions.
    from transformers import SamModel, SamProcessor
    from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

    model = SamModel.from_pretrained(folders["sam"]).eval()
    packaged = SamImageProcessorPil(size={"longest_edge": 64}, pad_size={"height": 64, "width": 64})
    processor = SamProcessor(packaged)
    processor.target_size = 64
    listed = [(5, 6, 1), (70, 40, 0), (30, 9, 1)]
    factor = 64 / WIDTH
    indices = [[(x + 0.5) - 0.5 / factor, (y + 0.5) - 0.5 / factor] for x, y, _ in listed]
    inputs = processor(
        images=image,
        input_points=[[indices]],
        input_labels=[[[label for *_, label in listed]]],
        return_tensors="pt",
    )
    sizes = {key: inputs.pop(key) for key in ("original_sizes", "reshaped_input_sizes")}
    inputs["input_points"] = inputs["input_points"].float()
    with torch.inference_mode():
        output = model(**inputs)
    (masks,) = packaged.post_process_masks(output.pred_masks, *sizes.values())
    best = int(output.iou_scores[0, 0].argmax())

    (result,) = load_sam(str(folders["sam"])).masks(image, [prompt(*listed)])

    expected = masks[0, best].numpy()
    assert 0 < expected.mean() < 1
    assert (expected != result.mask).mean() < 2e-3  # pixels whose logit is next to 0
    assert result.score == pytest.approx(output.iou_scores[0, 0, best].clamp(0, 1).item(), abs=1e-5)


def test_sam2_gives_what_the_network_gives_for_the_whole_input(folders, image) -> None:
    # Features computed once and handed in, against pixels and points in one forward.
    backend = load_sam2(str(folders["sam2"]), choose="single")
    from pointvos.pseudomask.sam_frame import SamFrame

    frame = SamFrame(HEIGHT, WIDTH, backend.network.side, keep_aspect=False)
    scale = np.array([backend.network.side / WIDTH, backend.network.side / HEIGHT])
    position = torch.tensor(np.array([5.5, 6.5]) * scale - 0.5).float()
    with torch.inference_mode():
        output = backend.network.model(
            pixel_values=torch.from_numpy(frame.pixels(image)),
            input_points=position[None, None, None],
            input_labels=torch.ones(1, 1, 1, dtype=torch.int64),
            multimask_output=False,
        )
    expected = (frame.upscaled(output.pred_masks[0, 0]) > 0).numpy()[0]

    (result,) = backend.masks(image, [prompt((5, 6, 1))])

    assert 0 < expected.mean() < 1
    assert (expected != result.mask).mean() < 2e-3


def test_a_video_checkpoint_of_sam2_is_taken(folders, tmp_path, image) -> None:
    # The public SAM 2 files are of the video model, whose config says so.
    folder = shutil.copytree(folders["sam2"], tmp_path / "video")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "sam2_video"}))

    (result,) = load_sam2(str(folder)).masks(image, PROMPTS[:1])

    (expected,) = load_sam2(str(folders["sam2"])).masks(image, PROMPTS[:1])
    np.testing.assert_array_equal(result.mask, expected.mask)


def test_loading_says_nothing(folders, capsys) -> None:
    load_sam(str(folders["sam"]))
    load_sam2(str(folders["sam2"]))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("kind", LOADERS)
def test_weights_in_half_precision_run_in_full(folders, tmp_path, image, kind: str) -> None:
    model = {"sam": tiny_sam, "sam2": tiny_sam2}[kind]().to(torch.bfloat16)

    backend = LOADERS[kind](str(save(model, tmp_path / "half")))

    assert {p.dtype for p in backend.network.model.parameters()} == {torch.float32}
    assert len(backend.masks(image, PROMPTS)) == 3


# ---------------------------------------------------------------- what is refused


class Malicious:
    """Unpickling it would make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("kind", LOADERS)
def test_a_pickle_with_code_is_not_run(folders, tmp_path, kind: str) -> None:
    folder = shutil.copytree(folders[kind], tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    torch.save({"weight": Malicious(tmp_path / "trap")}, folder / "pytorch_model.bin")

    with pytest.raises(
        InputError, match="pickled: expected a whole checkpoint, found: "
    ) as refused:
        LOADERS[kind](str(folder))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "trap").exists()


@pytest.mark.parametrize("kind", LOADERS)
def test_no_path(kind: str) -> None:
    with pytest.raises(InputError, match=r"path: expected a checkpoint folder or a name such as f"):
        LOADERS[kind]("")


@pytest.mark.parametrize("kind", LOADERS)
def test_no_folder(tmp_path, kind: str) -> None:
    with pytest.raises(FileNotFoundError) as refused:
        LOADERS[kind](str(tmp_path / "none"))
    assert "expected a checkpoint folder with config.json and weights, found no such folder" in str(
        refused.value
    )
    assert f"hf download facebook/{kind}" in str(refused.value)
    (tmp_path / "none").mkdir()
    with pytest.raises(FileNotFoundError, match=r"found no config.json in it; fetch it once with"):
        LOADERS[kind](str(tmp_path / "none"))


@pytest.mark.parametrize("kind", LOADERS)
def test_a_name_that_is_not_on_disk_is_not_asked_for(kind: str, monkeypatch, tmp_path) -> None:
    import socket

    def refuse(*_args: object) -> None:
        raise AssertionError("it went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(FileNotFoundError) as refused:
        LOADERS[kind]("nobody/no-such-checkpoint")
    message = str(refused.value)
    assert message.startswith("nobody/no-such-checkpoint: expected a folder, or a checkpoint of th")
    assert "`hf download nobody/no-such-checkpoint`" in message
    assert "set download to true" in message
    assert "\n" not in message


def test_a_name_that_the_hub_does_not_give(monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(FileNotFoundError) as refused:
        load_sam("nobody/no-such-checkpoint", download=True)
    assert "or a checkpoint that the model hub has, found: " in str(refused.value)
    assert "set download" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("kind", "other"), [("sam", "sam2"), ("sam2", "sam")])
def test_a_checkpoint_of_another_model(folders, kind: str, other: str) -> None:
    with pytest.raises(InputError, match=rf"expected a checkpoint of {kind}.*, found '{other}' in"):
        LOADERS[kind](str(folders[other]))


@pytest.mark.parametrize("kind", LOADERS)
def test_missing_weights_are_named(folders, tmp_path, kind: str) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(folders[kind], tmp_path / "cut")
    weights = load_file(folder / "model.safetensors")
    del weights["mask_decoder.iou_token.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})

    with pytest.raises(InputError, match=r"found 1 missing .*first: mask_decoder.iou_token.weight"):
        LOADERS[kind](str(folder))


@pytest.mark.parametrize("kind", LOADERS)
@pytest.mark.parametrize("damage", ["cut weights", "no weights", "other shape", "cut config"])
def test_damaged_checkpoints(folders, tmp_path, kind: str, damage: str) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(folders[kind], tmp_path / "damaged")
    file = folder / "model.safetensors"
    if damage == "cut weights":
        file.write_bytes(file.read_bytes()[:5000])
    elif damage == "no weights":
        file.unlink()
    elif damage == "other shape":
        weights = load_file(file)
        weights["mask_decoder.iou_token.weight"] = torch.zeros(1, 3)
        save_file(weights, file, {"format": "pt"})
    else:
        (folder / "config.json").write_text('{"model_type": "sam"')

    with pytest.raises(InputError) as refused:
        LOADERS[kind](str(folder))
    assert str(refused.value).startswith(f"{folder}: expected ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("device", ["gpu", "cuda:7"])
def test_a_device_that_is_not_there(folders, device: str) -> None:
    with pytest.raises(InputError, match=f"device: expected one that torch can use.*'{device}'"):
        load_sam(str(folders["sam"]), device=device)


@pytest.mark.data
@pytest.mark.parametrize("kind", LOADERS)
def test_a_real_frame(folders, data_dir, kind: str) -> None:
    image = read_image(data_dir / "davis16" / "JPEGImages" / "480p" / "dog" / "00000.jpg")

    results = LOADERS[kind](str(folders[kind])).masks(image, PROMPTS)

    assert {result.mask.shape for result in results} == {image.shape[:2]}
