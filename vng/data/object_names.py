"""Which noun the object of an image has, as `tools/name_objects.py` finds it out.

A file is ``{"images": {<name>: {"noun": "golden retriever", "general": "dog", "kind": "animal",
"probability": 0.81}}, ...}``. ``noun`` is null where only the everyday word is sure. Images without
a sure noun are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.jsonfile import read_json
from vng.data.imagenet_words import GARMENTS, GROUPS, HELD, Kind, groups_of

KINDS: tuple[Kind, ...] = get_args(Kind)
ALONE = 1.4  # times the threshold, for classes without an everyday word: often wrong below it


@dataclass(frozen=True)
class ObjectName:
    """What an object is called.

    Attributes:
        noun: the name of its ImageNet class, if that is sure.
        general: the everyday word above it, if there is one.
        kind: what it may be said to do.
        probability: of the noun, else of the general word, in [0, 1].
    """

    noun: str | None
    general: str | None
    kind: Kind
    probability: float

    @property
    def words(self) -> tuple[str, ...]:
        """All words for it, at least one."""
        return tuple(word for word in (self.noun, self.general) if word)


def name_object(
    probabilities: NDArray[np.floating], nouns: Sequence[str], threshold: float
) -> ObjectName | None:
    """The noun of an object, None where the classifier is not sure.

    Sure is a class above the threshold; or, without one, an everyday word whose classes are above
    it together: "dog" where two breeds are as likely. Garments say that somebody wears them; balls,
    instruments and weapons say nothing, since most objects taken for one are people with it.

    Args:
        probabilities: of the 1,000 classes, summing to 1.
        nouns: of the classes.
        threshold: in (0, 1).
    """
    garments = float(sum(probabilities[number] for number in GARMENTS))
    best = int(probabilities.argmax())
    if best in GARMENTS or garments > threshold:
        people = next(group for group in GROUPS if group.word == "person")
        total = garments + float(sum(probabilities[number] for number in people.classes))
        return ObjectName(None, "person", "person", total) if total > threshold else None
    if best in HELD:
        return None
    groups = groups_of([best])
    if probabilities[best] > threshold * (1 if groups else ALONE):
        general = groups[0].word if groups else None
        kind: Kind = groups[0].kind if groups else "object"
        return ObjectName(nouns[best], general, kind, float(probabilities[best]))
    totals = [float(probabilities[list(group.classes)].sum()) for group in GROUPS]
    most = int(np.argmax(totals))
    if totals[most] <= threshold or set(GROUPS[most].classes) & HELD:
        return None
    return ObjectName(None, GROUPS[most].word, GROUPS[most].kind, totals[most])


def names_as_json(names: Mapping[str, ObjectName]) -> dict[str, Any]:
    """Names by image as they are written."""
    return {
        image: {**asdict(name), "probability": round(name.probability, 4)}
        for image, name in names.items()
    }


def read_object_names(path: str | Path) -> dict[str, ObjectName]:
    """The names of a file, by image.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is not as `tools/name_objects.py` writes it, or names nothing.
    """
    content = read_json(path, unique_keys=True)
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, dict) or not images:
        raise InputError(f'{path}: expected {{"images": {{...}}}} with names, found none')
    return {image: _name(value, f"{path}: {image}") for image, value in images.items()}


def _name(value: Any, where: str) -> ObjectName:
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected a name, found {value!r:.60}")
    noun, general = value.get("noun"), value.get("general")
    for word in (noun, general):
        if word is not None and (not isinstance(word, str) or not word.strip()):
            raise InputError(f"{where}: expected words or null, found {word!r:.60}")
    kind, probability = value.get("kind"), value.get("probability")
    if noun is None and general is None:
        raise InputError(f"{where}: expected a noun or a general word, found neither")
    if kind not in KINDS:
        raise InputError(f"{where}.kind: expected {', '.join(KINDS)}, found {kind!r:.60}")
    if not isinstance(probability, int | float) or not 0 <= probability <= 1:
        raise InputError(f"{where}.probability: expected 0 to 1, found {probability!r:.60}")
    return ObjectName(noun, general, kind, float(probability))
