"""A training tool that is killed in the middle of its run."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def kill_at_step(
    step: int,
    output: Path,
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    seconds: float,
) -> None:
    """Run a training into `output` and kill -9 it as soon as it has the checkpoint of a step.

    Args:
        step: whose checkpoint.
        output: of the run.
        command: that starts it.
        environment: of the process.
        seconds: by when the checkpoint must be there.
    """
    victim = subprocess.Popen(
        [*command, "--output", str(output)],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # so that its worker dies with it
    )
    deadline = time.monotonic() + seconds
    while not (output / "checkpoints" / f"step_{step:07d}").exists():
        assert victim.poll() is None, "ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(victim.pid, signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    assert not (output / "weights.safetensors").exists()
