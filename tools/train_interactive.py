#!/usr/bin/env python3
"""Train the interactive segmenter: clicks and mouse traces on a frame to masks of its objects.

Starts under plain python, ``accelerate launch`` and ``torchrun``.
"""

import logging

from pointvos.core.command_line import run_tool
from pointvos.training.interactive.settings import InteractiveSettings
from pointvos.training.interactive.train import train


def main(settings: InteractiveSettings) -> None:
    """Train and say where the weights are."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("accelerate").setLevel(logging.WARNING)  # a line for every file it writes
    weights = train(settings)
    if not settings.dry_run:
        print(f"weights: {weights}")


if __name__ == "__main__":
    run_tool(main, InteractiveSettings, __doc__ or "")
