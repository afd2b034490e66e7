"""Captions in other languages are told from English ones."""

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from pointvos.formats.coco_png import read_coco_png
from pointvos.vidln.reader import NarrativeReader
from vng.data.expressions import read_expressions
from vng.grounding.language import language_note

FOREIGN = {
    "German": [
        "Ein Mann mit rotem Hemd läuft über die Straße.",
        "Der Hund spielt mit dem Ball im Garten.",
        "Eine Frau sitzt auf einer Bank, neben ihr steht ein Kind.",
    ],
    "French": [
        "Un homme marche dans la rue avec son chien.",
        "Une femme en robe bleue danse devant la fontaine.",
        "Le chat dort sur le canapé.",
    ],
    "Spanish": [
        "Un perro corre por la playa.",
        "La mujer lleva un vestido azul.",
        "Dos hombres juegan en el parque.",
    ],
    "Italian": [
        "Un uomo cammina con il suo cane.",
        "La ragazza balla davanti alla fontana.",
        "Due cavalli corrono nel prato.",
    ],
    "Portuguese": [
        "A menina brinca com a bola.",
        "O homem corre na praia.",
        "Um cachorro marrom pula sobre o muro.",
    ],
    "Dutch": [
        "Een man fietst door het park.",
        "De hond rent achter de bal aan.",
        "Twee kinderen spelen in het zand.",
    ],
    "Polish": [
        "Mężczyzna jedzie na rowerze.",
        "Pies biega po trawie.",
        "Dwa konie stoją przy płocie.",
    ],
    "Turkish": [
        "Bir adam köpeğiyle yürüyor.",
        "K\u0131z mavi bir top tutuyor.",
        "Köpek çimlerde koşuyor.",
    ],
    "Indonesian": ["Seekor kuda hitam berlari cepat melewati pohon besar"],
}
SCRIPTS = {
    "Cyrillic": ["Мужчина идёт по улице.", "Собака ловит мяч.", "Собака"],
    "CJK": ["一个男人在公园里跑步。", "狗在追球。", "一只狗在追一个红色的frisbee"],
    "Hiragana": ["男の人が犬と歩いています。"],
    "Katakana": ["ネコ"],
    "Arabic": ["رجل يركض في الحديقة.", "كلب يلعب بالكرة."],
    "Devanagari": ["एक आदमी कुत्ते के साथ चल रहा है।", "लड़की गेंद फेंकती है।"],
    "Hangul": ["개가 공원에서 달린다."],
}
ENGLISH = [
    "",
    " ... ",
    "🐕🐕",
    "dog",
    "Hund",  # one or two words may be anything
    "Mädchen rennt",
    "man, red car",
    "man, red car, dog, tree, house, sky, green grass, wooden table",
    "man riding horse",
    "A DOG RUNS",
    "young woman holding large brown paper bag full",  # told by the participle
    "A man eats jalapeño peppers",
    "The crème brûlée is on the table",
    "A man in a sombrero plays la guitarra",
    "A sign says 停车场",
    "I'm sure she'll wear the T-shirt",
    "\uff21 dog runs",  # a full-width letter
]


@pytest.mark.parametrize(
    ("language", "caption"), [(key, one) for key, found in FOREIGN.items() for one in found]
)
def test_other_languages_are_noticed(language: str, caption: str) -> None:
    for text in (caption, caption.upper(), unicodedata.normalize("NFD", caption)):
        note = language_note(text)
        assert note is not None
        assert "\n" not in note
        reason = "no 'the'" if language == "Indonesian" else "words such as '"
        assert note.startswith(f"the caption does not look English ({reason}")


@pytest.mark.parametrize(
    ("script", "caption"), [(key, one) for key, found in SCRIPTS.items() for one in found]
)
def test_other_scripts_are_noticed_however_short(script: str, caption: str) -> None:
    note = language_note(caption)
    expected = f"({script} letters)"
    assert note == (
        f"the caption does not look English {expected}: the text encoder was trained on English"
    )


@pytest.mark.parametrize("caption", ENGLISH)
def test_english_and_what_cannot_be_told_is_not(caption: str) -> None:
    assert language_note(caption) is None


def test_the_words_that_tell_are_named() -> None:
    note = language_note("Der Hund und die Katze und der Ball")
    assert note is not None
    assert "(words such as 'der', 'und', 'die')" in note


def real_captions(data: Path) -> Iterator[str]:
    for name in ("davis16_vng/train", "davis16_vng/val", "ytvos_vng"):
        for video in read_expressions(data / name / "meta_expressions.json"):
            yield from (one.description for one in video.narratives)
    for narrative in NarrativeReader(data / "vidln/vidlns/sample_combined.jsonl"):
        yield from (one.caption or "" for one in narrative.actor_narratives)
    for split in ("train", "val"):
        for told in read_coco_png(data / f"coco_png/png_coco_{split}2017.json"):
            yield told.caption
    referring = json.loads((data / "refdavis/meta_expressions_val_public.json").read_text())
    for one in referring["videos"].values():
        yield from (expression["exp"] for expression in one["expressions"].values())


@pytest.mark.data
def test_no_real_caption_is_taken_for_another_language(data_dir: Path) -> None:
    captions = list(real_captions(data_dir))
    assert len(captions) > 190
    assert [one for one in captions if language_note(one)] == []


@pytest.mark.data
@pytest.mark.parametrize("length", [3, 5, 8])
def test_nor_are_pieces_of_them(data_dir: Path, length: int) -> None:
    pieces = []
    for caption in real_captions(data_dir):
        words = caption.split()
        pieces += [" ".join(words[i : i + length]) for i in range(len(words) - length + 1)]
    assert len(pieces) > 4000
    mistaken = [piece for piece in pieces if language_note(piece)]
    assert len(mistaken) <= 0.001 * len(pieces), mistaken[:5]
