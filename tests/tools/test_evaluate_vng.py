"""The tool that evaluates grounding and scores VNG results, as people start it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pointvos.core.command_line import run_tool
from pointvos.core.masks import encode_rle, write_index_png
from pointvos.core.weights import read_weights, write_weights
from tests.vng.data.panoptic_scene import write_scene
from tests.vng.evaluation import colour_words
from tests.vng.evaluation.test_official_rules import predict
from tests.vng.text.tiny_encoders import bert_folder
from tests.vng.tiny_set import write_set
from tools.evaluate_vng import EvaluateVngSettings, main
from vng.data.vng_set import VngSet
from vng.inference.rf_vng_weights import load_rf_vng
from vng.nn.builders import rf_vng_lite

CHECKOUT = Path(__file__).resolve().parents[2]


def arguments(root: Path, *more: str) -> list[str]:
    return [
        *("--set", str(root / "set"), "--predictions", str(root / "results")),
        *("--original_masks", str(root / "set/original.json"), "--output", str(root / "out")),
        *more,
    ]


def run(*words: str | Path) -> dict[str, Any]:
    run_tool(main, EvaluateVngSettings, "", [str(word) for word in words])
    output = Path(words[words.index("--output") + 1])
    results: dict[str, Any] = json.loads((output / "results.json").read_text())
    return results


@pytest.fixture(scope="module")
def text_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny one, which is opened sooner than the packaged one."""
    return bert_folder(tmp_path_factory.mktemp("text") / "bert")


