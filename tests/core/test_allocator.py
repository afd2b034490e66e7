"""Freed memory stays in the process."""

import subprocess
import sys

import pytest

# Sixteen times a fresh 32 MB array, written to; prints the page faults that this took.
PROGRAM = """
import resource
import numpy as np
from pointvos.core.allocator import keep_freed_memory
if {keep}:
    keep_freed_memory()
np.ones(4 * 2**20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(16):
    np.ones(4 * 2**20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(*, keep: bool) -> int:
    command = [sys.executable, "-c", PROGRAM.format(keep=keep)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the allocator of glibc")
def test_a_second_large_block_takes_no_new_pages() -> None:
    assert page_faults(keep=True) < page_faults(keep=False) / 4
