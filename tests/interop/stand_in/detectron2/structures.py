"""Boxes."""

from enum import IntEnum


class BoxMode(IntEnum):
    """What the four numbers of a box mean."""

    XYXY_ABS = 0
    XYWH_ABS = 1
    XYXY_REL = 2
    XYWH_REL = 3
    XYWHA_ABS = 4
