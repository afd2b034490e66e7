"""Many narratives: a folder for each, one page over all, what is left out is counted."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.core.run_facts import RunFacts
from tests.vng.grounding.colour_video import TEXT, Colours, colour_video
from vng.grounding.ground_all import AllGrounded, Videos, ground_all
from vng.grounding.ground_video import PARTIAL, WRITTEN
from vng.grounding.grounded import NounQuestion
from vng.grounding.question_files import LeftOutNarratives, VideoQuestion

RED, BLUE = ((2, 10),), ((21, 29),)


def write_video(folder: Path, count: int = 5) -> Path:
    folder.mkdir(parents=True)
    for frame in colour_video(count).read():
        Image.fromarray(frame.rgb).save(folder / f"{frame.name}.png")
    return folder


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    write_video(tmp_path / "videos" / "one")
    write_video(tmp_path / "videos" / "two", count=3)
    return tmp_path / "videos"


QUESTIONS = [
    VideoQuestion("one", NounQuestion(TEXT, RED, "Ball"), "file:0"),
    VideoQuestion("one", NounQuestion(TEXT, BLUE, "A <box> & more/.."), "file:1"),
    VideoQuestion("two", NounQuestion(TEXT, RED + BLUE), "file:2"),
]


def run(videos: Path, output: Path, method: Colours | None = None, **options) -> AllGrounded:
    questions = options.pop("questions", QUESTIONS)
    stride = options.pop("stride", 1)
    return ground_all(
        method or Colours(),
        Videos(videos, stride=stride),
        iter(questions),
        output,
        facts=RunFacts({}),
        **options,
    )


def test_a_folder_for_each(videos: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    done = run(videos, output)
    assert done.summary() == "3 narratives grounded"
    folders = ["one/0-Ball", "one/1-A_box_more", "two/0"]
    assert [entry.folder for entry in done.entries] == folders
    for folder in folders:
        assert sorted(path.name for path in (output / folder).iterdir()) == sorted(WRITTEN)
    results = json.loads((output / "results.json").read_text())
    assert [one["folder"] for one in results["narratives"]] == folders
    assert results["narratives"][2]["nouns"][1] == {
        "noun": "blue box",
        "mean_score": pytest.approx(0.51),
        "frames_visible": 3,
    }
    page = (output / "index.html").read_text()
    assert "one: A &lt;box&gt; &amp; more/.." in page
    assert all(f"{folder}/strip.png" in page for folder in folders)


def test_what_is_finished_is_not_done_again(videos: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(videos, output, Colours(stop_after=4), questions=QUESTIONS[2:] + QUESTIONS[:2])
    assert (output / "two/0/results.json").is_file()
    assert [path.name for path in (output / "one/0-Ball").iterdir()] == [PARTIAL]
    again = Colours()
    done = run(videos, output, again, questions=QUESTIONS[2:] + QUESTIONS[:2])
    assert done.summary() == "3 narratives grounded, 1 of them by an earlier run"
    assert again.seen == [4, 0, 1, 2, 3, 4]


def test_what_cannot_be_asked_is_counted_and_bounded(videos: Path, tmp_path: Path) -> None:
    (videos / "broken").mkdir()
    (videos / "broken" / "00000.png").write_bytes(b"no image")
    bad = [
        VideoQuestion("three", NounQuestion(TEXT, RED), "file:3"),
        VideoQuestion("broken", NounQuestion(TEXT, RED), "file:4"),
        VideoQuestion("../videos", NounQuestion(TEXT, RED), "file:5"),
    ]
    with pytest.raises(InputError, match=r"file:5: .* 3 narratives cannot be asked, 2 may be"):
        run(videos, tmp_path / "a", questions=bad, left_out=LeftOutNarratives(2))
    with pytest.raises(
        InputError, match=r"found none and 3 left out; the first: .*expected a video three"
    ):
        run(videos, tmp_path / "c", questions=bad, left_out=LeftOutNarratives(3))
    left_out = LeftOutNarratives(3)
    done = run(videos, tmp_path / "b", questions=[*bad, *QUESTIONS], left_out=left_out)
    assert done.summary() == "3 narratives grounded, 3 left out"
    results = json.loads((tmp_path / "b" / "results.json").read_text())
    assert set(results["left_out"]) == {"file:3", "file:4", "file:5"}
    assert "expected a video three" in results["left_out"]["file:3"]
    assert "Left out" in (tmp_path / "b" / "index.html").read_text()


def test_all_of_one_video(videos: Path, tmp_path: Path) -> None:
    asked = [VideoQuestion("", NounQuestion(TEXT, RED, "Man"), "file:0")] * 2 + QUESTIONS
    done = run(videos / "one", tmp_path / "out", questions=asked, stride=2)
    assert done.summary() == "4 narratives grounded, 1 of other videos"
    folders = [entry.folder for entry in done.entries]
    assert folders == ["0-Man", "1-Man", "2-Ball", "3-A_box_more"]
    masks = sorted((tmp_path / "out/0-Man/masks/1-red_ball").iterdir())
    assert [path.name for path in masks] == ["00000.png", "00002.png", "00004.png"]


def test_narratives_that_do_not_look_english_are_told(videos: Path, tmp_path: Path) -> None:
    text = "red ball und ein Hund, der nicht mit dem Mann auf der Wiese spielen will"
    asked = [VideoQuestion("one", NounQuestion(text, ((0, 8),)), "file:0"), *QUESTIONS]
    done = run(videos, tmp_path / "out", questions=asked)
    assert done.summary() == "4 narratives grounded, 1 do not look English"
    assert list(json.loads((tmp_path / "out/results.json").read_text())["notes"]) == ["file:0"]


def test_misuse(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected a video or a folder of videos"):
        Videos(tmp_path / "nothing")
    nameless = [VideoQuestion("", NounQuestion(TEXT, RED), "file:0")]
    with pytest.raises(InputError, match=r"file:0: .*expected the name of a video"):
        run(videos, tmp_path / "out", questions=nameless)
    with pytest.raises(InputError, match="expected narratives of it, found 1 of other videos"):
        run(videos / "one", tmp_path / "out", questions=QUESTIONS[2:])
    deaf = [VideoQuestion("one", NounQuestion(TEXT, ((0, 99),)), "file:7")]
    with pytest.raises(InputError, match="file:7: expected nouns inside"):
        run(videos, tmp_path / "out", questions=deaf)


def test_damage_inside_a_video_names_the_question(videos: Path, tmp_path: Path) -> None:
    (videos / "two" / "00001.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"file:2: .*00001\.png"):
        run(videos, tmp_path / "out")
    assert np.array_equal(
        sorted(path.name for path in (tmp_path / "out/one/0-Ball").iterdir()), sorted(WRITTEN)
    )
