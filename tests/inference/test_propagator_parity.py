"""Propagation against the official DAVIS and YouTube-VOS drivers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pointvos.inference.propagator import Propagator
from pointvos.inference.segmentation import Segmentation
from pointvos.nn.stcn import STCN
from tests.recipe import clip, ellipse
from tests.reference_stcn import in_unit_range, reference_stcn

pytestmark = [pytest.mark.parity, pytest.mark.data]

Masks = dict[int, NDArray[np.bool_]]


def case(golden_dir: Path, name: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    with np.load(golden_dir / f"{name}.npz") as arrays:
        return json.loads((golden_dir / f"{name}.json").read_text()), dict(arrays)


def run(
    network: STCN,
    description: dict[str, Any],
    clip_name: str,
    given: dict[int, Masks],
    *,
    top_k: int,
) -> tuple[Propagator, list[Segmentation]]:
    size = (description["T"], description["H"], description["W"])
    frames = in_unit_range(network, clip(clip_name, *size)).permute(0, 2, 3, 1).numpy()
    propagator = Propagator(
        network,
        top_k=top_k,
        memory_every=description["mem_every"],
        include_last=description["include_last"],
    )
    return propagator, [propagator.step(frame, given.get(t)) for t, frame in enumerate(frames)]


def assert_same(results: list[Segmentation], stored: dict[str, NDArray[Any]]) -> None:
    expected_index = stored["masks"]
    assert len(results) == len(expected_index)
    for t, result in enumerate(results):
        same = (result.index_mask() == expected_index[t]).mean()
        assert same >= 0.9995, f"frame {t}: {same:.4%} of the pixels agree"
        if f"prob_{t}" in stored:
            expected = stored[f"prob_{t}"][: len(result.prob)]
            np.testing.assert_allclose(result.prob, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["stcn_inference", "stcn_inference_include_last"])
def test_davis_driver(golden_dir: Path, name: str) -> None:
    network = reference_stcn(golden_dir)
    description, stored = case(golden_dir, name)
    index = np.zeros(stored["initial_mask"].shape, np.uint8)
    for object_id, parameters in reversed(list(enumerate(description["ells"], start=1))):
        index[ellipse(*parameters, *index.shape)] = object_id  # the first one drawn last wins
    np.testing.assert_array_equal(index, stored["initial_mask"])
    objects = {i: index == i for i in range(1, len(description["ells"]) + 1)}

    propagator, results = run(
        network, description, description["name"], {0: objects}, top_k=description["topk"]
    )
    assert_same(results, stored)
    assert {f"prob_{t}" for t in description["prob_frames"]} <= set(stored)
    positions = np.prod(description["padded_size"]) // 256
    kept = [kind.name for group in propagator.memory for kind in group.kinds if kind.name != "LAST"]
    assert len(kept) * positions == description["memory_positions_at_end"]


def test_youtube_driver_with_late_objects(golden_dir: Path) -> None:
    network = reference_stcn(golden_dir)
    description, stored = case(golden_dir, "stcn_inference_late_objects")
    given: dict[int, Masks] = {}
    for t, object_id, _ in description["appear_frame_object_ellipse"]:
        mask = stored[f"given_mask_obj{object_id}_frame{t}"].astype(bool)
        given.setdefault(t, {})[object_id] = mask

    propagator, results = run(
        network, description, description["name"], given, top_k=description["top_k"]
    )
    assert_same(results, stored)
    positions = description["H"] * description["W"] // 256
    expected = description["memory_positions_per_object_at_end"]
    for object_id, total in expected.items():
        assert propagator.memory.frames_of(int(object_id)) * positions == total
