"""Video narrative grounding: from the nouns of a narrative to masks, built on pointvos.

Three lines are the whole interface for a video that fits into memory::

    from vng import ground

    found = ground("clip.mp4", "A man rides a bike past a red car.")
    found["bike"]  # masks, bool [T, H, W]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vng.grounding.api import GroundedVideo, ground

__all__ = ["GroundedVideo", "ground"]


def __getattr__(name: str) -> Any:
    """Load what brings torch only when it is asked for."""
    if name in __all__:
        from vng.grounding import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
