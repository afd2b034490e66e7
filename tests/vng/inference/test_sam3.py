"""SAM 3 video behind the protocol, with a small random model."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pointvos.core.errors import InputError
from tests.tiny_sam import save, tiny_sam2
from tests.tiny_sam3 import SIDE, save_tokenizer, tiny_sam3
from vng.inference.methods import open_grounding
from vng.inference.sam3 import Sam3Grounding

TEXT = "the red dog chases a ball"
SPANS = [(4, 11), (21, 25)]  # "red dog", "ball"
HEIGHT, WIDTH = 30, 44


def video(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(count)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sam3") / "checkpoint"
    save(tiny_sam3(), root)
    return save_tokenizer(root)


@pytest.fixture(scope="module")
def method(folder: Path) -> Sam3Grounding:
    found = open_grounding(f"sam3:{folder}")
    assert isinstance(found, Sam3Grounding)
    return found


def test_a_mask_and_a_score_for_each_noun_and_frame(method: Sam3Grounding) -> None:
    found = list(method.ground(iter(video(4)), TEXT, SPANS))
    assert len(found) == 4
    for one in found:
        assert one.masks.shape == (2, HEIGHT, WIDTH)
        assert one.masks.dtype == bool
        assert ((one.scores >= 0) & (one.scores <= 1)).all()
    assert any(one.masks.any() for one in found)


def test_nouns_of_the_same_words_get_the_same_masks(method: Sam3Grounding) -> None:
    text = "a dog chases the  dog"
    (one,) = method.ground(video(1), text, [(2, 5), (18, 21)])
    assert (one.masks[0] == one.masks[1]).all()
    assert one.scores[0] == one.scores[1]


@pytest.mark.parity
def test_equal_to_transformers_on_a_whole_video(folder: Path) -> None:
    """Fed frame by frame, with what is far behind forgotten, as with all frames at hand."""
    from transformers.models.sam3_video.modeling_sam3_video import Sam3VideoInferenceSession

    count, reach = 20, 16
    model = tiny_sam3()
    method = open_grounding(f"sam3:{folder}")
    frames = video(count)
    clip_T3SS = torch.stack([torch.from_numpy(f).permute(2, 0, 1) for f in frames]).float()
    clip_T3SS = F.interpolate(clip_T3SS, (SIDE, SIDE), mode="bilinear", antialias=True) / 127.5 - 1
    session = Sam3VideoInferenceSession(video=clip_T3SS, dtype=torch.float32)
    number = session.add_prompt("ball")
    inputs = method._tokenizer("ball", return_tensors="pt", padding="max_length", max_length=32)
    session.prompt_input_ids[number] = inputs.input_ids
    session.prompt_attention_masks[number] = inputs.attention_mask
    expected = [
        {k: v for k, v in out.obj_id_to_mask.items() if k not in out.suppressed_obj_ids}
        for out in model.propagate_in_video_iterator(session, max_frame_num_to_track=count)
    ]
    assert count > reach
    found = list(method.ground(iter(frames), TEXT, [(21, 25)]))
    for one, masks in zip(found, expected, strict=True):
        union = np.zeros((HEIGHT, WIDTH), bool)
        for logits in masks.values():
            union |= (
                F.interpolate(logits[None], (HEIGHT, WIDTH), mode="bilinear")[0, 0] > 0
            ).numpy()
        assert (one.masks[0] == union).mean() > 0.999
    assert any(masks for masks in expected)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_video(method: Sam3Grounding, monkeypatch) -> None:
    sessions = []
    make = method._session
    monkeypatch.setattr(
        method, "_session", lambda nouns: sessions.append(make(nouns)) or sessions[-1]
    )

    def held(count: int) -> int:
        list(method.ground(iter(video(count)), TEXT, SPANS[1:]))
        session = sessions[-1]
        kept = sum(frame is not None for frame in session.processed_frames.values())
        outputs = [
            len(of_object[key])
            for of_object in session.output_dict_per_obj.values()
            for key in ("cond_frame_outputs", "non_cond_frame_outputs")
        ]
        return kept + sum(outputs) + len(session.obj_id_to_tracker_score_frame_wise)

    assert held(32) <= held(22) + 2


def test_objects_that_turn_out_wrong_are_taken_back(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "hotstart"
    save(tiny_sam3(hotstart_delay=3, hotstart_unmatch_thresh=2, hotstart_dup_thresh=2), root)
    found = list(open_grounding(f"sam3:{save_tokenizer(root)}").ground(video(6), TEXT, SPANS))
    assert len(found) == 6


def test_a_noun_longer_than_it_reads(method: Sam3Grounding) -> None:
    text = "red " * 40 + "ball"
    with pytest.raises(InputError, match="a noun of at most 32 tokens for SAM 3, found 43"):
        list(method.ground(video(1), text, [(0, len(text))]))


def test_other_checkpoints(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="in its cache, found neither"):
        open_grounding("sam3:facebook/sam3-not-there")
    save(tiny_sam2(), tmp_path / "sam2")
    with pytest.raises(InputError, match="expected a checkpoint of sam3_video, found 'sam2'"):
        open_grounding(f"sam3:{tmp_path / 'sam2'}")
    bare = tmp_path / "bare"
    shutil.copytree(folder, bare)
    for file in (*bare.glob("token*"), *bare.glob("vocab*"), *bare.glob("special*")):
        file.unlink()
    with pytest.raises(InputError, match="expected a tokenizer beside the weights"):
        open_grounding(f"sam3:{bare}")
