"""Where queries may look."""

import torch

from pointvos.nn.interactive.transformer import may_read


def test_a_query_reads_inside_its_mask_and_everywhere_if_that_is_empty() -> None:
    look = torch.full((1, 2, 4, 4), -1.0)
    look[0, 0, :2, :2] = 1.0
    readable = may_read(look, (2, 2))
    assert readable.shape == (1, 1, 2, 4)
    assert readable[0, 0, 0].tolist() == [True, False, False, False]
    assert readable[0, 0, 1].all()
