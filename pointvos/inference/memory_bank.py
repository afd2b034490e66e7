"""What has been seen: keys of memorised frames, and the values of each object on them.

Objects may appear on any frame, so they have different memories. Objects that appeared together
have seen the same frames; they form a group that holds one copy of the keys, and are read together.

Shape legend as in `pointvos.nn.stcn`; E memorised frames (entries), N positions of one frame,
M = E * N.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from enum import Enum, auto

import torch
from torch import Tensor


class Kind(Enum):
    """Why a frame is in the memory."""

    REFERENCE = auto()  # an object of the group was given on it: never dropped
    RECENT = auto()  # every few frames: the oldest are dropped when the memory is bounded
    LAST = auto()  # the previous frame only: replaced by the next


class MemoryGroup:
    """The memory of objects that have seen the same frames."""

    def __init__(self, object_ids: Sequence[int], key_CEN: Tensor, value_OCEN: Tensor) -> None:
        self.object_ids = list(object_ids)
        self.kinds: list[Kind] = []
        self._key_CEN = key_CEN
        self._value_OCEN = value_OCEN

    @property
    def key(self) -> Tensor:
        """Keys of all memorised frames, float [1, C, M]."""
        return self._key_CEN.flatten(1)[None]

    @property
    def value(self) -> Tensor:
        """Values in the order of `object_ids`, float [1, O, C, M]."""
        return self._value_OCEN.flatten(2)[None]

    def append(self, key_CN: Tensor, value_OCN: Tensor, kind: Kind, limit: int | None) -> None:
        """Memorise a frame; drop the last-frame entry, and the oldest recent ones above `limit`."""
        keep = [e for e, known in enumerate(self.kinds) if known is not Kind.LAST]
        if kind is not Kind.LAST and limit is not None:
            recent = [e for e in keep if self.kinds[e] is Kind.RECENT]
            room = limit - 1 - (len(keep) - len(recent))
            # One recent frame stays even where references alone fill the memory.
            kept = max(room, 0 if kind is Kind.RECENT else 1)
            dropped = recent[: max(0, len(recent) - kept)]
            keep = [e for e in keep if e not in dropped]
        if len(keep) < len(self.kinds):
            self._key_CEN, self._value_OCEN = self._key_CEN[:, keep], self._value_OCEN[:, :, keep]
            self.kinds = [self.kinds[e] for e in keep]
        self._key_CEN = torch.cat([self._key_CEN, key_CN[:, None]], dim=1)
        self._value_OCEN = torch.cat([self._value_OCEN, value_OCN[:, :, None]], dim=2)
        self.kinds.append(kind)

    def part(self, object_ids: Sequence[int]) -> MemoryGroup:
        """A group of some of the objects, with the same past."""
        slots = [self.object_ids.index(object_id) for object_id in object_ids]
        part = MemoryGroup(object_ids, self._key_CEN, self._value_OCEN[slots])
        part.kinds = list(self.kinds)
        return part


class MemoryBank:
    """Memories of all objects of a video.

    Args:
        max_frames: entries kept for each object: all frames on which it was given, and the most
            recent others up to this number (at least one). None keeps everything, as in the paper.
    """

    def __init__(self, max_frames: int | None = None) -> None:
        self.max_frames = max_frames
        self._groups: list[MemoryGroup] = []

    def __iter__(self) -> Iterator[MemoryGroup]:
        """The groups; each object is in exactly one."""
        return iter(self._groups)

    def frames_of(self, object_id: int) -> int:
        """How many entries an object has; 0 when it is not known."""
        return next((len(g.kinds) for g in self._groups if object_id in g.object_ids), 0)

    def add(
        self,
        object_ids: Sequence[int],
        key_CN: Tensor,
        value_OCN: Tensor,
        *,
        given: Collection[int] = (),
        last: bool = False,
    ) -> None:
        """Memorise one frame for some objects, known or new.

        Args:
            object_ids: the objects, in the order of `value_OCN`.
            key_CN: float [C, N].
            value_OCN: float [O, C, N].
            given: those of the objects that the user gave on this frame.
            last: keep the frame only until the next one is memorised.
        """
        self._split_at(object_ids)
        slot_of = {object_id: slot for slot, object_id in enumerate(object_ids)}
        known = {object_id for group in self._groups for object_id in group.object_ids}
        new = [object_id for object_id in object_ids if object_id not in known]
        if new:
            channels, positions = value_OCN.shape[1:]
            empty_value = value_OCN.new_empty(len(new), channels, 0, positions)
            self._groups.append(MemoryGroup(new, key_CN[:, None][:, :0], empty_value))
        for group in self._groups:
            if group.object_ids[0] not in slot_of:
                continue
            slots = [slot_of[object_id] for object_id in group.object_ids]
            reference = any(object_id in given for object_id in group.object_ids)
            kind = Kind.LAST if last else Kind.REFERENCE if reference else Kind.RECENT
            group.append(key_CN, value_OCN[slots], kind, self.max_frames)

    def _split_at(self, object_ids: Sequence[int]) -> None:
        """Split groups of which only a part is about to memorise a frame."""
        groups = []
        for group in self._groups:
            inside = [o for o in group.object_ids if o in object_ids]
            outside = [o for o in group.object_ids if o not in object_ids]
            split = inside and outside
            groups += [group.part(inside), group.part(outside)] if split else [group]
        self._groups = groups
