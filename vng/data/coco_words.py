"""What the categories of COCO panoptic are called in sentences.

The names of stuff are made for machines ("wall-other-merged"); several categories share a word
("wall"), and then the word means all of them.
"""

from __future__ import annotations

from typing import NamedTuple

# Words by category: singular / plural / without number, alternatives separated by commas. Where
# only the singular is given its plural is regular, and of alternatives the first is the usual.
_THINGS = {
    "person": "person, human / people, persons",
    "bicycle": "bicycle, bike",
    "car": "car",
    "motorcycle": "motorcycle, motorbike",
    "airplane": "airplane, plane, aircraft / airplanes, planes, aircraft",
    "bus": "bus",
    "train": "train",
    "truck": "truck, lorry",
    "boat": "boat",
    "traffic light": "traffic light, traffic signal",
    "fire hydrant": "fire hydrant, hydrant",
    "stop sign": "stop sign",
    "parking meter": "parking meter",
    "bench": "bench",
    "bird": "bird",
    "cat": "cat",
    "dog": "dog",
    "horse": "horse",
    "sheep": "sheep / sheep",
    "cow": "cow / cows, cattle",
    "elephant": "elephant",
    "bear": "bear",
    "zebra": "zebra",
    "giraffe": "giraffe",
    "backpack": "backpack, rucksack",
    "umbrella": "umbrella",
    "handbag": "handbag, bag",
    "tie": "tie, necktie",
    "suitcase": "suitcase",
    "frisbee": "frisbee",
    "skis": "ski / skis",
    "snowboard": "snowboard",
    "sports ball": "ball",
    "kite": "kite",
    "baseball bat": "baseball bat, bat",
    "baseball glove": "baseball glove, glove",
    "skateboard": "skateboard",
    "surfboard": "surfboard",
    "tennis racket": "tennis racket, racket",
    "bottle": "bottle",
    "wine glass": "wine glass, glass",
    "cup": "cup",
    "fork": "fork",
    "knife": "knife / knives",
    "spoon": "spoon",
    "bowl": "bowl",
    "banana": "banana",
    "apple": "apple",
    "sandwich": "sandwich",
    "orange": "orange",
    "broccoli": "broccoli / broccoli",
    "carrot": "carrot",
    "hot dog": "hot dog",
    "pizza": "pizza",
    "donut": "donut, doughnut",
    "cake": "cake",
    "chair": "chair",
    "couch": "couch, sofa",
    "potted plant": "potted plant, house plant",
    "bed": "bed",
    "dining table": "dining table",
    "toilet": "toilet",
    "tv": "television, tv, screen",
    "laptop": "laptop, notebook computer",
    "mouse": "computer mouse / computer mice",
    "remote": "remote control, remote",
    "keyboard": "keyboard",
    "cell phone": "cell phone, mobile phone, phone",
    "microwave": "microwave",
    "oven": "oven",
    "toaster": "toaster",
    "sink": "sink",
    "refrigerator": "refrigerator, fridge",
    "book": "book",
    "clock": "clock",
    "vase": "vase",
    "scissors": "pair of scissors / scissors",
    "teddy bear": "teddy bear, stuffed toy",
    "hair drier": "hair dryer",
    "toothbrush": "toothbrush",
}
_STUFF = {
    "banner": "banner",
    "blanket": "blanket",
    "bridge": "bridge",
    "cardboard": "/ / cardboard",
    "counter": "counter",
    "curtain": "curtain",
    "door-stuff": "door",
    "floor-wood": "wooden floor",
    "flower": "flower",
    "fruit": "/ fruits / fruit",
    "gravel": "/ / gravel",
    "house": "house",
    "light": "light, lamp",
    "mirror-stuff": "mirror",
    "net": "net",
    "pillow": "pillow, cushion",
    "platform": "platform",
    "playingfield": "playing field, field /",
    "railroad": "railroad, railway track / railroad tracks, rails",
    "river": "river",
    "road": "road, street",
    "roof": "roof",
    "sand": "beach / / sand",
    "sea": "sea, ocean /",
    "shelf": "shelf / shelves",
    "snow": "/ / snow",
    "stairs": "staircase / stairs, steps",
    "tent": "tent",
    "towel": "towel",
    "wall-brick": "brick wall",
    "wall-stone": "stone wall",
    "wall-tile": "tiled wall / tiles",
    "wall-wood": "wooden wall",
    "water-other": "/ / water",
    "window-blind": "window blind / window blinds, blinds",
    "window-other": "window",
    "tree-merged": "tree / trees",
    "fence-merged": "fence, railing",
    "ceiling-merged": "ceiling /",
    "sky-other-merged": "sky /",
    "cabinet-merged": "cabinet, cupboard",
    "table-merged": "table",
    "floor-other-merged": "floor / / ground",
    "pavement-merged": "pavement, sidewalk /",
    "mountain-merged": "mountain, hill",
    "grass-merged": "lawn / / grass",
    "dirt-merged": "/ / dirt, soil",
    "paper-merged": "/ papers / paper",
    "food-other-merged": "/ / food",
    "building-other-merged": "building",
    "rock-merged": "rock, stone",
    "wall-other-merged": "wall",
    "rug-merged": "rug, carpet",
}

