"""Counts of a set."""

from pathlib import Path

import pytest

from tests.vng.tiny_set import BALL, HEIGHT, WIDTH, expressions_file, write_set
from vng.data.set_tables import statistics_page, statistics_table
from vng.data.statistics import SetStatistics, set_statistics
from vng.data.vng_set import VngSet


@pytest.fixture
def found(tmp_path: Path) -> SetStatistics:
    folder = write_set(tmp_path / "set")
    return set_statistics(VngSet.open(folder, original_masks=folder / "original.json"))


def test_counts(found: SetStatistics) -> None:
    assert (found.videos, found.narratives, found.objects, found.expressions) == (1, 1, 2, 2)
    assert (found.object_frames, found.absent_object_frames) == (7, 1)
    assert found.objects_always_absent == 0
    assert found.nouns == {"dog": 1, "ball": 1}
    assert (found.words, found.expressions_per_narrative, found.frames) == ([6], [2], [4])
    assert sorted(found.annotated_frames) == [3, 4]
    size = HEIGHT * WIDTH
    assert sorted(found.area) == pytest.approx([36 / size] * 2 + [100 / size] * 4)


def test_two_nouns_of_one_object_are_one_object(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    expression = {
        "narrative_actor_idx": 0,
        "noun_phrase_start_idx": 2,
        "noun_phrase_end_idx": 5,
        "obj_id": BALL,
    }
    expressions_file(
        folder / "meta_expressions.json", expressions={"0": expression, "1": expression}
    )
    found = set_statistics(VngSet.open(folder))
    assert (found.objects, found.expressions, found.nouns["dog"]) == (1, 2, 2)


def test_as_json_and_tables(found: SetStatistics) -> None:
    record = found.as_dict()
    assert record["vocabulary"] == 2
    assert record["distributions"]["frames a video"]["median"] == 4
    area = record["distributions"]["mask area (% of the frame)"]
    assert area["most"] == pytest.approx(100 * 100 / (HEIGHT * WIDTH), abs=1e-3)
    table = statistics_table(found, markdown=True)
    assert "| this set" in table
    assert "133K" in table
    page = statistics_page(found)
    assert "Of 7 annotated object-frames 1 have an empty mask" in page
    assert "dog (1)" in page
