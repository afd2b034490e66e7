"""The example of the page runs as it is written."""

import re
from pathlib import Path

import pytest

from pointvos.vidln.location import LocationStatus
from tests.vidln.narratives import actor, narrative, write_lines

PAGE = (Path(__file__).resolve().parents[2] / "docs/vidln.md").read_text(encoding="utf-8")


def test_the_example_prints_what_became_of_every_noun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    silent = actor(caption="A cat.", time_alignment=None)
    write_lines(tmp_path / "oops_train.jsonl", [narrative(actor(), silent)])
    monkeypatch.chdir(tmp_path)

    exec(compile(example, "docs/vidln.md", "exec"), {})

    dog, ball, cat = capsys.readouterr().out.splitlines()
    assert dog.startswith("clip 7 dog 000023 ")
    # From (0.5, 0.5) to (0.6, 0.5) of 1280 pixels: 128 + 1 columns, one more at each end, 3 rows.
    assert ball == f"clip 7 ball 000013 {3 * (128 + 3)}"
    assert cat == "clip 7 cat NO_ALIGNMENT"


def test_the_page_explains_every_status() -> None:
    explained = set(re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE))
    assert explained == {*LocationStatus} - {LocationStatus.LOCATED}
