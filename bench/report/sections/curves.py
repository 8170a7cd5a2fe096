"""Section: how the trainings went, where a gallery tells."""

from itertools import groupby

from bench import gallery
from bench.report.content import Page
from bench.report.drawing import render
from bench.report.plots import SERIES, Line, lines
from bench.report.section import Section

APART = "each mix on its own domains' validation pictures: the curves of different mixes do not compare"


def body(page: Page) -> str:
    """For each model and track the validation of every mix, and the losses of one of them; empty without a gallery."""
    known = {} if page.gallery is None else page.gallery.curves
    found = []
    order = sorted(known, key=lambda one: (one[1], one[0].partition("@")[0], one))
    for number, ((track, model), keys) in enumerate(groupby(order, lambda one: (one[1], one[0].partition("@")[0]))):
        trainings = list(keys)
        # One seed of each mix: several of one would leave no room for the others.
        first: dict[str, tuple[str, str, int]] = {}
        for key in trainings:
            first.setdefault(key[0], key)
        drawn = list(first.values())[:SERIES]
        names = {key: _name(key, trainings) for key in drawn}
        validation = [
            _line(names[key], known[key].validation, place)
            for place, key in enumerate(drawn)
            if known[key].validation.steps
        ]
        chosen = next((key for key in drawn if key[0].endswith("@mixed")), drawn[0])
        losses = [
            _line(name, known[chosen].losses[name], place, own_scale=True)
            for place, name in enumerate(sorted(known[chosen].losses)[:SERIES])
            if known[chosen].losses[name].steps
        ]
        pictures = []
        if validation:
            pictures.append(_validation(f"learn{number}", model, track, validation))
        if losses:
            pictures.append(_losses(f"loss{number}", model, track, names[chosen], losses))
        if pictures:
            found.append((model, track, len(trainings) - len(drawn), pictures))
    return render("curves.html.j2", found=found) if found else ""


def _validation(id: str, model: str, track: str, drawn: list[Line]) -> tuple[str, object, list[Line]]:
    late = [line.name for line in drawn if line.y[-1] <= min(line.y) * 1.01]
    finding = f"Still at their lowest, within 1 %, when the training ended: {', '.join(late) or 'none'}."
    title = f"Validation of {model}, {track}"
    picture = lines(id, drawn, x_axis="step", y_axis="CIEDE2000 ↓ (ΔE00)", title=title, finding=finding)
    return f"Validation, {APART}. {finding}", picture, drawn


def _losses(id: str, model: str, track: str, mix: str, drawn: list[Line]) -> tuple[str, object, list[Line]]:
    falling = [line.name for line in drawn if line.y[-1] < line.y[0]]
    finding = f"Lower at the end than at the start: {', '.join(falling) or 'none'}."
    title = f"Losses of {model}, {track}, trained on {mix}"
    picture = lines(id, drawn, x_axis="step", y_axis="lowest to highest", title=title, finding=finding)
    return f"Losses of {mix}, each on its own scale. {finding}", picture, drawn


def _line(name: str, curve: gallery.Line, series: int, own_scale: bool = False) -> Line:
    """A curve to draw; on its own scale, from its lowest value, 0, to its highest, 1."""
    values = curve.values
    if own_scale:
        low, span = min(values), max(values) - min(values)
        values = tuple((value - low) / span if span else 0.5 for value in values)
    return Line(name, tuple(float(step) for step in curve.steps), values, series)


def _name(key: tuple[str, str, int], trainings: list[tuple[str, str, int]]) -> str:
    """The mix, with the seed where there are several."""
    mix = key[0].partition("@")[2] or key[0]
    return f"{mix}, seed {key[2]}" if len({one[2] for one in trainings}) > 1 else mix


SECTION = Section("curves", "Curves: how the trainings went", body)
