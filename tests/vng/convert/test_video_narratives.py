"""Which narratives are of a video that Point-VOS names."""

from pathlib import Path

import pytest

from pointvos.vidln.index import NarrativeIndex
from tests.vidln.narratives import narrative, write_lines
from vng.convert.video_narratives import narratives_of


@pytest.fixture
def index(tmp_path: Path) -> NarrativeIndex:
    named = [
        ("oops_train", "Fails 1"),
        ("oops_val", "Fails 1"),
        ("oops_train", "Fails 1"),
        ("kinetics", "train/abc_1"),
        ("other_train", "abc_1"),
        ("OVIS_Train", "c1a4"),
    ]
    return NarrativeIndex(
        write_lines(
            tmp_path / "vidln.jsonl",
            (
                narrative(vidln_id=number, dataset_id=dataset, video_id=video)
                for number, (dataset, video) in enumerate(named)
            ),
        )
    )


@pytest.mark.parametrize(
    ("video", "expected"),
    [
        ("train/Fails 1", [0, 2]),
        ("val/Fails 1", [1]),
        ("oops_train/Fails 1", [0, 2]),
        ("Fails 1", [0, 1, 2]),
        ("train/abc_1", [3]),
        ("abc_1", [4]),
        ("train/c1a4", [5]),
        ("test/Fails 1", []),
        ("rain/Fails 1", []),
        ("train/Fails 2", []),
        ("gone", []),
    ],
)
def test_by_name_and_dataset(index, video, expected):
    assert [one.vidln_id for one in narratives_of(video, index)] == expected
