"""The written rule from coloured drawing to ink page."""

import numpy as np
import pytest

from bench.conditions import screentone


def flat(level: int, side: int = 128) -> np.ndarray:
    return np.full((side, side, 3), level, np.uint8)


@pytest.mark.parametrize(("level", "ink"), [(255, 0.0), (200, 0.0), (150, 0.18), (90, 0.40), (30, 1.0)])
def test_tones_cover_what_the_rule_says(level: int, ink: float) -> None:
    page = screentone(flat(level))
    assert set(np.unique(page)) <= {0, 255}
    assert (page == 0).mean() == pytest.approx(ink, abs=0.07)


def test_darker_areas_never_carry_less_ink() -> None:
    ink = [(screentone(flat(level)) == 0).mean() for level in range(255, -1, -15)]
    assert ink == sorted(ink)


def test_a_thin_dark_line_on_a_light_ground_becomes_ink() -> None:
    drawing = flat(230)
    drawing[:, 60:62] = 60
    page = screentone(drawing)
    assert (page[:, 60:62] == 0).mean() > 0.9
    assert (page[:, 80:] == 255).all()


@pytest.mark.parametrize("side", [32, 33, 64, 257])
def test_any_size(side: int) -> None:
    assert screentone(flat(140, side)).shape == (side, side)
