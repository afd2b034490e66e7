"""The published per-frame scores of two methods on DAVIS 2016, from their published masks."""

from __future__ import annotations

import json

import pytest

from pointvos.core.masks import read_index_png
from pointvos.metrics.rules import DAVIS_2016, DAVIS_SEMI_SUPERVISED
from pointvos.metrics.sequence import score_sequence

pytestmark = [pytest.mark.parity, pytest.mark.data]

ROUNDING = 0.0005 + 1e-9  # published with three decimals


@pytest.mark.parametrize("method", ["osvos", "favos"])
@pytest.mark.parametrize("sequence", ["blackswan", "dog", "parkour"])
@pytest.mark.parametrize("rules", [DAVIS_2016, DAVIS_SEMI_SUPERVISED], ids=["2016", "2017"])
def test_published_scores(data_dir, method, sequence, rules):
    published = json.loads((data_dir / "davis16_published" / "per_frame_scores.json").read_text())
    expected = published[method][sequence]
    predictions = data_dir / "davis16_published" / "masks" / method / sequence
    truth = data_dir / "davis16" / "Annotations" / "480p" / sequence
    result = score_sequence(
        rules,
        (
            (path.stem, read_index_png(path), read_index_png(predictions / path.name))
            for path in sorted(truth.glob("*.png"))
        ),
        sequence,
    )
    (scores,) = result.objects
    assert len(scores.j) == len(expected["J"])
    assert scores.j == pytest.approx(expected["J"], abs=ROUNDING, rel=0)
    assert scores.f == pytest.approx(expected["F"], abs=ROUNDING, rel=0)