def error_of(*words: str | Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr of a call that is refused."""
    with pytest.raises(SystemExit) as refused:
        run_tool(main, EvaluateVngSettings, "", [str(word) for word in words])
    assert refused.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = write_set(tmp_path / "set")
    predict(VngSet.open(folder, original_masks=folder / "original.json"), tmp_path / "results")
    return tmp_path


def test_scores_are_written_and_printed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tool(main, EvaluateVngSettings, "", arguments(root))
    results = json.loads((root / "out/results.json").read_text())
    assert (results["j_mean"], results["f_mean"], results["j_and_f"]) == (1, 1, 1)
    first = results["per_expression"][0]
    assert (first["video"], first["expression"], first["noun"]) == ("clip", 0, "dog")
    assert (first["j"], first["f"], len(first["j_by_frame"])) == (1, 1, 4)
    assert results["frames"] == "dense"
    assert results["settings"]["set"] == str(root / "set")
    page = (root / "out/results.md").read_text()
    for part in ("## Videos", "## Nouns", "## Expressions", "| clip 1: ball |"):
        assert part in page
    assert "100.0" in capsys.readouterr().out
    html = (root / "out/report.html").read_text()
    assert "52.8" in html  # of the paper
    assert "<img" not in html  # there are no frames


def test_bad_input_is_one_line(root: Path) -> None:
    (root / "results/clip/1/00002.png").unlink()
    done = subprocess.run(
        [sys.executable, str(CHECKOUT / "tools/evaluate_vng.py"), *arguments(root)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "expected a mask for each of the 4 frames, found none for number 2" in done.stderr
    assert not (root / "out").exists()


def test_models_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vng = colour_words.write_set(tmp_path)
    results = run(
        *("--set", vng, "--frames", tmp_path / "frames", "--output", tmp_path / "out"),
        *("--model", "saliency", "--baselines", "random:rf_vng_lite", "--save_masks", "true"),
        *("--probe", "swapped,no_text,other_noun", "--grounding.short_side", "64"),
    )
    saliency = results["methods"]["saliency"]
    # It does not listen: another video's noun gets the same masks, so the same J.
    assert saliency["j_of_probes"]["swapped"] == pytest.approx(results["j_mean"])
    assert saliency["j_of_probes"]["no_text"] == pytest.approx(results["j_mean"])
    assert saliency["told_apart"]["same_word"] == {"share": 0.5, "pairs": 2}
    untrained = results["methods"]["random:rf_vng_lite"]
    assert 0 <= untrained["presence_auc"] <= 1
    assert len(untrained["per_expression"]) == len(results["per_expression"]) == 5
    low, high = untrained["first_has_more_interval"]
    assert low <= saliency["j_and_f"] - untrained["j_and_f"] <= high
    assert saliency["first_has_more_interval"] is None
    assert saliency["j_and_f_interval"] == results["j_and_f_interval"]
    assert not (tmp_path / "out/partial").exists()
    again = run(
        *("--set", vng, "--predictions", tmp_path / "out/masks", "--output", tmp_path / "again"),
        *("--frames", tmp_path / "frames"),
    )
    assert again["per_expression"] == results["per_expression"]
    for page in ("out", "again"):
        html = (tmp_path / page / "report.html").read_text()
        assert html.count("data:image/jpeg;base64,") == 5
        assert "<mark>blue box</mark>" in html
    out = capsys.readouterr().out
    assert "presence AUC" in out
    assert "told apart, same word" in out


def test_weights_are_calibrated(
    tmp_path: Path, text_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The new file is the old one, and says from which score on a noun is there."""
    vng = colour_words.write_set(tmp_path)
    torch.manual_seed(0)
    weights, calibrated = tmp_path / "first.safetensors", tmp_path / "calibrated.safetensors"
    metadata = {
        "architecture": "rf_vng_lite",
        "query": "noun",
        "text_encoder": str(text_encoder),
        "training": "none",
    }
    write_weights(weights, rf_vng_lite(text_channels=16).state_dict(), metadata)
    words = ["--set", vng, "--frames", tmp_path / "frames", "--output", tmp_path / "out"]
    words += ["--model", weights, "--grounding.short_side", "64", "--calibrate", calibrated]
    assert "--calibrate: expected --probe swapped" in error_of(*words, capsys=capsys)
    results = run(*words, "--probe", "swapped")
    best = results["methods"][str(weights)]["presence_best"]
    tensors, found = read_weights(calibrated)
    assert found == {**metadata, "presence_threshold": f"{best['threshold']:.4f}"}
    assert all(
        torch.equal(value, tensors[name]) for name, value in read_weights(weights)[0].items()
    )
    assert load_rf_vng(str(calibrated)).presence == best["threshold"]
    assert (
        f"a score below {best['threshold']:.4f} are taken to be absent" in capsys.readouterr().out
    )


def test_images_of_coco(tmp_path: Path) -> None:
    coco = write_scene(tmp_path / "coco")
    caption = "A cat and two dogs on the grass"

    def word(text: str, *ids: int) -> dict[str, Any]:
        return {"utterance": text, "noun": bool(ids), "segment_ids": list(ids), "plural": False}

    segments = [word("cat", 5), word("dogs", 300, 70000), word("grass", 900000)]
    row = {"image_id": 0, "caption": caption, "segments": segments}
    path = tmp_path / "png_coco_train2017.json"
    path.write_text(json.dumps([row]))
    results = run(
        *("--set", path, "--frames", coco, "--model", "saliency"),
        *("--output", tmp_path / "out", "--save_masks", "true"),
    )
    kinds = results["methods"]["saliency"]["j_by_kind"]
    cat, dogs, grass = (one["j"] for one in results["per_expression"])
    assert kinds == pytest.approx({"stuff": grass, "things": (cat + dogs) / 2})
    (name,) = {one["video"] for one in results["per_expression"]}
    assert (tmp_path / f"out/masks/{name}/2/{name}.png").is_file()


def test_referring_expressions(tmp_path: Path) -> None:
    frames, masks = tmp_path / "frames/clip", tmp_path / "masks/clip"
    frames.mkdir(parents=True)
    for t in range(3):
        rgb = np.full((32, 48, 3), 90, np.uint8)
        rgb[8:24, 16:32] = 250
        Image.fromarray(rgb).save(frames / f"{t:05d}.jpg")
        if t != 1:
            write_index_png(masks / f"{t:05d}.png", (rgb[..., 0] > 200).astype(np.uint8))
    content = {
        "videos": {
            "clip": {
                "frames": ["00000", "00001", "00002"],
                "expressions": {"0": {"exp": "a bright box ", "obj_id": "1"}},
            }
        }
    }
    path = tmp_path / "meta_expressions_val.json"
    path.write_text(json.dumps(content))
    results = run(
        *("--set", path, "--frames", tmp_path / "frames", "--masks", tmp_path / "masks"),
        *("--model", "saliency", "--output", tmp_path / "out"),
    )
    (one,) = results["per_expression"]
    assert (one["noun"], one["frames"]) == ("a bright box", ["00000", "00002"])
    assert results["frames"] == "sparse"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected --model or --predictions, found neither"),
        (["--model", "saliency"], "expected --frames, the folder of the videos, with --model"),
        (["--model", "rf", "--frames", "FRAMES"], "model: expected rf-vng-lite"),
        (
            ["--model", "saliency", "--frames", "FRAMES", "--probe", "none"],
            "probe: expected swapped, no_text, other_noun, found 'none'",
        ),
    ],
)
def test_calls_that_cannot_be_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    vng = colour_words.write_set(tmp_path)
    words = [word.replace("FRAMES", str(tmp_path / "frames")) for word in words]
    assert message in error_of(*("--set", vng, "--output", tmp_path / "out"), *words, capsys=capsys)


