"""Toy videos: layouts that the tools read, captions whose nouns are the things that are seen."""

import json
from pathlib import Path

import numpy as np
import pytest

from examples.make_toy_videos import (
    HEIGHT,
    WIDTH,
    ToySettings,
    draw_video,
    main,
    narrative_of,
)
from pointvos.core.command_line import run_tool
from pointvos.core.frames import open_frames
from pointvos.formats.youtube_vos import read_youtube_vos
from pointvos.vidln.location import locate_span
from pointvos.vidln.nouns import NounFinder
from pointvos.vidln.reader import NarrativeReader
from vng.data.vng_set import VngSet

FEW = ["--train", "2", "--val", "1", "--frames", "3"]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos") / "toy"
    run_tool(main, ToySettings, "", ["--output", str(folder), *FEW])
    return folder


def test_the_training_videos_are_youtube_vos(toy: Path) -> None:
    videos = read_youtube_vos(toy, "train")
    assert [video.name for video in videos] == ["toy00", "toy01"]
    for video in videos:
        drawn = draw_video(video.name, 0, 3)
        assert video.categories == {n: one.kind for n, one in enumerate(drawn.things, 1)}
        for frame, mask in zip(video.frames.names, drawn.masks, strict=True):
            assert np.array_equal(video.read_mask(frame), mask)


def test_each_noun_has_a_stroke_on_its_thing(toy: Path) -> None:
    narratives = list(NarrativeReader(toy / "vidln.jsonl"))
    assert [one.video_id for one in narratives] == ["toy00", "toy01"]
    for narrative in narratives:
        drawn = draw_video(narrative.video_id, 0, 3)
        (actor,) = narrative.actor_narratives
        assert actor.caption == drawn.caption
        for number, span in enumerate(drawn.spans, 1):
            (keyframe,) = locate_span(narrative, actor, *span).by_keyframe
            x, y = np.concatenate(keyframe.strokes).T
            below = drawn.masks[0][(y * HEIGHT).astype(int), (x * WIDTH).astype(int)]
            assert set(below.tolist()) == {number}


def test_the_other_videos_are_a_vng_set(toy: Path) -> None:
    narrated = VngSet.open(toy / "val")
    drawn = draw_video("other00", 0, 3)
    nouns = []
    for video, number, expression in narrated:
        nouns.append(video.noun(expression))
        masks = narrated.masks(video, expression.obj_id)
        for mask, truth in zip(masks, drawn.masks, strict=True):
            assert mask is not None
            assert np.array_equal(mask.decode(), truth == number + 1)
    assert nouns == [thing.kind for thing in drawn.things]
    new = open_frames(toy / "new.mp4")
    assert (len(new), new.height, new.width) == (6, HEIGHT, WIDTH)
    assert (toy / "caption.txt").read_text().strip() == draw_video("new", 0, 6).caption


def test_the_nouns_of_every_caption_are_its_things() -> None:
    """Otherwise linking and grounding would look for something else."""
    finder = NounFinder()
    kinds = set()
    for number in range(40):
        video = draw_video(f"toy{number}", 1, 1)
        assert [(one.start, one.end) for one in finder.find(video.caption)] == video.spans
        kinds.add(len({thing.kind for thing in video.things}))
        assert len({thing.colour for thing in video.things}) == len(video.things)
    assert kinds == {2, 3}  # some have two of a kind


def test_a_video_depends_on_seed_and_name_alone() -> None:
    one, again, other = (draw_video("a", seed, 2) for seed in (0, 0, 1))
    assert np.array_equal(one.frames, again.frames)
    assert not np.array_equal(one.frames, other.frames)
    assert json.dumps(narrative_of(one, 3)) == json.dumps(narrative_of(again, 3))


def test_nothing_to_draw_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        run_tool(main, ToySettings, "", ["--output", str(tmp_path / "toy"), "--frames", "0"])
    assert refused.value.code == 2
    assert "expected train, val and frames >= 1" in capsys.readouterr().err
    assert not (tmp_path / "toy").exists()
