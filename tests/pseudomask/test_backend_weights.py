"""The digest of the weights that a backend's settings stand for."""

import hashlib

from pointvos.pseudomask.backend_weights import weights_sha256
from pointvos.pseudomask.builders import MaskBackendSettings


def test_what_has_no_weights_on_disk_has_no_digest(tmp_path):
    assert weights_sha256(MaskBackendSettings(kind="grabcut")) == ""
    assert weights_sha256(MaskBackendSettings(kind="sam", path="facebook/sam-vit-base")) == ""
    assert weights_sha256(MaskBackendSettings(path=str(tmp_path / "gone.safetensors"))) == ""


def test_a_file_has_its_own_digest(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(b"weights")
    settings = MaskBackendSettings(path=str(tmp_path / "w.safetensors"))
    assert weights_sha256(settings) == hashlib.sha256(b"weights").hexdigest()


def test_a_folder_changes_with_any_name_or_content_in_it(tmp_path):
    settings = MaskBackendSettings(kind="sam", path=str(tmp_path))
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    first = weights_sha256(settings)
    (tmp_path / "b").write_bytes(b"3")
    second = weights_sha256(settings)
    (tmp_path / "b").rename(tmp_path / "c")
    third = weights_sha256(settings)
    assert len({first, second, third}) == 3
    (tmp_path / "c").rename(tmp_path / "b")
    assert weights_sha256(settings) == second


def test_packaged_weights_count_under_an_empty_path_as_under_their_name():
    by_default = weights_sha256(MaskBackendSettings(kind="stcn"))
    assert by_default == weights_sha256(MaskBackendSettings(kind="stcn", path="stcn-lite"))
    assert by_default != weights_sha256(MaskBackendSettings(kind="stcn", path="stcn-lite-points"))
    assert len(by_default) == 64
