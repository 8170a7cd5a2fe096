"""What the reference study trains, declared once and without torch, so that a page can say whether it made its rows."""

from dataclasses import dataclass

from bench.types import DOMAINS, Mix

COLLECTIONS = ("procedural-v1", "open-v1")
SEEDS = (0, 1, 2)

GRAY = (
    "varga2016-cnn", "varga2016-vgg16", "he2021-gan", "dcgan", "cgan", "fu2017-convnet", "fu2017-cgan",
    "camizan2023-resnet34", "camizan2023-resnet34-gan",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """Trainings of the study, on each of its collections.

    Attributes:
        models: which.
        track: what they see.
        mixes: each of these; empty for each domain, and all together.
        seeds: one training each.
    """

    models: tuple[str, ...]
    track: str = "gray"
    mixes: tuple[str, ...] = ()
    seeds: tuple[int, ...] = SEEDS[:1]

    def holds(self, model: str, mix: str, track: str, seed: int) -> bool:
        """Whether a training is among them. `mix` is the name of one, such as `cartoon+live-action`."""
        mixes = self.mixes or (*DOMAINS, Mix(DOMAINS).name)
        return model in self.models and mix in mixes and track == self.track and seed in self.seeds


PARTS = (
    Part(GRAY, seeds=SEEDS),
    Part(("camizan2023-resnet34",), mixes=("cartoon+live-action",), seeds=SEEDS),  # Camizan et al. 2023, the "mix"
    Part(("fu2017-convnet", "fu2017-cgan"), "lineart-canny"),  # Fu et al. 2017, Table 1, "edge"
    Part(("cgan",), "lineart-sketch"),  # what a palette buys chen2019-resunet
    Part(("chen2019-resunet",), "lineart-sketch+reference"),
    Part(("tcvc2019",), "gray+previous"),
    Part(("thasarathan2020-hint",), "gray+hints+previous"),
    Part(("thasarathan2020-hint",), "gray+previous"),  # what the hints buy
    Part(("tcvc2019",), "lineart-canny+previous"),  # Thasarathan and Ebrahimi 2020, Table 1, "line"
    Part(("thasarathan2020-hint",), "lineart-canny+hints+previous"),
)
"""Three seeds for the automatic gray track, one for each other."""
