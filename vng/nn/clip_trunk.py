"""What a trunk declares that sees the frames of a clip together.

Other trunks know single frames, and are given a few of them at a time.

Shape legend: B batch, T frames of a clip, H W height and width.
"""

from typing import Protocol, runtime_checkable

from torch import Tensor

from pointvos.nn.efficientnet_lite import TrunkFeatures


@runtime_checkable
class ClipTrunk(Protocol):
    """A trunk whose features of a frame depend on the other frames of the clip.

    Attributes:
        reads_clips: says so; it is the presence of the attribute that counts.
    """

    reads_clips: bool

    def __call__(self, clips_BT3HW: Tensor, *, forget: bool = False) -> TrunkFeatures:
        """Features of every frame, clip after clip.

        Args:
            clips_BT3HW: float, normalised.
            forget: whether to compute twice rather than keep what the gradients need.

        Returns:
            Features at strides 4, 8, 16 and 32, each [B T, C, h, w].
        """
        ...
