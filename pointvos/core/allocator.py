"""The C library's allocator, set for a process that frees and takes the same large blocks again.

By default it gives every freed tensor of some megabytes back to the system, and each new one comes
as fresh pages that the kernel has to clear. For a network on a CPU that is a tenth of the time of a
frame and a fifth of a training step (docs/performance.md).
"""

from __future__ import annotations

import ctypes
import sys

# Parameters of mallopt(3).
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
LARGEST_INT = 2**31 - 1
GROWTH_BYTES = 64 * 2**20


def keep_freed_memory() -> None:
    """Keep freed memory in the process for its next allocations; Linux with glibc only.

    The process then stays at the largest size it has had. Elsewhere nothing changes.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, LARGEST_INT)
    mallopt(M_TOP_PAD, GROWTH_BYTES)
