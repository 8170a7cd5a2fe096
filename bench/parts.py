"""What the reference study trains, declared once and without torch, so that a page can say whether it made its rows."""

from dataclasses import dataclass

from bench.types import DOMAINS, Mix

COLLECTIONS = ("procedural-v1", "open-v1")
DRAWN, REAL = COLLECTIONS[:1], COLLECTIONS[1:]
SEEDS = (0, 1, 2)

GRAY = (
    "varga2016-cnn", "varga2016-vgg16", "he2021-gan", "dcgan", "cgan", "fu2017-convnet", "fu2017-cgan",
    "camizan2023-resnet34", "camizan2023-resnet34-gan",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """Trainings of the study.

    Attributes:
        models: which.
        track: what they see.
        mixes: each of these; empty for each domain, and all together.
        seeds: one training each.
        on: the collections on which it is trained.
        longer_on: those of them where its budget is `small`; it is `smoke` on the others.
    """

    models: tuple[str, ...]
    track: str = "gray"
    mixes: tuple[str, ...] = ()
    seeds: tuple[int, ...] = SEEDS[:1]
    on: tuple[str, ...] = COLLECTIONS
    longer_on: tuple[str, ...] = ()

    def budget(self, collection: str) -> str:
        """The name of the budget behind the committed boards of a collection."""
        return "small" if collection in self.longer_on else "smoke"

    def holds(self, collection: str, model: str, mix: str, track: str, seed: int) -> bool:
        """Whether a training is among them. `mix` is the name of one, such as `cartoon+live-action`."""
        mixes = self.mixes or (*DOMAINS, Mix(DOMAINS).name)
        of_ours = model in self.models and mix in mixes and track == self.track and seed in self.seeds
        return of_ours and collection in self.on


PARTS = (
    Part(GRAY, seeds=SEEDS, longer_on=DRAWN),
    Part(  # Camizan et al. 2023, the "mix"
        ("camizan2023-resnet34",), mixes=("cartoon+live-action",), seeds=SEEDS, longer_on=DRAWN
    ),
    Part(("fu2017-convnet", "fu2017-cgan"), "lineart-canny", longer_on=DRAWN),  # Fu et al. 2017, Table 1, "edge"
    Part(("cgan",), "lineart-sketch", longer_on=DRAWN),  # what a palette buys chen2019-resunet
    Part(("chen2019-resunet",), "lineart-sketch+reference", longer_on=DRAWN),
    Part(("tcvc2019",), "gray+previous"),
    Part(("thasarathan2020-hint",), "gray+hints+previous"),
    Part(("thasarathan2020-hint",), "gray+previous"),  # what the hints buy
    Part(("tcvc2019",), "lineart-canny+previous"),  # Thasarathan and Ebrahimi 2020, Table 1, "line"
    Part(("thasarathan2020-hint",), "lineart-canny+hints+previous"),
    Part(("thasarathan2020-hint",), "lineart-canny+hints", on=REAL),  # stills: of films there are too few to be sure
    Part(("thasarathan2020-hint",), "gray+hints", on=REAL),
)
"""Three seeds for the automatic gray track, one for each other; the stills of the drawn collection longer."""
