"""SAM 3 video (Meta, 2025) through transformers: a noun is a phrase that it looks for.

SAM 3 finds every instance that a short phrase names and follows each; it reads no narrative. So the
mask of a noun is the union of what its words find, and two nouns of the same words get the same
masks. Weights are the user's: a folder in the layout of transformers, with its tokenizer.

transformers runs its processor on torchvision only. Frames are prepared here instead, and the
session is fed frame by frame, so that what is far behind can be forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pointvos.core.checkpoints import load_checkpoint
from pointvos.core.errors import InputError
from pointvos.pseudomask.sam import quiet_loading
from vng.inference.grounding import Frame, FrameGrounding, Memory, check_question
from vng.inference.windows import windows
from vng.text.encoder import check_tokenizer_files
from vng.text.spans import Span

EXAMPLE = "facebook/sam3"
PROMPT_TOKENS = 32  # of the processor: the text encoder reads no more
PIXEL_MEAN = PIXEL_STD = 0.5  # of the processor, for RGB in [0, 1]


class _Found(NamedTuple):
    """An object on a frame: the words that found it, mask logits [1, h, w], score in [0, 1]."""

    object_id: int
    words: str
    logits_1hw: Tensor
    score: float


class Sam3Grounding:
    """A `GroundingMethod` around ``transformers.Sam3VideoModel``.

    Args:
        name: as it was asked for.
        model: in eval mode on its device.
        tokenizer: its own.
    """

    def __init__(self, *, name: str, model: Any, tokenizer: Any) -> None:
        self.name = name
        self.identity = f"{name} {sum(p.numel() for p in model.parameters())} parameters"
        self._model = model
        self._tokenizer = tokenizer
        self._side = int(model.config.image_size)

    def check(self, text: str, spans: Sequence[Span]) -> None:
        """See `GroundingMethod`; a noun may be no longer than SAM 3 reads."""
        check_question(text, spans)
        for start, end in spans:
            tokens = len(self._tokenizer(text[start:end]).input_ids)
            if tokens > PROMPT_TOKENS:
                raise InputError(
                    f"expected a noun of at most {PROMPT_TOKENS} tokens for SAM 3, found {tokens} "
                    f"in {text[start:end]!r:.60}"
                )

    def ground(
        self,
        frames: Iterable[Frame],
        text: str,
        spans: Sequence[Span],
        *,
        memory: Memory | None = None,
    ) -> Iterator[FrameGrounding]:
        """See `GroundingMethod`; what its tracker remembers cannot be stored."""
        if memory is not None:
            raise InputError(f"{self.name}: expected the whole video, found a memory to go on from")
        self.check(text, spans)
        nouns = [" ".join(text[start:end].split()) for start, end in spans]
        session = self._session(dict.fromkeys(nouns))
        waiting: list[list[_Found]] = []  # outputs that the next frames may still take objects from
        delay = int(self._model.hotstart_delay)
        shape: tuple[int, ...] = (0, 0)
        for index, (frame,) in enumerate(windows(frames, 1)):
            shape = frame.shape[:2]
            with torch.inference_mode():
                session.add_new_frame(self._pixels(frame), index)
                output = self._model(inference_session=session, frame_idx=index)
            session.hotstart_removed_obj_ids.update(output.removed_obj_ids)
            waiting.append(_kept(output, session))
            _forget(session, index, self._model)
            if len(waiting) >= max(delay, 1):
                yield self._of_frame(waiting.pop(0), session, nouns, shape)
        for output in waiting:
            yield self._of_frame(output, session, nouns, shape)

    def _session(self, nouns: Iterable[str]) -> Any:
        from transformers.models.sam3_video.modeling_sam3_video import Sam3VideoInferenceSession

        device = self._model.device
        session = Sam3VideoInferenceSession(
            inference_device=device,
            inference_state_device=device,
            video_storage_device=device,
            dtype=self._model.dtype,
        )
        # The tracker looks as far back as the video is long; here it is not known to be short.
        reach = int(self._model.config.tracker_config.max_object_pointers_in_encoder)
        session.processed_frames = dict.fromkeys(range(reach))
        for noun in nouns:
            number = session.add_prompt(noun)
            inputs = self._tokenizer(
                noun, return_tensors="pt", padding="max_length", max_length=PROMPT_TOKENS
            ).to(device)
            session.prompt_input_ids[number] = inputs.input_ids
            session.prompt_attention_masks[number] = inputs.attention_mask
        return session

    def _pixels(self, frame: Frame) -> Tensor:
        """A frame stretched to the square of the model, normalised, float [1, 3, S, S]."""
        frame_13HW = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None]
        size = (self._side, self._side)
        frame_13SS = F.interpolate(frame_13HW.float(), size, mode="bilinear", antialias=True) / 255
        return (frame_13SS - PIXEL_MEAN) / PIXEL_STD

    def _of_frame(
        self, found: Sequence[_Found], session: Any, nouns: Sequence[str], shape: tuple[int, ...]
    ) -> FrameGrounding:
        """Unions of the objects of each noun, and the best score among them."""
        masks = np.zeros((len(nouns), *shape), bool)
        scores = np.zeros(len(nouns), np.float32)
        for one in found:
            if one.object_id in session.hotstart_removed_obj_ids:
                continue
            logits_11HW = F.interpolate(one.logits_1hw[None].float(), shape, mode="bilinear")
            mask = (logits_11HW[0, 0] > 0).cpu().numpy()
            for place, noun in enumerate(nouns):
                if noun == one.words and mask.any():
                    masks[place] |= mask
                    scores[place] = max(scores[place], one.score)
        return FrameGrounding(masks, scores)


def load_sam3(path: str, *, device: str = "cpu", download: bool = False) -> Sam3Grounding:
    """SAM 3 video from a checkpoint in the format of transformers.

    Args:
        path: a folder with config.json, weights and tokenizer, or a name of the model hub.
        device: of torch.
        download: ask the model hub for what is not on disk.

    Raises:
        FileNotFoundError: the checkpoint is not on disk; the message says how to get it.
        InputError: it is of another model or incomplete, or has no tokenizer.
    """
    from transformers import AutoTokenizer, Sam3VideoConfig
    from transformers.models.sam3_video.modeling_sam3_video import Sam3VideoModel

    with quiet_loading():
        model = load_checkpoint(
            path,
            load=Sam3VideoModel.from_pretrained,
            config_of=Sam3VideoConfig.get_config_dict,
            model_types={"sam3_video"},
            example=EXAMPLE,
            device=device,
            download=download,
        )
    check_tokenizer_files(path)
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=not download)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: expected a tokenizer beside the weights, found: {str(error).splitlines()[0]}"
        ) from error
    return Sam3Grounding(name=f"sam3:{path}", model=model, tokenizer=tokenizer)


def _kept(output: Any, session: Any) -> list[_Found]:
    """The objects of a frame, without those that are suppressed on it."""
    hidden = set(output.suppressed_obj_ids or ())
    return [
        _Found(
            int(object_id),
            session.prompts[session.obj_id_to_prompt_id[object_id]],
            logits_1hw,
            min(max(float(output.obj_id_to_tracker_score.get(object_id, 0.0)), 0.0), 1.0),
        )
        for object_id, logits_1hw in output.obj_id_to_mask.items()
        if object_id not in hidden and object_id in session.obj_id_to_prompt_id
    ]


def _forget(session: Any, index: int, model: Any) -> None:
    """Let go of what no later frame reads: pixels, and what is behind the tracker's reach."""
    tracker = model.config.tracker_config
    reach = max(int(tracker.max_object_pointers_in_encoder), int(tracker.num_maskmem))
    session.processed_frames[index] = None
    oldest = index - reach
    for of_object in session.output_dict_per_obj.values():
        _drop(
            of_object["non_cond_frame_outputs"],
            {t for t in of_object["non_cond_frame_outputs"] if t < oldest},
        )
        # Of the frames that an object was set right on, the nearest are read; the first stays too.
        given = sorted(of_object["cond_frame_outputs"])
        few = {*given[:1], *given[-max(int(tracker.max_cond_frame_num), 1) :]}
        _drop(of_object["cond_frame_outputs"], set(given) - few)
    for by_frame in session.mask_inputs_per_obj.values():
        _drop(by_frame, {t for t in by_frame if t < oldest})
    _drop(
        session.obj_id_to_tracker_score_frame_wise,
        {t for t in session.obj_id_to_tracker_score_frame_wise if t < oldest},
    )
    _drop(session.suppressed_obj_ids, {t for t in session.suppressed_obj_ids if t < oldest})


def _drop(by_frame: Any, unread: Collection[int]) -> None:
    for frame in unread:
        del by_frame[frame]
