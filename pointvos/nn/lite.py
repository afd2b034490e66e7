"""`stcn_lite`: the small Point-STCN that runs on two processor cores.

The same four roles as the full network (`pointvos.nn.stcn`) on an EfficientNet-Lite0 trunk, and
four changes that points and little data ask for:

- Keys have unit length times a learned temperature. Raw trunk features have norms near 100, and a
  softmax over such distances is an identity without gradient.
- A value carries, beside what the network learned, the labels at stride 16. Reading then also says
  what the memory *labelled* here: the label averaged over the matches, and the best match among
  object and among background positions, on a path of its own to the logits. Without it a network
  trained on little data segments whatever is salient and ignores the points: the first version
  gave one mask for points on the object or off it, and for one or ten of them.
- Objects do not see each other's masks, they only compete in the soft aggregation. In clips with
  two objects the other mask was an easier clue than the points.
- The reference frame is segmented from its points first, and that mask is memorised too
  (`decodes_reference`), because ten pixels are a poor memory.

Shape legend as in `pointvos.nn.stcn`.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.nn.efficientnet_lite import PIXEL_MEAN, PIXEL_STD, EfficientNetLite0
from pointvos.nn.memory_read import (
    gather_read,
    most_similar,
    similarity,
    similarity_blocks,
    softmax_read,
)
from pointvos.nn.stcn import STCN, QueryFeatures

LABEL_CHANNELS = 3  # of a value: object share of a cell, its peak there, background share
MATCH_CHANNELS = 4  # of a readout: label, best object match, best background match, is it known
LABELLED = 0.5  # peak or share from which a cell is labelled object or background
UNMATCHED = -1.0  # cosine that stands for "nothing of this kind in the memory"
NOTHING = -1e4  # added to a similarity: far below all of them


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with group norm and a shortcut (1x1 where the channels differ)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(1, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = nn.GroupNorm(8, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, H, W]."""
        y_BCHW = self.conv1(F.relu(self.norm1(x_BCHW)))
        y_BCHW = self.conv2(F.relu(self.norm2(y_BCHW)))
        out_BCHW: Tensor = y_BCHW + self.shortcut(x_BCHW)
        return out_BCHW


