"""Questions from files of three kinds, told apart by what is in them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pointvos.core.errors import InputError
from tests.vidln.narratives import actor, narrative, write_lines
from tests.vng.grounding.written_narratives import WRITTEN, written
from tests.vng.tiny_set import TEXT, expressions_file
from vng.grounding import question_files
from vng.grounding.grounded import NounQuestion
from vng.grounding.question_files import LeftOutNarratives, VideoQuestion, read_questions


def nouns(found: VideoQuestion) -> list[str]:
    question = found.question
    return [question.text[start:end] for start, end in question.spans]


def test_a_list_of_narratives(tmp_path: Path) -> None:
    path = written(tmp_path / "any.name", *WRITTEN)
    text = WRITTEN[0]["caption"]
    assert list(read_questions(path)) == [
        VideoQuestion("a/clip", NounQuestion(text, ((17, 21),), "D"), f"{path}: [0]"),
        VideoQuestion("", NounQuestion(text, ((4, 7), (17, 21))), f"{path}: [1]"),
        VideoQuestion("", NounQuestion(WRITTEN[2]["caption"], ((2, 5), (15, 19))), f"{path}: [2]"),
        VideoQuestion("", NounQuestion("dog, red ball", ((0, 3), (5, 13))), f"{path}: [3]"),
    ]


@pytest.fixture
def vidln(tmp_path: Path) -> Path:
    second = actor(actor_name=None, caption="The red ball rolls to a wall.", time_alignment=[])
    values = narrative(actor(), second), narrative(vidln_id=8, video_id="other")
    return write_lines(tmp_path / "vidln.json", values)


def test_video_localized_narratives(vidln: Path) -> None:
    found = list(read_questions(vidln))
    assert [(one.video, one.question.name, nouns(one)) for one in found] == [
        ("clip 7", "Dog", ["dog", "ball"]),
        ("clip 7", "", ["ball", "wall"]),
        ("other", "Dog", ["dog", "ball"]),
    ]
    assert found[1].source == f"{vidln}: pets_train 7 (clip 7): actor_narratives[1]"


def test_they_are_read_line_by_line(vidln: Path) -> None:
    with vidln.open("ab") as file:
        file.write(b'{"vidln_id": 9, "datas')
    found = read_questions(vidln)
    assert [next(found).video for _ in range(3)] == ["clip 7", "clip 7", "other"]
    with pytest.raises(InputError, match=r"vidln\.json:3: expected one JSON value"):
        next(found)


def test_a_vng_set_by_its_file_and_by_its_folder(tmp_path: Path) -> None:
    def expression(start: int, end: int, obj_id: int, actor: int = 0) -> dict[str, int]:
        return {
            "narrative_actor_idx": actor,
            "noun_phrase_start_idx": start,
            "noun_phrase_end_idx": end,
            "obj_id": obj_id,
        }

    told = [
        {"actor_idx": 4, "actor_name": name, "description": TEXT} for name in ("dog", "unasked", "")
    ]
    asked = [
        expression(21, 25, 1),
        expression(2, 5, 2),
        expression(21, 25, 3),
        expression(2, 5, 2, 2),
    ]
    expressions_file(
        tmp_path / "meta_expressions.json",
        actor_narratives=told,
        expressions={str(i): one for i, one in enumerate(asked)},
    )
    found = list(read_questions(tmp_path))
    assert found == list(read_questions(tmp_path / "meta_expressions.json"))
    assert [(one.video, one.question) for one in found] == [
        ("clip", NounQuestion(TEXT, ((2, 5), (21, 25)), "dog")),
        ("clip", NounQuestion(TEXT, ((2, 5),), "")),
    ]
    assert found[1].source.endswith("meta_expressions.json: clip: actor_narratives[2]")


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("before", ["", "\ufeff", " \n\n"])
def test_the_kind_is_told_however_it_is_written(
    tmp_path: Path, before: str, indent: int | None
) -> None:
    path = expressions_file(tmp_path / "set.jsonl")
    text = json.dumps(json.loads(path.read_text()), indent=indent)
    path.write_text(before + text, encoding="utf-8")
    assert [nouns(one) for one in read_questions(path)] == [["dog", "ball"]]
    path.write_text(before + json.dumps(WRITTEN, indent=indent), encoding="utf-8")
    assert len(list(read_questions(path))) == len(WRITTEN)


BAD_FILES = {
    "empty": ("", "expected questions .*, found an empty file"),
    "blank": (" \n\n", "found an empty file"),
    "a caption": (
        "A dog chases a red ball in a park with trees.",
        "found 'A dog .* in a park with t'$",
    ),
    "another object": ('{"caption": "A dog"}', r"""found '\{"caption": "A dog"\}'$"""),
    "an empty object": ("{}", r"found '\{\}'"),
    "a video": ("\x00\x00\x00 ftypisom", "found '.*ftypisom'"),
    "a cut-off list": (
        '[{"caption": "A dog"}, {"cap',
        "told:1: expected JSON, found: Unterminated",
    ),
    "a cut-off set": ('{"videos": {"clip": {"fra', "told:1: expected JSON, found: Unterminated"),
    "a cut-off narrative": ('{"vidln_id": 3, "data', "told:1: expected one JSON value, found"),
    "masks of a set": ('{"info": {}, "videos": []}', r"told: expected \{\"videos\": \{\.\.\.\}\}"),
    "a narrative of VidLN in parts": ('{\n"vidln_id": 3\n}', "told:1: expected one JSON value"),
    "two keys": ('[{"caption": "A dog", "caption": "A cat"}]', "the key 'caption' twice"),
    "two values": ("[] []", "told:1: expected JSON, found: Extra data"),
}


@pytest.mark.parametrize(("content", "message"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_other_and_damaged_files(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "told"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message) as refused:
        list(read_questions(path))
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)


def test_an_unknown_kind_is_refused_at_once_and_says_which_there_are(tmp_path: Path) -> None:
    path = tmp_path / "told.txt"
    path.write_bytes(b"\xff\xfe\x00 ")
    with pytest.raises(
        InputError,
        match=r"JSON list \[\{\"caption\": \"\.\.\.\"\}, \.\.\.\], Video Localized Narratives "
        r"\(\.jsonl\), or meta_expressions\.json of a VNG set or its folder",
    ):
        read_questions(path)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="gone: expected a file of questions"):
        read_questions(tmp_path / "gone")
    with pytest.raises(FileNotFoundError, match=r"expected meta_expressions\.json in it"):
        read_questions(tmp_path)


def test_narratives_without_nouns_may_be_left_out_and_are_counted(tmp_path: Path) -> None:
    actors = [actor(caption=text) for text in ("He runs.", "A dog.", "", "On the left side.")]
    path = write_lines(tmp_path / "vidln.jsonl", [narrative(*actors, actor(caption=None))])
    with pytest.raises(InputError, match=r"actor_narratives\[0\]: expected a noun that is a thing"):
        list(read_questions(path))
    left_out = LeftOutNarratives(max_left_out=4)
    assert [nouns(one) for one in read_questions(path, left_out=left_out)] == [["dog"]]
    assert [key.rpartition(": ")[2] for key in left_out.reasons] == [
        f"actor_narratives[{index}]" for index in (0, 2, 3, 4)
    ]
    assert "found only" in list(left_out.reasons.values())[2]
    with pytest.raises(InputError, match=r"actor_narratives\[4\]: .* 4 narratives cannot be asked"):
        list(read_questions(path, left_out=LeftOutNarratives(max_left_out=3)))
    with pytest.raises(InputError, match="max_left_out >= 0, found -1"):
        LeftOutNarratives(max_left_out=-1)


def test_a_file_of_which_nothing_is_left_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "told.json", {"caption": "He runs."})
    with pytest.raises(InputError, match=r"narratives with nouns, found none \(1 left out\)"):
        list(read_questions(path, left_out=LeftOutNarratives(max_left_out=1)))


def test_a_missing_pipeline_is_no_reason_to_leave_narratives_out(
    tmp_path: Path, vidln: Path
) -> None:
    path = written(tmp_path / "told.json", {"caption": "A dog"})
    for source in (path, vidln):
        left_out = LeftOutNarratives(max_left_out=10)
        with pytest.raises(InputError, match="xx_none_sm: expected a spaCy pipeline"):
            list(read_questions(source, pipeline="xx_none_sm", left_out=left_out))
        assert not left_out.reasons


def test_spacy_is_loaded_only_for_captions_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "told.json", *WRITTEN)
    expressions_file(tmp_path / "set.json")
    code = (
        "import sys\n"
        "from vng.grounding.question_files import read_questions\n"
        f"list(read_questions({str(tmp_path / 'set.json')!r}))\n"
        f"found = read_questions({str(path)!r})\n"
        "for loaded in (False, False, True, True):\n"
        "    next(found)\n"
        "    assert ('spacy' in sys.modules) == loaded, loaded\n"
    )
    root = Path(question_files.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


@pytest.mark.data
def test_the_published_sample_of_six_videos(data_dir: Path) -> None:
    found = list(read_questions(data_dir / "vidln/vidlns/sample_combined.jsonl"))
    assert len(found) == 22
    assert len({one.video for one in found}) == 6
    in_order(found)
    cyclists, background = (one for one in found if one.video == "c1a40349")
    assert cyclists.question.name == "Group of people"
    assert nouns(cyclists) == ["group", "people", "road"]
    assert "background" not in nouns(background)
    assert {"grassland", "bushes", "banner", "sky"} <= set(nouns(background))


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "videos", "narratives", "spans"),
    [("davis16_vng/val", 10, 10, 18), ("davis16_vng/train", 30, 30, 51), ("ytvos_vng", 4, 5, 11)],
)
def test_real_sets(data_dir: Path, name: str, videos: int, narratives: int, spans: int) -> None:
    found = list(read_questions(data_dir / name))
    assert len({one.video for one in found}) == videos
    assert len(found) == narratives
    assert sum(len(one.question.spans) for one in found) == spans
    in_order(found)
    if name == "davis16_vng/val":
        assert (found[0].video, found[0].question.name) == ("blackswan", "Black swan")
        assert nouns(found[0]) == ["swan", "bird"]


def in_order(found: list[VideoQuestion]) -> None:
    for one in found:
        spans = list(one.question.spans)
        assert spans == sorted(set(spans))
        assert all(noun.strip() == noun != "" for noun in nouns(one))
