"""Protocol v1, MS-SSIM and the locked scores once more, by scikit-image, colour-science and torchmetrics."""

from __future__ import annotations

import sys
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64, UInt8

    Image = UInt8[np.ndarray, "h w 3"]

SRGB_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE_XY = np.array([0.3127, 0.3290])
"""IEC 61966-2-1, a second time: read from `bench.color`, a matrix or a white that moves there would move here too."""


@cache
def colour_science() -> Any:
    """colour-science, without the stand-ins it leaves behind for a matplotlib that is not installed.

    They would break the next library that looks for the real one, torchmetrics among them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that plotting needs matplotlib, which nothing here does
        import colour
    for name in [name for name, module in sys.modules.items() if isinstance(module, MagicMock)]:
        if name.split(".")[0] in ("matplotlib", "mpl_toolkits"):
            del sys.modules[name]
    return colour


def lab(images: UInt8[np.ndarray, "*n h w 3"]) -> Float64[np.ndarray, "*n h w 3"]:
    """CIE Lab of 8-bit sRGB under D65, by colour-science from linear light on."""
    encoded = images / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return colour_science().XYZ_to_Lab(linear @ SRGB_TO_XYZ.T, WHITE_XY)


def delta(first: Float64[np.ndarray, "*n 3"], second: Float64[np.ndarray, "*n 3"]) -> Float64[np.ndarray, "*n"]:
    """CIEDE2000 of Lab pairs, by colour-science."""
    return np.asarray(colour_science().difference.delta_E_CIE2000(first, second))


def psnr(prediction: Image, target: Image) -> float:
    """PSNR in dB, by scikit-image, which divides by zero where the images are equal."""
    from skimage.metrics import peak_signal_noise_ratio

    if (prediction == target).all():
        return np.inf
    return float(peak_signal_noise_ratio(target, prediction, data_range=255))


def ssim(prediction: Image, target: Image) -> float:
    """SSIM as Wang et al. have it, by scikit-image."""
    from skimage.metrics import structural_similarity

    similarity: Any = structural_similarity(
        target,
        prediction,
        data_range=255,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return float(similarity)


def protocol(prediction: Image, target: Image) -> dict[str, float]:
    """The nine metrics of protocol v1 of one pair."""
    difference = prediction.astype(np.float64) - target
    labs = lab(prediction), lab(target)
    chroma, differences = (labs[0] - labs[1])[..., 1:], delta(*labs)
    return {
        "l1": float(np.abs(difference).mean()),
        "l2": float((difference**2).mean()),
        "psnr": psnr(prediction, target),
        "ssim": ssim(prediction, target),
        "l1-ab": float(np.abs(chroma).mean()),
        "l2-ab": float((chroma**2).mean()),
        "ciede2000": float(differences.mean()),
        "ciede2000-p95": float(np.percentile(differences, 95)),
        "ciede2000-over-2.3": float((differences > 2.3).mean()),
    }


def ms_ssim(prediction: Image, target: Image) -> dict[str, float]:
    """MS-SSIM of one pair, put together from torchmetrics' own terms of each scale.

    torchmetrics' function of that name keeps the border of the coarsest scale, over reflected pixels, and crops those
    of the others; here all are cropped alike. It takes no fewer scales than five.
    """
    import torch
    from torchmetrics.functional.image import structural_similarity_index_measure

    measure: Any = structural_similarity_index_measure
    weights = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])
    count = min(5, int(np.log2(min(target.shape[:2]) / 11)) + 1)
    if count < 2:
        return {"ms-ssim": np.nan}
    weights = weights[:count] / weights[:count].sum()
    # One channel an image, because torchmetrics averages over an image's channels.
    images = [torch.from_numpy(one.astype(np.float64)).permute(2, 0, 1)[:, None] for one in (prediction, target)]
    value = np.ones(3)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small are the pictures that several wait for one another
    try:
        for scale, weight in enumerate(weights):
            if scale:
                images = [torch.nn.functional.avg_pool2d(image, 2) for image in images]
            if scale < count - 1:
                _, term = measure(*images, data_range=255.0, reduction="none", return_contrast_sensitivity=True)
            else:
                _, whole = measure(*images, data_range=255.0, reduction="none", return_full_image=True)
                term = whole[..., 5:-5, 5:-5].mean(dim=(1, 2, 3))
            value *= np.maximum(term.numpy(), 0) ** weight
    finally:
        torch.set_num_threads(threads)
    return {"ms-ssim": float(value.mean())}


def locked(prediction: Image, target: Image) -> dict[str, float]:
    """The locked scores of one pair: luma in whole levels and the shift restated, the rest by the libraries."""
    lumas = [np.floor(image @ np.array([299, 587, 114]) / 1000 + 0.5) for image in (prediction, target)]
    shift = lumas[1] - lumas[0]
    picture = np.clip(prediction + shift[..., None], 0, 255).astype(np.uint8)
    return {
        "psnr-locked": psnr(picture, target),
        "ssim-locked": ssim(picture, target),
        "ciede2000-locked": float(delta(lab(picture), lab(target)).mean()),
        "luma-error": float(np.abs(shift).mean()),
    }
