import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pointvos.nn.aggregate import soft_aggregate


@settings(deadline=None)  # the first torch call of a process is slow
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=5))
def test_joint_probabilities_sum_to_one_and_keep_the_order(probabilities: list[float]) -> None:
    prob = torch.tensor(probabilities)[None, :, None, None]
    logits = soft_aggregate(prob)
    joint = logits.softmax(dim=1)[0, :, 0, 0]
    assert logits.isfinite().all()
    torch.testing.assert_close(joint.sum(), torch.tensor(1.0))
    order = torch.tensor(probabilities).argsort()
    assert (joint[1:][order].diff() >= -1e-6).all()


def test_single_object_competes_with_its_complement() -> None:
    joint = soft_aggregate(torch.tensor([0.8])[None, :, None, None]).softmax(dim=1).flatten()
    # odds 4 against 1/4
    torch.testing.assert_close(joint, torch.tensor([1 / 17, 16 / 17]))


def test_half_precision_input_is_aggregated_in_float32() -> None:
    logits = soft_aggregate(torch.ones(1, 1, 1, 1, dtype=torch.bfloat16))
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()
