"""A job over a PV set: stopped and resumed, in shards, on every engine, with things left out."""

import hashlib
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pointvos.core.errors import InputError
from pointvos.core.jsonfile import read_json
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.run_facts import RunFacts
from pointvos.pseudomask.annotated_videos import read_annotated_videos
from pointvos.pseudomask.backend_weights import weights_sha256
from pointvos.pseudomask.builders import MaskBackendSettings
from pointvos.pseudomask.corpus import CorpusJob, RunCounts, job_identity, run_shard
from pointvos.pseudomask.corpus_folder import CorpusFolder
from pointvos.pseudomask.corpus_results import Extras, finish, is_finished
from pointvos.pseudomask.engines import EngineSettings
from pointvos.pseudomask.journal import Journal, read_part
from pointvos.pseudomask.mask_rule import MaskRule
from pointvos.pseudomask.quality import read_quality
from tests.tiny_point_set import VIDEOS, write_point_set

BACKEND = MaskBackendSettings(kind="grabcut", side=64, iterations=1)
TRAINING, VALIDATION = MaskRule(), MaskRule(use="validation", point_counts=(1, 2))


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_point_set(folder)
    return folder


def job_of(data: Path, output: Path, rule: MaskRule = TRAINING, **changes) -> CorpusJob:
    frames = data / "davis/JPEGImages/480p"
    points = data / "points.json"
    backend = changes.get("backend", BACKEND)
    return CorpusJob(
        **{
            "annotated": read_annotated_videos(points, frames),
            "source": points,
            "output": CorpusFolder(output),
            "backend": backend,
            "rule": rule,
            "identity": job_identity(
                points_sha256=hashlib.sha256(points.read_bytes()).hexdigest(),
                frames=frames,
                backend=backend,
                rule=rule,
                weights=weights_sha256(backend),
            ),
            **changes,
        }
    )


def end(job: CorpusJob, counts: RunCounts | None = None, **extras):
    return finish(
        job,
        job.source.parent / "davis/JPEGImages/480p",
        counts or RunCounts(0, 0),
        Extras(**extras),
        RunFacts({}),
    )


def run(job: CorpusJob) -> RunCounts:
    counts = run_shard(job)
    assert isinstance(end(job, counts), dict)
    return counts


def rows(job: CorpusJob) -> dict[int, list[dict[str, object]]]:
    """Every row of every store, in the order of the rows."""
    found = {}
    for setting in job.rule.settings:
        store = MaskStore.open(job.output.store(setting))
        found[setting] = [
            row
            for name in store.videos()
            for rows in store.read_rows(name)
            for row in rows.to_pylist()
        ]
        assert not store.verify()
    return found


def quality(job: CorpusJob) -> list[dict[str, object]]:
    return list(read_quality(job.output.quality).to_pylist())


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory) -> dict[MaskRule, CorpusJob]:
    """The same set made in one go, for training and for validation."""
    jobs = {}
    for rule in (TRAINING, VALIDATION):
        jobs[rule] = job_of(data, tmp_path_factory.mktemp("whole") / "out", rule)
        assert run(jobs[rule]) == RunCounts(len(VIDEOS), 0)
    return jobs


def test_what_a_job_leaves(whole):
    job = whole[TRAINING]
    assert sorted(path.name for path in job.output.root.iterdir()) == [
        *(".job.lock", "JPEGImages", "masks", "quality.parquet"),
        *("results.json", "settings.json", "videos.jsonl"),
    ]
    assert len(rows(job)[0]) == 4 * len(VIDEOS)
    assert [(row["video"], row["object_id"]) for row in quality(job)[:4]] == [
        ("bike", "bike/1"),
        ("bike", "bike/1"),
        ("bike", "bike/5"),
        ("bike", "bike/1"),
    ]
    result = read_json(job.output.results)
    assert (result["videos"], result["frames"], result["objects"]) == (4, 12, 8)
    assert (result["masks"], result["objects_without_foreground_on_a_frame"]) == (16, 8)
    assert result["quality"]["all"]["foreground_inside"] == 1.0
    assert result["left_out"] == []
    assert result["work"]["seconds_per_frame"] > 0
    assert result["videos_made_now"] == 4
    assert {"settings", "versions", "seconds", "peak_memory_mb"} <= set(result)
    scores = [row["score"] for row in quality(job)]
    assert scores == [
        row["score"] for row in sorted(rows(job)[0], key=lambda r: (r["video"], r["frame"]))
    ]


def test_each_number_of_points_has_a_store_of_its_own(whole):
    job = whole[VALIDATION]
    found = rows(job)
    assert set(found) == {1, 2}
    assert [row["frame"] for row in found[1]] == [row["frame"] for row in found[2]]
    assert found[1] != found[2]
    for setting in (1, 2):
        given = {row["foreground"] for row in quality(job) if row["setting"] == setting}
        assert given == {setting}
    assert set(read_json(job.output.results)["quality"]) == {"1", "2"}


