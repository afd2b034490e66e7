"""Backends from settings, and what the page about them says."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointvos.core.command_line import parse_settings
from pointvos.core.errors import InputError
from pointvos.core.points import Points
from pointvos.pseudomask import builders
from pointvos.pseudomask.backend import MaskResult, Prompt
from pointvos.pseudomask.builders import (
    BUILDERS,
    NAMED,
    MaskBackendSettings,
    backend_by_name,
    build_backend,
    read_backend_settings,
)
from pointvos.pseudomask.grabcut import GrabCut
from pointvos.pseudomask.interactive import InteractiveBackend
from pointvos.pseudomask.sam import SamTorch
from pointvos.pseudomask.sam2 import Sam2Torch
from tests.tiny_sam import save, tiny_sam, tiny_sam2

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "mask_backends.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)


def write(folder: Path, text: str) -> Path:
    path = folder / "backend.yaml"
    path.write_text(text)
    return path


def test_grabcut_needs_no_weights() -> None:
    backend = build_backend(MaskBackendSettings(kind="grabcut"))
    assert backend == GrabCut()


def test_the_default_is_the_packaged_segmenter(monkeypatch) -> None:
    given = {}
    monkeypatch.setattr(
        builders, "load_interactive", lambda path, **more: given.update(more, path=path)
    )
    build_backend(MaskBackendSettings())
    assert given == {"path": "", "device": "cpu"}


def test_interactive_takes_its_settings(tmp_path) -> None:
    text = (
        "kind: interactive\npath: random:interactive_lite\nresolution: 320\n"
        "scales: [0.5, 1]\nedge_radius: 0.05\nconnected: false\n"
    )
    backend = build_backend(read_backend_settings(write(tmp_path, text)))
    assert isinstance(backend, InteractiveBackend)
    assert (backend.resolution, backend.scales, backend.edge_radius) == (320, (0.5, 1.0), 0.05)
    none = build_backend(MaskBackendSettings(path="random:interactive_lite", edge_radius=0))
    assert none.edge_radius is None
    assert (none.connected, backend.connected) == (True, False)


def test_stcn_takes_its_settings() -> None:
    backend = build_backend(MaskBackendSettings(kind="stcn", trace_points=3))
    assert (backend.model.name, backend.trace_points) == ("stcn-lite", 3)
    other = build_backend(MaskBackendSettings(kind="stcn", path="stcn-lite-points"))
    assert other.model.name == "stcn-lite-points"


def test_grabcut_takes_its_settings(tmp_path) -> None:
    path = write(tmp_path, "kind: grabcut\nside: 200\niterations: 2\n")
    assert build_backend(read_backend_settings(path)) == GrabCut(side=200, iterations=2)


@pytest.mark.parametrize(
    ("kind", "tiny", "network"), [("sam", tiny_sam, SamTorch), ("sam2", tiny_sam2, Sam2Torch)]
)
def test_sam_takes_its_settings(tmp_path, kind: str, tiny, network: type) -> None:
    folder = save(tiny(), tmp_path / "weights")
    text = f"kind: {kind}\npath: {folder}\nchoose: points\ntrace_points: 3\n"

    backend = build_backend(read_backend_settings(write(tmp_path, text)))

    assert type(backend.network) is network
    assert (backend.choose, backend.trace_points) == ("points", 3)
    assert str(backend.network.model.device) == "cpu"


def test_sam_onnx_takes_its_settings(tmp_path, monkeypatch) -> None:
    given = {}
    monkeypatch.setattr(
        builders, "load_sam_onnx", lambda path, **more: given.update(more, path=path)
    )
    build_backend(MaskBackendSettings(kind="sam_onnx", path="p", choose="single", device="cuda"))
    assert given == {"path": "p", "choose": "single", "trace_points": 8, "device": "cuda"}


@pytest.mark.parametrize("kind", ["sam", "sam2"])
def test_download_and_device_reach_the_loader(kind: str, monkeypatch) -> None:
    given = {}
    monkeypatch.setattr(
        builders, f"load_{kind}", lambda path, **more: given.update(more, path=path)
    )
    settings = MaskBackendSettings(kind=kind, path="a/b", device="cuda", download=True)
    build_backend(settings)
    assert given["download"] is True
    assert (given["path"], given["device"]) == ("a/b", "cuda")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "kind: sam3",
            r"kind: expected interactive, grabcut, stcn, sam, sam2, sam_onnx, found 'sam3'; did",
        ),
        ("kind: grab_cut", r"found 'grab_cut'; did you mean grabcut\?"),
        ("kind: qqqq", r"found 'qqqq'$"),
        ("knid: sam", r"did you mean kind\?"),
        ("choose: best", "choose"),
        ("trace_points: 0", "trace_points: expected at least 1, found 0"),
        ("trace_points: many", "trace_points"),
        ("resolution: 0", "resolution: expected at least 1, found 0"),
        ("scales: [1, 0.5]", r"scales: expected sizes that ascend from above 0 to 1, found \[1"),
        ("edge_radius: -1", "edge_radius: expected at least 0, found -1"),
    ],
)
def test_settings_that_cannot_be_meant(tmp_path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        read_backend_settings(write(tmp_path, text))
    assert "\n" not in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def test_settings_made_in_code_are_checked_too() -> None:
    with pytest.raises(InputError, match="choose: expected predicted_iou, points, single, found"):
        MaskBackendSettings(choose="best")


def test_values_of_a_backend_are_refused_by_it() -> None:
    with pytest.raises(InputError, match="side: expected at least 32, found 3"):
        build_backend(MaskBackendSettings(kind="grabcut", side=3))


def test_a_new_kind_is_one_line(monkeypatch) -> None:
    class Nothing:
        def masks(self, image, prompts, *, background=None):
            return [MaskResult(np.zeros(image.shape[:2], bool), 0.0) for _ in prompts]

    monkeypatch.setitem(BUILDERS, "nothing", lambda settings: Nothing())

    settings = parse_settings(MaskBackendSettings, ["--kind", "nothing"])

    (result,) = build_backend(settings).masks(np.zeros((4, 4, 3), np.uint8), [Prompt()])
    assert not result.mask.any()


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_of_the_page_are_settings(tmp_path, text: str) -> None:
    settings = read_backend_settings(write(tmp_path, text))
    assert f"kind: {settings.kind}" in text


def test_the_page_shows_every_kind() -> None:
    shown = {re.search(r"kind: (\w+)", text)[1] for text in EXAMPLES}
    assert shown == {"interactive", "grabcut", "stcn", "sam", "sam2", "sam_onnx"}
    for kind in BUILDERS:
        assert f"| `{kind}` |" in PAGE


def test_the_python_example_of_the_page_runs(capsys) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(code, {})
    found, score = capsys.readouterr().out.split()
    assert int(found) == pytest.approx(600, rel=0.1)  # the red rectangle
    assert 0 <= float(score) <= 1


def test_the_python_example_of_the_segmenters_page_runs(tmp_path, monkeypatch) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "interactive.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
    pixels = np.full((480, 854, 3), 90, np.uint8)
    pixels[150:300, 350:500] = (200, 60, 40)
    Image.fromarray(pixels).save(tmp_path / "frame.jpg", quality=95)
    monkeypatch.chdir(tmp_path)
    names: dict[str, MaskResult] = {}
    exec(code, names)
    for result in (names["found"], names["better"]):
        assert result.mask[220, 412]  # the foreground point
        assert 0 <= result.score <= 1
    assert not names["better"].mask[90, 300]


def test_names_on_a_command_line(tmp_path) -> None:
    assert backend_by_name("interactive-lite") == MaskBackendSettings()
    assert backend_by_name("grabcut") == MaskBackendSettings(kind="grabcut")
    assert backend_by_name("stcn-lite") == MaskBackendSettings(kind="stcn")
    assert list(NAMED) == ["interactive-lite", "grabcut", "stcn-lite"]
    file = write(tmp_path, "kind: grabcut\nside: 200\n")
    assert backend_by_name(str(file)) == MaskBackendSettings(kind="grabcut", side=200)
    assert backend_by_name("a/b.safetensors") == MaskBackendSettings(path="a/b.safetensors")


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("interactive-lit", InputError, r"a \.safetensors file, found 'interactive-lit'; did you "),
        ("sam", InputError, "found 'sam'; a backend that needs a path is named in a YAML file"),
        ("qqqq", InputError, "found 'qqqq'$"),
        ("no.yaml", FileNotFoundError, "no.yaml: expected a YAML file with a mask backend, found"),
    ],
)
def test_names_that_are_unknown(name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        backend_by_name(name)


def test_every_backend_keeps_the_protocol(tmp_path) -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    image[5:15, 5:15] = 200
    prompt = Prompt(points=Points.from_pixels([[8, 8]], [1]))
    settings = [
        MaskBackendSettings(path="random:interactive_lite", resolution=64),
        MaskBackendSettings(kind="grabcut"),
        MaskBackendSettings(kind="stcn"),
        MaskBackendSettings(kind="sam", path=str(save(tiny_sam(), tmp_path / "sam"))),
        MaskBackendSettings(kind="sam2", path=str(save(tiny_sam2(), tmp_path / "sam2"))),
    ]
    for each in settings:
        backend = build_backend(each)
        assert backend.masks(image, []) == []
        (result,) = backend.masks(image, [prompt], background=Points.from_pixels([[25, 2]], [0]))
        assert result.mask.shape == (20, 30)
        assert result.mask.dtype == bool
        assert 0 <= result.score <= 1
        with pytest.raises(InputError, match=r"^prompt 0: expected points, a trace or a mask"):
            backend.masks(image, [Prompt()])
