"""The worked example of docs/own_data.md: its files are written and its commands run, in order."""

import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointvos.core.command_line import run_tool
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.masks import read_index_png
from tests.docs.code_blocks import CHECKOUT, commands_of_page, shown_files, tool_parts
from tests.docs.told_results import check_results
from vng.data.expressions import read_expressions

PAGE = CHECKOUT / "docs" / "own_data.md"
SCRIPT = "own/draw_videos.py"
SHIPPED = {"hybrid": "random:rf_vng_lite"}  # the page's model -> one that needs no trained weights
STEPS = "2"  # of the training, which takes 300 on the page
# Short side inside the networks, in pixels, instead of the 320 or 416 of larger videos.
SIDES = {
    "evaluate_vng": ("--grounding.short_side", "128"),
    "propagate": ("--propagation.resolution", "224"),
}


def ball_of(frame: Path) -> np.ndarray:
    """Where a frame is red, bool [H, W]."""
    rgb = np.asarray(Image.open(frame)).astype(int)
    return (rgb[..., 0] > 150) & (rgb[..., 1] < 90)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def results_of(folder: str) -> dict:
    return json.loads(Path(folder, "results.json").read_text())


def made_quick(tool: str, words: tuple[str, ...]) -> list[str]:
    """The words of a command without the shipped RF-VNG, with small frames and a short training."""
    quick = [SHIPPED.get(word, word) for word in words]
    quick += SIDES.get(tool, ())
    if "--weights" in quick:
        place = quick.index("--weights")
        del quick[place : place + 2]
        quick += ["--iterations", STEPS, "--threads", "1"]
    return quick


@pytest.mark.slow
def test_the_page_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    for name, text in shown_files(page).items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    assert f"\npython {SCRIPT}\n" in page
    runpy.run_path(SCRIPT)
    for command in commands_of_page(PAGE):
        main, settings_type = tool_parts(command.tool)
        try:
            run_tool(main, settings_type, "", made_quick(command.tool, command.words))
        except SystemExit:
            pytest.fail(f"{command.where}: {capsys.readouterr().err}")
    printed = capsys.readouterr().out

    frames = [Path("own/videos/yard") / f"{index:05d}.jpg" for index in range(6)]
    for frame in frames:
        found = read_index_png(Path("own/yard/masks") / f"{frame.stem}.png") == 1
        assert overlap(found, ball_of(frame)) > 0.8, frame
    for video, stems in {"yard": ["00002"], "park": ["00002", "00005"]}.items():
        pngs = sorted(Path("own/masks/Annotations", video).iterdir())
        assert [path.stem for path in pngs] == stems

    assert "4 objects in 2 videos, 2 narratives, 6 masks, 4 expressions" in printed
    nouns = {
        (video.name, video.narratives[one.narrative].description[one.start : one.end])
        for video in read_expressions(Path("own/vng/meta_expressions.json"))
        for one in video.expressions
    }
    assert nouns == {(video, noun) for video in ("yard", "park") for noun in ("ball", "box")}
    (traced,) = read_expressions(Path("own/vng_from_traces/meta_expressions.json"))
    (expression,) = traced.expressions
    stored = MaskStore.open("own/vng_from_traces/masks").read("yard").objects
    from_trace = stored[str(expression.obj_id)]["00002"].decode()
    assert overlap(from_trace.astype(bool), ball_of(frames[2])) > 0.5

    assert set(results_of("own/scores")["methods"]) == {"random:rf_vng_lite", "saliency"}
    assert results_of("own/trained")["iterations"] == int(STEPS)
    check_results("`propagate.py`, `demo.py`", results_of("own/yard"), ["objects"])
    check_results("`make_pseudo_masks.py`", results_of("own/masks"))
    check_results("`build_vng_sets.py`", results_of("own/vng"))
    check_results("`inspect_vng.py`", results_of("own/vng_shown"))
    check_results("`evaluate_vng.py`", results_of("own/scores"))
    check_results("training tools", results_of("own/trained"))
    assert len(results_of("own/trained_scores")["per_expression"]) == 4


def test_what_the_page_tells_to_look_at_is_named_in_a_command() -> None:
    """Every file of the folder "own" in the text lies below an output, or is shown."""
    page = PAGE.read_text(encoding="utf-8")
    words = [command.words for command in commands_of_page(PAGE)]
    outputs = {words[words.index("--output") + 1] for words in words if "--output" in words}
    text = re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S)
    for name in re.findall(r"`(own/[\w./]+)", text):
        below = [folder for folder in outputs if name.startswith(f"{folder}/")]
        assert below or name in shown_files(page), name


def test_every_shown_file_is_named_above_its_block() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in shown_files(page):
        above = page.partition(f" {name}\n")[0].rpartition("```")[0]
        assert f"`{name}`" in above.rpartition("```")[2], name
