#!/usr/bin/env python3
"""Train RF-VNG: the nouns of a narrative to masks of their objects, in clips or single images.

Starts under plain python, ``accelerate launch`` and ``torchrun``. See docs/training_vng.md.
"""

import logging

from pointvos.core.command_line import run_tool
from vng.evaluation.validation import Validation
from vng.training.settings import VngSettings
from vng.training.train import train


def main(settings: VngSettings) -> None:
    """Train and say where the weights are."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("accelerate").setLevel(logging.WARNING)  # a line for every file it writes
    validate = None if settings.validation is None else Validation(settings.validation)
    weights = train(settings, validate=validate)
    if not settings.dry_run:
        print(f"weights: {weights}")


if __name__ == "__main__":
    run_tool(main, VngSettings, __doc__ or "")
