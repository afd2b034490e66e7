"""What docs/formats.md says of results.json is what the tools write."""

import json
import re
from pathlib import Path

import numpy as np

from pointvos.core.command_line import run_tool
from pointvos.core.frames import ArrayFrames
from pointvos.core.video_writer import write_video
from pointvos.formats.initial_points import read_initial_points
from pointvos.formats.point_vos_files import read_records
from tests.docs.code_blocks import TOOLS, blocks_of, tool_parts
from tests.docs.told_results import ALWAYS, PAGE, check_results, told_rows
from tests.vng.grounding.colour_video import colour_video
from vng.grounding.narrative_list import read_narrative_list

NO_FOLDER = {"build_point_sets"}  # writes a file of points alone


def test_every_tool_has_a_row() -> None:
    told = " ".join(told_rows())
    missing = [name for name in TOOLS if f"{name}.py" not in told and "train_" not in name]
    assert set(missing) <= NO_FOLDER


def test_what_all_have_in_common() -> None:
    sentence = PAGE.partition("All have ")[2].partition("; beside")[0]
    assert set(re.findall(r"`(\w+)`", sentence)) == ALWAYS


def test_the_keys_of_grounding(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_video(clip, [frame.rgb for frame in colour_video(2).read()], 10)
    (tmp_path / "many.json").write_text('[{"nouns": ["ball"], "name": "one"}]')
    main, settings_type = tool_parts("ground")
    call = ["--method", "saliency", "--video", str(clip), "--output"]
    run_tool(main, settings_type, "", [*call, str(tmp_path / "out"), "--nouns", "[ball]"])
    check_results("`ground.py`", json.loads((tmp_path / "out/results.json").read_text()), ["nouns"])
    many = ["--questions", str(tmp_path / "many.json")]
    run_tool(main, settings_type, "", [*call, str(tmp_path / "all"), *many])
    of_all = json.loads((tmp_path / "all/results.json").read_text())
    check_results("`ground.py --questions`", of_all)


def test_the_examples_are_read(tmp_path: Path) -> None:
    objects, records, questions = (block.text for block in blocks_of(PAGE))
    for name, text in (("objects", objects), ("records", records), ("questions", questions)):
        (tmp_path / f"{name}.json").write_text(text)
    video = ArrayFrames([np.zeros((360, 640, 3), np.uint8)])
    points = read_initial_points(tmp_path / "objects.json", video)
    assert points.names == {1: "bike"}
    assert points.by_frame["00000"][1].labels.tolist() == [1, 0]
    assert list(read_records(tmp_path / "records.json")) == ["yard-ball"]
    (one,) = read_narrative_list(tmp_path / "questions.json")
    assert (one.video, one.nouns, one.name) == ("camel", ("camel",), "zoo")
