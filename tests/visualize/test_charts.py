"""Charts are written whole, in the format that is asked for."""

import numpy as np
import pytest

from pointvos.core.images import read_image
from pointvos.visualize.charts import chart_by_points, histograms

SCORES = {"hybrid": {1: 70.0, 2: 71.0, 10: 74.0}, "hull": {1: 1.0, 2: 4.0, 5: 11.0, 10: 16.0}}


def test_a_chart_shows_its_models(tmp_path):
    chart_by_points(tmp_path / "a.svg", SCORES, spread={"hybrid": {1: 2.0}})
    chart_by_points(tmp_path / "a.png", SCORES)
    chart_by_points(tmp_path / "b.png", {"hybrid": SCORES["hybrid"]})

    assert (tmp_path / "a.svg").read_text().count("<!-- hybrid -->") == 1
    picture = read_image(tmp_path / "a.png")
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 10
    assert (picture != read_image(tmp_path / "b.png")).any()  # a line less
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a.svg", "b.png"]


@pytest.mark.parametrize(
    ("name", "scores", "message"),
    [
        ("a.png", {}, "expected scores to draw, found none"),
        ("a.png", {"hybrid": {}}, "expected scores to draw, found none"),
        ("a.txt", SCORES, r"expected one of \.png"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tmp_path, name, scores, message):
    with pytest.raises(ValueError, match=message):
        chart_by_points(tmp_path / name, scores)
    assert not list(tmp_path.iterdir())


def test_histograms(tmp_path):
    histograms(tmp_path / "h.png", {"words": [3, 4, 4, 9], "frames": [1.0], "nothing": []})
    one = read_image(tmp_path / "h.png")
    histograms(tmp_path / "more.png", {str(n): [1, 2] for n in range(4)})
    assert len(read_image(tmp_path / "more.png")) > len(one)
    with pytest.raises(ValueError, match="expected values to draw, found none"):
        histograms(tmp_path / "no.png", {"nothing": []})
    with pytest.raises(ValueError, match=r"expected one of \.png"):
        histograms(tmp_path / "h.gif", {"words": [1]})
