#!/usr/bin/env python3
"""Train STCN in any regime: points, masks, pseudo-masks, hybrid; on static images or videos.

Starts under plain python, ``accelerate launch`` and ``torchrun``.
"""

import logging

from pointvos.core.command_line import run_tool
from pointvos.training.settings import TrainSettings
from pointvos.training.train_point_stcn import train


def main(settings: TrainSettings) -> None:
    """Train and say where the weights are."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("accelerate").setLevel(logging.WARNING)  # a line for every file it writes
    weights = train(settings)
    if not settings.dry_run:
        print(f"weights: {weights}")


if __name__ == "__main__":
    run_tool(main, TrainSettings, __doc__ or "")
