"""Metrics: pure functions over batches of 8-bit images, one topic a file, one METRICS table.

Importing this package loads neither torch nor numba nor scikit-image: boards are rendered without them.
"""

import math

from bench.metrics import distribution, lpips, temporal
from bench.metrics.suite import SUITE, UNRANKED
from bench.types import Metric

_WANG = "Wang, Bovik, Sheikh and Simoncelli 2004, equation 13"
_SHARMA = "Sharma, Wu and Dalal 2005; CIE 142-2001"

PROTOCOL: dict[str, Metric] = {
    metric.id: metric
    for metric in (
        Metric(
            id="l1",
            name="L1",
            unit="levels",
            direction="lower",
            kind="full-reference",
            definition="per-pixel-channel,0-255",
            source="Fu et al. 2017, Table 1",
            decimals=2,
        ),
        Metric(
            id="l2",
            name="L2",
            unit="levels²",
            direction="lower",
            kind="full-reference",
            definition="mse,per-pixel-channel,0-255",
            source="Fu et al. 2017, Table 1",
            decimals=1,
        ),
        Metric(
            id="l1-ab",
            name="L1 ab",
            unit="Lab",
            direction="lower",
            kind="full-reference",
            definition="per-pixel-channel,ab,D65/2deg",
            source="CIE 15:2004, 8.2.1",
            decimals=2,
        ),
        Metric(
            id="l2-ab",
            name="L2 ab",
            unit="Lab²",
            direction="lower",
            kind="full-reference",
            definition="mse,per-pixel-channel,ab,D65/2deg",
            source="CIE 15:2004, 8.2.1",
            decimals=1,
        ),
        Metric(
            id="psnr",
            name="PSNR",
            unit="dB",
            direction="higher",
            kind="full-reference",
            definition="per-image,rgb,range255",
            source="10 log10(255² / MSE), each image by itself",
            decimals=2,
        ),
        Metric(
            id="ssim",
            name="SSIM",
            unit="",
            direction="higher",
            kind="full-reference",
            definition="wang2004,gauss11s1.5,biased,crop5,rgb-mean,range255",
            source=_WANG,
            decimals=3,
            bounds=(-1, 1),
        ),
        Metric(
            id="ciede2000",
            name="CIEDE2000",
            unit="ΔE00",
            direction="lower",
            kind="full-reference",
            definition="D65/2deg,k1",
            source=_SHARMA,
            decimals=2,
        ),
        Metric(
            id="ciede2000-p95",
            name="CIEDE2000 p95",
            unit="ΔE00",
            direction="lower",
            kind="full-reference",
            definition="D65/2deg,k1,p95-linear",
            source=_SHARMA,
            decimals=2,
        ),
        Metric(
            id="ciede2000-over-2.3",
            name="CIEDE2000 > 2.3",
            unit="share",
            direction="lower",
            kind="full-reference",
            definition="D65/2deg,k1,share-over-2.3",
            source=f"{_SHARMA}; 2.3 as a just noticeable difference: Mahy, Van Eycken and Oosterlinck 1994",
            decimals=3,
            bounds=(0, 1),
        ),
        Metric(
            id="fid",
            name="FID",
            unit="",
            direction="lower",
            kind="distribution",
            definition="tf-inception-compat,2048,float64",
            source="Heusel et al. 2017, equation 6; torch-fidelity's inception-v3-compat",
            decimals=1,
        ),
        Metric(
            id="kid",
            name="KID",
            unit="",
            direction="lower",
            kind="distribution",
            definition="tf-inception-compat,2048,poly3,unbiased,100xmin(n,1000)",
            source="Binkowski et al. 2018, section 4; torch-fidelity's inception-v3-compat",
            decimals=4,
            bounds=(-math.inf, math.inf),  # unbiased: of sets that are alike it comes out on either side of 0
        ),
    )
}
"""Protocol v1: full-reference ones by `bench.metrics.pixel`, the rest by `bench.metrics.distribution`."""

PRIMARY = "ciede2000"
"""What boards rank by, and what is told of every group and slice."""

METRICS: dict[str, Metric] = {
    **PROTOCOL,
    **SUITE,
    **{metric.id: metric for topic in (distribution, temporal, lpips) for metric in topic.METRICS},
}
"""Every number that a record may carry."""

PAIRED = (
    "l1",
    "l2",
    "psnr",
    "ssim",
    "bleeding",
    "region-spread",
    "colourfulness-error",
    *UNRANKED,
    *(metric.id for metric in temporal.METRICS),
)
"""Values an image of which records keep the mean of each group, beside CIEDE2000's: claims pair entries by them."""
