from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from pointvos.inference.memory_bank import MemoryBank

CHANNELS, POSITIONS = 3, 4


def key(t: float) -> Tensor:
    return torch.full((2, POSITIONS), t)


def value(t: float, object_ids: Sequence[int]) -> Tensor:
    """Values that name their frame and object: t + id / 100."""
    ids = torch.tensor(object_ids)[:, None, None] / 100
    return (t + ids).expand(-1, CHANNELS, POSITIONS).clone()


def remember(bank: MemoryBank, t: int, object_ids: Sequence[int], **options: object) -> None:
    bank.add(object_ids, key(t), value(t, object_ids), **options)  # type: ignore[arg-type]


def contents(bank: MemoryBank) -> dict[int, list[float]]:
    """The frames each object remembers, read from its values and checked against the keys."""
    frames = {}
    for group in bank:
        keys = group.key[0, 0].reshape(-1, POSITIONS)[:, 0]
        for slot, object_id in enumerate(group.object_ids):
            values = group.value[0, slot, 0].reshape(-1, POSITIONS)[:, 0]
            torch.testing.assert_close(values, keys + object_id / 100)
            frames[object_id] = keys.tolist()
    return frames


def test_objects_that_appear_together_share_one_group() -> None:
    bank = MemoryBank()
    remember(bank, 0, [2, 7], given=[2, 7])
    remember(bank, 5, [2, 7])
    assert [group.object_ids for group in bank] == [[2, 7]]
    assert contents(bank) == {2: [0, 5], 7: [0, 5]}
    (group,) = bank
    assert group.key.shape == (1, 2, 2 * POSITIONS)
    assert group.value.shape == (1, 2, CHANNELS, 2 * POSITIONS)


def test_late_object_remembers_from_its_own_frame() -> None:
    bank = MemoryBank()
    remember(bank, 0, [7], given=[7])
    remember(bank, 3, [2, 7], given=[2])  # the order of ids may change
    remember(bank, 8, [2, 7])
    assert contents(bank) == {7: [0, 3, 8], 2: [3, 8]}
    assert bank.frames_of(7) == 3
    assert bank.frames_of(99) == 0


def test_extra_frame_of_one_object_splits_its_group() -> None:
    bank = MemoryBank()
    remember(bank, 0, [1, 2, 3], given=[1, 2, 3])
    remember(bank, 4, [2], given=[2])
    remember(bank, 5, [1, 2, 3])
    assert contents(bank) == {1: [0, 5], 2: [0, 4, 5], 3: [0, 5]}


def test_last_frame_is_replaced() -> None:
    bank = MemoryBank()
    remember(bank, 0, [1], given=[1])
    remember(bank, 1, [1], last=True)
    assert contents(bank) == {1: [0, 1]}
    remember(bank, 2, [1], last=True)
    assert contents(bank) == {1: [0, 2]}
    remember(bank, 3, [1])
    assert contents(bank) == {1: [0, 3]}


def test_bounded_memory_keeps_references_and_the_most_recent() -> None:
    bank = MemoryBank(max_frames=4)
    remember(bank, 0, [1], given=[1])
    for t in (1, 2, 3, 4):
        remember(bank, t, [1])
    remember(bank, 5, [1, 2], given=[2])
    for t in (6, 7):
        remember(bank, t, [1, 2])
    assert contents(bank) == {1: [0, 5, 6, 7], 2: [5, 6, 7]}
    remember(bank, 8, [1, 2])
    assert contents(bank) == {1: [0, 6, 7, 8], 2: [5, 6, 7, 8]}


def test_bounded_memory_keeps_one_recent_frame_beside_many_references() -> None:
    bank = MemoryBank(max_frames=2)
    for t in (0, 1, 2):
        remember(bank, t, [1], given=[1])
    for t in (3, 4):
        remember(bank, t, [1])
    assert contents(bank) == {1: [0, 1, 2, 4]}
    remember(bank, 5, [1], given=[1])
    assert contents(bank) == {1: [0, 1, 2, 4, 5]}


@pytest.mark.parametrize("max_frames", [2, 3, 6])
def test_bound_holds_for_any_length(max_frames: int) -> None:
    bank = MemoryBank(max_frames)
    remember(bank, 0, [1], given=[1])
    for t in range(1, 50):
        remember(bank, t, [1])
    assert bank.frames_of(1) == max_frames
    assert contents(bank)[1] == [0, *range(50 - max_frames + 1, 50)]
