"""Registering, with a stand-in for detectron2, and what the page about it says."""

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from pointvos.core.errors import InputError
from pointvos.interop.detectron2 import INSTALL, MaskSet, PointSet, register
from tests.interop.standard_format import check_masks, check_panoptic, check_points
from tests.interop.test_panoptic_images import content, write, write_narratives, write_png
from tests.tiny_datasets import HEIGHT, WIDTH, write_frames
from tests.tiny_point_set import record, write_json, write_point_set

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "docs" / "detectron2.md").read_text()


def test_registered_points_are_read_when_they_are_asked_for(
    detectron2: ModuleType, tmp_path: Path
) -> None:
    data = detectron2.data
    source = PointSet(points=tmp_path / "points.json", frames=tmp_path / "davis/JPEGImages/480p")
    register("pv", source)  # nothing is there yet
    assert data.DatasetCatalog.list() == ["pv"]
    metadata = data.MetadataCatalog.get("pv")
    assert metadata.thing_classes == ["object"]
    assert not hasattr(metadata, "pointvos_counts")

    write_point_set(tmp_path)
    dicts = data.DatasetCatalog.get("pv")
    assert check_points(dicts, vars(metadata)) == metadata.pointvos_counts["objects"]
    mode = dicts[0]["annotations"][0]["bbox_mode"]
    assert mode is detectron2.structures.BoxMode.XYXY_ABS
    assert data.DatasetCatalog.get("pv") == dicts


def test_names_become_categories_when_they_are_read(detectron2: ModuleType, tmp_path: Path) -> None:
    write_frames(tmp_path / "frames" / "bike", ["00000"])
    path = write_json(
        tmp_path / "points.json",
        record("a", "bike", [(3, 5, "00000", "ACCEPTED")], object_name="wheel"),
    )
    register("named", PointSet(points=path, frames=tmp_path / "frames", categories="names"))
    metadata = detectron2.data.MetadataCatalog.get("named")
    assert not hasattr(metadata, "thing_classes")
    detectron2.data.DatasetCatalog.get("named")
    assert metadata.thing_classes == ["wheel"]


def test_a_name_is_registered_once(detectron2: ModuleType, tmp_path: Path) -> None:
    source = MaskSet(masks=tmp_path, frames=tmp_path)
    register("masks", source)
    with pytest.raises(InputError, match="masks: expected a name that is not registered yet"):
        register("masks", source)


def test_metadata_that_is_already_there(detectron2: ModuleType, tmp_path: Path) -> None:
    data = detectron2.data
    register("masks", MaskSet(masks=tmp_path, frames=tmp_path))
    data.DatasetCatalog.remove("masks")
    other = MaskSet(masks=tmp_path, frames=tmp_path, categories=["dog"])
    with pytest.raises(InputError, match=r"thing_classes .*\['object'\].*MetadataCatalog.remove"):
        register("masks", other)
    assert data.DatasetCatalog.list() == []
    data.MetadataCatalog.remove("masks")
    register("masks", other)
    assert data.MetadataCatalog.get("masks").thing_classes == ["dog"]


def test_files_that_change_after_they_were_read(detectron2: ModuleType, tmp_path: Path) -> None:
    write_frames(tmp_path / "frames" / "bike", ["00000"])
    points = [(3, 5, "00000", "ACCEPTED"), (4, 5, "00000", "AMBIGUOUS")]
    path = write_json(tmp_path / "points.json", record("a", "bike", points))
    register("pv", PointSet(points=path, frames=tmp_path / "frames"))
    detectron2.data.DatasetCatalog.get("pv")
    write_json(path, record("a", "bike", points[:1]))
    with pytest.raises(InputError, match=r"pv: expected the pointvos_counts .*the files have ch"):
        detectron2.data.DatasetCatalog.get("pv")


def test_without_detectron2(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("detectron2", "detectron2.data", "detectron2.structures"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError) as caught:
        register("masks", MaskSet(masks=tmp_path, frames=tmp_path))
    assert str(caught.value).startswith("detectron2: expected it to be installed, found: ")
    assert str(caught.value).endswith(INSTALL)
    assert "\n" not in str(caught.value)
    assert INSTALL in PAGE


def test_importing_the_module_imports_no_detectron2() -> None:
    code = (
        "import sys; sys.modules['detectron2'] = None; import pointvos.interop.detectron2;"
        "print('torch' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"  # nor torch


def test_the_example_of_the_page_runs(
    detectron2: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_point_set(tmp_path)
    (tmp_path / "davis").rename("DAVIS")
    (tmp_path / "pseudo").mkdir()
    (tmp_path / "pseudo" / "masks").symlink_to(tmp_path / "DAVIS" / "Annotations" / "480p")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(code, {})

    catalog, of = detectron2.data.DatasetCatalog, detectron2.data.MetadataCatalog.get
    assert check_points(catalog.get("pv_train"), vars(of("pv_train"))) > 0
    assert of("pv_train").pointvos_counts["boxes_from_points"] == 0
    assert check_masks(catalog.get("davis_masks"), vars(of("davis_masks"))) > 0
    with pytest.raises(FileNotFoundError, match=r"panoptic_val2017\.json"):
        catalog.get("coco_png_val")
    write_coco(tmp_path / "COCO")
    write_narratives(tmp_path).rename("png_coco_val2017.json")
    dicts = catalog.get("coco_png_val")
    assert check_panoptic(dicts, vars(of("coco_png_val")), more={"narratives"}) == 3


def write_coco(root: Path) -> None:
    """Image 9 of tests/interop/test_panoptic_images.py as the split val."""
    import numpy as np

    write_frames(root / "val2017", ["000009"])
    folder = root / "annotations" / "panoptic_val2017"
    folder.mkdir(parents=True)
    ids = np.repeat([5, 70_000, 300, 9], WIDTH // 4)[None].repeat(HEIGHT, axis=0)
    write_png(folder / "000009.png", ids)
    value = content()
    del value["annotations"][0]
    write(root, value)
    (root / "annotations" / "panoptic_train2017.json").rename(
        root / "annotations" / "panoptic_val2017.json"
    )
