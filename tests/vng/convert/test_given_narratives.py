"""Narratives that say which object each noun means: links, numbers and expressions."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.frames import open_frames
from pointvos.pseudomask.annotated_videos import AnnotatedObject
from tests.tiny_datasets import write_frames
from vng.convert.given_narratives import GivenNarratives
from vng.convert.link_types import Link, NoLink, Reason, Rule
from vng.convert.point_objects import PointObject, PointVideo, object_number

TEXT = "A dog chases a ball; the animal is fast."
DOG, BALL = 7, 900000000000000013


def given(folder: Path, **changes) -> GivenNarratives:
    def expression(noun: str, obj_id: int, **more) -> dict:
        start = TEXT.index(noun)
        return {
            "narrative_actor_idx": 1,
            "noun_phrase_start_idx": start,
            "noun_phrase_end_idx": start + len(noun),
            "obj_id": obj_id,
            **more,
        }

    video = {
        "frames": ["00000", "00001", "00002"],
        "actor_narratives": [
            {"actor_idx": 4, "actor_name": "nobody", "description": "Nothing."},
            {"actor_idx": 2, "actor_name": "dog", "description": TEXT},
        ],
        "expressions": {
            "0": expression("dog", DOG, mask_is_union=True),
            "1": expression("ball", BALL),
            "2": expression("animal", DOG),
        },
        "source": "by hand",
        "split": "theirs",
        **changes,
    }
    path = folder / "meta_expressions.json"
    path.write_text(json.dumps({"videos": {"clip": video}}))
    return GivenNarratives(path)


def video(*keys: str, name: str = "clip") -> PointVideo:
    none = np.zeros((0, 2))
    about = [
        AnnotatedObject(key, number, (), np.zeros(0), none, np.zeros(0))
        for number, key in enumerate(keys, start=1)
    ]
    objects = tuple(PointObject(one, "dog", object_number(one.key)) for one in about)
    return PointVideo(name, None, objects)


def line(key: str, obj_id: int | None) -> dict:
    return {"key": key, "obj_id": obj_id}


def test_a_record_belongs_to_the_nouns_that_mean_its_object(tmp_path):
    found = given(tmp_path).links(video(f"clip/{DOG}", f"clip/{BALL}", "clip/8"))
    dog, ball, other = found.values()
    assert isinstance(dog, Link)
    assert (dog.rule, dog.noun, dog.candidates, dog.distance) == (Rule.GIVEN, "dog", 2, None)
    assert dog.place == (None, None, 1, 2, 5)
    assert isinstance(ball, Link)
    assert (ball.noun, ball.candidates) == ("ball", 1)
    assert other == NoLink("clip/8", Reason.NOUN_NOT_FOUND, note="no expression means it")


def test_a_video_that_nobody_tells_of(tmp_path):
    (found,) = given(tmp_path).links(video("other/7", name="other")).values()
    assert found == NoLink("other/7", Reason.MISSING_NARRATIVE)


def test_objects_keep_their_numbers(tmp_path):
    one = given(tmp_path).numbered(video(f"clip/{BALL}", "clip/8"))
    assert [each.obj_id for each in one.objects] == [BALL, object_number("clip/8")]


def test_all_narratives_and_the_expressions_of_the_set_stay(tmp_path):
    write_frames(tmp_path / "clip", ["00000", "00001", "00002", "00003"])
    frames = open_frames(tmp_path / "clip")
    told = given(tmp_path)
    records = [line(f"clip/{DOG}", DOG), line(f"clip/{BALL}", None)]
    made = told.narrated(video(), frames, records)
    assert made is not None
    assert [one.actor_idx for one in made.narratives] == [4, 2]
    assert [made.noun(one) for one in made.expressions] == ["dog", "animal"]
    assert made.frames == ("00000", "00001", "00002", "00003")
    assert made.other == {"source": "by hand", "height": frames.height, "width": frames.width}
    about = {"point_vos_key": "clip/7", "link_rule": "GIVEN"}
    assert [one.other for one in made.expressions] == [{"mask_is_union": True, **about}, about]
    in_split = told.narrated(replace(video(), split="ours"), frames, records)
    assert in_split is not None
    assert in_split.other["split"] == "ours"
    assert told.narrated(video(), frames, [line("clip/7", None)]) is None


def test_how_many_there_are_and_what_is_damaged(tmp_path):
    assert given(tmp_path).expressions == 3
    with pytest.raises(InputError, match=r"clip.frames: expected list"):
        given(tmp_path, frames="no list")
    with pytest.raises(FileNotFoundError, match=r"gone\.json"):
        GivenNarratives(tmp_path / "gone.json")
