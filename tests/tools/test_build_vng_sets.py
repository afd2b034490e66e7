"""The tool that builds VNG sets: as people start it, killed, in shards, and with bad input."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pointvos.core.command_line import run_tool
from pointvos.core.mask_store.reader import MaskStore
from pointvos.formats.vng_masks import VngMasks
from tests.tiny_point_set import write_json
from tests.tiny_vng_input import (
    NAMES,
    VIDEOS,
    key_of,
    masks_of,
    object_record,
    told_actor,
    told_video,
    write_inputs,
    write_masks,
)
from tests.vidln.narratives import words, write_lines
from tools.build_vng_sets import main
from vng.convert.point_objects import object_number
from vng.convert.settings import VngSetSettings
from vng.data.expressions import NarratedVideo, read_expressions
from vng.data.vng_set import VngSet

CHECKOUT = Path(__file__).resolve().parents[2]
TOOL = CHECKOUT / "tools" / "build_vng_sets.py"
ENVIRONMENT = {
    "PYTHONPATH": str(CHECKOUT),
    "PATH": os.environ.get("PATH", ""),
    "OMP_NUM_THREADS": "1",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_inputs(tmp_path)


def arguments(data: Path, *more: object, output: str = "out", masks: bool = True) -> list[str]:
    given = [
        *("--points", str(data / "points.json")),
        *("--narratives", str(data / "vidln.jsonl")),
        *("--frames", str(data / "frames")),
        *("--output", str(data / output)),
    ]
    if masks:
        given += ["--masks", str(data / "masks")]
    else:
        given += ["--backend", str(data / "backend.yaml")]
    return [*given, *map(str, more)]


def run(data: Path, *more: object, **changed: Any) -> None:
    run_tool(main, VngSetSettings, "", arguments(data, *more, **changed))


def refused(capsys, data: Path, *more: object, **changed: Any) -> str:
    """The one line on stderr of a call that must end with exit code 2."""
    with pytest.raises(SystemExit) as end:
        run(data, *more, **changed)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def videos(folder: Path) -> dict[str, NarratedVideo]:
    return {video.name: video for video in read_expressions(folder / "meta_expressions.json")}


def rows(folder: Path) -> list[dict[str, object]]:
    store = MaskStore.open(folder / "masks")
    assert not store.verify()
    return [
        row for name in store.videos() for rows in store.read_rows(name) for row in rows.to_pylist()
    ]


def lines(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "linking.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def results(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "results.json").read_text()))


def same_set(one: Path, other: Path) -> bool:
    texts = ("meta_expressions.json", "linking.jsonl")
    return rows(one) == rows(other) and all(
        (one / name).read_bytes() == (other / name).read_bytes() for name in texts
    )


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_documented_call_works(data):
    command = f"tools/build_vng_sets.py --points {data}/points.json"
    command += f" --narratives {data}/vidln.jsonl --frames {data}/frames --output {data}/out"
    done = subprocess.run(
        [sys.executable, *command.split()],
        cwd=CHECKOUT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"written: {data}/out"
    assert set(videos(data / "out")) == set(VIDEOS)
    assert results(data / "out")["settings"]["backend"] == "interactive-lite"


def test_it_is_executable():
    assert os.access(TOOL, os.X_OK)


def test_what_stands_in_a_set(data, capsys):
    run(data, "--masks_json", "true", "--name", "Tiny-VNG", "--points_verified", "yes")
    out = data / "out"
    found = videos(out)
    assert set(found) == set(VIDEOS)
    for name, video in found.items():
        assert video.frames == tuple(f"{index:05d}" for index in range(6))
        (told,) = video.narratives
        assert told.description == "A dog chases a red ball."
        assert (told.actor_idx, told.actor_name) == (0, "Dog")
        assert told.other == {
            "vidln_id": VIDEOS.index(name),
            "vidln_actor_idx": 0,
            "annotator_id": 103,
            "dataset_id": "oops_train",
        }
        assert [video.noun(one) for one in video.expressions] == ["dog", "ball"]
        ids = [object_number(key_of(name, number)) for number in NAMES]
        assert [one.obj_id for one in video.expressions] == ids
        stored = MaskStore.open(out / "masks").read(name).objects
        assert set(stored) == {str(one) for one in ids}
        for number, obj_id in zip(NAMES, ids, strict=True):
            for frame, mask in stored[str(obj_id)].items():
                assert (mask.decode() == (masks_of(name)[int(frame)] == number)).all()
            assert list(stored[str(obj_id)]) == ["00002", "00003"]
    official = VngMasks(out / "extra_masks.json")
    assert set(official.objects) == {int(row["object_id"]) for row in rows(out)}
    for row in rows(out):
        by_frame = official.masks(int(row["object_id"]), frames=6)
        assert [mask is not None for mask in by_frame] == [False, False, True, True, False, False]
    opened = VngSet.open(out)
    assert opened.sparse
    assert opened.videos == found
    for video, _, one in opened:
        by_frame = opened.masks(video, one.obj_id)
        assert [mask is not None for mask in by_frame] == [False, False, True, True, False, False]
    declared = json.loads((out / "set.json").read_text())
    assert declared["name"] == "Tiny-VNG"
    assert (declared["frames"], declared["points_verified"]) == ("sparse", True)
    assert declared["sources"]["masks"] == str(data / "masks")
    assert declared["counts"]["objects"] == 8
    printed = capsys.readouterr().out
    assert "in the set                                   8   100.0%" in printed
    assert "8 objects in 4 videos, 4 narratives, 16 masks" in printed
    assert lines(out)[0] == {
        "key": "bike-dog",
        "video": "bike",
        "object_name": "dog",
        "rule": "TEXT",
        "reason": None,
        "dataset_id": "oops_train",
        "vidln_id": 0,
        "actor": 0,
        "span": [2, 5],
        "noun": "dog",
        "distance": pytest.approx(0.02, abs=0.02),
        "candidates": 1,
        "ambiguous": False,
        "contested": 0,
        "masks": 2,
        "obj_id": object_number("bike-dog"),
        "note": "",
    }


def test_a_backend_makes_the_masks(data, capsys):
    run(data, masks=False)
    out = data / "out"
    assert results(out)["objects"] == 8
    assert "mask_backend" in json.loads((out / "set.json").read_text())["sources"]
    pseudo = MaskStore.open(out / "pseudo_masks/masks")
    for name in VIDEOS:
        made = pseudo.read(name).objects
        kept = MaskStore.open(out / "masks").read(name).objects
        for number in NAMES:
            key = key_of(name, number)
            again = {f: m.counts for f, m in kept[str(object_number(key))].items()}
            assert again == {frame: mask.counts for frame, mask in made[key].items()}
            assert list(again) == ["00002", "00003"]
    # The same masks from the store that is there give the same set.
    run(data, "--masks", out / "pseudo_masks/masks", output="again")
    assert same_set(out, data / "again")
    capsys.readouterr()
    run(data, masks=False)
    assert "nothing to do" in capsys.readouterr().out


def test_two_nouns_of_one_thing_have_whole_masks(data):
    caption = "The tail of the dog is red."
    spoken = {"The": 0, "tail": 500, "of": 1000, "the": 1500, "dog": 2000, "is": 2500, "red": 3000}
    one = told_actor(caption=caption, time_alignment=words(caption, spoken))
    write_lines(data / "vidln.jsonl", [told_video("bike", 0, actors=[one])])
    write_json(
        data / "points.json",
        object_record("bike", 1),
        object_record("bike", 1, key="tail", object_name="tail"),
    )
    areas = {}
    for overlaps in ("keep", "resolve"):
        run(data, "--overlaps", overlaps, masks=False, output=overlaps)
        objects = MaskStore.open(data / overlaps / "masks").read("bike").objects
        areas[overlaps] = [masks["00002"].area for masks in objects.values()]
    assert areas["keep"][0] == areas["keep"][1] == sum(areas["resolve"])


def test_a_second_run_says_that_there_is_nothing_to_do(data, capsys):
    run(data)
    before = files(data / "out")
    capsys.readouterr()
    run(data)
    assert capsys.readouterr().out.splitlines() == [
        "already there: 4 of 4 videos",
        f"nothing to do: {data}/out holds the set of {data}/points.json",
    ]
    assert files(data / "out") == before


def test_masks_as_json_may_be_asked_for_later(data, capsys):
    run(data)
    before = (data / "out/meta_expressions.json").read_bytes()
    run(data, "--masks_json")
    assert len(VngMasks(data / "out/extra_masks.json").objects) == 8
    assert (data / "out/meta_expressions.json").read_bytes() == before
    assert results(data / "out")["videos_made_now"] == 0
    capsys.readouterr()
    run(data, "--masks_json")
    assert "nothing to do" in capsys.readouterr().out


@pytest.mark.parametrize("masks", [True, False], ids=["masks given", "masks made"])
def test_shards_give_the_same_set(data, capsys, masks):
    run(data, output="whole", masks=masks)
    capsys.readouterr()
    run(data, "--shard-id", "1", "--num-shards", "2", masks=masks)
    assert "made now: 2 videos; 2 videos of other shards are to be made" in capsys.readouterr().out
    assert not (data / "out/results.json").exists()
    message = refused(capsys, data, "--merge", masks=masks)
    assert "expected all videos of the set, found 2 yet to be made (first: bike)" in message
    run(data, "--shard-id", "0", "--num-shards", "2", masks=masks)
    assert "written: " in capsys.readouterr().out
    assert same_set(data / "out", data / "whole")
    run(data, "--merge", masks=masks)
    assert "nothing to do" in capsys.readouterr().out


@pytest.mark.slow
def test_workers_give_the_same_set(data):
    run(data, output="whole", masks=False)
    run(data, "--workers", "2", masks=False)
    assert same_set(data / "out", data / "whole")


@pytest.mark.slow
def test_ray_gives_the_same_set(data):
    pytest.importorskip("ray", reason="needs pip install 'pointvos[ray]'")
    run(data, output="whole", masks=False)
    run(data, "--engine", "ray", "--workers", "2", masks=False)
    assert same_set(data / "out", data / "whole")


@pytest.mark.parametrize("more", [[], ["--workers", "2"]], ids=["alone", "with workers"])
@pytest.mark.slow
def test_killed_in_the_middle_nothing_is_lost_or_doubled(tmp_path, more):
    names = [f"video{number:02d}" for number in range(40)]
    write_inputs(tmp_path, names)
    run(tmp_path, "--masks_json", "true", output="whole")
    command = [sys.executable, str(TOOL)]
    command += arguments(tmp_path, "--commit_every", "0", "--masks_json", "true", *more)
    for awaited in (2, 15):
        victim = subprocess.Popen(command, cwd=CHECKOUT, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 300
        while len(list(tmp_path.glob("out/masks/part-*.parquet"))) < awaited:
            assert victim.poll() is None, "ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.002)
        os.kill(victim.pid, signal.SIGKILL)
        assert victim.wait() == -signal.SIGKILL
        stored = MaskStore.open(tmp_path / "out/masks")
        assert awaited <= len(stored) < len(names)
        assert not (tmp_path / "out/results.json").exists()
    done = subprocess.run(
        command, cwd=CHECKOUT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout.split("already there: ")[1].split()[0]) >= len(stored)
    assert same_set(tmp_path / "out", tmp_path / "whole")
    assert (tmp_path / "out/extra_masks.json").read_bytes() == (
        tmp_path / "whole/extra_masks.json"
    ).read_bytes()
    assert [line["key"] for line in lines(tmp_path / "out")] == [
        key_of(name, number) for name in names for number in NAMES
    ]


def test_a_video_that_comes_later_is_added(data, capsys):
    (data / "frames/dog").rename(data / "elsewhere")
    run(data, "--max_left_out", "1")
    assert set(videos(data / "out")) == {*VIDEOS} - {"dog"}
    assert results(data / "out")["not_in_set"]["MISSING_VIDEO"] == 2
    capsys.readouterr()
    run(data, "--max_left_out", "1")
    assert "nothing to do" in capsys.readouterr().out
    (data / "elsewhere").rename(data / "frames/dog")
    run(data, "--max_left_out", "1")
    run(data, output="whole")
    assert same_set(data / "out", data / "whole")


def test_every_reason_is_counted(data, capsys):
    write_json(
        data / "points.json",
        *(object_record(video, number) for video in VIDEOS for number in NAMES),
        object_record("dog", 1, key="again"),
        object_record("dog", 5, key="cat", object_name="cat"),
        object_record("dog", 5, key="nameless", object_name=None),
        object_record("untold", 1),
        object_record("gone", 1),
        object_record("dog", 1, key="null", video_name=None),
    )
    (data / "frames/camel").rename(data / "frames/untold")
    for path in (data / "frames/untold").iterdir():
        (data / "frames/camel").mkdir(exist_ok=True)
        (data / "frames/camel" / path.name).write_bytes(path.read_bytes())
    write_masks(data / "fewer", ["bike", "dog", "train/eagle"])
    run(data, "--masks", data / "fewer", "--max_left_out", "1")
    found = results(data / "out")
    assert {key: count for key, count in found["not_in_set"].items() if count} == {
        "NULL_VIDEO_NAME": 1,
        "DUPLICATE_RECORD": 1,
        "MISSING_VIDEO": 1,
        "MISSING_NARRATIVE": 1,
        "NO_OBJECT_NAME": 1,
        "NOUN_NOT_FOUND": 1,
        "MISSING_MASKS": 2,
    }
    assert (found["records"], found["objects"]) == (14, 6)
    assert [entry["where"] for entry in found["left_out"]] == ["gone"]
    assert {line["key"]: line["reason"] for line in lines(data / "out") if line["reason"]} == {
        "again": "DUPLICATE_RECORD",
        "camel-ball": "MISSING_MASKS",
        "camel-dog": "MISSING_MASKS",
        "cat": "NOUN_NOT_FOUND",
        "gone-dog": "MISSING_VIDEO",
        "nameless": "NO_OBJECT_NAME",
        "null": "NULL_VIDEO_NAME",
        "untold-dog": "MISSING_NARRATIVE",
    }
    assert "  null video_name" in capsys.readouterr().out


def test_splits_choose_records_and_stand_in_the_set(data):
    (data / "train.txt").write_text("bike-dog\nbike-ball\ncamel-dog\nunknown\n")
    (data / "test.txt").write_text("train/eagle\n")
    run(data, "--split_file", f"{data}/train.txt,{data}/test.txt")
    found = videos(data / "out")
    assert {name: video.other["split"] for name, video in found.items()} == {
        "bike": "train",
        "camel": "train",
        "train/eagle": "test",
    }
    assert [len(video.expressions) for video in found.values()] == [2, 1, 2]
    assert (data / "out/splits/train.txt").read_text() == "bike\ncamel\n"
    assert (data / "out/splits/test.txt").read_text() == "train/eagle\n"
    record = results(data / "out")
    assert (record["not_chosen"], record["split_lines_not_found"]) == (3, 1)


def test_questions_name_the_nouns(data):
    ball = {
        "vidln_id": 2,
        "actor_idx": 0,
        "question_hash": "dog-dog",
        "question": "What is chased?",
        "video_name": "dog",
        "trace_frame": "000002.png",
        "txt_slice_indices": [15, 23],
        "txt_slice": "red ball",
        "trace": {"size": [48, 64], "counts": "0"},
    }
    (data / "questions.json").write_text(json.dumps({"dog": [ball]}))
    run(data, "--questions", data / "questions.json")
    assert results(data / "out")["linked_by"]["QUESTION"] == 1
    by_key = {line["key"]: line for line in lines(data / "out")}
    assert (by_key["dog-dog"]["noun"], by_key["dog-dog"]["rule"]) == ("red ball", "QUESTION")
    assert by_key["dog-ball"]["reason"] == "NOUN_TAKEN"


def given_by(data: Path, built: str) -> Path:
    """The narratives of a set and, as `given.json`, points of its objects by their numbers."""
    points = {}
    for line in lines(data / built):
        one = object_record(line["video"], 1 if line["noun"] == "dog" else 5)
        (value,) = one.values()
        key = f"{line['video']}/{line['obj_id']}"
        points[key] = {**value, "question_hash": key}
    (data / "given.json").write_text(json.dumps(points))
    return data / built / "meta_expressions.json"


def test_narratives_may_say_which_objects_they_mean(data, capsys):
    run(data, output="first")
    told = given_by(data, "first")
    value = json.loads(told.read_text())
    again = {**value["videos"]["bike"]["expressions"]["1"], "plural": True}
    value["videos"]["bike"]["expressions"]["2"] = again
    (data / "told.json").write_text(json.dumps(value))
    given = ["--narratives", data / "told.json", "--points", data / "given.json"]
    capsys.readouterr()
    # Without a pipeline of spaCy, which nothing is looked for with.
    run(data, *given, "--pipeline", "xx_none", masks=False)
    printed = capsys.readouterr().out
    assert "  as given                                   8   100.0%" in printed
    assert "8 objects in 4 videos, 4 narratives, 16 masks, 9 of 9 expressions" in printed
    before, found = videos(data / "first"), videos(data / "out")
    for name, video in found.items():
        assert video.narratives == before[name].narratives
        ids = [one.obj_id for one in before[name].expressions]
        assert [one.obj_id for one in video.expressions] == ids + ids[1:] * (name == "bike")
        assert {one.other["link_rule"] for one in video.expressions} == {"GIVEN"}
        assert set(MaskStore.open(data / "out/masks").read(name).objects) == set(map(str, ids))
    assert found["bike"].expressions[2].other["plural"] is True
    assert lines(data / "out")[0] == {
        **lines(data / "first")[0],
        "key": f"bike/{object_number('bike-dog')}",
        "rule": "GIVEN",
        "dataset_id": None,
        "vidln_id": None,
        "distance": None,
    }
    declared = json.loads((data / "out/set.json").read_text())
    assert declared["counts"]["expressions"] == 9
    assert "pipeline" not in declared["sources"]
    run(data, *given, "--pipeline", "xx_none", masks=False)
    assert "nothing to do" in capsys.readouterr().out
    for shard in ("0", "1"):
        share = ["--shard-id", shard, "--num-shards", "2"]
        run(data, *given, *share, masks=False, output="shards")
    assert same_set(data / "out", data / "shards")


def test_given_expressions_without_a_record_are_seen(data, capsys):
    run(data, output="first")
    told = given_by(data, "first")
    points = json.loads((data / "given.json").read_text())
    dropped = next(iter(points))
    points["bike/1"] = {**points.pop(dropped), "question_hash": "bike/1"}
    (data / "given.json").write_text(json.dumps(points))
    given = ["--narratives", told, "--points", data / "given.json"]
    capsys.readouterr()
    run(data, *given, masks=False)
    assert "7 of 8 expressions" in capsys.readouterr().out
    found = results(data / "out")
    assert (found["linked_by"]["GIVEN"], found["not_in_set"]["NOUN_NOT_FOUND"]) == (7, 1)
    assert (found["expressions"], found["expressions_given"]) == (7, 8)


def test_nouns_that_are_no_things_are_left_out(data, capsys):
    caption = "A dog in the background."
    spoken = {"A": 0, "dog": 500, "in": 1000, "the": 1500, "background": 2000}
    one = told_actor(caption=caption, time_alignment=words(caption, spoken))
    write_lines(data / "vidln.jsonl", [told_video(name, 0, actors=[one]) for name in ("bike",)])
    write_json(
        data / "points.json",
        object_record("bike", 1),
        object_record("bike", 5, object_name="background", key="bike-background"),
    )
    run(data, masks=False, output="with")
    assert results(data / "with")["objects"] == 2
    capsys.readouterr()
    run(data, "--stop_nouns", "default", masks=False)
    assert "  name is no thing                           1    50.0%" in capsys.readouterr().out
    assert [line["reason"] for line in lines(data / "out")] == [None, "STOP_NOUN"]
    traces = [
        *("--narratives", str(data / "vidln.jsonl"), "--frames", str(data / "frames")),
        *("--points_from_traces", "true", "--backend", str(data / "backend.yaml")),
    ]
    (data / "frames/oops_train").mkdir()
    (data / "frames/bike").rename(data / "frames/oops_train/bike")
    for choice, nouns in (([], 1), (["--stop_nouns", "none"], 2)):
        output = data / f"traces{nouns}"
        run_tool(main, VngSetSettings, "", [*traces, *choice, "--output", str(output)])
        found = results(output)["points_from_traces"]
        assert (found["records"], found["stop_nouns"]) == (nouns, 2 - nouns)
    assert "1 of 2 nouns in 1 narratives; 1 are no things" in capsys.readouterr().out


def test_the_release_with_a_folder_of_frames_an_object(data):
    for video in VIDEOS:
        for number in NAMES:
            folder = data / "by_hash" / key_of(video, number)
            folder.mkdir(parents=True)
            for path in (data / "frames" / video).iterdir():
                (folder / path.name).write_bytes(path.read_bytes())
    run(data, output="whole")
    run(data, "--frames", data / "by_hash")
    assert same_set(data / "out", data / "whole")


def test_dense_sets_have_a_mask_on_every_frame(data, capsys):
    message = refused(capsys, data, "--dense", "true")
    assert (
        "bike, object bike-dog: expected masks on all 6 frames of a dense set, found 2" in message
    )
    write_masks(data / "dense", VIDEOS, frames=range(6))
    run(data, "--dense", "true", "--masks", data / "dense", output="dense_set")
    assert not VngSet.open(data / "dense_set").sparse
    ball = str(object_number("bike-ball"))
    stored = MaskStore.open(data / "dense_set/masks").read("bike").objects[ball]
    assert [mask.area > 0 for mask in stored.values()] == [False, False, True, True, True, False]


def nothing(_: Path) -> None:
    pass


def points(*records: dict[str, Any]):
    return lambda data: write_json(data / "points.json", *records)


def narratives(*values: Any):
    return lambda data: write_lines(data / "vidln.jsonl", values)


def other_size(data: Path) -> None:
    for path in (data / "frames/dog").iterdir():
        Image.new("RGB", (32, 24)).save(path)


def damaged_frames(data: Path) -> None:
    for path in (data / "frames/dog").iterdir():
        path.write_bytes(b"no picture")


WHOLE = [told_video(video, number) for number, video in enumerate(VIDEOS)]
BAD = {
    "missing video": (
        points(object_record("bike", 1), object_record("gone", 1)),
        [],
        "points.json: gone: expected its frames, a folder or a video file of its name, found none; "
        "1 lines, videos or objects cannot be used, 0 may be left out",
    ),
    "damaged frames": (damaged_frames, [], "points.json: dog: "),
    "masks of another size": (
        other_size,
        [],
        "dog, object dog-dog: expected masks of 32x24 like the frames, found 64x48",
    ),
    "line cut": (
        narratives(*WHOLE[:2], json.dumps(WHOLE[2]).encode()[:-9] + b"\n", WHOLE[3]),
        [],
        "vidln.jsonl:3: expected a whole JSON object, found the line cut off",
    ),
    "half a character": (
        narratives(*WHOLE[:3], told_video("train/eagle", 3, actors=[told_actor(caption="\ud83d")])),
        [],
        "Unicode text, found half a surrogate pair; 1 lines, videos or objects cannot be used",
    ),
    "no narratives": (nothing, ["--narratives", "gone.jsonl"], "gone.jsonl: expected a"),
    "other narratives": (
        narratives(told_video("elsewhere", 1)),
        [],
        "expected objects with a noun and masks, found none: 8 MISSING_NARRATIVE",
    ),
    "empty set": (points(), [], "points.json: expected records, found none"),
    "no frames": (nothing, ["--frames", "gone"], "gone: expected a folder with the frames"),
    "no masks": (nothing, ["--masks", "gone"], "gone: expected a mask store, found none"),
    "no pipeline": (
        nothing,
        ["--pipeline", "xx_none"],
        "xx_none: expected a spaCy pipeline that can be loaded, found none",
    ),
    "no questions": (nothing, ["--questions", "q.json"], "q.json: expected a file, found none"),
    "no split": (nothing, ["--split_file", "s.txt"], "s.txt: expected a file, found none"),
    "given, with questions": (
        nothing,
        ["--narratives", "set/meta_expressions.json", "--questions", "q.json"],
        "narratives: expected lines of VidLN with --questions, found set/meta_expressions.json",
    ),
    "no given narratives": (nothing, ["--narratives", "gone.json"], "gone.json: expected a file"),
    "no stop list": (nothing, ["--stop_nouns", "gone.txt"], "gone.txt: expected a list of names"),
    "both": (
        nothing,
        ["--points_from_traces", "true"],
        "expected either --points or --points_from_traces true, found both",
    ),
    "output is a file": (nothing, ["--output", str(TOOL)], "expected a folder to write to"),
    "output of another": (nothing, ["--output", str(CHECKOUT / "docs")], "choose another"),
    "no such shard": (nothing, ["--shard-id", "2", "--num-shards", "2"], "expected a shard id"),
    "nothing to merge": (nothing, ["--merge"], "expected a VNG set to merge, found none"),
    "misspelt flag": (nothing, ["--num-shard", "2"], "did you mean num_shards?"),
    "negative": (nothing, ["--max_left_out", "-1"], "max_left_out: expected at least 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_line(data, capsys, case):
    damage, more, message = BAD[case]
    damage(data)
    assert message in refused(capsys, data, *more)
    assert not (data / "out/results.json").exists()


def test_a_video_in_two_splits_is_refused(data, capsys):
    (data / "a.txt").write_text("bike-dog\n")
    (data / "b.txt").write_text("bike-ball\n")
    assert (
        "expected every video in one split, found bike in a (record bike-dog) and in b (record "
        "bike-ball)"
    ) in refused(capsys, data, "--split_file", f"{data}/a.txt,{data}/b.txt")


def test_a_set_of_unusable_objects_is_bounded(data, capsys):
    other_size(data)
    message = refused(capsys, data, "--max_left_out", "1")
    assert "2 lines, videos or objects cannot be used, 1 may be left out" in message
    run(data, "--max_left_out", "2")
    found = results(data / "out")
    assert found["not_in_set"]["UNUSABLE_MASKS"] == 2
    assert [one["where"] for one in found["left_out"]] == [
        "dog, object dog-ball",
        "dog, object dog-dog",
    ]


def test_other_settings_in_the_same_folder_are_refused(data, capsys):
    run(data)
    before = files(data / "out")
    line = refused(capsys, data, "--margin", "0.5")
    assert "found another rules: it was" in line
    write_json(data / "points.json", object_record("bike", 1))
    assert "found another points_sha256" in refused(capsys, data)
    assert files(data / "out") == before


def told_by_nobody() -> Iterator[dict[str, Any]]:
    for number, video in enumerate(VIDEOS):
        yield told_video(video, number, actors=[told_actor(traces=None, time_alignment=None)])


def test_narratives_without_traces_link_by_name(data):
    write_lines(data / "vidln.jsonl", told_by_nobody())
    run(data)
    assert results(data / "out")["linked_by"]["TEXT"] == 8
    assert {line["distance"] for line in lines(data / "out")} == {None}
