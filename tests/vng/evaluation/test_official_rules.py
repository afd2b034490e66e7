"""Scores against those of the official evaluator, and what it does on faults."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from tests.vng.tiny_set import BALL, DOG, HEIGHT, WIDTH, masks_file, square, truth, write_set
from vng.data.vng_set import VngSet
from vng.evaluation.expression_scores import VngScores
from vng.evaluation.result_folder import result_files, write_result
from vng.evaluation.score_set import score_results


@pytest.fixture
def tiny(tmp_path: Path) -> VngSet:
    folder = write_set(tmp_path / "set")
    return VngSet.open(folder, original_masks=folder / "original.json")


def predict(tiny: VngSet, root: Path, *, shift: int = 0) -> Path:
    """True masks, shifted to the right; squares where the truth is not known."""
    for video, number, expression in tiny:
        for t, mask in enumerate(truth(expression.obj_id)):
            found = square(0) if mask is None else np.roll(mask, shift, axis=1)
            write_result(root, video, number, t, found)
    return root


@pytest.mark.parity
@pytest.mark.parametrize("folder", ["vng_eval", "vng_eval_uvo"])
def test_equal_to_the_official_scores(golden_dir: Path, folder: str) -> None:
    root = golden_dir / folder
    expected = json.loads((root / "expected.json").read_text())
    found = VngSet.open(root, original_masks=root / "orig_masks.json")
    scores = score_results(found, root / "results")
    assert scores.j_mean == pytest.approx(expected["J"], abs=1e-9)
    assert scores.f_mean == pytest.approx(expected["F"], abs=1e-9)
    assert scores.j_and_f == pytest.approx(expected["J&F"], abs=1e-9)
    for one in scores.expressions:
        for name, value in (("J", one.j_mean), ("F", one.f_mean)):
            table = expected[f"{name}_per_expression"]
            wanted = table.get(one.video, table)[str(one.expression)]
            assert value == pytest.approx(wanted, abs=1e-9)
    assert found.sparse == (folder == "vng_eval_uvo")


@pytest.mark.parity
def test_the_first_of_two_annotations_with_one_id_counts(golden_dir: Path, tmp_path: Path) -> None:
    root = tmp_path / "set"
    shutil.copytree(golden_dir / "vng_eval", root)
    path = root / "orig_masks.json"
    content = json.loads(path.read_text())
    second = {**content["annotations"][0]}
    second["segmentations"] = [None] * len(second["segmentations"])
    content["annotations"].append(second)
    path.write_text(json.dumps(content))
    faults = json.loads((root / "fault_behaviour.json").read_text())
    found = VngSet.open(root, original_masks=path)
    scores = score_results(found, root / "results")
    assert scores.j_mean == pytest.approx(
        faults["duplicate id within one file (first wins)"]["J"], abs=1e-9
    )
    assert [len(file.duplicates) for file in found.files] == [0, 1]


def test_unknown_frames_are_not_scored_and_absent_ones_are(tiny: VngSet, tmp_path: Path) -> None:
    scores = score_results(tiny, predict(tiny, tmp_path / "right"))
    assert (scores.j_mean, scores.f_mean) == (1, 1)
    dog, ball = scores.expressions
    assert len(dog.frames) == 4
    assert ball.frames == ("00000", "00002", "00003")
    assert (ball.noun, ball.object_id) == ("ball", BALL)


def test_expressions_weigh_the_same_whatever_their_length(tiny: VngSet, tmp_path: Path) -> None:
    scores = score_results(tiny, predict(tiny, tmp_path / "shifted", shift=3))
    dog, ball = scores.expressions
    assert dog.j == pytest.approx([70 / 130] * 4)
    assert ball.j == pytest.approx([18 / 54, 18 / 54, 1.0])
    assert scores.j_mean == pytest.approx((dog.j_mean + ball.j_mean) / 2)
    assert VngScores((dog,)).j_and_f == dog.j_and_f


def test_names_may_count_from_one(tiny: VngSet, tmp_path: Path) -> None:
    root = predict(tiny, tmp_path / "right")
    for number in (0, 1):
        folder = root / "clip" / str(number)
        for t in reversed(range(4)):
            (folder / f"{t:05d}.png").rename(folder / f"img_{t + 1:07d}.png")
    assert score_results(tiny, root).j_and_f == 1


def test_any_value_is_foreground(tiny: VngSet, tmp_path: Path) -> None:
    root = predict(tiny, tmp_path / "right")
    for path in root.rglob("*.png"):
        Image.fromarray((np.asarray(Image.open(path)) > 0).astype(np.uint8) * 3).save(path)
    assert score_results(tiny, root).j_and_f == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            lambda f: shutil.rmtree(f),
            "expected the masks of an expression, <frame>.png, found none",
        ),
        (lambda f: (f / "00001.png").unlink(), "each of the 4 frames, found none for number 1"),
        (lambda f: (f / "00003.png").unlink(), "each of the 4 frames, found none for number 3"),
        (
            lambda f: shutil.copy(f / "00001.png", f / "00004.png"),
            r"of the 4 frames, found 00004\.png as well",
        ),
        (lambda f: shutil.copy(f / "00001.png", f / "1.png"), "every frame once, found"),
        (lambda f: shutil.copy(f / "00001.png", f / "dog.png"), "expected a name of a number"),
        (lambda f: (f / "00001.png").write_bytes(b"no image"), "00001.png"),
        (
            lambda f: Image.new("L", (WIDTH + 1, HEIGHT)).save(f / "00001.png"),
            r"clip, expression 0 \(dog\), frame 00001: expected a mask of 32x24, found 33x24",
        ),
    ],
)
def test_results_that_cannot_be_scored(tiny: VngSet, tmp_path: Path, fault, message: str) -> None:
    root = predict(tiny, tmp_path / "results")
    fault(root / "clip" / "0")
    with pytest.raises((InputError, FileNotFoundError), match=message):
        score_results(tiny, root)


def test_an_expression_without_any_mask(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    path = masks_file(folder / "original.json", DOG)
    content = json.loads(path.read_text())
    content["annotations"][0]["segmentations"] = [None] * 4
    path.write_text(json.dumps(content))
    found = VngSet.open(folder, original_masks=path)
    with pytest.raises(InputError, match=r"expression 0 \(dog\): expected a frame with a mask"):
        score_results(found, predict(found, tmp_path / "results"))


def test_no_folder(tiny: VngSet, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected a folder of predicted masks"):
        score_results(tiny, tmp_path / "none")
    video = tiny.videos["clip"]
    with pytest.raises(FileNotFoundError, match="found none"):
        result_files(tmp_path, video, 0)
