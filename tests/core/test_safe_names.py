"""Names out of data files stay inside their folder."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointvos.core.errors import InputError
from pointvos.core.safe_names import safe_join


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "../secret",
        "train/../../secret",
        "a/..",
        "/etc/passwd",
        "//server/share",
        "..\\secret",
        "C:\\secret",
        "C:secret",
        "",
        " ",
        ".",
        "a\0b",
        "a\nb",
    ],
)
def test_names_that_lead_elsewhere_are_refused(name):
    with pytest.raises(InputError, match=r"^list\.txt:3: expected a name inside the data folder"):
        safe_join("/data", name, source="list.txt:3")


@pytest.mark.parametrize(
    "name",
    [
        "bear",
        "-t-NFaw9mv0_4",
        "train/False Start! - Best Fails of the Week! (May 2018) _ FailArmy31",
        "..hidden",
        "a..b",
        "5:30 am",
        "ünïcode",
    ],
)
def test_ordinary_names_are_joined(name):
    assert safe_join("/data", name) == Path("/data") / name


@given(st.text())
def test_whatever_is_joined_stays_inside(name):
    try:
        joined = safe_join("/data/root", name)
    except InputError:
        return
    inside = os.path.normpath(joined)
    assert inside.startswith("/data/root" + os.sep)
