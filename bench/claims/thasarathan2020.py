"""Claims of Thasarathan and Ebrahimi: hints and the previous frame against automatic video colorization."""

from bench.claims.claim import ANIMATION, OWN, Claim, Side
from bench.types import DOMAINS

_PAPER = "thasarathan2020"
_INPUTS = {"gray": "gray", "lines": "lineart-canny"}
_METRICS = {"fid": ("FID", "lower"), "ssim": ("SSIM", "higher"), "psnr": ("PSNR", "higher")}
_TABLE = "section 5, table 1"
_SHOWS = (
    "The paper's split is not stated; our nearest is new clips of series that were trained on. Its shows stand for our"
    " anime and cartoon."
)
_BASELINE = "Here the baseline runs on its own previous frame, as section 6 says of test time."
_CAPTION = (
    "Here the baseline is told the true previous frame, as table 1's caption has it (conditioned with F_gt); its"
    " weights were chosen on its own frames."
)
_TOLD = "Whether the gain is due to the hints is another claim, thasarathan2020-hints-help."


def _ours(condition: str) -> str:
    return f"{condition}+hints+previous"


def _sides(condition: str, domain: str | None = None, told: str = "previous") -> tuple[Side, Side]:
    """The hinted model and the baseline."""
    return (
        Side(f"thasarathan2020-hint@{OWN}", _ours(condition), domain=domain),
        Side(f"tcvc2019@{OWN}", f"{condition}+{told}", domain=domain),
    )


def _way(metric: str) -> str:
    return _METRICS[metric][1]


CLAIMS = (
    *(
        Claim(
            id=f"thasarathan2020-hints-over-{name}-{metric}-{word}",
            paper=_PAPER,
            source=_TABLE,
            quote="our model performs better than the baseline across each metric",
            wording=f"From {word}, hints and the previous frame beat the {baseline} in {_METRICS[metric][0]}.",
            sides=_sides(condition, told=told),
            metric=metric,
            says="lower" if _way(metric) == "lower" else "higher",
            domains=DOMAINS if metric == "fid" else ANIMATION,
            counts=f"Hints are true colours, so the tracks differ in what is told. {_TOLD} {reading} {_SHOWS}"
            + (" FID has no interval of its own, so all four domains stand as witnesses." if metric == "fid" else ""),
        )
        for name, told, baseline, reading in (
            ("baseline", "previous", "automatic baseline", _BASELINE),
            ("told-baseline", "previous-true", "baseline that is told the true previous frame", _CAPTION),
        )
        for word, condition in _INPUTS.items()
        for metric in _METRICS
    ),
    *(
        Claim(
            id=f"thasarathan2020-hints-help-{metric}",
            paper=_PAPER,
            source="section 4.2",
            quote="to have more control over the colorization output of the network",
            wording=f"From gray, the same network is better in {name} told hints than trained without.",
            sides=(
                Side(f"thasarathan2020-hint@{OWN}", _ours("gray")),
                Side(f"thasarathan2020-hint@{OWN}", "gray+previous"),
            ),
            metric=metric,
            says="higher" if metric == "psnr" else "lower",
            counts="The paper holds its model against another one only. Here both learn on their own frames, against"
            " the same judge, and differ in the hints alone: at 64 px three patches of 4x4 a frame.",
        )
        for metric, name in (
            ("psnr", "PSNR"),
            ("ciede2000", "mean colour difference"),
            ("palette-distance", "palette distance"),
        )
    ),
    *(
        Claim(
            id=f"thasarathan2020-more-on-anime-{metric}-{word}",
            paper=_PAPER,
            source=_TABLE,
            quote="Our method makes a more significant difference when colorizing Japanese animation styles",
            wording=f"From {word}, the gain in {_METRICS[metric][0]} is larger on anime than on Western animation.",
            sides=(*_sides(condition, "anime"), *_sides(condition, "cartoon")),
            metric=metric,
            says="higher",
            domains=("anime",),
            counts=f"The gain on anime minus the gain on cartoons. {_BASELINE}",
        )
        for word, condition in _INPUTS.items()
        for metric in ("ssim", "psnr")
    ),
    *(
        Claim(
            id=f"thasarathan2020-less-flicker-{word}",
            paper=_PAPER,
            source="section 5",
            quote="higher level of color consistency between related frames",
            wording="Its colours change less between frames than the baseline's.",
            sides=_sides("gray"),
            metric=metric,
            says="lower",
            counts="The paper argues by eye and gives no temporal number. At the smallest budgets the discriminator,"
            f" which is to see to it, has hardly learned. {note} {_BASELINE}",
        )
        for word, metric, note in (
            ("warp", "warp-error-ab", "Ours: change of chroma along the true motion beyond the target's own."),
            ("cdc", "cdc-difference", "Ours: how far the frames' colour distributions drift, against the target's."),
        )
    ),
    Claim(
        id="thasarathan2020-unseen-objects",
        paper=_PAPER,
        source="section 5",
        quote="color new objects unseen by the network previously with better accuracy",
        wording="On series it never saw, it is more accurate than the baseline.",
        sides=_sides("gray"),
        metric="ciede2000",
        says="lower",
        split="test",
        counts=f"Clips of unseen series, mean colour difference. {_BASELINE}",
    ),
    *(
        Claim(
            id=f"thasarathan2020-lines-below-gray-{metric}-{short}",
            paper=_PAPER,
            source=_TABLE,
            quote="",
            wording=f"Lines give the {name} a lower {_METRICS[metric][0]} than gray pictures do.",
            sides=(Side(entry, f"lineart-canny+{guidance}"), Side(entry, f"gray+{guidance}")),
            metric=metric,
            says="lower",
            counts=f"The order of the table's columns, which the text does not comment. {_SHOWS}",
        )
        for name, short, entry, guidance in (
            ("hinted model", "hint", f"thasarathan2020-hint@{OWN}", "hints+previous"),
            ("baseline", "baseline", f"tcvc2019@{OWN}", "previous"),
        )
        for metric in ("ssim", "psnr")
    ),
    Claim(
        id="thasarathan2020-exposure-bias",
        paper=_PAPER,
        source="section 6",
        quote="so that the network learns to copy over colors from the generated image at test time is not as",
        wording="Trained on the true previous frame, the baseline is worse on its own previous frame.",
        sides=(Side(f"tcvc2019@{OWN}", "gray+previous"), Side(f"tcvc2019@{OWN}", "gray+previous-true")),
        metric="ciede2000",
        says="higher",
        counts="Own previous frame minus the true one, which also leaks the clip's colours: the effect is the sum.",
    ),
)
