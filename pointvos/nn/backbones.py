"""Trunks that come from transformers, with features at strides 4, 8, 16 and 32.

Nothing is downloaded: weights come from a folder that the user has, in transformers' layout.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn

from pointvos.nn.efficientnet_lite import TrunkFeatures
from pointvos.nn.fixed_batch_norm import FixedBatchNorm2d

STAGES = ["stage1", "stage2", "stage3", "stage4"]

# Liu et al. (2021), Table 7: channels of the first stage, depths, heads, window.
SWINS: dict[str, tuple[int, list[int], list[int], int]] = {
    "swin_tiny": (96, [2, 2, 6, 2], [3, 6, 12, 24], 7),
    "swin_small": (96, [2, 2, 18, 2], [3, 6, 12, 24], 7),
    "swin_base": (128, [2, 2, 18, 2], [4, 8, 16, 32], 12),
    "swin_large": (192, [2, 2, 18, 2], [6, 12, 24, 48], 12),
}
# He et al. (2016), Table 1.
RESNET_DEPTHS = {"resnet50": [3, 4, 6, 3], "resnet101": [3, 4, 23, 3]}


class TransformersTrunk(nn.Module):
    """A backbone of transformers as a trunk.

    Args:
        backbone: has four stages at strides 4, 8, 16 and 32.
    """

    def __init__(self, *, backbone: Any) -> None:
        super().__init__()
        self.backbone = backbone
        self.channels: tuple[int, ...] = tuple(backbone.channels)

    def forward(self, frames_BCHW: Tensor) -> TrunkFeatures:
        """Features of normalised frames [B, 3, H, W]."""
        return TrunkFeatures(*self.backbone(frames_BCHW).feature_maps)


def swin_trunk(name: str, weights: str | None) -> TransformersTrunk:
    """Build a Swin Transformer; `weights` is a folder, or None for random ones."""
    from transformers import SwinBackbone, SwinConfig

    channels, depths, heads, window = SWINS[name]
    config = SwinConfig(
        embed_dim=channels,
        depths=depths,
        num_heads=heads,
        window_size=window,
        out_features=STAGES,
    )
    return TransformersTrunk(backbone=_build(SwinBackbone, config, weights))


def resnet_trunk(name: str, weights: str | None) -> TransformersTrunk:
    """Build a ResNet whose batch norms keep their statistics; `weights` as of `swin_trunk`."""
    from transformers import ResNetBackbone, ResNetConfig

    config = ResNetConfig(depths=RESNET_DEPTHS[name], out_features=STAGES)
    backbone = _build(ResNetBackbone, config, weights)
    _fix_batch_norms(backbone)
    return TransformersTrunk(backbone=backbone)


TRUNKS: dict[str, Callable[[str | None], TransformersTrunk]] = {
    **{name: partial(swin_trunk, name) for name in SWINS},
    **{name: partial(resnet_trunk, name) for name in RESNET_DEPTHS},
}


def _build(backbone: Any, config: Any, weights: str | None) -> Any:
    if weights is None:
        return backbone(config)
    try:
        model, report = backbone.from_pretrained(
            weights, config=config, local_files_only=True, output_loading_info=True
        )
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"{weights}: expected a folder with the weights of a {config.model_type} backbone of "
            f"these sizes, as transformers saves them: {error}"
        ) from error
    # Norms of the outputs belong to the backbone form alone; classifiers do not have them.
    missing = [key for key in report["missing_keys"] if not key.startswith("hidden_states_norms")]
    if missing:
        raise ValueError(f"{weights}: expected the key {sorted(missing)[0]}, found none")
    return model


def _fix_batch_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            fixed = FixedBatchNorm2d(child.num_features, eps=child.eps)
            fixed.load_state_dict(child.state_dict())
            setattr(module, name, fixed)
        else:
            _fix_batch_norms(child)
