"""Every number that the five papers report, as they print it. None of them was made on our pictures: none is ranked."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Paper:
    """A paper whose numbers and claims stand here."""

    id: str
    authors: str
    title: str
    year: int
    note: str


PAPERS: dict[str, Paper] = {
    paper.id: paper
    for paper in (
        Paper(
            "zhang2022",
            "S. Zhang and Y. Mao",
            "Project Final Report",
            2022,
            "A course report on colorizing frames of one anime series with a CNN and a GAN. It gives no metric value."
            " Undated; its references were accessed in April 2022.",
        ),
        Paper(
            "fu2017",
            "Q. Fu, W.-T. Hsu and M.-H. Yang",
            "Colorization Using ConvNet and GAN",
            2017,
            "Its table's L2 distance is the mean squared error per pixel-channel on 0 to 255; RMSE and PSNR are derived"
            " from it here, and that PSNR is of the mean error, not the mean over images.",
        ),
        Paper(
            "chen2019",
            "P. Chen, X. Huang, Y. Zhang, Z. Wang and C. Jiang",
            "Automatic Colorization of Anime Sketch Image with Enhanced Residual U-net and Auxiliary Classifier GAN",
            2019,
            "It gives no metric value; its own training was on 20 pictures.",
        ),
        Paper(
            "camizan2023",
            "E. Camizan, S. Garcia and V. Espinoza",
            "Diving into Depth: Image Colorization in Cartoon and Live Action Frames",
            2023,
            "Bars without numbers, so that only orders are reported. It calls a higher CIEDE2000 score better, though"
            " CIEDE2000 is a difference; whether its bars show the difference or something inverted is not said.",
        ),
        Paper(
            "thasarathan2020",
            "H. Thasarathan and M. Ebrahimi",
            "Artist-Guided Semiautomatic Animation Colorization",
            2020,
            "Its own rows were given true colours as hints, its baseline's were not. Whether the baseline saw the true"
            " previous frame at test time is not said, so ours stands in both ways.",
        ),
    )
}

REPORTED = "reported, other data"
"""What marks a paper's number wherever it is shown."""


@dataclass(frozen=True)
class Reported:
    """One number of a paper's table.

    Attributes:
        paper: a key of `PAPERS`.
        table: such as `table 1`.
        row: what the paper calls the row or column.
        model: our baseline that stands for it.
        input: what the model saw.
        metric: what the number is.
        printed: what the paper calls it, where that differs; empty otherwise.
        metric_id: our metric of the same kind.
        data: the paper's test images.
        value: as printed, or derived from what is printed.
        decimals: digits after the point.
        derived: whether the paper does not print it.
        domain: ours that is nearest to the data.
        tracks: ours that are nearest to the input, best first.
    """

    paper: str
    table: str
    row: str
    model: str
    input: str
    metric: str
    printed: str
    metric_id: str
    data: str
    value: float
    decimals: int
    derived: bool
    domain: str
    tracks: tuple[str, ...]

    @property
    def text(self) -> str:
        """The value with its digits."""
        return f"{self.value:.{self.decimals}f}"


@dataclass(frozen=True)
class Ordinal:
    """An order that a paper states of bars without numbers.

    Attributes:
        figure: where.
        metric: what is said to be plotted.
        data: on which images.
        order: trainings from the highest bar to the lowest, as far as it is told.
        statement: the paper's words.
        direction: whether the highest bar is the best by the metric's own definition, or cannot be told.
    """

    paper: str
    figure: str
    metric: str
    data: str
    order: tuple[str, ...]
    statement: str
    direction: Literal["higher is better", "unresolved"]


def rmse(mse: float) -> float:
    """The square root of a mean squared error, in its levels."""
    return math.sqrt(mse)


def psnr_of_mean(mse: float) -> float:
    """PSNR of a mean squared error on 0 to 255, in dB: not the mean of the images' PSNR, which is larger."""
    return 10 * math.log10(255**2 / mse)


DERIVED = {"RMSE (derived)": rmse, "PSNR of the mean MSE (derived)": psnr_of_mean}
"""What is made from a mean squared error, of the paper's and of ours alike."""

