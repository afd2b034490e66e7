"""A file is written whole or not at all."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pointvos.core.atomic import atomic_path, write_bytes, write_json, write_text
from pointvos.core.masks import write_index_png

FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # too large a write then fails, as on a full disk
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from pointvos.core.atomic import write_bytes
try:
    write_bytes(sys.argv[1], bytes(100_000))
except OSError:
    sys.exit(7)
"""


def only_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def test_writes_create_missing_folders(tmp_path):
    write_text(tmp_path / "a" / "b" / "c.txt", "ä")
    assert (tmp_path / "a/b/c.txt").read_bytes() == "ä".encode()


def test_an_earlier_file_is_replaced_and_nothing_else_is_left(tmp_path):
    write_bytes(tmp_path / "a.bin", b"old")
    write_bytes(tmp_path / "a.bin", b"new")
    assert only_file(tmp_path).read_bytes() == b"new"


def test_the_temporary_name_keeps_folder_and_suffix(tmp_path):
    with atomic_path(tmp_path / "clip.mp4") as temporary:
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".mp4")
        assert temporary.name != "clip.mp4"
        temporary.write_bytes(b"x")
    assert only_file(tmp_path).name == "clip.mp4"


@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()])
def test_a_failure_leaves_the_earlier_file_and_no_partial_one(tmp_path, error):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")

    def fail_half_way() -> None:
        with atomic_path(target) as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(type(error)):
        fail_half_way()
    assert only_file(tmp_path).read_bytes() == b"old"


def test_a_writer_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a.bin"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    target = tmp_path / "out" / "a.bin"
    target.parent.mkdir()
    target.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(target)],
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 7
    assert only_file(target.parent).read_bytes() == b"old"


def test_a_png_that_cannot_be_written_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("PIL.Image.Image.save", full)
    with pytest.raises(OSError, match="No space left"):
        write_index_png(tmp_path / "mask.png", np.zeros((4, 4), np.uint8))
    assert not list(tmp_path.iterdir())


def test_json_is_written_readably(tmp_path):
    write_json(tmp_path / "a.json", {"é": [1.5, None]})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"é": [1.5, None]}
    assert "é" in text
    assert text.endswith("\n")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_json_cannot_hold_is_not_written(tmp_path, value):
    with pytest.raises((ValueError, TypeError)):
        write_json(tmp_path / "a.json", {"x": value})
    assert not list(tmp_path.iterdir())


def test_a_file_may_be_read_as_any_other(tmp_path):
    """Also where a library made it for its owner alone, as safetensors does."""
    (tmp_path / "other").touch()
    with atomic_path(tmp_path / "file") as temporary:
        temporary.touch(mode=0o600)
        temporary.write_text("text")
    modes = {name: (tmp_path / name).stat().st_mode for name in ("file", "other")}
    assert modes["file"] == modes["other"]
