"""Random generators that depend on what is drawn, not on when."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A generator for one draw, e.g. ``generator(seed, video, frame, object_id)``.

    The names go through a hash, so that the draw is the same whatever was drawn before it, in
    whichever process and order.

    Raises:
        ValueError: the seed is negative.
    """
    if seed < 0:
        raise ValueError(f"seed: expected an integer >= 0, found {seed}")
    digest = hashlib.sha256("\0".join(str(name) for name in names).encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, dtype=np.uint32).tolist()])
