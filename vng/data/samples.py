"""What training on narratives reads: clips with a text, and batches of them.

Data flows one way: a `NarratedReader` draws a `NarratedClip` from a video, augmentation brings it
to the size of the network, several make a `NarratedBatch`. The text is never touched on the way.

Shape legend: B batch, N nouns, T frames, H W height and width of the frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vng.text.spans import Span, check_spans


@dataclass(frozen=True, eq=False)
class NarratedClip:
    """Some frames of a video with a narrative and the objects of some of its nouns.

    Attributes:
        video_name: for messages.
        rgb: uint8 [T, H, W, 3].
        text: the narrative, as it was annotated.
        spans: [start, end) of N nouns in the text, in characters.
        masks: bool [N, T, H, W]; empty where the object is absent.
        known: bool [N, T], whether a mask is annotated. Nothing is learnt where it is not.
        still: whether all frames are one image, which has no motion of its own.
    """

    video_name: str
    rgb: NDArray[np.uint8]
    text: str
    spans: tuple[Span, ...]
    masks: NDArray[np.bool_]
    known: NDArray[np.bool_]
    still: bool

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together and nouns outside the text."""
        frames, nouns = len(self.rgb), len(self.spans)
        expected = (nouns, frames, *self.rgb.shape[1:3])
        if self.masks.shape != expected or self.known.shape != expected[:2]:
            raise ValueError(
                f"{self.video_name}: expected masks {expected} and known {expected[:2]}, found "
                f"{self.masks.shape} and {self.known.shape}"
            )
        check_spans(self.text, self.spans)

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Bool [N], which nouns have an object to be seen on any of the frames."""
        return np.asarray(np.logical_or.reduce(self.masks, axis=(1, 2, 3)), bool)


def still_clip(
    video_name: str,
    rgb: NDArray[np.uint8],
    text: str,
    nouns: Sequence[tuple[Span, NDArray[np.bool_]]],
    frames: int,
) -> NarratedClip:
    """A clip of `frames` times the same image, with what is known of all of it.

    Args:
        video_name: for messages.
        rgb: uint8 [H, W, 3].
        text: about the image.
        nouns: spans in the text, each with its mask, bool [H, W].
        frames: how many.
    """
    masks = np.stack([mask for _, mask in nouns])[:, None]
    shape = len(nouns), frames, *rgb.shape[:2]
    return NarratedClip(
        video_name=video_name,
        rgb=np.broadcast_to(rgb, (frames, *rgb.shape)),
        text=text,
        spans=tuple(span for span, _ in nouns),
        masks=np.broadcast_to(masks, shape),
        known=np.ones(shape[:2], bool),
        still=True,
    )


class NarratedReader(Protocol):
    """A data set: each item is a narrative of a video with at least one noun that has a mask."""

    @property
    def name(self) -> str:
        """Of the data set, for messages."""

    def __len__(self) -> int:
        """The number of items."""

    def clip(self, item: int, frames: int, rng: np.random.Generator) -> NarratedClip:
        """Draw `frames` frames of an item, at least one of them with a known mask.

        Raises:
            InputError: the video cannot give a clip; the message names it.
            FileNotFoundError: its frames are gone.
        """


@dataclass(frozen=True, eq=False)
class NarratedBatch:
    """Clips of one length, padded right and below to one size.

    Attributes:
        video_names: for messages.
        frames_BT3HW: float32 RGB in [0, 1], 0 where padded.
        sizes_B2: int64, height and width before padding.
        texts: the narratives.
        spans: of the nouns of each, of which there are as many as it has.
        masks_BNTHW: bool; rows beyond the nouns of a narrative are empty.
        known_BNT: bool, whether a mask is annotated; false on those rows.
    """

    video_names: tuple[str, ...]
    frames_BT3HW: Tensor
    sizes_B2: Tensor
    texts: tuple[str, ...]
    spans: tuple[tuple[Span, ...], ...]
    masks_BNTHW: Tensor
    known_BNT: Tensor

    def to(self, device: torch.device | str) -> NarratedBatch:
        """The batch on another device."""
        return replace(
            self,
            frames_BT3HW=self.frames_BT3HW.to(device),
            sizes_B2=self.sizes_B2.to(device),
            masks_BNTHW=self.masks_BNTHW.to(device),
            known_BNT=self.known_BNT.to(device),
        )


def collate_narrated(clips: Sequence[NarratedClip]) -> NarratedBatch:
    """Pad clips of one length to one size and one number of nouns.

    Raises:
        ValueError: there is none, or their lengths differ.
    """
    lengths = {len(clip.rgb) for clip in clips}
    if len(lengths) != 1:
        raise ValueError(f"expected clips of one length, found {sorted(lengths)}")
    (frames,) = lengths
    height, width = (max(clip.rgb.shape[axis] for clip in clips) for axis in (1, 2))
    nouns = max(len(clip.spans) for clip in clips)
    rgb = np.zeros((len(clips), frames, height, width, 3), np.uint8)
    masks = np.zeros((len(clips), nouns, frames, height, width), bool)
    known = np.zeros((len(clips), nouns, frames), bool)
    for b, clip in enumerate(clips):
        h, w = clip.rgb.shape[1:3]
        rgb[b, :, :h, :w] = clip.rgb
        masks[b, : len(clip.spans), :, :h, :w] = clip.masks
        known[b, : len(clip.spans)] = clip.known
    return NarratedBatch(
        video_names=tuple(clip.video_name for clip in clips),
        frames_BT3HW=torch.from_numpy(rgb).permute(0, 1, 4, 2, 3).float() / 255,
        sizes_B2=torch.tensor([clip.rgb.shape[1:3] for clip in clips]),
        texts=tuple(clip.text for clip in clips),
        spans=tuple(clip.spans for clip in clips),
        masks_BNTHW=torch.from_numpy(masks),
        known_BNT=torch.from_numpy(known),
    )