# Words that several categories share: they mean all of them together.
_SHARED = {
    "animal": (
        *("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"),
    ),
    "vehicle": (*("bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"),),
    "wall": ("wall-brick", "wall-stone", "wall-tile", "wall-wood", "wall-other-merged"),
    "floor": ("floor-wood", "floor-other-merged"),
    "water": ("water-other", "sea", "river"),
    "table": ("dining table", "table-merged"),
    "window": ("window-blind", "window-other"),
    "building": ("building-other-merged", "house"),
}

# What annotators call by each other's name, or what is part of the other: none of it is said to be
# absent where another of its row is there.
_ALIKE = (
    ("wall-brick", "wall-stone", "wall-tile", "wall-wood", "wall-other-merged"),
    (
        *("floor-wood", "floor-other-merged", "rug-merged", "pavement-merged", "road", "platform"),
        *("gravel", "dirt-merged", "sand", "playingfield", "grass-merged", "railroad"),
    ),
    ("water-other", "sea", "river"),
    ("table-merged", "dining table", "counter", "cabinet-merged", "shelf"),
    ("window-blind", "window-other", "curtain", "door-stuff", "mirror-stuff"),
    ("building-other-merged", "house", "roof", "bridge", "tent", "window-other", "door-stuff"),
    ("tree-merged", "potted plant", "flower", "grass-merged", "vase"),
    ("mountain-merged", "rock-merged", "gravel", "dirt-merged", "wall-stone", "sand"),
    ("fence-merged", "net", "stairs"),
    ("paper-merged", "cardboard", "book", "banner"),
    ("blanket", "towel", "rug-merged", "pillow", "curtain", "banner", "bed", "couch"),
    ("light", "traffic light"),
    (
        *("food-other-merged", "fruit", "banana", "apple", "sandwich", "orange", "broccoli"),
        *("carrot", "hot dog", "pizza", "donut", "cake"),
    ),
    ("car", "truck", "bus"),
    ("bicycle", "motorcycle"),
    ("cup", "wine glass", "bottle", "bowl", "vase"),
    ("fork", "knife", "spoon"),
    ("handbag", "backpack", "suitcase"),
    ("couch", "chair", "bench", "bed"),
    ("microwave", "oven", "toaster"),
    ("tv", "laptop"),
    ("bear", "teddy bear"),
    ("laptop", "keyboard"),
    ("skis", "snowboard"),
    ("surfboard", "skateboard", "snowboard"),
    ("sand", "sea"),
)


class Words(NamedTuple):
    """What a category is called.

    Attributes:
        one: words for one of it.
        many: words for several.
        mass: words without a number.
    """

    one: tuple[str, ...]
    many: tuple[str, ...]
    mass: tuple[str, ...]


class Shared(NamedTuple):
    """A word for several categories.

    Attributes:
        words: the word.
        categories: all that it means.
    """

    words: Words
    categories: frozenset[str]


def plural(noun: str) -> str:
    """The regular plural of a noun; its last word carries it.

    >>> plural("bus"), plural("lorry"), plural("toothbrush"), plural("bowl")
    ('buses', 'lorries', 'toothbrushes', 'bowls')
    """
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def _words(entry: str) -> Words:
    parts = [
        tuple(word for word in (one.strip() for one in part.split(",")) if word)
        for part in entry.split("/")
    ]
    one = parts[0]
    many = parts[1] if len(parts) > 1 else tuple(plural(word) for word in one)
    return Words(one, many, parts[2] if len(parts) > 2 else ())


WORDS = {category: _words(entry) for category, entry in (_THINGS | _STUFF).items()}

SHARED = tuple(
    Shared(_words("/ / water" if word == "water" else word), frozenset(categories))
    for word, categories in _SHARED.items()
)


def words_of(category: str) -> Words:
    """What a category is called; one that is not in COCO by its own name.

    >>> words_of("lamp-post").many
    ('lamp posts',)
    """
    return WORDS.get(category) or _words(category.replace("-", " ").replace("_", " "))


def alike(category: str) -> frozenset[str]:
    """The categories that may be taken for this one, itself among them.

    >>> sorted(alike("bicycle"))
    ['bicycle', 'motorcycle']
    """
    rows = [row for row in _ALIKE if category in row]
    return frozenset({category}.union(*rows))


def meaning(word: str) -> frozenset[str]:
    """The categories that a word means together; none for a word of one category.

    >>> sorted(meaning("floor"))
    ['floor-other-merged', 'floor-wood']
    """
    return next(
        (one.categories for one in SHARED if any(word in form for form in one.words)),
        frozenset(),
    )
