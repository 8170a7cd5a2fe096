"""Literature modes: the numbers of published code with its mistakes, so that published tables can be read.

None of them is a metric of this benchmark. Each stands beside the right one (`right`), is named for the code it comes
from, and never enters a board. What is reproduced is what the code does to numbers, written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bench.errors import BenchError
from bench.precision import precise
from bench.types import Metric
from bench.weights import Published

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float32, Float64, UInt8

    from bench.metrics.lpips import Lpips

    Batch = UInt8[np.ndarray, "n h w 3"]

Needs = Literal["images", "clips", "inception", "lpips"]


@dataclass(frozen=True)
class Mode:
    """One number of the literature.

    Attributes:
        id: the code it comes from and the number.
        wrong: what it does that the right metric does not.
        source: where the code stands.
        right: the id of the metric that is right.
        unit: of the number.
        direction: which end its authors call better.
        needs: what it is made from: `images` and `clips` by `image_modes` and `clip_modes`; `inception` from
            `LegacyInception`'s features, one value a split; `lpips` by `colormnet_lpips`.
    """

    id: str
    wrong: str
    source: str
    right: str
    unit: str
    direction: Literal["lower", "higher"]
    needs: Needs

    @property
    def metric(self) -> Metric:
        """As a metric, marked in name and signature, for what prints it beside the right one."""
        kind = "distribution" if self.needs == "inception" else "full-reference"
        return Metric(
            id=self.id,
            name=f"{self.id} (literature)",
            unit=self.unit,
            direction=self.direction,
            kind=kind,
            definition=f"literature,{self.id}",
            source=self.source,
            decimals=3,
        )


LITERATURE: dict[str, Mode] = {
    mode.id: mode
    for mode in (
        Mode(
            "colormnet-psnr",
            "subtracts and squares in 8 bits, which wraps at 256: no error counts as 16 levels, one of 16 as none",
            "yyang181/colormnet, evaluation_matrics/evaluation.py, calculate_psnr",
            "psnr",
            "dB",
            "higher",
            "images",
        ),
        Mode(
            "torchmetrics-psnr",
            "pools the squared error of all images first: the worst image decides",
            "torchmetrics, PeakSignalNoiseRatio with dim=None, its default",
            "psnr",
            "dB",
            "higher",
            "images",
        ),
        Mode(
            "ct2-psnr-convert",
            "sends the target through single-precision Lab and cuts off its fractions: up to a level darker",
            "shuchenweng/CT2, segm/metrics.py, avg_ssim_psnr (psnr_convert)",
            "psnr",
            "dB",
            "higher",
            "images",
        ),
        Mode(
            "colormnet-ssim",
            "square window of 7 and sample covariance, scikit-image's defaults, not Wang's Gaussian",
            "yyang181/colormnet, evaluation_matrics/evaluation.py, calculate_psnr_for_folder",
            "ssim",
            "",
            "higher",
            "images",
        ),
        Mode(
            "ct2-ssim",
            "the same window, and a range of 225 where it is 255",
            "shuchenweng/CT2, segm/metrics.py, avg_ssim_psnr",
            "ssim",
            "",
            "higher",
            "images",
        ),
        Mode(
            "atd12k-ssim",
            "the same window (the Gaussian is asked for by a wrong name), and no range for floats, which old "
            "scikit-image takes as 2 where it is 1",
            "lisiyao21/AnimeInterp, test_anime_sequence_one_by_one.py, validate; scikit-image before 0.21",
            "ssim",
            "",
            "higher",
            "images",
        ),
        Mode(
            "ct2-colourfulness",
            "takes the absolute value of both opponent channels, which Hasler and Suesstrunk do not; of the prediction "
            "alone, as if more were better",
            "shuchenweng/CT2, segm/eval_colorfullness.py; piddnad/DDColor, basicsr/metrics/colorfulness.py; "
            "yyang181/colormnet, evaluation_matrics/evaluation.py",
            "colourfulness-error",
            "",
            "higher",
            "images",
        ),
        Mode(
            "colormnet-cdc",
            "looks at the prediction alone: a gray or frozen clip scores better than the target",
            "yyang181/colormnet, evaluation_matrics/cdc.py, calculate_cdc",
            "cdc-difference",
            "nat",
            "lower",
            "clips",
        ),
        Mode(
            "colormnet-lpips",
            "passes 0..255 where -1..1 is meant",
            "yyang181/colormnet, evaluation_matrics/evaluation.py, calculate_psnr_for_folder",
            "lpips",
            "",
            "lower",
            "lpips",
        ),
        Mode(
            "ct2-fid",
            "torchvision's Inception instead of the original's, shown its input at -0.03..0.43 where -1..1 is meant",
            "shuchenweng/CT2, segm/metrics.py, calculate_fid and INCEPTION_V3_FID",
            "fid",
            "",
            "lower",
            "inception",
        ),
        Mode(
            "ddcolor-fid",
            "as ct2-fid, and its validation passes 0..1 to what expects -1..1: the network sees 0.20..0.43",
            "piddnad/DDColor, basicsr/models/color_model.py, nondist_validation; basicsr/metrics/custom_fid.py",
            "fid",
            "",
            "lower",
            "inception",
        ),
        Mode(
            "colormnet-fid",
            "as ct2-fid, clip by clip and then averaged: a covariance of 2,048 features from a clip's few frames",
            "yyang181/colormnet, evaluation_matrics/fid.py, calculate_fid_yyx",
            "fid",
            "",
            "lower",
            "inception",
        ),
    )
}

METRICS = tuple(mode.metric for mode in LITERATURE.values())

WEIGHTS = Published(
    what="torchvision's former ImageNet weights of Inception v3",
    url="https://download.pytorch.org/models/inception_v3_google-1a9a5a14.pth",
    sha256="1a9a5a14",
    option="--legacy-inception-weights",
)
"""The file that CT2, DDColor and ColorMNet name; its name promises the first digits of its SHA-256."""

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, per channel, of RGB in 0..1."""

