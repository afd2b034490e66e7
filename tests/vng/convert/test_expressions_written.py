"""What a set says is read back equal, whatever the text."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from pointvos.core.mask_store.stored_mask import check_frame_name
from vng.data.expressions import (
    ActorNarrative,
    Expression,
    NarratedVideo,
    read_expressions,
    write_expressions,
)

_TEXT = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=30)
_NAME = st.from_regex(r"[a-zA-Z0-9_-][a-zA-Z0-9_.-]{0,12}", fullmatch=True).filter(
    lambda name: name.strip(".") != ""
)
_OTHER = st.dictionaries(
    st.sampled_from(["vidln_id", "annotator_id", "link_rule", "height"]),
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _TEXT,
)


@st.composite
def narrated_videos(draw: st.DrawFn, name: str) -> NarratedVideo:
    narratives = draw(
        st.lists(
            st.builds(ActorNarrative, st.integers(0, 9), st.text(max_size=5), _TEXT, _OTHER),
            min_size=1,
            max_size=3,
        )
    )
    expressions = []
    for _ in range(draw(st.integers(0, 12))):
        narrative = draw(st.integers(0, len(narratives) - 1))
        length = len(narratives[narrative].description)
        start = draw(st.integers(0, length - 1))
        end = draw(st.integers(start + 1, length))
        number = draw(st.integers(1, 10**18 - 1))
        expressions.append(Expression(narrative, start, end, number, draw(_OTHER)))
    frames = draw(st.lists(_NAME, unique=True, max_size=5))
    for frame in frames:
        check_frame_name(frame)
    return NarratedVideo(name, tuple(frames), tuple(narratives), tuple(expressions), draw(_OTHER))


@settings(deadline=None)
@given(
    st.lists(_NAME, unique=True, min_size=1, max_size=3).flatmap(
        lambda names: st.tuples(*map(narrated_videos, names))
    )
)
def test_read_back_equal(videos):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "meta_expressions.json"
        assert write_expressions(path, iter(videos)) == len(videos)
        found = read_expressions(path)
    assert found == list(videos)
    for before, after in zip(videos, found, strict=True):
        assert list(map(after.noun, after.expressions)) == list(
            map(before.noun, before.expressions)
        )