def one_video(
    root: Path, text: str, start: int, end: int, masks: list[np.ndarray | None], *, size: int = 64
) -> tuple[Path, Path]:
    """A set of one video and one expression, and its frames."""
    frames = root / "frames/odd"
    frames.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for t in range(len(masks)):
        Image.fromarray(rng.integers(0, 256, (size, size, 3), np.uint8)).save(
            frames / f"{t:05d}.png"
        )
    expression = {"narrative_actor_idx": 0, "obj_id": 1}
    expression |= {"noun_phrase_start_idx": start, "noun_phrase_end_idx": end}
    video = {
        "frames": [f"{t:05d}" for t in range(len(masks))],
        "actor_narratives": [{"actor_idx": 0, "actor_name": "", "description": text}],
        "expressions": {"0": expression},
    }
    folder = root / "set"
    folder.mkdir()
    content = json.dumps({"videos": {"odd": video}}, ensure_ascii=False)
    (folder / "meta_expressions.json").write_text(content, encoding="utf-8")
    annotation = {"id": 1, "video_id": 1, "height": size, "width": size, "video_name": "odd"}
    annotation["segmentations"] = [None if one is None else encode_rle(one) for one in masks]
    record = {"id": 1, "width": size, "height": size, "length": len(masks)}
    record["file_names"] = [f"odd/{t:05d}.png" for t in range(len(masks))]
    (folder / "extra_masks.json").write_text(
        json.dumps({"info": {}, "videos": [record], "annotations": [annotation]})
    )
    return folder, root / "frames"


def some(size: int = 64, side: int = 20) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[10 : 10 + side, 10 : 10 + side] = True
    return mask


WORDS = ("the big dog over there and one more " * 250).strip()  # 2,000 words
ODD_NARRATIVES = {
    "an emoji before the noun": ("\U0001f469\u200d\U0001f680\U0001f415 a dog", "dog"),
    "combining characters before the noun": ("cafe\u0301 n\u0303u\u0308 dog", "dog"),
    "two thousand words": (WORDS, "more"),
    "another script": (
        "eine Dame \u0438 \u0441\u043e\u0431\u0430\u043a\u0430",
        "\u0441\u043e\u0431\u0430\u043a\u0430",
    ),
    "only punctuation": ("look ... !? here", "!?"),
}


@pytest.mark.parametrize("case", ODD_NARRATIVES)
def test_odd_narratives_are_grounded(tmp_path: Path, text_encoder: Path, case: str) -> None:
    text, noun = ODD_NARRATIVES[case]
    start = text.rindex(noun)
    vng, frames = one_video(tmp_path, text, start, start + len(noun), [some()])
    results = run(
        *("--set", vng, "--frames", frames, "--model", "random:rf_vng_lite"),
        *("--grounding.short_side", "0", "--output", tmp_path / "out"),
        *("--text_encoder", text_encoder),
    )
    (one,) = results["per_expression"]
    assert one["noun"] == noun
    assert f"<mark>{noun}</mark>" in (tmp_path / "out/report.html").read_text()


@pytest.mark.parametrize(
    ("masks", "frames"),
    [
        ([some(side=1)], ["00000"]),  # a pixel, one frame
        ([None, some(), None], ["00001"]),
        ([np.zeros((64, 64), bool)] * 2, ["00000", "00001"]),  # never there
    ],
)
def test_odd_masks_are_scored(tmp_path: Path, masks: list[Any], frames: list[str]) -> None:
    vng, folder = one_video(tmp_path, "a dog", 2, 5, masks)
    results = run(
        *("--set", vng, "--frames", folder, "--model", "saliency", "--output", tmp_path / "out"),
    )
    (one,) = results["per_expression"]
    assert one["frames"] == frames
    assert "data:image/jpeg" in (tmp_path / "out/report.html").read_text()


@pytest.mark.parametrize(
    ("text", "start", "end", "masks", "message"),
    [
        ("a dog", 2, 9, [some()], "expected a noun inside the 5 characters of its narrative"),
        ("", 0, 1, [some()], "expected a noun inside the 0 characters of its narrative"),
        (" \n", 0, 1, [some()], "odd, expression 0: expected a narrative with words, found"),
        ("a  dog", 1, 3, [some()], "odd, expression 0: expected a noun at characters 1 to 3"),
        ("a \u200b dog", 2, 3, [some()], "odd, expression 0: expected a noun that the text"),
        ("a dog", 2, 5, [None, None], "expected a frame with a mask, found none"),
        ("a dog", 2, 5, [some(size=63)], "odd"),
    ],
)
def test_what_cannot_be_grounded_is_one_line(
    tmp_path: Path, text_encoder, capsys, text, start, end, masks, message
) -> None:
    vng, frames = one_video(tmp_path, text, start, end, masks)
    found = error_of(
        *("--set", vng, "--frames", frames, "--model", "random:rf_vng_lite"),
        *("--grounding.short_side", "0", "--output", tmp_path / "out"),
        *("--text_encoder", text_encoder),
        capsys=capsys,
    )
    assert message in found
    assert not (tmp_path / "out/results.json").exists()
