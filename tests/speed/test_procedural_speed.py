"""How fast procedural-v1 is drawn. Run with: pytest tests/speed/test_procedural_speed.py --benchmark-only -s"""

import pytest

from bench.data.procedural import draw_many, plan
from bench.types import DOMAINS


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("domain", DOMAINS)
def test_draw_many(benchmark, domain: str, size: int):
    shots = plan(series=10, pictures=48)
    drawn = benchmark.pedantic(lambda: sum(1 for _ in draw_many(shots, domain, size)), rounds=3, warmup_rounds=1)
    assert drawn == len(shots)
    rate = drawn / benchmark.stats.stats.min
    benchmark.extra_info["images/s"] = round(rate)
    print(f"\n{domain} {size} px: {rate:.0f} images/s")