class LiteKeyEncoder(nn.Module):
    """Role 1: trunk features, strides 16 and 32 joined, to keys and query values."""

    def __init__(self, *, trunk: EfficientNetLite0, width: int, key_channels: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.lateral16 = nn.Conv2d(112, width, 1)
        self.lateral32 = nn.Conv2d(192, width, 1)
        self.norm = nn.GroupNorm(8, width)
        self.fuse = ResidualBlock(width, width)
        self.key = nn.Conv2d(width, key_channels, 3, padding=1)
        self.thin = nn.Conv2d(width, width, 3, padding=1)
        # exp(log_scale)^2 / sqrt(key_channels) * 2 is what multiplies the cosine in the softmax.
        self.log_scale = nn.Parameter(
            torch.tensor(math.log(math.sqrt(10 * math.sqrt(key_channels))))
        )

    def forward(self, frames_BCHW: Tensor) -> QueryFeatures:
        """Normalised frames to features."""
        f4, f8, f16, f32 = self.trunk(frames_BCHW)
        up = F.interpolate(self.lateral32(f32), size=f16.shape[-2:], mode="bilinear")
        fused = self.fuse(self.norm(self.lateral16(f16) + up))
        key = F.normalize(self.key(fused).float(), dim=1) * self.log_scale.exp()
        return QueryFeatures(key, self.thin(fused), fused, f8, f4)


class LiteValueEncoder(nn.Module):
    """Role 2: each mask, pooled step by step and joined to the features of its frame.

    The last `LABEL_CHANNELS` of a value are the labels at stride 16, unlearned. Around drawn points
    nothing is labelled as background.
    """

    def __init__(self, *, width: int, value_channels: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(16, 32, 3, padding=1)
        self.down8 = nn.Conv2d(32 + 24, 64, 3, stride=2, padding=1)
        self.down16 = nn.Conv2d(64 + 40, width, 3, stride=2, padding=1)
        self.fuse1 = ResidualBlock(2 * width, value_channels)
        self.fuse2 = ResidualBlock(value_channels, value_channels)

    def forward(
        self,
        frames_BCHW: Tensor,
        features: QueryFeatures,
        masks_BOHW: Tensor,
        others_BOHW: Tensor,
        points: bool,
    ) -> Tensor:
        """[B, O, H, W] -> [B, O, value_channels + LABEL_CHANNELS, H/16, W/16]."""
        del frames_BCHW, others_BOHW  # the features say what the pixels would; others: see above
        batch, objects = masks_BOHW.shape[:2]
        mask = masks_BOHW.flatten(0, 1).unsqueeze(1)

        def of_every_object(feature_BCHW: Tensor) -> Tensor:
            return feature_BCHW.repeat_interleave(objects, dim=0)

        x = F.relu(self.stem(F.pixel_unshuffle(mask, 4)))
        x = F.relu(self.down8(torch.cat([x, of_every_object(features.f4_BCHW)], dim=1)))
        x = F.relu(self.down16(torch.cat([x, of_every_object(features.f8_BCHW)], dim=1)))
        x = self.fuse1(torch.cat([x, of_every_object(features.f16_BCHW)], dim=1))
        x = self.fuse2(x)
        share = F.avg_pool2d(mask, 16)
        background = torch.zeros_like(share) if points else 1 - share
        labels = [share, F.max_pool2d(mask, 16), background]
        value_BOCHW: Tensor = torch.cat([x, *labels], dim=1).unflatten(0, (batch, objects))
        return value_BOCHW


class LiteReader(nn.Module):
    """Role 3: the value averaged over the matches, the label likewise, and the best matches."""

    def forward(
        self,
        features: QueryFeatures,
        memory_key_BCM: Tensor,
        memory_value_BOCM: Tensor,
        top_k: int | None,
    ) -> Tensor:
        """Readout [B, O, C_value + MATCH_CHANNELS, H/16, W/16]."""
        query_BCQ = features.key_BCHW.flatten(2)
        learned_and_share = memory_value_BOCM[:, :, :-2]
        labelled_BOLM = memory_value_BOCM[:, :, -2:] >= LABELLED
        if top_k is None:
            similarity_BMQ = similarity(memory_key_BCM, query_BCQ)
            read_BOCQ = softmax_read(similarity_BMQ, learned_and_share)
            match_BOLQ = _best_matches(similarity_BMQ, labelled_BOLM)
        else:
            nearest, matches = [], []
            for similarity_BMq in similarity_blocks(memory_key_BCM, query_BCQ):
                nearest.append(most_similar(similarity_BMq, top_k))
                matches.append(_best_matches(similarity_BMq, labelled_BOLM))
            read_BOCQ = gather_read(nearest, learned_and_share)
            match_BOLQ = torch.cat(matches, dim=-1)
        # All keys have one length s, so 2 k.q - s^2, the similarity but for its scale, is s^2 times
        # (2 cosine - 1).
        length2 = query_BCQ.float().square().sum(dim=1).mean()
        cosine_BOLQ = (match_BOLQ * math.sqrt(query_BCQ.shape[1]) / length2 + 1) / 2
        cosine_BOLQ = cosine_BOLQ.clamp_min(UNMATCHED)
        known_BO1Q = cosine_BOLQ[:, :, 1:] > UNMATCHED
        match = [cosine_BOLQ.to(read_BOCQ.dtype), known_BO1Q.to(read_BOCQ.dtype)]
        readout_BOCQ = torch.cat([read_BOCQ, *match], dim=2)
        readout_BOCHW: Tensor = readout_BOCQ.unflatten(-1, features.key_BCHW.shape[-2:])
        return readout_BOCHW


def _best_matches(similarity_BMQ: Tensor, labelled_BOLM: Tensor) -> Tensor:
    """For each object and kind of label the largest similarity among the positions so labelled.

    Returns:
        float32 [B, O, L, Q]; NOTHING and below where the memory holds no such label.
    """
    similarity_BQM = similarity_BMQ.transpose(1, 2)  # the way it lies in memory
    penalty_BNM = (~labelled_BOLM).flatten(1, 2).float() * NOTHING
    # An addition runs vectorised where masking does not.
    best = [
        (similarity_BQM + penalty_BM[:, None]).amax(dim=2) for penalty_BM in penalty_BNM.unbind(1)
    ]
    best_BOLQ: Tensor = torch.stack(best, dim=1).unflatten(1, labelled_BOLM.shape[1:3])
    return best_BOLQ


class LiteDecoder(nn.Module):
    """Role 4: readout and query value at stride 16, refined at strides 8 and 4.

    What the memory labelled goes to the logits on a path of its own as well, so that the evidence
    of the points cannot drown among the learned channels.
    """

    def __init__(self, *, readout_channels: int, width: int) -> None:
        super().__init__()
        self.match = nn.Conv2d(MATCH_CHANNELS, 32, 1)
        self.coarse = nn.Conv2d(32, 1, 1)
        self.fuse = ResidualBlock(readout_channels + 32 + width, width)
        self.skip8 = nn.Conv2d(40, 64, 1)
        self.up8 = nn.Conv2d(width, 64, 1)
        self.refine8 = ResidualBlock(64, 64)
        self.skip4 = nn.Conv2d(24, 32, 1)
        self.up4 = nn.Conv2d(64, 32, 1)
        self.refine4 = ResidualBlock(32, 32)
        self.predict = nn.Conv2d(32, 1, 3, padding=1)

    def forward(self, features: QueryFeatures, readout_BOCHW: Tensor) -> Tensor:
        """[B, O, C, H/16, W/16] -> logits [B, O, H, W]."""
        batch, objects = readout_BOCHW.shape[:2]

        def of_every_object(feature_BCHW: Tensor) -> Tensor:
            return feature_BCHW.repeat_interleave(objects, dim=0)

        thin = of_every_object(features.thin_BCHW)
        readout = readout_BOCHW.flatten(0, 1).to(thin.dtype)
        match = F.relu(self.match(readout[:, -MATCH_CHANNELS:]))
        x = self.fuse(torch.cat([readout, match, thin], dim=1))
        skip = of_every_object(self.skip8(features.f8_BCHW))
        x = self.refine8(F.interpolate(self.up8(x), scale_factor=2.0, mode="bilinear") + skip)
        skip = of_every_object(self.skip4(features.f4_BCHW))
        x = self.refine4(F.interpolate(self.up4(x), scale_factor=2.0, mode="bilinear") + skip)
        coarse = F.interpolate(self.coarse(match), scale_factor=4.0, mode="bilinear")
        logits = self.predict(F.relu(x)) + coarse
        logits = F.interpolate(logits, scale_factor=4.0, mode="bilinear")
        logits_BOHW: Tensor = logits.unflatten(0, (batch, objects)).squeeze(2)
        return logits_BOHW


def stcn_lite() -> STCN:
    """The small network: 4.45 M parameters, 2.34 M of them trunk.

    Returns:
        Randomly initialised network. `pointvos.nn.efficientnet_lite.load_imagenet_lite0` fills the
        trunk; trained weights come through `pointvos.inference`.
    """
    width, value_channels = 128, 128
    return STCN(
        key_encoder=LiteKeyEncoder(trunk=EfficientNetLite0(), width=width, key_channels=64),
        value_encoder=LiteValueEncoder(width=width, value_channels=value_channels),
        reader=LiteReader(),
        decoder=LiteDecoder(readout_channels=value_channels + MATCH_CHANNELS, width=width),
        point_radius=3,
        decodes_reference=True,
        pixel_mean=PIXEL_MEAN,
        pixel_std=PIXEL_STD,
    )
