"""How well the masks of a VNG set, such as pseudo-masks, fit those of the set that they stand for.

    python -m benchmarks.compare_vng_masks --set PSEUDO --truth SET

Objects are found by video and obj_id; frames on which either set knows nothing do not count.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from pointvos.metrics.frame_scores import region_similarity
from vng.data.vng_set import VngSet

UNION = "mask_is_union"  # marks expressions whose true mask covers another thing as well


def main() -> None:
    """Print J of every object, the worst first, and the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", type=Path, required=True, help="folder of a VNG set")
    parser.add_argument("--truth", type=Path, required=True, help="folder of the true set")
    given = parser.parse_args()
    made, truth = VngSet.open(given.set), VngSet.open(given.truth)
    rows = []
    for video in made.videos.values():
        true_video = truth.videos[video.name]
        union = {one.obj_id for one in true_video.expressions if one.other.get(UNION)}
        for obj_id in dict.fromkeys(one.obj_id for one in video.expressions):
            known = {
                frame: mask.decode()
                for frame, mask in zip(video.frames, made.masks(video, obj_id), strict=True)
                if mask is not None
            }
            scores = [
                region_similarity(known[frame], mask.decode())
                for frame, mask in zip(
                    true_video.frames, truth.masks(true_video, obj_id), strict=True
                )
                if mask is not None and frame in known
            ]
            rows.append((float(np.mean(scores)), video.name, len(scores), obj_id in union))
    for j, name, frames, is_union in sorted(rows):
        print(f"{name:<24}{frames:>5} frames  J {100 * j:5.1f}{'  union' if is_union else ''}")
    for label, chosen in (
        ("all objects", [True, False]),
        ("masks of one thing", [False]),
        ("unions", [True]),
    ):
        found = [j for j, _, _, is_union in rows if is_union in chosen]
        if found:
            print(f"{label}: {len(found)}, mean J {100 * np.mean(found):.1f}")


if __name__ == "__main__":
    main()
