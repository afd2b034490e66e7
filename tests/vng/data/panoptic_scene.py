"""A tiny COCO panoptic tree: two dogs, a cat and a crowd of people on grass, below a sky."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 40, 60
CATEGORIES = [
    (1, "person", 1),
    (17, "cat", 1),
    (18, "dog", 1),
    (44, "bottle", 1),
    (80, "toaster", 1),
    (187, "sky-other-merged", 0),
    (193, "grass-merged", 0),
]
LEFT_DOG, RIGHT_DOG, CAT, CROWD, SKY, GRASS = 300, 70000, 5, 6, 7, 900000
_CATEGORY = {LEFT_DOG: 18, RIGHT_DOG: 18, CAT: 17, CROWD: 1, SKY: 187, GRASS: 193}


def segment_map() -> np.ndarray:
    ids = np.full((HEIGHT, WIDTH), GRASS)
    ids[:12] = SKY
    ids[0, 0] = 0  # nobody labelled it
    ids[20:30, 4:14] = LEFT_DOG
    ids[20:30, 44:54] = RIGHT_DOG
    ids[24:32, 26:34] = CAT
    ids[14:18, 20:40] = CROWD
    return ids


def write_scene(root: Path, *, names: tuple[str, ...] = ("000000000009",)) -> Path:
    """The same picture under each of the names."""
    (root / "annotations/panoptic_train2017").mkdir(parents=True)
    (root / "train2017").mkdir()
    ids = segment_map()
    png = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
    rgb = (ids[..., None] * np.array([7, 13, 29]) % 251).astype(np.uint8)
    for name in names:
        Image.fromarray(rgb).save(root / f"train2017/{name}.png")
        Image.fromarray(png).save(root / f"annotations/panoptic_train2017/{name}.png")
    content = {
        "categories": [
            {"id": number, "name": name, "isthing": thing} for number, name, thing in CATEGORIES
        ],
        "images": [{"id": number, "file_name": f"{name}.png"} for number, name in enumerate(names)],
        "annotations": [
            {
                "image_id": number,
                "file_name": f"{name}.png",
                "segments_info": [
                    {"id": one, "category_id": category, "iscrowd": int(one == CROWD)}
                    for one, category in _CATEGORY.items()
                ],
            }
            for number, name in enumerate(names)
        ],
    }
    (root / "annotations/panoptic_train2017.json").write_text(json.dumps(content))
    return root
