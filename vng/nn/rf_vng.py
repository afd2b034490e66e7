"""RF-VNG: every noun of a narrative, segmented in a clip (paper Sec. 4; ReferFormer, CVPR 2022).

The clip is encoded once, together with the words of the narrative: trunk, early fusion, encoder,
mask features. What a noun costs beyond that is a few queries in the decoder and a small painted
network per query. ReferFormer is the case of one noun whose feature is that of the sentence.

Shape legend: B batch, T frames of a clip, F = B T, H W height and width of the frames, N nouns,
Q queries of a noun, L words, D channels of the text encoder, S pixels of all levels, C channels,
h w height and width of masks and mask features, at stride 4.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pointvos.nn.efficientnet_lite import TrunkFeatures
from pointvos.nn.stcn import IMAGENET_MEAN, IMAGENET_STD
from vng.nn.clip_trunk import ClipTrunk
from vng.nn.cross_modal_fpn import CrossModalFPN
from vng.nn.decoder import DecodedLayer, GroundingDecoder, Memory
from vng.nn.dynamic_mask_head import DynamicMaskHead
from vng.nn.encoder import GroundingEncoder
from vng.nn.levels import Level, checked_sizes, inside, pyramid_levels
from vng.nn.noun_classes import NounClasses
from vng.nn.noun_map import NounMap
from vng.nn.portions import in_portions
from vng.nn.predictions import BestGrounding, Grounding, LayerPrediction, MatchedGrounding
from vng.nn.text_projection import TextProjection

STRIDES = (4, 8, 16, 32, 64)
ChooseQuery = Callable[[Tensor], Tensor]


class ClipFeatures(NamedTuple):
    """What the network knows of clips and their narratives before it is asked for a noun.

    Attributes:
        memory_FSC: float, encoded frames, levels at strides 8, 16, 32 and 64 one after another.
        mask_FCHW: float [F, C, h, w], mask features.
        levels: of the clips, at those strides.
        sizes_B2: int64, height and width of the part of the frames that is image, in pixels.
        frames: T.
        class_FKHW: float, what a classifier would judge by, at stride 32; None without one.
    """

    memory_FSC: Tensor
    mask_FCHW: Tensor
    levels: tuple[Level, ...]
    sizes_B2: Tensor
    frames: int
    class_FKHW: Tensor | None


class RFVNG(nn.Module):
    """The network. One for training and inference.

    Args:
        trunk: normalised frames to features at strides 4, 8, 16 and 32; a `ClipTrunk` gets clips.
        text: to the network's channels, for words and nouns alike.
        encoder: of single frames with the words.
        pixel_decoder: to mask features, across the frames of a clip.
        decoder: of nouns.
        mask_head: of queries.
        noun_map: compares nouns with pixels before the decoder; None: ReferFormer has none.
        noun_classes: knows what nouns look like before any training; with a noun map only.
        pixel_mean: subtracted from RGB in [0, 1].
        pixel_std: divides RGB after the mean is subtracted.
        frames_at_once: frames of a clip that are encoded together when no gradient is wanted; more
            of them take more memory and are hardly faster.

    Attributes:
        checkpoint_gradients: whether to forget what lies between when gradients are wanted, and to
            compute it again for them, as many frames at a time: less memory for more time.
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self,
        *,
        trunk: Callable[..., TrunkFeatures],
        text: TextProjection,
        encoder: GroundingEncoder,
        pixel_decoder: CrossModalFPN,
        decoder: GroundingDecoder,
        mask_head: DynamicMaskHead,
        noun_map: NounMap | None = None,
        noun_classes: NounClasses | None = None,
        pixel_mean: Sequence[float] = IMAGENET_MEAN,
        pixel_std: Sequence[float] = IMAGENET_STD,
        frames_at_once: int = 2,
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.text = text
        self.encoder = encoder
        self.pixel_decoder = pixel_decoder
        self.decoder = decoder
        self.mask_head = mask_head
        self.noun_map = noun_map
        self.noun_classes = noun_classes
        self.frames_at_once = frames_at_once
        self.checkpoint_gradients = False
        # Constants of the architecture, not weights: kept out of the state dict.
        mean_C11 = torch.tensor(pixel_mean, dtype=torch.float32)[:, None, None]
        std_C11 = torch.tensor(pixel_std, dtype=torch.float32)[:, None, None]
        self.register_buffer("pixel_mean", mean_C11, persistent=False)
        self.register_buffer("pixel_std", std_C11, persistent=False)

    def forward(
        self,
        frames_BT3HW: Tensor,
        words_BLD: Tensor,
        word_valid_BL: Tensor,
        nouns_BND: Tensor,
        sizes_B2: Tensor | None = None,
    ) -> Grounding:
        """Encode and ground; arguments as of `encode` and `ground`."""
        features = self.encode(frames_BT3HW, words_BLD, word_valid_BL, sizes_B2)
        return self.ground(features, nouns_BND)

    def encode(
        self,
        frames_BT3HW: Tensor,
        words_BLD: Tensor,
        word_valid_BL: Tensor,
        sizes_B2: Tensor | None = None,
    ) -> ClipFeatures:
        """Encode clips once for all nouns of their narratives.

        Args:
            frames_BT3HW: float, RGB in [0, 1], of any size; smaller ones are padded right and below
                with whatever: it is not looked at.
            words_BLD: float, word features of the narratives from the text encoder.
            word_valid_BL: bool, false on padding.
            sizes_B2: int64, height and width of the frames before padding, in pixels; None says
                that there is none. With it, results differ a little from those without padding, as
                in the published network, whose norms take averages over the padding too.

        Raises:
            ValueError: shapes do not fit, a narrative has no word, a size is not within the frames.
        """
        batch, frames, _, height, width = frames_BT3HW.shape
        sizes_B2 = checked_sizes(frames_BT3HW, words_BLD, word_valid_BL, sizes_B2)
        words = self.text.words(words_BLD, word_valid_BL)
        channels = words.feature_BLC.shape[-1]
        levels = pyramid_levels(sizes_B2, height, width, strides=STRIDES, channels=channels)
        inside_B1HW = inside(sizes_B2, height, width)[:, None]
        sample_F = torch.arange(batch * frames, device=sizes_B2.device) // frames
        reads_clips = isinstance(self.trunk, ClipTrunk)

        def normalised(sample_F: Tensor, frames_F3HW: Tensor) -> Tensor:
            x_F3HW = (frames_F3HW - self.pixel_mean) / self.pixel_std
            return x_F3HW.where(inside_B1HW[sample_F], 0)

        def encode_frames(sample_F: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
            if reads_clips:
                trunk = TrunkFeatures(*inputs)
            else:
                trunk = self.trunk(normalised(sample_F, *inputs))
            levels_F = [level.of_samples(sample_F) for level in levels[1:]]
            memory_FSC = self.encoder(trunk, words.of_samples(sample_F), levels_F)
            classes = [] if self.noun_classes is None else [self.noun_classes.top(trunk[3])]
            return trunk[0], memory_FSC, *classes

        inputs: tuple[Tensor, ...] = (frames_BT3HW.flatten(0, 1),)
        if reads_clips:
            clips_BT3HW = normalised(sample_F, *inputs).unflatten(0, (batch, frames))
            inputs = self.trunk(clips_BT3HW, forget=self.checkpoint_gradients)
        at_once, forget = self.frames_at_once, self.checkpoint_gradients
        f4_FCHW, memory_FSC, *classes = in_portions(
            encode_frames, at_once, sample_F, *inputs, forget=forget
        )
        counts = [height * width for height, width in (level.shape for level in levels[1:])]
        maps = [
            part.transpose(1, 2).unflatten(-1, level.shape)
            for part, level in zip(memory_FSC.split(counts, dim=1), levels[1:], strict=True)
        ]
        mask_FCHW = self.pixel_decoder(
            [f4_FCHW, *maps[:3]],
            levels[:4],
            words,
            frames=frames,
            at_once=at_once,
            forget=forget,
        )
        class_FKHW = classes[0] if classes else None
        return ClipFeatures(memory_FSC, mask_FCHW, levels[1:], sizes_B2, frames, class_FKHW)

    def ground(self, features: ClipFeatures, nouns_BND: Tensor) -> Grounding:
        """Find the objects of nouns, with the masks of all queries and layers.

        Args:
            features: of the clips.
            nouns_BND: float, features of nouns from the text encoder. Each noun is found by itself:
                what a slot without a noun holds, and what comes out there, is of no account.
        """
        layers, map_BNTHW = self._decode(features, nouns_BND)
        predictions = []
        for layer in layers:
            masks_BNTQHW = self._masks(features, layer.state_FNQC, layer.boxes_FNQ4, map_BNTHW)
            logits_BNTQ = _nouns_first(layer.logits_FNQ, features.frames)
            boxes_BNTQ4 = _nouns_first(layer.boxes_FNQ4, features.frames)
            predictions.append(LayerPrediction(logits_BNTQ, boxes_BNTQ4, masks_BNTQHW))
        return Grounding(predictions[-1], tuple(predictions[:-1]), map_BNTHW)

    def ground_matched(
        self,
        features: ClipFeatures,
        nouns_BND: Tensor,
        match: Callable[[LayerPrediction], Tensor],
    ) -> MatchedGrounding:
        """As `ground`, for training: gradients for one mask a noun and layer, that of its match.

        What is matched needs the masks of all queries, but no gradient; what is learnt needs one of
        them. That is a fifth of the memory and time of painting all with gradients.

        Args:
            features: of the clips.
            nouns_BND: float, features of nouns from the text encoder.
            match: what a layer says of all queries, without gradients, to the query of each noun,
                int64 [B, N].
        """
        layers, map_BNTHW = self._decode(features, nouns_BND)
        found, queries = [], []
        for layer in layers:
            logits_BNTQ = _nouns_first(layer.logits_FNQ, features.frames)
            boxes_BNTQ4 = _nouns_first(layer.boxes_FNQ4, features.frames)
            with torch.no_grad():
                masks_BNTQHW = self._masks(features, layer.state_FNQC, layer.boxes_FNQ4, map_BNTHW)
                query_BN = match(LayerPrediction(logits_BNTQ, boxes_BNTQ4, masks_BNTQHW))
            del masks_BNTQHW  # before gradients need room
            of_query = _of_query(layer, query_BN, features.frames)
            masks_BNT1HW = self._masks(features, *of_query, map_BNTHW)
            found.append(LayerPrediction(logits_BNTQ, boxes_BNTQ4, masks_BNT1HW))
            queries.append(query_BN)
        return MatchedGrounding(found, queries, map_BNTHW)

    def ground_best(
        self, features: ClipFeatures, nouns_BND: Tensor, choose: ChooseQuery | None = None
    ) -> BestGrounding:
        """Find the objects of nouns, with the mask of the best query only.

        Args:
            features: of the clips.
            nouns_BND: float, features of nouns from the text encoder.
            choose: scores [B, N, T, Q] in [0, 1] to the query of each noun, int64 [B, N]; None
                takes the one with the largest mean over the clip.
        """
        layers, map_BNTHW = self._decode(features, nouns_BND)
        layer = layers[-1]
        score_BNTQ = _nouns_first(layer.logits_FNQ, features.frames).sigmoid()
        query_BN = (choose or best_on_average)(score_BNTQ)
        state_FN1C, boxes_FN14 = _of_query(layer, query_BN, features.frames)
        masks_BNT1HW = self._masks(features, state_FN1C, boxes_FN14, map_BNTHW)
        return BestGrounding(
            query_BN,
            score_BNTQ.take_along_dim(query_BN[:, :, None, None], dim=3).squeeze(3),
            _nouns_first(boxes_FN14.squeeze(2), features.frames),
            masks_BNT1HW.squeeze(3),
        )

    def _decode(
        self, features: ClipFeatures, nouns_BND: Tensor
    ) -> tuple[list[DecodedLayer], Tensor | None]:
        """Layers of the decoder, and the noun map, float32 [B, N, T, h, w]."""
        if nouns_BND.shape[0] != features.sizes_B2.shape[0]:
            raise ValueError(
                f"expected nouns of {features.sizes_B2.shape[0]} clips, found {nouns_BND.shape[0]}"
            )
        noun_BNC = self.text(nouns_BND)
        sample_F = torch.arange(len(features.memory_FSC), device=noun_BNC.device) // features.frames

        inputs = [features.memory_FSC, sample_F]
        if features.class_FKHW is not None:
            inputs.append(features.class_FKHW)

        def decode(memory_FSC: Tensor, sample_F: Tensor, *classes: Tensor) -> tuple[Tensor, ...]:
            levels = [level.of_samples(sample_F) for level in features.levels]
            noun_FNC, mapped = noun_BNC[sample_F], list[Tensor]()
            score_FN1, coarse_FNHW = noun_FNC.new_zeros(1), None
            if self.noun_classes is not None:
                padding_FS = levels[2].padding_BS  # stride 32
                coarse_FNHW, score_FN = self.noun_classes(nouns_BND[sample_F], *classes, padding_FS)
                score_FN1 = score_FN[..., None]
            if self.noun_map is not None:
                map_FNHW, evidence_FNC = self.noun_map(noun_FNC, memory_FSC, levels, coarse_FNHW)
                noun_FNC, mapped = noun_FNC + evidence_FNC, [map_FNHW]
            layers = [
                layer._replace(logits_FNQ=layer.logits_FNQ + score_FN1)
                for layer in self.decoder(noun_FNC, Memory.of(memory_FSC, levels))
            ]
            return (*(x for layer in layers for x in layer), *mapped)

        flat = in_portions(decode, self.frames_at_once, *inputs, forget=self.checkpoint_gradients)
        parts = len(DecodedLayer._fields)
        count = len(flat) // parts
        layers = [DecodedLayer(*flat[parts * i : parts * (i + 1)]) for i in range(count)]
        if self.noun_map is None:
            return layers, None
        height, width = features.mask_FCHW.shape[-2:]
        return layers, _nouns_first(flat[-1][..., :height, :width], features.frames)

    def _masks(
        self,
        features: ClipFeatures,
        state_FNQC: Tensor,
        boxes_FNQ4: Tensor,
        map_BNTHW: Tensor | None,
    ) -> Tensor:
        """Logits of the masks of some queries of each noun, float32 [B, N, T, Q, h, w]."""
        nouns, queries = state_FNQC.shape[1:3]
        size_F2 = features.sizes_B2.flip(-1).repeat_interleave(features.frames, dim=0)
        reference_FNQ2 = boxes_FNQ4[..., :2].detach() * size_F2[:, None, None]
        (masks_FQHW,) = in_portions(
            lambda *parts: (self.mask_head(*parts),),
            self.frames_at_once,
            state_FNQC.flatten(1, 2),
            reference_FNQ2.flatten(1, 2),
            features.mask_FCHW,
            forget=self.checkpoint_gradients,
        )
        masks_BNTQHW = _nouns_first(masks_FQHW.unflatten(1, (nouns, queries)), features.frames)
        return masks_BNTQHW if map_BNTHW is None else masks_BNTQHW + map_BNTHW[:, :, :, None]


def best_on_average(score_BNTQ: Tensor) -> Tensor:
    """The query with the largest mean score over a clip, int64 [B, N] (ReferFormer)."""
    return score_BNTQ.mean(dim=2).argmax(dim=-1)


def _of_query(layer: DecodedLayer, query_BN: Tensor, frames: int) -> tuple[Tensor, Tensor]:
    """States [F, N, 1, C] and boxes [F, N, 1, 4] of one query of each noun."""
    query_FN11 = query_BN.repeat_interleave(frames, dim=0)[..., None, None]
    state_FN1C, boxes_FN14 = (
        x.take_along_dim(query_FN11, dim=2) for x in (layer.state_FNQC, layer.boxes_FNQ4)
    )
    return state_FN1C, boxes_FN14


def _nouns_first(x: Tensor, frames: int) -> Tensor:
    """[F, N, ...] -> [B, N, T, ...]."""
    out: Tensor = x.unflatten(0, (-1, frames)).transpose(1, 2)
    return out
