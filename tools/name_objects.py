#!/usr/bin/env python3
"""Find nouns for images with one salient object each, by the ImageNet classifier that is packaged.

The root holds images/ and masks/ (ECSSD, DUTS and others). See docs/vng_data.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pointvos.core.atomic import write_json
from pointvos.core.command_line import run_tool
from pointvos.core.errors import InputError
from pointvos.core.images import read_image
from pointvos.core.progress import progress
from pointvos.core.run_facts import RunFacts
from pointvos.core.weights import imagenet_lite0_file, read_weights
from pointvos.formats.static_images import StaticImage, list_static_images
from vng.data.imagenet_classifier import INPUT_SIDE, load_classifier
from vng.data.imagenet_words import class_nouns
from vng.data.object_crop import object_crop
from vng.data.object_names import ObjectName, name_object, names_as_json
from vng.data.object_sheet import write_sheet


@dataclass(frozen=True, kw_only=True)
class NameSettings:
    """Which images get nouns."""

    root: Path
    """folder that holds images/ and masks/"""

    output: Path
    """JSON file to write"""

    threshold: float = 0.35
    """least probability of a class, or of all classes of an everyday word together"""

    batch_size: int = 8
    """images at a time"""

    threads: int = 1
    """of torch"""

    preview: int = 0
    """images to draw with their nouns on a contact sheet, OUTPUT with the suffix .jpg"""

    seed: int = 0
    """of the choice of images for the preview"""


def main(settings: NameSettings) -> None:
    """Classify, write, print."""
    if not 0 < settings.threshold < 1:
        raise InputError(f"threshold: expected a value in (0, 1), found {settings.threshold}")
    if settings.batch_size < 1 or settings.threads < 1:
        raise InputError(
            f"expected batch_size and threads >= 1, found {settings.batch_size} and "
            f"{settings.threads}"
        )
    facts = RunFacts(settings)
    torch.set_num_threads(settings.threads)
    images = list_static_images(settings.root)
    nouns = class_nouns()
    names: dict[str, ObjectName] = {}
    for image, probabilities in _classified(images, settings.batch_size):
        name = name_object(probabilities, nouns, settings.threshold)
        if name is not None:
            names[image.name] = name
    if not names:
        raise InputError(
            f"{settings.root}: expected an object that the classifier is sure of, found none among "
            f"{len(images)}; lower the threshold"
        )
    record = {"images": names_as_json(names), "of": len(images), **facts.as_dict()}
    write_json(settings.output, record)
    if settings.preview:
        sheet = settings.output.with_suffix(".jpg")
        named = [image for image in images if image.name in names]
        write_sheet(sheet, named, names, count=settings.preview, seed=settings.seed)
        print(f"preview: {sheet}")
    words = Counter(name.general or name.noun for name in names.values())
    common = ", ".join(f"{word} {count}" for word, count in words.most_common(12))
    print(f"{len(names)} of {len(images)} images have a noun: {common}, ...")
    print(f"written: {settings.output}")


def _classified(
    images: Sequence[StaticImage], batch_size: int
) -> Iterator[tuple[StaticImage, NDArray[np.float64]]]:
    """Each image with the probabilities of the 1,000 classes for its object.

    They are the mean of two looks, at the object alone and at the object where it stands.
    """
    model = load_classifier(read_weights(imagenet_lite0_file())[0])
    starts = range(0, len(images), batch_size)
    for start in progress(starts, description="naming", unit="batch"):
        batch = images[start : start + batch_size]
        crops = [
            object_crop(rgb, mask, INPUT_SIDE, alone=alone)
            for rgb, mask in ((read_image(one.image), one.read_mask(one.name) > 0) for one in batch)
            for alone in (True, False)
        ]
        tensor_BCHW = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255
        with torch.inference_mode():
            looks = model(tensor_BCHW).double().numpy().reshape(len(batch), 2, -1)
        yield from zip(batch, looks.mean(axis=1), strict=True)


if __name__ == "__main__":
    run_tool(main, NameSettings, __doc__)
