"""Methods over a set: scores, probes, masks on disk, and a run that was killed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointvos.benchmark.stored_scores import PartialResults
from pointvos.core.errors import InputError
from tests.vng.evaluation.colour_words import FRAMES, TEXTS, ColourWords, square, write_set
from vng.evaluation.evaluate import evaluate, finished_videos
from vng.evaluation.open_set import EvaluationSet, open_set
from vng.evaluation.probes import PROBES
from vng.evaluation.score_set import score_results


@pytest.fixture
def evaluated(tmp_path: Path) -> EvaluationSet:
    return open_set(write_set(tmp_path, unknown={"red ball": 1}), frames=tmp_path / "frames")


def partial(tmp_path: Path) -> PartialResults:
    return PartialResults(tmp_path / "partial", {})


def test_listening_and_not(evaluated: EvaluationSet, tmp_path: Path) -> None:
    listening, deaf = evaluate(
        evaluated, [ColourWords(), ColourWords(deaf=True)], partial(tmp_path), probes=PROBES
    )
    assert listening.scores.j_and_f == 1
    assert listening.probe("swapped") is not None
    # The blue ball is gone from a frame: an empty mask is right there, whatever was asked.
    assert listening.probe("no_text") == pytest.approx((0 + 0 + 0 + 1 / FRAMES + 0) / 5)
    assert listening.probe("other_noun") == 0
    assert deaf.scores.j_mean == pytest.approx(deaf.probe("swapped"))
    assert deaf.scores.j_mean == pytest.approx(deaf.probe("no_text"))
    assert deaf.probe("other_noun") == pytest.approx(
        np.mean([one.j_mean for one in deaf.scores.expressions[:4]])
    )
    assert deaf.presence_auc == 0.5
    assert listening.presence_auc is not None
    assert listening.presence_auc > 0.5


def test_nouns_of_one_word_are_told_apart(evaluated: EvaluationSet, tmp_path: Path) -> None:
    listening, deaf = evaluate(
        evaluated, [ColourWords(), ColourWords(deaf=True)], partial(tmp_path)
    )
    assert listening.told_apart(same_word=True) == (1.0, 2)  # the two balls of the second video
    assert listening.told_apart(same_word=False) == (1.0, 2)
    share, count = deaf.told_apart(same_word=False) or (None, 0)
    assert (share, count) == (0.5, 2)
    assert listening.probe("swapped") is None
    assert listening.presence_auc is None


def test_unknown_frames_are_grounded_but_not_scored(
    evaluated: EvaluationSet, tmp_path: Path
) -> None:
    (found,) = evaluate(
        evaluated, [ColourWords()], partial(tmp_path), masks_folder=tmp_path / "masks"
    )
    red = found.scores.expressions[0]
    assert red.frames == ("00000", "00002", "00003", "00004")
    written = np.asarray(Image.open(tmp_path / "masks/first/0/00001.png"))
    assert (written.astype(bool) == square("first", "red ball", 1)).all()
    again = score_results(evaluated.narrated, tmp_path / "masks")
    assert again == found.scores


def test_a_killed_run_goes_on_where_it_stopped(evaluated: EvaluationSet, tmp_path: Path) -> None:
    whole = evaluate(evaluated, [ColourWords()], PartialResults(tmp_path / "other", {}))
    killed = ColourWords(stop_after=FRAMES + 2)
    with pytest.raises(KeyboardInterrupt):
        evaluate(evaluated, [killed], partial(tmp_path), masks_folder=tmp_path / "masks")
    assert finished_videos(evaluated, [killed], partial(tmp_path)) == 1
    second = ColourWords()
    found = evaluate(evaluated, [second], partial(tmp_path), masks_folder=tmp_path / "masks")
    assert [text for text, _ in second.asked] == [TEXTS["second"], TEXTS["third"]]
    assert found == whole
    assert score_results(evaluated.narrated, tmp_path / "masks").j_and_f == 1


def test_all_nouns_of_a_narrative_are_asked_for_at_once(
    evaluated: EvaluationSet, tmp_path: Path
) -> None:
    method = ColourWords()
    evaluate(evaluated, [method], partial(tmp_path))
    assert [len(spans) for _, spans in method.asked] == [2, 2, 1]


def test_errors_name_the_video(evaluated: EvaluationSet, tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "frames/second/00003.png")
    with pytest.raises(InputError, match=r"second.*00003\.png: expected 48x32|second: expected"):
        evaluate(evaluated, [ColourWords()], partial(tmp_path))


def test_missing_frames_are_noticed_before_the_first_video(
    evaluated: EvaluationSet, tmp_path: Path
) -> None:
    (tmp_path / "frames/third/00003.png").unlink()
    method = ColourWords()
    with pytest.raises(InputError, match="third: expected the frame '00003'"):
        evaluate(evaluated, [method], partial(tmp_path))
    assert not method.asked
