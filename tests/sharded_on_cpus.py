"""Start a training tool with FSDP on processors, which Accelerate reserves for devices with memory.

    torchrun --nproc_per_node 2 tests/sharded_on_cpus.py tools/train_vng.py --config ...

The network is sharded for real (FSDP 2 over gloo); only Accelerate's choice of it is forced.
"""

import os
import runpy
import sys
from typing import Any

from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType

found_by_accelerate = AcceleratorState.__init__
plugin = None


def choose_fsdp(self: AcceleratorState, *arguments: Any, **options: Any) -> None:
    """Take several processes on CPUs for what FSDP may be chosen on."""
    global plugin
    found_by_accelerate(self, *arguments, **options)
    plugin = options.get("fsdp_plugin") or plugin
    if plugin is not None and self.distributed_type == DistributedType.MULTI_CPU:
        self.distributed_type, self.fsdp_plugin = DistributedType.FSDP, plugin


if __name__ == "__main__":
    os.environ.update(ACCELERATE_USE_FSDP="true", FSDP_VERSION="2")
    AcceleratorState.__init__ = choose_fsdp
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
