"""Claims of Chen et al.: a sketch coloured by the palette of a reference picture."""

from bench.claims.claim import OWN, Claim, Side

_PAPER = "chen2019"
_TRACK = "lineart-sketch+reference"
_MODEL = "chen2019-resunet"


def _failure(
    word: str, slice: str, other: tuple[str, str], source: str, quote: str, wording: str, counts: str
) -> Claim:
    """What the palette's network is ahead of another entry on a slice, against what it is on all hard cases."""
    return Claim(
        id=f"chen2019-{word}",
        paper=_PAPER,
        source=source,
        quote=quote,
        wording=wording,
        sides=(Side(f"{_MODEL}@mixed", _TRACK, slice=slice), Side(*other, slice=slice),
               Side(f"{_MODEL}@mixed", _TRACK), Side(*other)),
        metric="ciede2000",
        says="higher",
        slices=True,
        counts=counts,
    )  # fmt: skip


CLAIMS = (
    *(
        Claim(
            id=f"chen2019-palette-helps-{metric}",
            paper=_PAPER,
            source="section 2.1",
            quote="merge given regional color information properly",
            wording="Being told the palette of a reference brings the colours nearer to the truth.",
            sides=(Side(f"{_MODEL}@{OWN}", _TRACK), Side(f"cgan@{OWN}", "lineart-sketch")),
            metric=metric,
            says="lower",
            counts="The paper expects this and shows no numbers. Its network plays no track without a palette, so it"
            " is held against the conditional GAN that sees the same sketch and no palette: the networks differ too.",
        )
        for metric in ("ciede2000", "palette-distance")
    ),
    _failure(
        "dark-reference-hurts",
        "dark",
        ("cgan@mixed", "lineart-sketch"),
        "section 6, problem 1",
        "Cannot get style for dark image",
        "A dark reference tells the network little.",
        "What the palette's network gains over the conditional GAN, which sees the same sketch and no palette, on dark"
        " pictures, against what it gains on all hard cases. The palette is that of another picture of the series,"
        " which need not be dark; and the networks differ.",
    ),
    _failure(
        "noisy-sketch-hurts",
        "sketch",
        ("gray-copy", _TRACK),
        "section 6, problem 2",
        "it will greatly reduce the effectiveness of the model",
        "An incomplete or noisy sketch spoils the result.",
        "What the network gains over the bare sketch where lines are broken and strokes stray, against what it gains"
        " on all hard cases.",
    ),
    *(
        Claim(
            id=f"chen2019-sharpening-helps{word}",
            paper=_PAPER,
            source="section 6, problem 2",
            quote="if the input sketch is sharpened before feeding it into the network, the performance is better",
            wording=wording,
            sides=(
                Side(f"{_MODEL}@mixed", "lineart-sharpened+reference", slice=slice),
                Side(f"{_MODEL}@mixed", _TRACK, slice=slice),
            ),
            metric="ciede2000",
            says="lower",
            slices=True,
            counts="The same network, trained on sketches as they are, and the same drawings, once sharpened by an"
            f" unsharp mask. The paper names no filter, and another one may do better. {counts}",
        )
        for word, slice, wording, counts in (
            (
                "",
                "sketch",
                "Sharpening a noisy sketch first makes the result better.",
                "Where lines are broken and strokes stray. A record knows a slice's mean and not each picture of it, so"
                " the two means are held against each other as if of different pictures: a small help or harm stays"
                " undecided.",
            ),
            (
                "-hard-cases",
                None,
                "Sharpening the sketch first makes the result better on hard cases.",
                "On all hard cases together, noisy sketches being one kind of six, and on the same pictures: a small"
                " help or harm can be told, but not of noisy sketches alone.",
            ),
        )
    ),
)