_POKEMON = "Pokémon, 2818 test frames"

_FU2017 = (
    ("ConvNet", "fu2017-convnet", "gray", 19.19, 1219.73),
    ("GAN", "fu2017-cgan", "gray", 16.25, 747.29),
    ("ConvNet", "fu2017-convnet", "edge", 50.68, 4720.35),
    ("GAN", "fu2017-cgan", "edge", 39.09, 3046.84),
)

_THASARATHAN2020 = (
    ("DragonBall", "Baseline", "gray", "9.29", "0.78", "17.4"),
    ("DragonBall", "Baseline", "line", "19.1", "0.57", "16.04"),
    ("DragonBall", "Ours", "gray", "2.48", "0.90", "24.9"),
    ("DragonBall", "Ours", "line", "8.84", "0.73", "19.57"),
    ("Futurama", "Baseline", "gray", "6.14", "0.79", "20.6"),
    ("Futurama", "Baseline", "line", "9.50", "0.65", "18.1"),
    ("Futurama", "Ours", "gray", "3.51", "0.87", "24.8"),
    ("Futurama", "Ours", "line", "9.46", "0.68", "19.4"),
)


def _fu2017() -> list[Reported]:
    made = []
    for row, model, seen, l1, mse in _FU2017:
        values = [("L1", "L1", "l1", l1, False), ("MSE", "L2", "l2", mse, False)]
        values += [(name, "", "l2", derive(mse), True) for name, derive in DERIVED.items()]
        made += [
            Reported(
                "fu2017", "table 1", row, model, "grayscale" if seen == "gray" else "Canny edges", metric,
                printed if printed != metric else "", id, _POKEMON, value, 2, derived, "anime",
                ("gray",) if seen == "gray" else ("lineart-canny",),
            )
            for metric, printed, id, value, derived in values
        ]  # fmt: skip
    return made


def _thasarathan2020() -> list[Reported]:
    made = []
    for show, row, seen, *values in _THASARATHAN2020:
        condition = "gray" if seen == "gray" else "lineart-canny"
        ours = row == "Ours"
        told = ("hints+previous",) if ours else ("previous", "previous-true")
        made += [
            Reported(
                "thasarathan2020", "table 1", f"{show} ({row})", "thasarathan2020-hint" if ours else "tcvc2019",
                "greyscale" if seen == "gray" else "line art (Canny)", metric, "", metric.lower(),
                f"{show}, seasons 1 and 2", float(text), len(text.partition(".")[2]), False,
                "anime" if show == "DragonBall" else "cartoon",
                tuple(f"{condition}+{guidance}" for guidance in told),
            )
            for metric, text in zip(("FID", "SSIM", "PSNR"), values, strict=True)
        ]  # fmt: skip
    return made


NUMBERS: tuple[Reported, ...] = (*_fu2017(), *_thasarathan2020())
"""In the order of the papers' tables."""

_MIX, _CARTOON, _MOVIE = "cartoon and movie", "cartoon", "movie"

ORDERS: tuple[Ordinal, ...] = (
    Ordinal(
        "camizan2023",
        "figure 4a",
        "CIEDE2000 score",
        "cartoon images",
        (_MIX, _CARTOON, _MOVIE),
        "the average score for the dataset trained with mixed images is higher compared to other scores",
        "unresolved",
    ),
    Ordinal(
        "camizan2023",
        "figure 4b",
        "CIEDE2000 score",
        "real images",
        (_MIX, _CARTOON, _MOVIE),
        "it is apparent that it follows the same trend",
        "unresolved",
    ),
    Ordinal(
        "camizan2023",
        "figure 5a",
        "SSIM",
        "cartoon images",
        (_MOVIE, f"{_CARTOON}, {_MIX} (order not told)"),
        "when using Cartoon images as input, our model using the Movie has a higher SSIM Score",
        "higher is better",
    ),
    Ordinal(
        "camizan2023",
        "figure 5b",
        "SSIM",
        "real images",
        (f"{_CARTOON}, {_MOVIE} (order not told)", _MIX),
        "using real images as input makes our Mix model the worst overall",
        "higher is better",
    ),
)
