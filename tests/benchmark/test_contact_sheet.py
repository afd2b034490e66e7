from pathlib import Path

import numpy as np
from PIL import Image

from pointvos.benchmark.contact_sheet import ROWS, worst_sequences
from pointvos.core.masks import write_index_png
from pointvos.formats.masked_video import MaskedVideo
from pointvos.visualize.colours import object_colour

HEIGHT, WIDTH = 60, 80


def video(root: Path, name: str, grey: int, length: int = 3) -> MaskedVideo:
    """A grey video whose left half is predicted as object 1."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[:, : WIDTH // 2] = 1
    frames = root / "frames" / name
    frames.mkdir(parents=True)
    for t in range(length):
        Image.new("RGB", (WIDTH, HEIGHT), (grey,) * 3).save(frames / f"{t:05d}.png")
        write_index_png(root / "masks" / name / f"{t:05d}.png", mask)
    annotated = {f"{t:05d}": root / "masks" / name / f"{t:05d}.png" for t in range(length)}
    return MaskedVideo(name, frames, annotated)


def test_the_worst_sequence_is_on_top_with_its_mask(tmp_path: Path) -> None:
    videos = [video(tmp_path, "good", 60), video(tmp_path, "bad", 200)]
    sheet = worst_sequences(videos, tmp_path / "masks", {"good": 90.0, "bad": 10.0})
    top, bottom = np.array_split(sheet, 2)
    for half, grey in ((top, 200), (bottom, 60)):
        # The free half of the first picture shows the frame, the other the colour of the object.
        right = half[HEIGHT // 2, 6 + 3 * WIDTH // 4]
        left = half[HEIGHT // 2, 6 + WIDTH // 4].astype(int)
        np.testing.assert_array_equal(right, grey)
        assert (
            np.abs(left - object_colour(1)).sum() < np.abs(grey - np.array(object_colour(1))).sum()
        )


def test_only_so_many_rows_of_any_width(tmp_path: Path) -> None:
    videos = [video(tmp_path, f"v{n}", 100, length=1 + n % 4) for n in range(ROWS + 2)]
    scores = {one.name: float(n) for n, one in enumerate(videos)}
    one_row = worst_sequences(videos[3:4], tmp_path / "masks", {"v3": 1.0})
    sheet = worst_sequences(videos, tmp_path / "masks", scores)
    assert sheet.shape == (ROWS * one_row.shape[0], one_row.shape[1], 3)
