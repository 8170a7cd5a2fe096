"""The models that are told more than a condition: a reference's palette, colour hints, the previous frame."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import baselines
from baselines import _chen2019, _tcvc2019, chen2019_resunet
from baselines._colorizer import Colorizer
from baselines._pool import ImagePool
from bench.errors import BenchError
from bench.job import judged_at
from bench.types import Adam, Batch, Previous, Stage, Track

NAMES = ("chen2019-resunet", "tcvc2019", "thasarathan2020-hint")
SEEN = {"chen2019-resunet": 15, "tcvc2019": 4, "thasarathan2020-hint": 7}
JUDGED = {"chen2019-resunet": 6, "tcvc2019": 7, "thasarathan2020-hint": 8}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Maps this small are faster on one core, many times so where other work runs beside the tests."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def built(name: str, size: int = 32, width: float = 0.25, **more: Any) -> Colorizer:
    torch.manual_seed(0)
    return baselines.load(name).build(size=size, width=width, **more)


def told(count: int = 2, size: int = 32) -> Batch:
    """Everything that any track tells, each value different."""
    draw = np.random.default_rng(5)

    def some(channels: int) -> Tensor:
        return torch.from_numpy(draw.random((count, channels, size, size), np.float32))

    return Batch(some(1), some(3), some(4), some(12), Previous(some(3), some(1), some(3)))


def parameters(network: nn.Module | None) -> int:
    assert network is not None
    return sum(p.numel() for p in network.parameters())


def maps_of(parts: dict[str, nn.Module], run: nn.Module, x: Tensor) -> dict[str, tuple[int, int]]:
    """Channels and side of what each part gives."""
    seen: dict[str, tuple[int, int]] = {}
    for name, part in parts.items():

        def note(_part: nn.Module, _input: Any, out: Tensor, name: str = name) -> None:
            seen[name] = (out.shape[1], out.shape[-1])

        part.register_forward_hook(note)
    run(x)
    return seen


def softplus(value: float) -> float:
    """-log(1 - sigmoid(value)); of -value it is -log sigmoid(value)."""
    return math.log1p(math.exp(value))


# The networks at the papers' sizes


def test_parameter_counts_at_the_papers_width() -> None:
    """Added up by hand from the papers' and their codes' tables; two numbers a normalized channel."""

    def pair(i: int, o: int) -> int:
        return 9 * i * o + 9 * o * o + 4 * o

    def shortcut(i: int, o: int) -> int:
        return 0 if i == o else i * o

    down = [64, 128, 256, 512, 512, 512, 512]
    up = [(512, 512), (512, 512), (512, 512), (512, 256), (256, 128), (128, 64)]
    chen = 9 * 15 * 64 + 2 * 64 + sum(pair(i, o) + shortcut(i, o) for i, o in pairwise(down)) + 512 * 512 + 2 * 512
    chen += sum(pair(2 * i, o) + shortcut(i, o) for i, o in up)
    chen += sum(4 * c * c // 2 + (512 + 1) * c // 2 + c // 2 + 1 + c * c + 2 * c for c, _ in up)  # gates
    chen += 9 * 64 * 3 + 3
    chen += 2 * (sum(9 * i * o + 2 * o for i, o in pairwise([512, 512, 256, 128, 64])) + 9 * 64 * 3 + 3)
    patch = (16 * 6 * 64 + 64) + sum(16 * i * o + 2 * o for i, o in [(64, 128), (128, 256), (256, 512)]) + 16 * 512 + 1

    middle = 16 * (64 * 128 + 128 * 256) * 2 + 8 * 2 * 9 * 256 * 256 + 49 * 64 * 3 + 3
    spectral = 16 * (64 * 128 + 128 * 256 + 256 * 512 + 512)
    expected = {
        "chen2019-resunet": (chen, patch),
        "tcvc2019": (49 * 4 * 64 + middle, 16 * 7 * 64 + spectral),
        "thasarathan2020-hint": (49 * 7 * 64 + middle, 16 * 8 * 64 + spectral),
    }
    with torch.device("meta"):
        models = {name: built(name, 512, 1.0) for name in NAMES}
    assert {name: (parameters(m.generator), parameters(m.discriminator)) for name, m in models.items()} == expected


def test_chen_has_every_map_of_the_specification_at_512() -> None:
    with torch.device("meta"):
        net = _chen2019.Generator(512)
        parts: dict[str, nn.Module] = {"stem": net.stem, "signal": net.signal}
        parts |= {f"down{place}": down for place, down in enumerate(net.downs)}
        parts |= {f"up{place}": up for place, up in enumerate(net.ups)}
        parts |= {f"gate{place}": cast(_chen2019.Up, up).gate.of_skip for place, up in enumerate(net.ups)}
        parts |= {
            f"guide{place}.{k}": layer
            for place, guide in enumerate(net.guides)
            for k, layer in enumerate(cast(_chen2019.Guide, guide).layers)
        }
        seen = maps_of(parts, net, torch.empty(2, 15, 512, 512))
    down = [(128, 512), (256, 256), (512, 128), (512, 64), (512, 32), (512, 16)]
    up = [(512, 16), (512, 32), (512, 64), (256, 128), (128, 256), (64, 512)]
    guide = [(512, 32), (256, 64), (128, 128), (64, 256), (3, 512)]
    expected = {"stem": (64, 512), "signal": (512, 8)}
    expected |= {f"down{place}": value for place, value in enumerate(down)}
    expected |= {f"up{place}": value for place, value in enumerate(up)}
    expected |= {f"gate{place}": (value[0] // 2, value[1] // 2) for place, value in enumerate(reversed(down))}
    expected |= {f"guide{place}.{k}": value for place in (0, 1) for k, value in enumerate(guide)}
    assert seen == expected
    assert [cast(_chen2019.Up, up).dropout.p for up in net.ups] == [0.5, 0.5, 0.5, 0, 0, 0]


def test_tcvc_has_every_map_of_the_specification_at_256() -> None:
    with torch.device("meta"):
        net, judge = _tcvc2019.Generator(7), _tcvc2019.Discriminator(8)
        parts: dict[str, nn.Module] = {f"down{place}": down for place, down in enumerate(net.downs)}
        parts |= {"blocks": net.blocks} | {f"up{place}": up for place, up in enumerate(net.ups)}
        seen = maps_of(parts, net, torch.empty(2, 7, 256, 256))
        layers: dict[str, nn.Module] = {str(place): layer for place, layer in enumerate(judge.convolutions)}
        judged = maps_of(layers, judge, torch.empty(2, 8, 256, 256))
    assert seen == {
        "down0": (64, 256),
        "down1": (128, 128),
        "down2": (256, 64),
        "blocks": (256, 64),
        "up0": (128, 128),
        "up1": (64, 256),
    }
    assert list(judged.values()) == [(64, 128), (128, 64), (256, 32), (512, 31), (1, 30)]
    convolutions = [layer for layer in net.blocks.modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.dilation[0] for layer in convolutions] == [2, 1] * 8
    assert {layer.padding_mode for layer in convolutions} == {"reflect"}


def test_brightness_and_contrast_do_not_reach_the_output_of_tcvc() -> None:
    """Instance normalization takes both away, and no skip leads around it."""
    torch.manual_seed(0)
    generator = _tcvc2019.Generator(4, 0.25)
    gray, black = torch.rand(2, 1, 32, 32), torch.zeros(2, 3, 32, 32)
    shown = [generator(torch.cat([one, black], dim=1)) for one in (gray, gray / 2, gray / 2 + 0.5, gray.flip(0))]
    assert (shown[1] - shown[0]).abs().max() < 0.01
    assert (shown[2] - shown[0]).abs().max() < 0.01
    assert (shown[3] - shown[0]).abs().max() > 0.1


@pytest.mark.parametrize(
    ("size", "levels", "deepest"), [(32, 5, 1), (63, 5, 1), (64, 6, 1), (128, 6, 2), (256, 6, 4), (512, 6, 8)]
)
def test_chen_halves_down_to_a_pixel_at_least(size: int, levels: int, deepest: int) -> None:
    with torch.device("meta"):
        net = _chen2019.Generator(size, 0.25)
        assert maps_of({"signal": net.signal}, net, torch.empty(1, 15, size, size)) == {"signal": (128, deepest)}
    assert len(net.downs) == len(net.ups) == levels


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("size", "width"), [(32, 0.25), (33, 0.1), (64, 0.25), (77, 0.6), (128, 1.0), (512, 1.0)])
def test_output_has_the_inputs_size(name: str, size: int, width: float) -> None:
    with torch.device("meta"):
        model = built(name, size, width)
        assert model.discriminator is not None
        x = torch.empty(2, SEEN[name], size, size)
        learning, shown = model.generator(x).shape, model.generator.eval()(x).shape
        assert model.discriminator(torch.empty(2, JUDGED[name], size, size)).shape[:2] == (2, 1)
    assert shown == (2, 3, size, size)
    assert learning == (2, 9 if name == "chen2019-resunet" else 3, size, size)


@pytest.mark.parametrize("name", NAMES)
def test_build_says_what_it_cannot_build(name: str) -> None:
    with pytest.raises(BenchError, match="at least 32x32"):
        built(name, 31)
    with pytest.raises(BenchError, match="width is a factor"):
        built(name, 64, 0)


def test_chen_says_what_it_cannot_do() -> None:
    with pytest.raises(BenchError, match="starts from random weights"):
        built("chen2019-resunet", weights=Path("some.pth"))
    with torch.device("meta"), pytest.raises(BenchError, match=r"colours by a reference; choose a track such as"):
        built("chen2019-resunet")(Batch(torch.empty(1, 1, 32, 32)))


# What the generators see


def test_inputs_are_laid_out_in_order() -> None:
    seen = told()
    assert seen.reference is not None
    assert seen.hints is not None
    assert seen.previous is not None
    with torch.device("meta"):
        chen, hint, tcvc = built("chen2019-resunet"), built("thasarathan2020-hint"), built("tcvc2019")
    x, y = chen.encode(seen)
    torch.testing.assert_close(x, 2 * torch.cat([*[seen.condition] * 3, seen.reference], dim=1) - 1)
    torch.testing.assert_close(y, 2 * cast(Tensor, seen.target) - 1)
    x, y = hint.encode(seen)
    assert torch.equal(x, torch.cat([seen.condition, seen.hints[:, :3], seen.previous.colors], dim=1))
    assert y is seen.target
    assert torch.equal(tcvc.encode(seen)[0], torch.cat([seen.condition, seen.previous.colors], dim=1))
    # What a track does not tell is black, and so is the frame before the first.
    blind = Batch(seen.condition)
    assert torch.equal(hint.encode(blind)[0], torch.cat([seen.condition, torch.zeros(2, 6, 32, 32)], dim=1))
    assert torch.equal(tcvc.encode(blind)[0], torch.cat([seen.condition, torch.zeros(2, 3, 32, 32)], dim=1))
    assert hint.encode(blind)[1] is None


@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_told_is_used(name: str) -> None:
    model, seen = built(name).eval(), told()
    assert seen.reference is not None
    assert seen.hints is not None
    assert seen.previous is not None
    colors = seen.previous.colors
    inputs = {"condition": seen.condition, "hints": seen.hints, "reference": seen.reference, "previous": colors}
    for tensor in inputs.values():
        tensor.requires_grad_()
    out = model(seen)
    weights = torch.from_numpy(np.random.default_rng(0).standard_normal(out.shape, np.float32))
    gradients = torch.autograd.grad((out * weights).sum(), list(inputs.values()), allow_unused=True)
    used = {key for key, gradient in zip(inputs, gradients, strict=True) if gradient is not None and gradient.any()}
    told_of = {
        "chen2019-resunet": {"reference"},
        "tcvc2019": {"previous"},
        "thasarathan2020-hint": {"hints", "previous"},
    }
    assert used == {"condition"} | told_of[name]
    for gradient in gradients:
        # Every channel of it, but the hints' mask.
        assert gradient is None or [bool(g.any()) for g in gradient.transpose(0, 1)] == (
            [True] * 3 + [False] if gradient.shape[1] == 4 else [True] * gradient.shape[1]
        )
    # An answer in [0, 1] that the target has no part in.
    with torch.no_grad():
        blind = model(replace(seen, target=None, previous=replace(seen.previous, target=None)))
    assert torch.equal(out, blind)
    assert out.dtype == torch.float32
    assert blind.min() >= 0
    assert blind.max() <= 1


# The losses, against their formulas


def flat(value: float, channels: int) -> Tensor:
    return torch.full((2, channels, 4, 4), value)


def flat_batch() -> Batch:
    return Batch(
        flat(0.1, 1), flat(0.5, 3), flat(0.2, 4), flat(0.3, 12), Previous(flat(0.6, 3), flat(0.7, 1), flat(0.8, 3))
    )


class Spy:
    """A judge that notes what it is shown and answers with its mean."""

    def __init__(self) -> None:
        self.shown: list[list[float]] = []

    def __call__(self, seen: Tensor) -> Tensor:
        self.shown.append([round(float(channel), 4) for channel in seen.mean(dim=(0, 2, 3))])
        return seen.mean(dim=(1, 2, 3))


def values(terms: dict[str, Tensor]) -> dict[str, float]:
    assert {term.dtype for term in terms.values()} == {torch.float32}
    return {key: float(term.detach()) for key, term in terms.items()}


def test_chen_losses() -> None:
    model, seen, spy = chen2019_resunet.ReferenceGan(32, 0.25), flat_batch(), Spy()
    model.pool = ImagePool(50, 6, 4)
    x, y = model.encode(seen)
    assert y is not None
    fake = torch.cat([flat(0.2, 3), flat(0.4, 3), flat(-0.6, 3)], dim=1)  # the target is 0
    found = values(model.generator_losses(seen, x, y, fake, spy))
    logit = (-0.8 + 0.2) / 2
    assert found == pytest.approx({"l1": 20, "guide1": 0.3 * 40, "guide2": 0.9 * 60, "gan": softplus(-logit)}, rel=1e-5)
    found = values(model.discriminator_losses(seen, x, y, fake, spy))
    assert found == pytest.approx({"real": 0.5 * softplus(0.4), "fake": 0.5 * softplus(logit)}, rel=1e-5)
    assert sorted(spy.shown[1:]) == sorted([[-0.8] * 3 + [0.2] * 3, [-0.8] * 3 + [0.0] * 3])  # sketch, colours
    assert len(model.pool) == 2
    assert values(model.generator_losses(seen, x, y, fake, None)).keys() == {"l1", "guide1", "guide2"}
    torch.testing.assert_close(model.decode(fake, seen), torch.full((2, 3, 4, 4), 0.6))


def test_hint_losses_judge_two_frames() -> None:
    model, seen, spy = built("thasarathan2020-hint"), flat_batch(), Spy()
    x, y = model.encode(seen)
    assert y is not None
    fake = flat(0.9, 3)
    false, true = [0.7, 0.6, 0.6, 0.6, 0.1, 0.9, 0.9, 0.9], [0.7, 0.8, 0.8, 0.8, 0.1, 0.5, 0.5, 0.5]
    found = values(model.generator_losses(seen, x, y, fake, spy))
    assert found == pytest.approx({"l1": 10 * 0.4, "gan": softplus(-float(np.mean(false)))}, rel=1e-5)
    found = values(model.discriminator_losses(seen, x, y, fake, spy))
    expected = {"real": softplus(-float(np.mean(true))), "fake": softplus(float(np.mean(false)))}
    assert found == pytest.approx(expected, rel=1e-5)
    assert spy.shown == [false, true, false]
    # Before the first frame all is black, on a track without a previous frame too.
    single = replace(seen, previous=None)
    model.discriminator_losses(single, x, y, fake, spy)
    assert spy.shown[-2:] == [[0.0] * 4 + true[4:], [0.0] * 4 + false[4:]]
    assert values(model.generator_losses(seen, x, y, fake, None)).keys() == {"l1"}


def test_tcvc_losses() -> None:
    model, seen, spy = built("tcvc2019"), flat_batch(), Spy()
    x, y = model.encode(seen)
    assert y is not None
    fake = flat(0.9, 3)
    false, true = [0.1, 0.6, 0.6, 0.6, 0.9, 0.9, 0.9], [0.1, 0.6, 0.6, 0.6, 0.5, 0.5, 0.5]
    found = values(model.generator_losses(seen, x, y, fake, spy))
    assert found == pytest.approx({"l1": 10 * 0.4, "gan": softplus(-float(np.mean(false)))}, rel=1e-5)
    found = values(model.discriminator_losses(seen, x, y, fake, spy))
    expected = {"real": 0.5 * softplus(-float(np.mean(true))), "fake": 0.5 * softplus(float(np.mean(false)))}
    assert found == pytest.approx(expected, rel=1e-5)
    assert spy.shown == [false, true, false]
    assert values(model.generator_losses(seen, x, y, fake, None)).keys() == {"l1"}


def test_recipes() -> None:
    for name in NAMES:
        module = baselines.load(name)
        assert [Track.parse(track).name for track in module.TRACKS] == list(module.TRACKS)
        assert module.TITLE
        assert module.SOURCE
        assert not hasattr(module, "WEIGHTS") or module.WEIGHTS.any_width
    hint, tcvc = (baselines.load(name).RECIPE for name in ("thasarathan2020-hint", "tcvc2019"))
    turns = [step for step in range(120) if judged_at(hint, 120, step)]
    assert turns == list(range(0, 120, 12))
    # The discriminator meets every place of a window, not first frames alone.
    assert {step % hint.unroll for step in turns} == set(range(hint.unroll))
    assert (tcvc.unroll, tcvc.true_previous) == (1, 0.5)
    frames = Stage("gan", 1.0, Adam(1e-4, (0.0, 0.999)), Adam(1e-5, (0.0, 0.999)), discriminator_every=12)
    assert hint.stages == tcvc.stages == (frames,)
    chen = chen2019_resunet.RECIPE
    assert chen.stages == (Stage("gan", 1.0, Adam(2e-4, (0.5, 0.999)), Adam(2e-4, (0.5, 0.999))),)
    assert (chen.batch_size, chen.paper_images) == (4, 210_000)


# Attention and unpooling


@pytest.mark.parametrize("side", [8, 9])
def test_unpooling_puts_maxima_back(side: int) -> None:
    x = torch.from_numpy(np.random.default_rng(0).random((2, 6, side, side), np.float32))
    pooled, indices = F.max_pool2d(x, 2, return_indices=True)
    back = _chen2019.unpool(pooled[:, :4], indices, x)  # fewer channels than were pooled
    assert back.shape == (2, 4, side, side)
    kept = back != 0
    assert torch.equal(back[kept], x[:, :4][kept])
    assert int(kept.sum()) == pooled[:, :4].numel()
    even = side - side % 2
    assert torch.equal(F.max_pool2d(back[..., :even, :even], 2), pooled[:, :4])


def test_chen_is_wired_as_a_u() -> None:
    torch.manual_seed(0)
    net = _chen2019.Generator(64, 0.25)
    skips: list[Tensor] = []
    signals: list[Tensor] = []
    shown: list[tuple[Any, ...]] = []
    risen: list[Tensor] = []
    branches: list[tuple[Any, ...]] = []

    def note(module: nn.Module, into: list[Tensor]) -> None:
        def hook(_module: nn.Module, _given: Any, out: Tensor) -> None:
            into.append(out)

        module.register_forward_hook(hook)

    for down in net.downs:
        note(down, skips)
    note(net.signal, signals)
    net.signal.register_forward_pre_hook(lambda _m, given: signals.append(given[0]))
    for up in net.ups:
        up.register_forward_pre_hook(lambda _m, given: shown.append(given))
        note(up, risen)
    for guide in net.guides:
        guide.register_forward_pre_hook(lambda _m, given: branches.append(given))
    net(torch.rand(2, 15, 64, 64))
    below, signal = signals
    for (x, skip, indices, gate), mirrored in zip(shown, reversed(skips), strict=True):
        assert skip is mirrored
        assert torch.equal(indices, F.max_pool2d(mirrored, 2, return_indices=True)[1])
        assert gate is signal
        assert torch.equal(below, F.max_pool2d(skips[-1], 2))
        assert x is below or any(x is one for one in risen)
    assert torch.equal(branches[0][0], F.max_pool2d(skips[-2], 2))  # what enters the last down block
    assert branches[1][0] is risen[0]
    for _, pooled in branches:
        assert [skip for skip, _ in pooled] == skips[-2::-1]


def test_attention_gate_weighs_the_skip_by_the_bottleneck() -> None:
    torch.manual_seed(0)
    gate = _chen2019.AttentionGate(8, 16, 4)
    skip, signal = torch.randn(2, 8, 8, 8), torch.randn(2, 16, 2, 2, requires_grad=True)
    q = gate.coefficients(skip, signal)
    assert q.shape == (2, 1, 8, 8)
    assert q.min() > 0
    assert q.max() < 1
    large = signal.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)  # nearest, to the 4x4 of the skip's half
    inner = gate.of_skip(skip) + F.conv2d(large, gate.of_signal.weight, gate.of_signal.bias)
    small = torch.sigmoid(F.conv2d(F.relu(inner), gate.psi.weight, gate.psi.bias))
    torch.testing.assert_close(q, small.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3))
    torch.testing.assert_close(gate(skip, signal), gate.finish(q * skip))
    (gradient,) = torch.autograd.grad(q.sum(), signal)
    assert gradient.flatten(2).any(dim=1).all()  # from every place of the bottleneck
