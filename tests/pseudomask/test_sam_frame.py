"""Images, positions and masks in and out of a Segment-Anything network."""

import numpy as np
import pytest
import torch
from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

from pointvos.pseudomask.sam_frame import PIXEL_MEAN, PIXEL_STD, SamFrame

SIZES = [(480, 854), (854, 480), (100, 100), (37, 53), (1080, 1920), (5, 700)]


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_padded_pixels_are_those_of_the_packaged_processor(height: int, width: int) -> None:
    image = noise(height, width)
    packaged = SamImageProcessorPil()(images=image, return_tensors="pt")
    frame = SamFrame(height, width, 1024, keep_aspect=True)

    pixels = frame.pixels(image)

    assert list(frame.content) == packaged["reshaped_input_sizes"][0].tolist()
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels, packaged["pixel_values"].numpy(), atol=2e-5)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_masks_come_back_as_from_the_packaged_processor(height: int, width: int) -> None:
    logits = torch.randn(3, 256, 256, generator=torch.Generator().manual_seed(1))
    frame = SamFrame(height, width, 1024, keep_aspect=True)
    (packaged,) = SamImageProcessorPil().post_process_masks(
        [logits[None]], [[height, width]], [list(frame.content)], binarize=False
    )

    torch.testing.assert_close(frame.upscaled(logits), packaged[0])


def test_stretched_pixels_fill_the_square() -> None:
    # What the SAM 2 processor is documented to do: both sides to 1024, ImageNet statistics.
    image = np.zeros((40, 80, 3), np.uint8)
    image[:, 40:] = (255, 0, 128)
    frame = SamFrame(40, 80, 64, keep_aspect=False)

    pixels = frame.pixels(image)

    assert pixels.shape == (1, 3, 64, 64)
    raw = pixels[0] * PIXEL_STD[:, None, None] + PIXEL_MEAN[:, None, None]
    np.testing.assert_allclose(raw[:, :, :30], 0, atol=1e-4)
    expected = np.broadcast_to(np.array([255, 0, 128], np.float32)[:, None, None], (3, 64, 30))
    np.testing.assert_allclose(raw[:, :, 34:], expected, atol=1e-4)
    assert frame.upscaled(torch.zeros(2, 16, 16)).shape == (2, 40, 80)


def test_the_statistics_are_those_of_imagenet() -> None:
    processor = SamImageProcessorPil()
    np.testing.assert_allclose(PIXEL_MEAN / 255, processor.image_mean, atol=1e-6)
    np.testing.assert_allclose(PIXEL_STD / 255, processor.image_std, atol=1e-6)


@pytest.mark.parametrize("keep_aspect", [True, False])
def test_a_position_stays_on_what_it_was_put_on(keep_aspect: bool) -> None:
    # A bright pixel block of the image, its centre as a position: after adding the half pixel that
    # the networks add, the position must be the centre of mass of the block in the input.
    image = np.zeros((50, 90, 3), np.uint8)
    image[20:25, 60:67] = 255
    frame = SamFrame(50, 90, 256, keep_aspect=keep_aspect)
    centre = np.array([[63.5, 22.5]], np.float32)

    height, width = frame.content
    bright = frame.scaled(image)[..., 0].astype(np.float64)
    y, x = np.mgrid[:height, :width] + 0.5
    mass = [(bright * x).sum() / bright.sum(), (bright * y).sum() / bright.sum()]

    np.testing.assert_allclose(frame.positions(centre)[0] + 0.5, mass, atol=0.05)


@pytest.mark.parametrize("keep_aspect", [True, False])
def test_a_mask_goes_in_and_comes_out(keep_aspect: bool) -> None:
    frame = SamFrame(120, 200, 256, keep_aspect=keep_aspect)
    mask = np.zeros((120, 200), bool)
    mask[30:80, 50:150] = True

    logits = frame.mask_logits(mask, 64)

    assert logits.shape == (1, 1, 64, 64)
    assert logits.dtype == np.float32
    assert (logits.min(), logits.max()) == (-10, 10)
    back = (frame.upscaled(torch.from_numpy(logits[0])) > 0).numpy()[0]
    assert (back & mask).sum() / (back | mask).sum() > 0.95
    if keep_aspect:
        assert (logits[..., -20:, :] == -10).all()  # padding