SIDE = 299
BATCH = 16


def image_modes(predictions: Batch, targets: Batch) -> dict[str, Float64[np.ndarray, " n"]]:
    """Every mode that needs only images: by id one value an image.

    `torchmetrics-psnr` is one number for all images and the same in every place.

    Args:
        predictions: 8-bit sRGB, at least 7 pixels a side.
        targets: the same shape.

    Raises:
        BenchError: unless both are uint8 of one shape (n, h, w, 3) with h and w at least 7.
    """
    _check(predictions, targets)
    pairs = list(zip(predictions, targets, strict=True))
    squared = [((prediction.astype(np.float64) - target) ** 2).mean() for prediction, target in pairs]
    pooled = _decibels(np.mean(squared))
    rules: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
        "colormnet-psnr": colormnet_psnr,
        "torchmetrics-psnr": lambda prediction, target: pooled,
        "ct2-psnr-convert": ct2_psnr_convert,
        "colormnet-ssim": lambda prediction, target: _square_ssim(prediction, target, 255.0),
        "ct2-ssim": lambda prediction, target: _square_ssim(prediction, target, 225.0),
        "atd12k-ssim": lambda prediction, target: _square_ssim(prediction / 255, target / 255, 2.0),
        "ct2-colourfulness": lambda prediction, target: ct2_colourfulness(prediction),
    }
    return {id: np.array([rule(*pair) for pair in pairs], np.float64) for id, rule in rules.items()}


def clip_modes(predictions: Batch, frames: Sequence[int]) -> dict[str, Float64[np.ndarray, " n"]]:
    """Every mode that needs clips: by id one value a clip, in each of its frames.

    Raises:
        BenchError: as `bench.metrics.temporal.cdc` does.
    """
    from bench.metrics.temporal import cdc

    return {"colormnet-cdc": cdc(predictions, frames)[np.cumsum(np.asarray(frames) == 0) - 1]}


def colormnet_psnr(prediction: UInt8[np.ndarray, "h w 3"], target: UInt8[np.ndarray, "h w 3"]) -> float:
    """PSNR in dB of a squared error that is itself 8-bit: an error of 16 levels counts as none, one of 17 as 5.7."""
    difference = prediction - target
    return _decibels((difference * difference).mean())


def ct2_psnr_convert(prediction: UInt8[np.ndarray, "h w 3"], target: UInt8[np.ndarray, "h w 3"]) -> float:
    """PSNR in dB against the target after scikit-image's Lab, there and back, without rounding."""
    from skimage.color import lab2rgb, rgb2lab

    lab = rgb2lab(target).astype(np.float32)
    through = (255 * np.clip(lab2rgb(lab), 0, 1)).astype(np.uint8)
    return _decibels(((prediction.astype(np.float64) - through) ** 2).mean())


def ct2_colourfulness(image: UInt8[np.ndarray, "h w 3"]) -> float:
    """Colourfulness of the absolute opponent channels; the signed ones' spread is larger where both signs occur."""
    red, green, blue = np.moveaxis(image.astype(np.float64), -1, 0)
    first, second = np.abs(red - green), np.abs((red + green) / 2 - blue)
    return float(np.hypot(first.std(), second.std()) + 0.3 * np.hypot(first.mean(), second.mean()))


def colormnet_lpips(predictions: Batch, targets: Batch, network: Lpips) -> dict[str, Float64[np.ndarray, " n"]]:
    """LPIPS of images left in 0..255: the scale of the input is 127 times too large.

    Raises:
        BenchError: unless both are uint8 of one shape (n, h, w, 3).
    """
    _check(predictions, targets)
    return {"colormnet-lpips": network.distances(predictions.astype(np.float32), targets.astype(np.float32))}