def test_a_second_run_does_nothing(data, whole):
    job = whole[TRAINING]
    before = {path: path.read_bytes() for path in job.output.root.rglob("*") if path.is_file()}
    assert run_shard(job) == RunCounts(0, 4)
    assert is_finished(job, Extras())
    assert not is_finished(job, Extras(masks="png"))
    assert not is_finished(job, Extras(preview=3))
    after = {path: path.read_bytes() for path in job.output.root.rglob("*") if path.is_file()}
    assert before == after


@pytest.mark.parametrize(
    ("engine", "rule"),
    [
        (EngineSettings(workers=2), VALIDATION),
        (EngineSettings(engine="ray", workers=2), TRAINING),
        (EngineSettings(engine="ray", workers=1 + (os.cpu_count() or 1)), VALIDATION),
    ],
    ids=["processes", "ray", "ray with more workers than processors"],
)
def test_every_engine_makes_the_same(data, tmp_path, whole, engine, rule):
    if engine.engine == "ray":
        pytest.importorskip("ray", reason="needs the extra 'ray'")
    job = job_of(data, tmp_path / "out", rule, engine=engine)
    run(job)
    assert rows(job) == rows(whole[rule])
    assert quality(job) == quality(whole[rule])


@pytest.mark.parametrize("rule", [TRAINING, VALIDATION])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_shards_make_the_same_whoever_is_last(data, tmp_path, whole, rule, order):
    made = 0
    for place, shard_id in enumerate(order):
        job = job_of(data, tmp_path / "out", rule, shard_id=shard_id, num_shards=3)
        counts = run_shard(job)
        made += counts.made
        result = end(job, counts)
        if place < 2:
            assert isinstance(result, list)  # the names of the videos that are left
            assert len(result) == len(VIDEOS) - made
            assert not job.output.results.exists()
    assert made == len(VIDEOS)
    assert rows(job) == rows(whole[rule])
    assert quality(job) == quality(whole[rule])


def test_more_shards_than_videos(data, tmp_path, whole):
    for shard_id in range(6):
        job = job_of(data, tmp_path / "out", shard_id=shard_id, num_shards=6)
        end(job, run_shard(job))
    assert is_finished(job, Extras())
    assert end(job) == []  # another has merged
    assert rows(job) == rows(whole[TRAINING])
    with pytest.raises(InputError, match="expected a shard id from 0 to num_shards - 1"):
        run_shard(job_of(data, tmp_path / "out", shard_id=6, num_shards=6))


def test_nobody_merges_while_a_shard_is_at_work(data, tmp_path):
    job = job_of(data, tmp_path / "out")
    counts = run_shard(job)
    with job.output.at_work():
        assert end(job, counts) == []
    assert isinstance(end(job, counts), dict)


class Killed(BaseException):
    """Ends a run as a kill does: nothing that follows is done."""


# Of 16 and 23 writes that a job does which commits every video by itself.
MOMENTS = [(TRAINING, moment) for moment in range(16)]
MOMENTS += [(VALIDATION, moment) for moment in range(2, 14)]


@pytest.mark.parametrize(("rule", "moment"), MOMENTS)
def test_killed_at_any_write_and_started_again(data, tmp_path, whole, monkeypatch, rule, moment):
    """Every write of a file in turn is the last one of a process."""
    job = job_of(data, tmp_path / "out", rule, commit_seconds=0.0)
    count, gone = 0, False
    replace_file = Path.replace

    def replacing(self, target):
        nonlocal count, gone
        count += 1
        gone = gone or count > moment
        if gone:
            raise Killed
        return replace_file(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replacing)
        with pytest.raises(Killed):
            run(job)
    run(job)
    assert rows(job) == rows(whole[rule])
    assert quality(job) == quality(whole[rule])
    assert Journal(job.output.journal).parts() == []


def test_a_report_without_masks_does_not_count(data, tmp_path, whole):
    """Killed between the report and the masks: the video is made again, and counted once."""
    job = job_of(data, tmp_path / "out")
    run_shard(job)
    part = next(job.output.store(0).glob("part-*.parquet"))
    part.unlink()
    leftover = job.output.root / ".quality.0123abcd.tmp.parquet"
    leftover.touch()
    assert isinstance(end(job), list)
    assert run(job) == RunCounts(4, 0)
    assert rows(job) == rows(whole[TRAINING])
    assert quality(job) == quality(whole[TRAINING])
    assert not leftover.exists()


def without_frames(data: Path, folder: Path, *videos: str) -> Path:
    """A copy of the data in which some videos have no frames."""
    shutil.copytree(data, folder)
    for video in videos:
        shutil.rmtree(folder / "davis/JPEGImages/480p" / video)
    return folder


