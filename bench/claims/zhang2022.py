"""Claims of the course report that trains a CNN and a GAN on one anime series."""

from bench.claims.claim import OWN, Claim, Side

_PAPER = "zhang2022"
_CNN, _GAN = f"varga2016-cnn@{OWN}", f"he2021-gan@{OWN}"
_NEAREST = (
    "The report looks at training frames; ours are new images of the series that were trained on, so the gap we can"
    " see is the smaller one."
)
_LOOKS = "The report judges by eye; we take CIEDE2000, which rewards caution."


_GAPS = (
    "What an entry adds to the gray copy's error on unseen series, minus what it adds on seen ones: the splits differ"
    " in how hard they are, and the gray copy's own difference takes that off."
)


def _gap(entry: str) -> tuple[Side, Side, Side, Side]:
    return (
        Side(entry, split="test"),
        Side("gray-copy", split="test"),
        Side(entry, split="series"),
        Side("gray-copy", split="series"),
    )


CLAIMS = (
    Claim(
        id="zhang2022-seen-unseen-gap-gan",
        paper=_PAPER,
        source="section 5, figures 7 and 8",
        quote="it performs bad for new images",
        wording="The GAN is far better on what it has seen than on what it has not.",
        sides=_gap(_GAN),
        metric="ciede2000",
        says="higher",
        counts=f"{_GAPS} Far better is more than 10 % of the gray copy's error on unseen series. {_NEAREST}",
        margin=0.10,
        least=0.10,
    ),
    Claim(
        id="zhang2022-seen-unseen-gap-cnn",
        paper=_PAPER,
        source="section 6",
        quote="both models have overfit problems",
        wording="The CNN is far better on what it has seen than on what it has not.",
        sides=_gap(_CNN),
        metric="ciede2000",
        says="higher",
        counts=f"{_GAPS} Far better is more than 10 % of the gray copy's error on unseen series. {_NEAREST}",
        margin=0.10,
        least=0.10,
    ),
    Claim(
        id="zhang2022-cnn-overfits-more",
        paper=_PAPER,
        source="section 6",
        quote="both models have overfit problems although CNN is worse than GAN",
        wording="The CNN loses more on unseen series than the GAN does.",
        sides=(
            Side(_CNN, split="test"),
            Side(_GAN, split="test"),
            Side(_CNN, split="series"),
            Side(_GAN, split="series"),
        ),
        metric="ciede2000",
        says="higher",
        counts=f"The CNN's gap minus the GAN's; how hard the splits are cancels out. {_NEAREST}",
    ),
    Claim(
        id="zhang2022-gan-over-cnn-seen",
        paper=_PAPER,
        source="section 5, figures 5 and 7",
        quote="it is still a significant improvement compared to the results from CNN",
        wording="On what was seen in training the GAN is better than the CNN.",
        sides=(Side(_GAN), Side(_CNN)),
        metric="ciede2000",
        says="lower",
        counts=f"{_LOOKS} {_NEAREST}",
    ),
    Claim(
        id="zhang2022-gan-over-cnn-unseen",
        paper=_PAPER,
        source="section 5, figure 8",
        quote="GAN achieved a much better performance than CNN, it is still not acceptable",
        wording="On new images the GAN is better than the CNN, though neither is good.",
        sides=(Side(_GAN), Side(_CNN)),
        metric="ciede2000",
        says="lower",
        split="test",
        counts=f"{_LOOKS} The report also says that few improvements were achieved there.",
    ),
    *(
        Claim(
            id=f"zhang2022-manga-failure-{word}",
            paper=_PAPER,
            source="section 5, figure 9; section 6",
            quote="still generates non-sense colorization for new images and for manga data",
            wording=f"Trained on anime, the {word.upper()} fails on manga: its colours are worse than none.",
            sides=(Side(f"{model}@anime"), Side("gray-copy")),
            metric="ciede2000",
            says="higher",
            split="test",
            domains=("manga",),
            counts="Failure is being further from the true colours than the uncoloured page. Ours are ink pages.",
        )
        for word, model in (("gan", "he2021-gan"), ("cnn", "varga2016-cnn"))
    ),
    Claim(
        id="zhang2022-memory-scenes",
        paper=_PAPER,
        source="section 6",
        quote="for a memory scene or a night scene",
        wording="Scenes painted in another palette, such as memories, are harder than others.",
        sides=(Side("he2021-gan@mixed", slice="memory"), Side("gray-copy", slice="memory"),
               Side("he2021-gan@mixed"), Side("gray-copy")),
        metric="ciede2000",
        says="higher",
        slices=True,
        counts="What the GAN gains over the gray copy there, against what it gains on all hard cases. Pictures of less"
        " colour leave less to gain.",
    ),
)  # fmt: skip
