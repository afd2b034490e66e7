"""Grounding with RF-VNG: windows, sizes, thresholds, and weights by file."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pointvos.core.errors import InputError
from pointvos.core.weights import write_weights
from tests.vng.nn.tiny_rf_vng import TRUNK_CHANNELS, TinyTrunk
from tests.vng.text.tiny_encoders import bert_folder
from vng.inference.methods import open_grounding
from vng.inference.rf_vng import GroundingSettings, RFVNGGrounding
from vng.inference.rf_vng_weights import load_rf_vng
from vng.nn.builders import BUILDERS, rf_vng_on
from vng.nn.rf_vng import RFVNG
from vng.text.encoder import load_text_encoder
from vng.text.features import TextFeatures
from vng.text.queries import noun_queries

TEXT = "a dog runs past the old red house"
SPANS = [(2, 5), (20, 33)]  # "dog", "old red house"
HEIGHT, WIDTH = 72, 96


def tiny(*, text_channels: int = 16) -> RFVNG:
    torch.manual_seed(0)
    network = rf_vng_on(
        TinyTrunk(),
        trunk_channels=TRUNK_CHANNELS,
        channels=32,
        layers=2,
        text_channels=text_channels,
        dropout=0.0,
    )
    for parameter in network.parameters():
        if parameter.ndim > 1 and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)
    return network


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bert_folder(tmp_path_factory.mktemp("text") / "bert")


@pytest.fixture(scope="module")
def text(folder: Path) -> TextFeatures:
    return TextFeatures(load_text_encoder(str(folder)))


def method(text: TextFeatures, **changes) -> RFVNGGrounding:
    options = {"short_side": 0, "window": 36, "query": "noun", **changes}
    return RFVNGGrounding(name="tiny", network=tiny(), text=text, **options)


def video(count: int, height: int = HEIGHT, width: int = WIDTH) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (height, width, 3), np.uint8) for _ in range(count)]


@pytest.mark.parametrize("query", ["noun", "sentence", "noun+sentence"])
def test_the_official_rule(text: TextFeatures, query) -> None:
    frames = video(3)
    found = list(method(text, query=query).ground(iter(frames), TEXT, SPANS))
    with torch.no_grad():
        network = tiny().eval()
        encoded = text([TEXT])
        nouns_BND, _ = noun_queries(encoded, [SPANS], query)
        clip = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)[None].float() / 255
        features = network.encode(clip, encoded.token_BLC, encoded.valid_BL)
        last = network.ground(features, nouns_BND).last
    for n in range(len(SPANS)):
        scores_TQ = last.logits_BNTQ[0, n].sigmoid()
        best = int(scores_TQ.mean(dim=0).argmax())
        masks_T1HW = last.masks_BNTQHW[0, n, :, best, None]
        full_THW = F.interpolate(masks_T1HW, (HEIGHT, WIDTH), mode="bilinear")[:, 0].sigmoid() > 0.5
        for t, grounding in enumerate(found):
            assert grounding.scores[n] == pytest.approx(float(scores_TQ[t, best]), abs=1e-5)
            assert (grounding.masks[n] == full_THW[t].numpy()).mean() > 0.999
    assert len(found) == 3
    assert found[0].masks.dtype == bool
    assert found[0].scores.dtype == np.float32


def test_masks_have_the_size_of_the_frame_whatever_is_inside(text: TextFeatures) -> None:
    for side in (0, 68, 90):
        (one,) = method(text, short_side=side).ground(video(1, 77, 131), TEXT, SPANS)
        assert one.masks.shape == (2, 77, 131)


def test_the_threshold_cuts(text: TextFeatures) -> None:
    def areas(threshold: float) -> np.ndarray:
        (one,) = method(text, threshold=threshold).ground(video(1), TEXT, SPANS)
        return one.masks.sum(axis=(1, 2))

    assert (areas(0.3) >= areas(0.5)).all()
    assert areas(0.3).sum() > areas(0.7).sum()


def test_frames_are_read_a_window_at_a_time(text: TextFeatures) -> None:
    read = []

    def counted() -> Iterator[np.ndarray]:
        for frame in video(7):
            read.append(frame)
            yield frame

    running = method(text, window=3).ground(counted(), TEXT, SPANS)
    assert not read
    next(running)
    assert len(read) == 3
    assert len(list(running)) == 6


@pytest.mark.parametrize(
    ("narrative", "spans", "message"),
    [
        (TEXT, [(2, 99)], "expected nouns inside the 33 characters of 'a dog runs"),
        (TEXT, [(5, 5)], "inside the 33 characters"),
        (TEXT, [(1, 2)], "expected a noun at characters 1 to 2 of 'a dog runs"),
        (TEXT, [], "expected a noun in 'a dog runs"),
        ("", [(0, 1)], "expected a narrative with words, found ''"),
        (" \n ", [(0, 1)], "expected a narrative with words"),
        ("a \u200b dog", [(2, 3)], "expected a noun that the text encoder can read"),
    ],
)
def test_questions_that_cannot_be_asked(text: TextFeatures, narrative, spans, message) -> None:
    with pytest.raises(InputError, match=message):
        list(method(text).ground(video(1), narrative, spans))


@pytest.mark.parametrize(
    "before", ["\U0001f415\u200d\U0001f9ba ", "e\u0301\u0302 ", "ﬁne \U0001f600"]
)
def test_characters_before_a_noun_do_not_move_it(text: TextFeatures, before: str) -> None:
    narrative = f"{before} dog runs"
    start = narrative.index("dog")
    encoded = text([narrative])
    touched_L = (encoded.offset_BL2[0, :, 0] < start + 3) & (encoded.offset_BL2[0, :, 1] > start)
    names = text.encoder.tokenizer.convert_ids_to_tokens(
        text.encoder.tokenizer(narrative).input_ids
    )
    assert [name for name, one in zip(names, touched_L, strict=True) if one] == ["dog"]
    assert len(list(method(text).ground(video(1), narrative, [(start, start + 3)]))) == 1


def test_two_thousand_words(text: TextFeatures) -> None:
    words = ["the", "old", "house", "past", "a", "motor", "over", "it", "and"] * 230
    narrative = " ".join(words) + " dog"
    start = len(narrative) - 3
    (one,) = method(text).ground(video(1), narrative, [(start, start + 3), (4, 7)])
    assert one.masks.shape == (2, HEIGHT, WIDTH)


def test_settings_that_cannot_be_meant() -> None:
    for change in ({"short_side": -1}, {"window": 0}, {"threshold": 1.0}):
        with pytest.raises(InputError, match=next(iter(change))):
            GroundingSettings(**change)


def written(path: Path, folder: Path, **changes) -> Path:
    """Weights as training writes them."""
    metadata = {
        "architecture": "tiny",
        "text_encoder": str(folder),
        "sentence": "mean",
        "query": "noun+sentence",
        **changes,
    }
    metadata = {key: value for key, value in metadata.items() if value is not None}
    write_weights(path, tiny().state_dict(), metadata)
    return path


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILDERS, "tiny", tiny)


def test_a_file_says_what_it_is(known: None, folder: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "w.safetensors", folder)
    loaded = open_grounding(str(path), GroundingSettings(short_side=0, window=2))
    assert isinstance(loaded, RFVNGGrounding)
    assert loaded.query == "noun+sentence"
    text = TextFeatures(load_text_encoder(str(folder)))
    expected = method(text, query="noun+sentence", window=2)
    pairs = zip(
        loaded.ground(video(3), TEXT, SPANS), expected.ground(video(3), TEXT, SPANS), strict=True
    )
    for one, other in pairs:
        assert (one.masks == other.masks).all()
        assert one.scores == pytest.approx(other.scores)
    assert load_rf_vng(str(path)).short_side == 360
    assert load_rf_vng(str(path)).identity != loaded.identity


def test_a_trained_text_encoder_is_in_the_file(known: None, folder: Path, tmp_path: Path) -> None:
    encoder = load_text_encoder(str(folder))
    state = {f"text_encoder.{k}": v + 0.5 for k, v in encoder.model.state_dict().items()}
    metadata = {"architecture": "tiny", "text_encoder": str(folder), "query": "noun"}
    path = tmp_path / "w.safetensors"
    write_weights(path, {**tiny().state_dict(), **state}, metadata)
    loaded = load_rf_vng(str(path))
    name, value = next(iter(encoder.model.state_dict().items()))
    assert loaded.text.encoder.model.state_dict()[name].equal(value + 0.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "stcn_lite"}, "expected weights of RF-VNG with architecture .* 'stcn_li"),
        ({"architecture": None}, "with architecture .*, found none"),
        ({"query": "word"}, "with query noun, sentence, noun.sentence, nothing, found 'word'"),
        ({"architecture": "rf_vng_lite"}, "tensors of this architecture"),
    ],
)
def test_other_weights(known, folder, tmp_path: Path, changes, message) -> None:
    path = written(tmp_path / "w.safetensors", folder, **changes)
    with pytest.raises(InputError, match=message):
        load_rf_vng(str(path))


def test_names(folder: Path) -> None:
    with pytest.raises(InputError, match=r"model: expected rf-vng-lite, a \.safetensors file"):
        open_grounding("rfvng")
    with pytest.raises(InputError, match="with architecture rf_vng_lite, rf_vng"):
        open_grounding("random:stcn_lite")
    with pytest.raises(FileNotFoundError, match="expected weights"):
        open_grounding("none.safetensors")
    first = open_grounding("random:rf_vng_lite", text_encoder=str(folder))
    second = open_grounding("random:rf_vng_lite", text_encoder=str(folder))
    assert first.identity == second.identity  # seeded


def test_it_goes_on_behind_a_window_as_if_it_had_never_stopped(text: TextFeatures) -> None:
    frames = video(8)
    whole = list(method(text, window=3).ground(frames, TEXT, SPANS))
    assert [one.memory is not None for one in whole] == [False, False, True] * 2 + [False, True]
    memory = json.loads(json.dumps(whole[2].memory))
    rest = method(text, window=3).ground(frames[3:], TEXT, SPANS, memory=memory)
    for one, other in zip(rest, whole[3:], strict=True):
        assert np.array_equal(one.masks, other.masks)
        assert np.array_equal(one.scores, other.scores)
        assert one.memory == other.memory


def test_below_the_presence_there_is_no_mask(text: TextFeatures) -> None:
    frames = video(3)
    everything = list(method(text).ground(frames, TEXT, SPANS))
    scores = np.array([one.scores for one in everything])
    presence = float(np.median(scores))
    found = list(method(text, presence=presence).ground(frames, TEXT, SPANS))
    for one, other in zip(found, everything, strict=True):
        assert np.array_equal(one.scores, other.scores)
        for n in range(2):
            kept = other.masks[n] if one.scores[n] >= presence else np.zeros_like(other.masks[n])
            assert np.array_equal(one.masks[n], kept)
    assert (scores < presence).any()
    assert any(one.masks.any() for one in found)


def test_shorter_numbers_find_the_same_within_their_rounding(text: TextFeatures) -> None:
    frames = video(2)
    whole = list(method(text).ground(frames, TEXT, SPANS))
    short = list(method(text, dtype=torch.bfloat16).ground(frames, TEXT, SPANS))
    for one, other in zip(short, whole, strict=True):
        assert one.scores.dtype == np.float32
        assert one.scores == pytest.approx(other.scores, abs=0.05)
        assert (one.masks == other.masks).mean() > 0.95
    assert any(not np.array_equal(a.scores, b.scores) for a, b in zip(short, whole, strict=True))


@pytest.mark.parametrize("stored", ["0.3", "1.5", "high"])
def test_weights_say_from_which_score_on_a_noun_is_there(
    known: None, tmp_path: Path, folder: Path, stored: str
) -> None:
    path = written(tmp_path / "weights.safetensors", folder, presence_threshold=stored)
    if stored == "0.3":
        assert load_rf_vng(str(path)).presence == 0.3
        assert load_rf_vng(str(path), GroundingSettings(presence=0.0)).presence == 0.0
    else:
        with pytest.raises(InputError, match=r"expected a presence_threshold in \[0, 1\], found"):
            load_rf_vng(str(path))


def test_a_network_without_text_gives_every_noun_the_same(text: TextFeatures) -> None:
    first = list(method(text, query="nothing").ground(video(2), TEXT, SPANS))
    other = list(method(text, query="nothing").ground(video(2), "A cat sleeps.", [(2, 5)]))
    for one, two in zip(first, other, strict=True):
        assert np.array_equal(one.masks[0], one.masks[1])
        assert np.array_equal(one.masks[:1], two.masks)
        # To rounding: some processors add up the last rows of a matrix in another order.
        scores = [one.scores[0], one.scores[1], two.scores[0]]
        assert scores == pytest.approx([one.scores[0]] * 3, rel=1e-6)
