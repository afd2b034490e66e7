"""The tool that makes pseudo-masks: as people start it, killed, in shards, and with bad input."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pointvos.core.command_line import run_tool
from pointvos.core.images import read_image
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.masks import read_index_png
from pointvos.formats.open_dataset import open_dataset
from pointvos.pseudomask.quality import read_quality
from pointvos.training.settings import DataSource
from pointvos.training.train_point_stcn import train
from tests.tiny_datasets import HEIGHT, WIDTH, two_objects
from tests.tiny_point_set import VIDEOS, record, write_json, write_point_set
from tests.tiny_runs import tiny_run
from tools.make_pseudo_masks import PseudoMaskSettings, main

CHECKOUT = Path(__file__).resolve().parents[2]
TOOL = CHECKOUT / "tools" / "make_pseudo_masks.py"
ENVIRONMENT = {
    "PYTHONPATH": str(CHECKOUT),
    "PATH": os.environ.get("PATH", ""),
    "OMP_NUM_THREADS": "1",
}


@pytest.fixture
def data(tmp_path) -> Path:
    write_point_set(tmp_path)
    (tmp_path / "backend.yaml").write_text("kind: grabcut\nside: 64\niterations: 1\n")
    return tmp_path


def arguments(data: Path, *more: object, output: str = "out") -> list[str]:
    return [
        *("--points", str(data / "points.json")),
        *("--frames", str(data / "davis/JPEGImages/480p")),
        *("--backend", str(data / "backend.yaml")),
        *("--output", str(data / output)),
        *map(str, more),
    ]


def run(data: Path, *more: object, output: str = "out") -> None:
    run_tool(main, PseudoMaskSettings, "", arguments(data, *more, output=output))


def refused(capsys, data: Path, *more: object, output: str = "out") -> str:
    """The one line on stderr of a call that must end with exit code 2."""
    with pytest.raises(SystemExit) as end:
        run(data, *more, output=output)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def rows(folder: Path) -> list[dict[str, object]]:
    store = MaskStore.open(folder / "masks")
    assert not store.verify()
    return [
        row for name in store.videos() for rows in store.read_rows(name) for row in rows.to_pylist()
    ]


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_documented_call_works(data):
    command = f"tools/make_pseudo_masks.py --points {data}/points.json"
    command += f" --frames {data}/davis/JPEGImages/480p --backend grabcut --output {data}/out"
    done = subprocess.run(
        [sys.executable, *command.split()],
        cwd=CHECKOUT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    numbers = dict(line.rsplit(maxsplit=1) for line in done.stdout.splitlines()[:6])
    assert numbers == {
        "videos": "4",
        "annotated frames": "12",
        "objects": "8",
        "masks": "16",
        "objects without foreground on a frame": "8",
        "left out": "0",
    }
    assert done.stdout.splitlines()[-1] == f"written: {data}/out"
    result = json.loads((data / "out/results.json").read_text())
    assert result["settings"]["backend"] == "grabcut"
    assert len(rows(data / "out")) == 16


def test_it_is_executable():
    assert os.access(TOOL, os.X_OK)


def test_a_second_run_says_that_there_is_nothing_to_do(data, capsys):
    run(data)
    before = files(data / "out")
    capsys.readouterr()
    run(data)
    assert capsys.readouterr().out.splitlines() == [
        "already there: 4 of 4 videos",
        f"nothing to do: {data}/out holds all masks of {data}/points.json",
    ]
    assert files(data / "out") == before


def test_pngs_and_a_preview_may_be_asked_for_later(data, capsys):
    run(data)
    run(data, "--masks", "png", "--preview", "5")
    assert "already there: 4 of 4" in capsys.readouterr().out
    for mask in MaskStore.open(data / "out/masks").read("bike").masks:
        index = read_index_png(data / f"out/Annotations/bike/{mask.frame}.png")
        assert ((index == int(mask.object_id[-1])) == mask.decode()).all()
    assert sorted(path.name for path in (data / "out/Annotations/train/eagle").iterdir()) == [
        "00000.png",
        "00002.png",
        "00005.png",
    ]
    sheet = read_image(data / "out/preview.jpg")
    assert sheet.shape[0] > 2 * 360  # two rows of up to four
    assert 1900 < sheet.shape[1] < 2000
    result = json.loads((data / "out/results.json").read_text())
    assert result["extras"] == {"masks": "png", "preview": 5}
    assert result["videos_made_now"] == 0
    run(data)
    assert "nothing to do" in capsys.readouterr().out


def test_objects_named_by_hashes_are_numbered_in_pngs(data):
    write_json(
        data / "points.json",
        record("beef", "bike", [(50, 30, "00002", "ACCEPTED"), (5, 40, "00002", "REJECTED")]),
        record("0abc", "bike", [(12, 15, "00002", "ACCEPTED"), (5, 40, "00002", "REJECTED")]),
    )
    run(data, "--masks", "png")
    numbers = {row["object_id"]: row["number"] for row in quality(data / "out")}
    assert numbers == {"beef": 1, "0abc": 2}
    index = read_index_png(data / "out/Annotations/bike/00002.png")
    assert (index[30, 50], index[15, 12], index[40, 5]) == (1, 2, 0)


def quality(folder: Path) -> list[dict[str, object]]:
    return list(read_quality(folder / "quality.parquet").to_pylist())


def test_shards_with_hyphens_and_the_merge(data, capsys):
    run(data, output="whole")
    run(data, "--shard-id", "1", "--num-shards", "2")
    assert "made now: 2 videos; 2 videos of other shards are to be made" in capsys.readouterr().out
    assert not (data / "out/results.json").exists()
    message = refused(capsys, data, "--merge")
    assert "expected the masks of all videos, found 2 yet to be made (first: bike)" in message
    run(data, "--shard_id=0", "--num-shards=2")
    assert "written: " in capsys.readouterr().out
    assert rows(data / "out") == rows(data / "whole")
    assert quality(data / "out") == quality(data / "whole")
    run(data, "--merge")
    assert "nothing to do" in capsys.readouterr().out


@pytest.mark.slow
def test_shards_that_run_at_once_are_merged_by_one_of_them(data):
    run(data, output="whole")
    command = [sys.executable, str(TOOL), *arguments(data, "--num-shards", "3")]
    processes = [
        subprocess.Popen(
            [*command, "--shard-id", str(shard), "--commit_every", "0"],
            cwd=CHECKOUT,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for shard in range(3)
    ]
    printed = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], printed
    assert sum("written: " in out for out, _ in printed) == 1
    assert rows(data / "out") == rows(data / "whole")
    assert quality(data / "out") == quality(data / "whole")


def test_validation_makes_a_data_set_for_each_number_of_points(data, capsys):
    run(data, "--use", "validation", "--point_counts", "1,3", "--masks", "png")
    for count in (1, 3):
        folder = data / "out" / f"points_{count}"
        assert len(rows(folder)) == 16
        assert (folder / "Annotations/bike/00002.png").is_file()
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed[8:11]] == ["points", "1", "3"]
    # No background point is given; the points that are not given judge every mask.
    assert [cell == "-" for cell in printed[9].split()[-3:]] == [True, False, False]


def test_overlapping_masks_may_stay(data):
    run(data, "--overlaps", "keep", "--hold_out", "0.5")
    found = quality(data / "out")
    assert {row["given_away"] for row in found} == {0}
    assert {row["unseen_foreground"] for row in found} == {2}


@pytest.mark.parametrize("more", [[], ["--workers", "2"]], ids=["alone", "with workers"])
@pytest.mark.slow
def test_killed_in_the_middle_nothing_is_lost_or_doubled(tmp_path, more):
    videos = [f"video{number:02d}" for number in range(20)]
    write_point_set(tmp_path, {name: two_objects(6) for name in videos}, frames=6)
    (tmp_path / "backend.yaml").write_text("kind: grabcut\niterations: 15\n")
    run(tmp_path, output="whole")
    command = [sys.executable, str(TOOL), *arguments(tmp_path, "--commit_every", "0", *more)]
    kills = 0
    for awaited in (2, 9):
        victim = subprocess.Popen(command, cwd=CHECKOUT, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 300
        while len(list(tmp_path.glob("out/masks/part-*.parquet"))) < awaited:
            assert victim.poll() is None, "ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        os.kill(victim.pid, signal.SIGKILL)
        assert victim.wait() == -signal.SIGKILL
        kills += 1
        stored = MaskStore.open(tmp_path / "out/masks")
        assert awaited <= len(stored) < len(videos)
        assert not (tmp_path / "out/results.json").exists()
    done = subprocess.run(
        command, cwd=CHECKOUT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    there = int(done.stdout.split("already there: ")[1].split()[0])
    assert there >= len(stored)  # workers may have been committed a moment after the look
    assert rows(tmp_path / "out") == rows(tmp_path / "whole")
    assert quality(tmp_path / "out") == quality(tmp_path / "whole")
    result = json.loads((tmp_path / "out/results.json").read_text())
    assert result["videos_already_there"] == there
    assert result["videos"] == len(videos)
    assert kills == 2


@pytest.mark.parametrize("kind", ["mask_store", "youtube_vos"])
def test_a_network_trains_on_what_was_made(tmp_path, kind):
    """The Huberised loss on the masks of the store, and on the PNGs beside it."""
    write_point_set(tmp_path, ["bike", "dog"], frames=6)
    (tmp_path / "backend.yaml").write_text("kind: grabcut\nside: 64\niterations: 1\n")
    run(tmp_path, "--masks", "png")
    videos = open_dataset(kind, tmp_path / "out", "train")
    assert [(video.name, len(video.annotated)) for video in videos] == [("bike", 6), ("dog", 6)]
    settings = tiny_run(
        tmp_path / "training",
        "pseudo_masks",
        data=[DataSource(kind=kind, root=tmp_path / "out")],
    )
    assert train(settings).is_file()
    log = (settings.output / "log.jsonl").read_text().splitlines()
    losses = [json.loads(line)["masks"] for line in log]
    assert len(losses) == settings.iterations
    assert np.isfinite(losses).all()


def missing_frames(data):
    folder = data / "davis/JPEGImages/480p/dog"
    folder.rename(data / "elsewhere")


def damaged_frame(data):
    path = data / "davis/JPEGImages/480p/dog/00002.jpg"
    path.write_bytes(path.read_bytes()[:-400])


def points(*records):
    return lambda data: write_json(data / "points.json", *records)


def nothing(data):
    pass


ON_DOG = [(5, 6, "00000", "ACCEPTED")]
BAD = {
    "missing video": (missing_frames, [], "points.json: dog: expected its frames, a folder or"),
    "damaged frame": (damaged_frame, [], "points.json: dog, frame 00002: "),
    "null video": (
        points(record("a", None, ON_DOG), record("b", "dog", ON_DOG)),
        [],
        "points.json: a: expected a video_name, found null; 1 records, videos or frames cannot be",
    ),
    "contradiction": (
        points(record("a", "dog", [*ON_DOG, (5, 6, "00000", "REJECTED")])),
        [],
        "expected every pixel of a frame once, found (5, 6) of frame 00000",
    ),
    "point outside": (
        points(record("a", "dog", [(WIDTH, HEIGHT, "00000", "ACCEPTED")])),
        [],
        "dog, frame 00000: object a: expected points inside 64x48, found (64, 48)",
    ),
    "unknown frame": (
        points(record("a", "dog", [(5, 6, "99999", "ACCEPTED")])),
        [],
        "dog, frame 99999: expected a frame of",
    ),
    "empty set": (points(), [], "points.json: expected records, found none"),
    "no set": (nothing, ["--points", "gone.json"], "gone.json: expected a JSON file, found none"),
    "no frames": (nothing, ["--frames", "gone"], "gone: expected a folder with the frames"),
    "unknown backend": (nothing, ["--backend", "grabcat"], "did you mean grabcut?"),
    "no weights": (nothing, ["--backend", "w.safetensors"], "w.safetensors: expected"),
    "output below a file": (
        nothing,
        ["--output", str(TOOL / "out")],
        "expected a folder that can be written to, found: Not a directory",
    ),
    "output is a file": (
        nothing,
        ["--output", str(TOOL)],
        "expected a folder to write to, found a",
    ),
    "no such shard": (nothing, ["--shard-id", "2", "--num-shards", "2"], "expected a shard id"),
    "no counts": (nothing, ["--point_counts", "1,x"], "such as 1,2,5,10, found '1,x'"),
    "overlapping pngs": (
        nothing,
        ["--overlaps", "keep", "--masks", "png"],
        "masks: expected store with --overlaps keep",
    ),
    "hold out in validation": (
        nothing,
        ["--use", "validation", "--hold_out", "0.2"],
        "hold_out: expected 0 for validation",
    ),
    "no workers": (nothing, ["--workers", "0"], "workers: expected at least 1"),
    "negative preview": (nothing, ["--preview", "-1"], "expected preview and max_left_out >= 0"),
    "nothing to merge": (nothing, ["--merge"], "expected pseudo-masks to merge, found none"),
    "misspelt flag": (nothing, ["--num-shard", "2"], "did you mean num_shards?"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_line(data, capsys, case):
    damage, more, message = BAD[case]
    damage(data)
    assert message in refused(capsys, data, *more)
    assert not (data / "out/results.json").exists()


def test_what_was_left_out_is_counted_and_named(data, capsys):
    missing_frames(data)
    damaged_path = data / "davis/JPEGImages/480p/camel/00002.jpg"
    damaged_path.write_bytes(damaged_path.read_bytes()[:-400])
    assert "2 records, videos or frames cannot be used, 1 may be left out" in refused(
        capsys, data, "--max_left_out", "1"
    )
    run(data, "--max_left_out", "2")
    result = json.loads((data / "out/results.json").read_text())
    assert [entry["where"] for entry in result["left_out"]] == ["camel, frame 00002", "dog"]
    assert result["videos"] == len(VIDEOS) - 1
    line = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("left out"))
    assert line.split()[-1] == "2"


def test_other_settings_in_the_same_folder_are_refused(data, capsys):
    run(data)
    before = files(data / "out")
    line = refused(capsys, data, "--hold_out", "0.2")
    assert "found another rule.hold_out: it was 0.0 and is 0.2; choose another folder" in line
    write_point_set(data / "other", ["bike"])
    line = refused(capsys, data, "--points", data / "other/points.json")
    assert "found another points_sha256" in line
    assert files(data / "out") == before


@pytest.mark.data
def test_real_videos_of_several_objects(data_dir, tmp_path):
    """Masks of points of real objects overlap most of the true masks, and not each other."""
    root = data_dir / "ytvos_demo"
    name = "-t-NFaw9mv0_4"
    frames = {"00000": 3, "00030": 4}
    masks = {frame: read_index_png(root / f"Annotations/{name}/{frame}.png") for frame in frames}
    listed = []
    for number in (1, 2, 3, 4):
        pixels = []
        for frame, mask in masks.items():
            ys, xs = np.nonzero(mask == number)
            for place in range(0, len(xs), max(1, len(xs) // 8)):
                pixels.append((int(xs[place]), int(ys[place]), frame, "ACCEPTED"))
        listed.append(record(f"{name}/{number}", name, pixels, object_id=number))
    write_json(tmp_path / "points.json", *listed)
    run_tool(
        main,
        PseudoMaskSettings,
        "",
        [
            *("--points", str(tmp_path / "points.json"), "--backend", "grabcut"),
            *("--frames", str(root / "JPEGImages"), "--output", str(tmp_path / "out")),
        ],
    )
    found = MaskStore.open(tmp_path / "out/masks").read(name)
    for frame, truth in masks.items():
        stack = np.stack([by[frame].decode() for by in found.objects.values() if frame in by])
        assert (stack.sum(axis=0) <= 1).all()
        both = (stack.any(axis=0) & (truth > 0)).sum() / (stack.any(axis=0) | (truth > 0)).sum()
        assert both > 0.4