def test_videos_without_frames_are_bounded_and_made_once_they_are_there(data, tmp_path, whole):
    copy = without_frames(data, tmp_path / "data", "camel")
    with pytest.raises(InputError, match=r"points.json: camel: expected its frames.*; 1 records"):
        run_shard(job_of(copy, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    job = job_of(copy, tmp_path / "out", max_left_out=1)
    assert run(job) == RunCounts(3, 0)
    result = read_json(job.output.results)
    assert [entry["where"] for entry in result["left_out"]] == ["camel"]
    assert result["videos"] == 3
    assert run_shard(job) == RunCounts(0, 3)
    assert is_finished(job, Extras())
    frames = "davis/JPEGImages/480p/camel"
    shutil.copytree(data / frames, copy / frames)
    job = job_of(copy, tmp_path / "out")  # none may be left out any more
    assert run(job) == RunCounts(1, 3)
    assert read_json(job.output.results)["left_out"] == []
    assert rows(job) == rows(whole[TRAINING])
    assert quality(job) == quality(whole[TRAINING])


def test_a_video_that_cannot_be_opened_is_tried_again(data, tmp_path):
    copy = without_frames(data, tmp_path / "data", "camel")
    (copy / "davis/JPEGImages/480p/camel.mp4").write_bytes(b"no video")
    job = job_of(copy, tmp_path / "out", max_left_out=1)
    for made, already in [(3, 0), (0, 3)]:
        assert run(job) == RunCounts(made, already)
        (entry,) = read_json(job.output.results)["left_out"]
        assert entry["where"] == "camel"
        assert "camel.mp4: expected a video" in entry["why"]


def test_a_bad_frame_stops_the_run_and_what_was_made_stays(data, tmp_path):
    copy = without_frames(data, tmp_path / "data")
    frame = copy / "davis/JPEGImages/480p/camel/00002.jpg"
    good = frame.read_bytes()
    frame.write_bytes(good[:-400])
    job = job_of(copy, tmp_path / "out")
    with pytest.raises(InputError, match=r"points.json: camel, frame 00002: .*a whole image"):
        run_shard(job)
    assert job.output.completed(job.rule.settings) == {"bike"}  # what came before it
    allowed = replace(job, max_left_out=1)
    assert run(allowed) == RunCounts(3, 1)
    result = read_json(job.output.results)
    assert [entry["where"] for entry in result["left_out"]] == ["camel, frame 00002"]
    assert result["frames"] == 12
    assert {row["frame"] for row in rows(allowed)[0] if row["video"] == "camel"} == {
        "00000",
        "00005",
    }
    with pytest.raises(InputError, match="1 records, videos or frames cannot be used, 0 may be"):
        run_shard(job)


def test_other_settings_are_refused(data, tmp_path, whole):
    output = whole[TRAINING].output.root
    other = replace(BACKEND, iterations=2)
    with pytest.raises(InputError, match=r"found another backend.iterations: it was 1 and is 2"):
        run_shard(job_of(data, output, backend=other))
    with pytest.raises(InputError, match=r"found another rule.use: it was 'training'"):
        run_shard(job_of(data, output, MaskRule(use="validation")))


def test_output_that_is_not_ours(data, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="file: expected a folder to write to, found a file"):
        run_shard(job_of(data, tmp_path / "file"))
    with pytest.raises(InputError, match="expected a folder that can be written to"):
        run_shard(job_of(data, tmp_path / "file" / "below"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"found 'thesis.tex'; choose another"):
        run_shard(job_of(data, tmp_path / "full"))


def test_what_another_version_wrote(data, tmp_path):
    job = job_of(data, tmp_path / "out")
    run_shard(job)
    manifest = job.output.store(0) / "_store.json"
    written = manifest.read_text()
    manifest.write_text(written.replace('"version": 2', '"version": 3'))
    with pytest.raises(InputError, match=r"expected a mask store of version .*2, found version 3"):
        run_shard(job)
    manifest.write_text(written)
    settings = job.output.settings
    settings.write_text(settings.read_text().replace('"version": 1', '"version": 7'))
    with pytest.raises(InputError, match="expected pseudo-masks of version 1, found 7"):
        run_shard(job)


@pytest.mark.parametrize("workers", [1, 2])
def test_missing_weights_are_named_before_anything_is_written(data, tmp_path, workers):
    backend = MaskBackendSettings(path=str(tmp_path / "w.safetensors"))
    engine = EngineSettings(workers=workers)
    job = job_of(data, tmp_path / "out", backend=backend, engine=engine)
    with pytest.raises(FileNotFoundError, match=r"w.safetensors: expected weights"):
        run_shard(job)
    assert not (tmp_path / "out").exists()


def test_without_ray_it_says_how_to_get_it(data, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    job = job_of(data, tmp_path / "out", engine=EngineSettings(engine="ray"))
    with pytest.raises(InputError, match=r"found none; run: pip install 'pointvos\[ray\]'"):
        run_shard(job)
    assert not (tmp_path / "out").exists()


def test_engine_settings_that_cannot_be_meant():
    with pytest.raises(InputError, match="workers: expected at least 1, found 0"):
        EngineSettings(workers=0)
    with pytest.raises(InputError, match="threads: expected at least 1, found -1"):
        EngineSettings(threads=-1)


def test_a_damaged_journal_is_named(data, tmp_path):
    job = job_of(data, tmp_path / "out")
    run_shard(job)
    (part,) = Journal(job.output.journal).parts()
    assert [report.video for report, _ in read_part(part)] == sorted(VIDEOS)
    part.write_text('{"report": {"video": "dog"}, "quality": []}\n')
    with pytest.raises(InputError, match=r"jsonl:1: expected the report of a video"):
        run_shard(job)