def inception_input(images: Batch, code: Literal["ct2", "ddcolor", "right"]) -> Float32[np.ndarray, "n h w 3"]:
    """What torchvision's Inception is shown of 8-bit images.

    The network was trained on 2 v - 1 of v in 0..1. CT2's extractor applies torchvision's change from ImageNet's
    normalization to that range, v s / 0.5 + (m - 0.5) / 0.5, to v that were never normalized; DDColor's validation
    applies it to (v + 1) / 2.
    """
    values = images.astype(np.float32) / 255
    if code == "right":
        return 2 * values - 1
    if code == "ddcolor":
        values = (values + 1) / 2
    return values * (np.array(DEVIATION, np.float32) * 2) + (np.array(MEAN, np.float32) * 2 - 1)


class LegacyInception:
    """2,048 features an image of torchvision's Inception v3, as CT2, DDColor and ColorMNet take them."""

    def __init__(self, weights: Path, device: torch.device | str = "cpu"):
        """Load the network.

        Args:
            weights: torchvision's file, read without running any code in it.
            device: where to run.

        Raises:
            BenchError: a file that is missing, another one, or damaged.
        """
        import torch
        import torchvision

        verified = Path(WEIGHTS.find(weights))
        with torch.device("meta"):
            network = torchvision.models.inception_v3(init_weights=False)
        network = network.to_empty(device="cpu")
        try:
            network.load_state_dict(torch.load(verified, map_location="cpu", weights_only=True))
        except Exception as error:  # a damaged file fails in many ways: unpickling, zip, missing keys, shapes
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise BenchError(f"{verified} does not hold the weights of {WEIGHTS.name}: {reason}") from error
        # Up to the pooled features; the parts stand in the order in which they are used.
        parts = [part for name, part in network.named_children() if name not in ("AuxLogits", "dropout", "fc")]
        self.device = torch.device(device)
        self._network = torch.nn.Sequential(*parts).requires_grad_(False).eval().to(self.device)

    def __call__(
        self, images: Batch, code: Literal["ct2", "ddcolor", "right"] = "ct2"
    ) -> Float32[np.ndarray, "n 2048"]:
        """Features of 8-bit images, resized to 299x299 (bilinear, no antialiasing) and shown as `code` shows them."""
        import torch

        made = []
        with precise(self.device):
            for start in range(0, len(images), BATCH):
                shown = torch.from_numpy(inception_input(images[start : start + BATCH], code)).permute(0, 3, 1, 2)
                resized = torch.nn.functional.interpolate(shown.to(self.device), (SIDE, SIDE), mode="bilinear")
                made.append(self._network(resized).flatten(1).cpu().numpy())
        return np.concatenate(made)


def load_inception(
    option: str | Path | None = None, device: torch.device | str = "cpu"
) -> tuple[LegacyInception | None, str]:
    """The network, or None and why it is not at hand; as `bench.features.load_inception`."""
    found = WEIGHTS.find(option)
    return (None, found) if isinstance(found, str) else (LegacyInception(found, device), "")


def clip_fid(
    predictions: Float32[np.ndarray, "n d"], targets: Float32[np.ndarray, "n d"], frames: Sequence[int]
) -> float:
    """`colormnet-fid` of features: FID of each clip by itself, then the mean over clips.

    Raises:
        BenchError: a clip of one frame, or features that do not fit.
    """
    from bench.metrics.distribution import fid

    starts = np.flatnonzero(np.asarray(frames) == 0)
    clips = [slice(a, b) for a, b in zip(starts, [*starts[1:], len(frames)], strict=True)]
    return float(np.mean([fid(predictions[clip], targets[clip]) for clip in clips]))


def _square_ssim(prediction: np.ndarray, target: np.ndarray, reach: float) -> float:
    from skimage.metrics import structural_similarity

    similarity: Any = structural_similarity(target, prediction, channel_axis=-1, data_range=reach)
    return float(similarity)


def _decibels(squared: float | np.floating[Any]) -> float:
    return float(20 * np.log10(255 / np.sqrt(squared))) if squared else np.inf


def _check(predictions: np.ndarray, targets: np.ndarray) -> None:
    for name, images in (("predictions", predictions), ("targets", targets)):
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
            got = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
            raise BenchError(f"literature modes need uint8 images of shape (n, height, width, 3); got {name} {got}.")
    if predictions.shape != targets.shape or not len(targets) or min(targets.shape[1:3]) < 7:
        raise BenchError(
            f"literature modes need pairs of one shape, at least 7x7; got {predictions.shape} and {targets.shape}."
        )
