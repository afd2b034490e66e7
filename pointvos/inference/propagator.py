"""Segmentation of a video, one frame after the other, with the memory network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pointvos.core.errors import InputError
from pointvos.core.points import Points
from pointvos.inference.background_points import taken_in
from pointvos.inference.coarse_to_fine import ascend_to_one, scaled_size, segment_from_points
from pointvos.inference.distance_gate import coarse_mask, connected, within
from pointvos.inference.edge_filter import EdgeFilter
from pointvos.inference.joint_masks import JointMasks
from pointvos.inference.memory_bank import MemoryBank
from pointvos.inference.network_view import NetworkView
from pointvos.inference.segmentation import Segmentation
from pointvos.nn.stcn import STCN, STRIDE, QueryFeatures

GivenObject = Points | NDArray[np.bool_]
"""What starts an object: points, of which those on it are needed, or a bool mask [H, W]."""

TOP_K = 20  # STCN, Sec. 3.3
MEMORY_EVERY = 5  # STCN, Sec. 4


class Propagator:
    """Follows objects through one video.

    Objects may be given on any frame, several times even; ids are the caller's. Every fifth frame
    is memorised, counted from the last memorised one, and every frame on which an object is given.

    Args:
        network: full or lite; its device is used.
        top_k: memory positions read per query position; None reads all.
        memory_every: distance in frames between memorised frames.
        max_memory_frames: bound of each object's memory, at least 2: frames it was given on, and
            the most recent others. None keeps all, as the paper does; memory then grows.
        include_last: whether the previous frame is read too.
        resolution: short side in pixels inside the network; None for the native size.
        gate: largest distance from an object's previous mask at which it may be found, as a
            fraction of the short side, and on the frame on which it is given by points only what is
            connected with one of them; None for no limit.
        edge_radius: window of the filter that makes masks follow the edges of the image, as a
            fraction of the short side; None for no filter.
        reference_scales: of the copies of a frame in which objects given by points are segmented
            on it, one after the other from coarse to fine; the last is 1, the frame itself.

    Raises:
        ValueError: an argument out of range.
    """

    def __init__(
        self,
        network: STCN,
        *,
        top_k: int | None = TOP_K,
        memory_every: int = MEMORY_EVERY,
        max_memory_frames: int | None = None,
        include_last: bool = False,
        resolution: int | None = None,
        gate: float | None = None,
        edge_radius: float | None = None,
        reference_scales: Sequence[float] = (1.0,),
    ) -> None:
        if memory_every < 1 or (top_k is not None and top_k < 1):
            raise ValueError(f"expected memory_every and top_k >= 1, got {memory_every}, {top_k}")
        if max_memory_frames is not None and max_memory_frames < 2:
            raise ValueError(f"expected max_memory_frames >= 2 or None, got {max_memory_frames}")
        if any(size is not None and size <= 0 for size in (resolution, gate, edge_radius)):
            raise ValueError(
                f"expected resolution, gate and edge_radius > 0, got {resolution}, {gate}, "
                f"{edge_radius}"
            )
        if not ascend_to_one(reference_scales):
            raise ValueError(
                f"expected reference_scales to ascend from above 0 to 1, got {reference_scales}"
            )
        self.network = network
        self.top_k = top_k
        self.memory_every = memory_every
        self.include_last = include_last
        self.resolution = resolution
        self.gate = gate
        self.edge_radius = edge_radius
        self.reference_scales = tuple(reference_scales)
        self.memory = MemoryBank(max_memory_frames)
        self._view: NetworkView | None = None
        self._frame_index = -1
        self._last_memorised = -1
        self._coarse_masks: dict[
            int, Tensor
        ] = {}  # last non-empty mask of each object, for the gate

    @property
    def object_ids(self) -> tuple[int, ...]:
        """Ids of all objects given so far, ascending."""
        return tuple(sorted(object_id for group in self.memory for object_id in group.object_ids))

    def step(
        self,
        frame: NDArray[np.uint8] | NDArray[np.float32],
        new_objects: Mapping[int, GivenObject] | None = None,
    ) -> Segmentation:
        """Segment the next frame.

        A given mask is the result for its object on that frame. From points, the object is
        segmented on that frame by reading the points back; points beside it hold it back there
        (in the small network; the paper uses points on the object alone).

        Args:
            frame: RGB [H, W, 3], uint8, or float32 in [0, 1]; all of one size.
            new_objects: id (at least 1) to what is known of the object on this frame.

        Returns:
            Probabilities of all objects given so far.

        Raises:
            InputError: the frame has another size than the first, or an object cannot be used.
        """
        self._frame_index += 1
        view = self._checked_view(frame)
        given = dict(new_objects or {})
        drawn = {object_id: self._draw(view, object_id, what) for object_id, what in given.items()}
        if not drawn and not self.object_ids:
            return Segmentation.background(view.height, view.width)
        with torch.inference_mode():
            frame_BCHW = view.frame(frame, self.network)
            features = self.network.encode_key(frame_BCHW)
            masks = self._track(frame_BCHW, features)
            if drawn:
                points_of = {i: what for i, what in given.items() if isinstance(what, Points)}
                masks = self._start(frame_BCHW, features, masks, drawn, points_of)
            else:
                self._memorise_if_due(frame_BCHW, features, masks)
            if self.gate is not None:
                self._remember_places(masks)
            prob = view.prediction(masks.joint_KHW).cpu().numpy()
        _impose(prob, masks.object_ids, given)
        return Segmentation(masks.object_ids, prob)

    def _track(self, frame_BCHW: Tensor, features: QueryFeatures) -> JointMasks:
        """Read and decode all known objects, and aggregate them."""
        if not self.object_ids:
            height, width = (STRIDE * side for side in features.key_BCHW.shape[2:])
            return JointMasks((), features.key_BCHW.new_ones(1, height, width))
        prob_of: dict[int, Tensor] = {}
        for group in self.memory:
            readout_BOCHW = self.network.read(features, group.key, group.value, self.top_k)
            prob_OHW = self.network.decode(features, readout_BOCHW)[0].float().sigmoid()
            prob_OHW = self._filtered(prob_OHW, frame_BCHW)
            prob_of.update(zip(group.object_ids, prob_OHW, strict=True))
        if self.gate is not None:
            for object_id, coarse_hw in self._coarse_masks.items():
                near_HW = within(coarse_hw, self._in_px(self.gate))
                prob_of[object_id] = prob_of[object_id] * near_HW
        return JointMasks.aggregated(prob_of)

    def _filtered(self, prob_OHW: Tensor, frame_BCHW: Tensor) -> Tensor:
        """Probabilities of objects, each by itself, along the edges of the image."""
        if self.edge_radius is None:
            return prob_OHW
        return EdgeFilter(frame_BCHW[0], self._in_px(self.edge_radius))(prob_OHW)

    def _start(
        self,
        frame_BCHW: Tensor,
        features: QueryFeatures,
        tracked: JointMasks,
        drawn: Mapping[int, Tensor],
        points_of: Mapping[int, Points],
    ) -> JointMasks:
        """Take up the objects given on this frame, and memorise the frame for all objects.

        What is given is certain: no other object is where a given mask or point is (STCN's
        YouTube-VOS protocol).
        """
        covered_HW = torch.stack(list(drawn.values())).amax(dim=0) > 0.5
        prompt = {i: prob_HW.masked_fill(covered_HW, 0) for i, prob_HW in tracked.items()}
        prompt.update(drawn)
        decoded = dict(prompt)
        if points_of:
            prob_OHW = self._from_points(frame_BCHW, features, prompt, points_of)
            for i, prob_HW in zip(points_of, self._filtered(prob_OHW, frame_BCHW), strict=True):
                if self.gate is not None:
                    prob_HW = connected(prob_HW, drawn[i])
                decoded[i] = torch.maximum(prob_HW, drawn[i])
        masks = JointMasks.aggregated(decoded)

        memorised = dict(masks.items())
        if not self.network.decodes_reference:
            # The paper's network remembers the points alone; the mask is for the eye.
            memorised.update((i, drawn[i]) for i in points_of)
        value_OCHW = self._encode(frame_BCHW, features, memorised)
        self._memorise(features, masks.object_ids, value_OCHW, given=drawn)
        return masks

    def _from_points(
        self,
        frame_BCHW: Tensor,
        features: QueryFeatures,
        prompt: Mapping[int, Tensor],
        points_of: Mapping[int, Points],
    ) -> Tensor:
        """Probabilities of the objects given by points, each by itself, in their order.

        The background points of an object count in a second pass, if it has taken one of them in.
        Most lie where the object is not found anyway; as rivals they would only cost it pixels.
        """
        coarsest = self.reference_scales[0]
        foreground = {i: what.foreground for i, what in points_of.items()}
        segment = partial(
            segment_from_points,
            self.network,
            frame_BCHW,
            features,
            prompt,
            self._drawn(frame_BCHW, foreground, coarsest),
            scales=self.reference_scales,
            top_k=self.top_k,
        )
        prob_OHW = segment()
        if not self.network.decodes_reference:  # it remembers points alone: nothing would change
            return prob_OHW
        assert self._view is not None
        taken = taken_in(points_of, prob_OHW, self._view)
        if not taken:
            return prob_OHW
        return segment(
            negative=self._drawn(frame_BCHW, taken),
            coarse_negative=self._drawn(frame_BCHW, taken, coarsest),
        )

    def _drawn(
        self, frame_BCHW: Tensor, points_of: Mapping[int, Points], scale: float = 1.0
    ) -> dict[int, Tensor]:
        """Points drawn at a scale of the network input, by id."""
        assert self._view is not None
        height, width = frame_BCHW.shape[2:]
        size = scaled_size(height, width, scale)
        return {
            i: self._view.points(points.xy, self.network.point_radius, size).to(frame_BCHW)
            for i, points in points_of.items()
        }

    def _memorise_if_due(
        self, frame_BCHW: Tensor, features: QueryFeatures, masks: JointMasks
    ) -> None:
        due = self._frame_index - self._last_memorised >= self.memory_every
        if due or self.include_last:
            value_OCHW = self._encode(frame_BCHW, features, dict(masks.items()))
            self._memorise(features, masks.object_ids, value_OCHW, last=not due)

    def _encode(
        self,
        frame_BCHW: Tensor,
        features: QueryFeatures,
        mask_of: Mapping[int, Tensor],
        *,
        points: bool = False,
    ) -> Tensor:
        """Values of all objects together, in the order of their ids; float [O, C, H/16, W/16]."""
        masks_OHW = torch.stack([mask_of[object_id] for object_id in sorted(mask_of)])
        masks_BOHW = masks_OHW[None].to(frame_BCHW.dtype)
        return self.network.encode_value(frame_BCHW, features, masks_BOHW, points=points)[0]

    def _memorise(
        self,
        features: QueryFeatures,
        object_ids: Sequence[int],
        value_OCHW: Tensor,
        *,
        given: Iterable[int] = (),
        last: bool = False,
    ) -> None:
        key_CN = features.key_BCHW[0].flatten(1)
        value_OCN = value_OCHW.flatten(2)
        self.memory.add(object_ids, key_CN, value_OCN, given=set(given), last=last)
        if not last:
            self._last_memorised = self._frame_index

    def _remember_places(self, masks: JointMasks) -> None:
        index_HW = masks.joint_KHW.max(dim=0).indices  # on CPUs a tenth of the time of argmax
        for slot, object_id in enumerate(masks.object_ids, start=1):
            coarse_hw = coarse_mask(index_HW == slot)
            if coarse_hw.any():
                self._coarse_masks[object_id] = coarse_hw

    def _in_px(self, share: float) -> float:
        """A fraction of the short side in pixels inside the network."""
        assert self._view is not None
        return share * min(self._view.inner_height, self._view.inner_width)

    def _checked_view(self, frame: NDArray[np.uint8] | NDArray[np.float32]) -> NetworkView:
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype not in (np.uint8, np.float32):
            raise InputError(
                f"frame {self._frame_index}: expected RGB [H, W, 3] of uint8 or float32, found "
                f"{frame.shape} of {frame.dtype}"
            )
        height, width = frame.shape[:2]
        if self._view is None:
            self._view = NetworkView.of(height, width, self.resolution)
        elif (height, width) != (self._view.height, self._view.width):
            raise InputError(
                f"frame {self._frame_index}: expected {self._view.width}x{self._view.height} like "
                f"the first frame, found {width}x{height}"
            )
        return self._view

    def _draw(self, view: NetworkView, object_id: int, what: GivenObject) -> Tensor:
        """What is given of an object as float 0 / 1 [H', W'] at network input."""
        where = f"object {object_id} on frame {self._frame_index}"
        if object_id < 1:
            raise InputError(f"{where}: expected an id of at least 1, 0 is the background")
        if isinstance(what, Points):
            xy = what.foreground.xy
            if not what.foreground.inside(view.height, view.width).any():
                raise InputError(
                    f"{where}: expected a foreground point inside {view.width}x{view.height}, "
                    f"found {len(xy)} foreground points, none of them inside"
                )
            drawn_HW = view.points(xy, self.network.point_radius)
        else:
            if what.shape != (view.height, view.width) or not what.any():
                raise InputError(
                    f"{where}: expected a mask [{view.height}, {view.width}] with foreground, "
                    f"found {list(what.shape)} with {np.count_nonzero(what)} foreground pixels"
                )
            drawn_HW = view.mask(what.astype(bool))
        return drawn_HW.to(self.network.pixel_mean.device)


def _impose(
    prob_KHW: NDArray[np.float32], object_ids: Sequence[int], given: Mapping[int, GivenObject]
) -> None:
    """Make given masks the result, in place: the way through the network's size blurs them."""
    masks = {i: what.astype(bool) for i, what in given.items() if not isinstance(what, Points)}
    for object_id in sorted(masks, reverse=True):  # where two overlap, the lower id has the pixel
        mask = masks[object_id]
        prob_KHW[:, mask] = 0
        prob_KHW[1 + object_ids.index(object_id)] = mask
    if masks:
        prob_KHW[0] = np.clip(1 - prob_KHW[1:].sum(axis=0), 0, 1)
