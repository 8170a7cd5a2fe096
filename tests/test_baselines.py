"""The registry, the networks at the papers' sizes, their losses and weights, and the untrained references."""

import dataclasses
import math
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn

import baselines
from baselines import _layers, _losses
from baselines._colorizer import Colorizer
from baselines._fu2017 import Discriminator, Generator
from baselines._patchgan import PatchGAN
from baselines._resnet_unet import Body, ResNetUnet, Shuffle
from bench.color import lab_to_srgb, luma, quantize, srgb_to_lab
from bench.errors import BenchError
from bench.types import Batch, Images, Track

TRAINED = ("camizan2023-resnet34", "fu2017-cgan", "fu2017-convnet")
UNTRAINED = ("gray-copy", "half-saturation", "lab-round-trip", "mean-chroma", "nearest-image")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Maps this small are faster on one core, many times so where other work runs beside the tests."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def built(name: str, size: int = 64, width: float = 0.25, seed: int = 0) -> Colorizer:
    torch.manual_seed(seed)
    return baselines.load(name).build(size=size, width=width)


def pictures(count: int, size: int, seed: int = 0) -> Images:
    """Flat colour fields of 8 pixels with a gradient over them, as a drawing has."""
    draw = np.random.default_rng(seed)
    cells = -(-size // 8)
    fields = draw.uniform(0.1, 0.9, (count, cells, cells, 3)).repeat(8, axis=1).repeat(8, axis=2)[:, :size, :size]
    shade = np.linspace(0.8, 1.0, size)[None, :, None, None]
    targets = np.asarray(quantize(fields * shade))
    names = tuple(f"p{place}" for place in range(count))
    return Images(names, names, targets, luma(targets))


def batch(images: Images) -> Batch:
    target = torch.from_numpy(images.targets).permute(0, 3, 1, 2).float() / 255
    return Batch(torch.from_numpy(images.conditions)[:, None].float() / 255, target)


def sizes_of(modules: dict[str, nn.Module], run: nn.Module, x: Tensor) -> dict[str, tuple[int, int]]:
    """Channels and side of what each module gives."""
    seen: dict[str, tuple[int, int]] = {}
    for name, module in modules.items():

        def note(_module: nn.Module, _input: Any, out: Tensor, name: str = name) -> None:
            seen[name] = (out.shape[1], out.shape[-1])

        module.register_forward_hook(note)
    run(x)
    return seen


# The registry


def test_names_lists_the_public_files_without_torch() -> None:
    code = "import sys, baselines; names = baselines.names(); assert 'torch' not in sys.modules; print(*names)"
    root = Path(__file__).parents[1]
    out = subprocess.run([sys.executable, "-c", code], check=True, cwd=root, capture_output=True, text=True).stdout
    assert out.split() == sorted(out.split())
    assert set(TRAINED) | set(UNTRAINED) <= set(out.split())
    assert not any(name.startswith(("-", "_")) for name in out.split())


def test_every_entry_has_what_the_harness_asks_for() -> None:
    for name in baselines.names():
        module = baselines.load(name)
        assert module.TITLE
        assert module.SOURCE
        assert [Track.parse(text).name for text in module.TRACKS] == list(dict.fromkeys(module.TRACKS))
        assert len(module.TRACKS) > 0
        if hasattr(module, "RECIPE"):
            assert math.isclose(sum(stage.share for stage in module.RECIPE.stages), 1)
            with pytest.raises(dataclasses.FrozenInstanceError):
                module.RECIPE.batch_size = 1
        else:
            sees = name in ("half-saturation", "lab-round-trip")
            assert module.SEES_TARGET is sees


@pytest.mark.parametrize("name", ["fu2017-gan", "_fu2017", "os", "../bench", "fu2017_cgan"])
def test_load_refuses_what_is_not_an_entry(name: str) -> None:
    with pytest.raises(BenchError, match="unknown model"):
        baselines.load(name)


# The networks at the papers' sizes (on the meta device, where shapes cost nothing)


def test_camizan_has_every_width_of_the_specification_at_256() -> None:
    with torch.device("meta"):
        model = built("camizan2023-resnet34", 256, 1.0)
        net = model.generator
        assert isinstance(net, ResNetUnet)
        parts: dict[str, nn.Module] = {f"layer{k}": getattr(net.body, f"layer{k}") for k in (1, 2, 3, 4)}
        parts |= {"stem": net.body.bn1, "bottleneck": net.bottleneck, "wide": net.bottleneck[2], "shuffle": net.shuffle}
        parts |= {f"up{place}": up for place, up in enumerate(net.ups)}
        parts |= {f"rise{place}": up for place, up in enumerate(m for m in net.ups.modules() if isinstance(m, Shuffle))}
        parts |= {"residual": net.residual, "head": net.head}
        seen = sizes_of(parts, net, torch.empty(2, 1, 256, 256))
    assert seen == {
        "stem": (64, 128),
        "layer1": (64, 64),
        "layer2": (128, 32),
        "layer3": (256, 16),
        "layer4": (512, 8),
        "wide": (1024, 8),
        "bottleneck": (512, 8),
        "rise0": (256, 16),
        "up0": (512, 16),
        "rise1": (256, 32),
        "up1": (384, 32),
        "rise2": (192, 64),
        "up2": (256, 64),
        "rise3": (128, 128),
        "up3": (96, 128),
        "shuffle": (96, 256),
        "residual": (97, 256),
        "head": (2, 256),
    }


def test_camizan_body_has_the_tensors_of_torchvisions_resnet34() -> None:
    with torch.device("meta"):
        ours, theirs = Body().state_dict(), torchvision.models.resnet34().state_dict()
    theirs = {key: value for key, value in theirs.items() if not key.startswith("fc.")}
    assert {key: value.shape for key, value in ours.items() if key != "conv1.weight"} == {
        key: value.shape for key, value in theirs.items() if key != "conv1.weight"
    }


def test_parameter_counts_at_the_papers_width() -> None:
    """Added up by hand from the specification's table; 4x4 and 5x5 kernels, two numbers a normalized channel."""
    down = [1, 64, 128, 256, 512, 512, 512]
    up = [(512, 512), (1024, 512), (1024, 256), (512, 128), (256, 64)]
    encoder = sum(25 * i * o + 2 * o for i, o in pairwise(down))
    generator = encoder + sum(25 * i * o + 2 * o for i, o in up) + 25 * 128 * 3 + 3
    discriminator = encoder + 25 * 3 * 64 + 512 * 3 * 3 + 1
    patch = (16 * 3 * 64 + 64) + sum(16 * i * o + 2 * o for i, o in [(64, 128), (128, 256), (256, 512)]) + 16 * 512 + 1
    with torch.device("meta"):
        theirs = torchvision.models.resnet34()
        body = sum(p.numel() for p in theirs.parameters()) - (512 + 1) * 1000  # less the head
        counts = {
            name: [sum(p.numel() for p in net.parameters()) for net in (model.generator, model.discriminator) if net]
            for name in TRAINED
            for model in [built(name, 180, 1.0)]
        }
    body -= 2 * 49 * 64  # one input channel instead of three
    middle = 2 * 512 + (9 * 512 * 1024 + 1024) + (9 * 1024 * 512 + 512)
    ups = 0
    for before, skip, after in [(512, 256, 512), (512, 128, 384), (384, 64, 256), (256, 64, 96)]:
        risen = before // 2
        ups += (before + 1) * 4 * risen + 2 * skip + (9 * (risen + skip) + 1) * after + (9 * after + 1) * after
    end = 97 * 4 * 96 + 2 * (9 * 97 + 1) * 97 + 2 * 98
    assert counts == {
        "camizan2023-resnet34": [body + middle + ups + end, patch],
        "fu2017-cgan": [generator, discriminator],
        "fu2017-convnet": [generator],
    }


def test_fu2017_halves_upwards_at_the_papers_size() -> None:
    with torch.device("meta"):
        net = Generator()
        heights: list[tuple[int, int, int]] = []
        for layer in [*net.encoder, *net.decoder]:
            layer.register_forward_hook(lambda _m, _i, out: heights.append(tuple(out.shape[1:])))
        out = net(torch.empty(2, 1, 180, 320))
    down = [(64, 90, 160), (128, 45, 80), (256, 23, 40), (512, 12, 20), (512, 6, 10), (512, 3, 5)]
    assert heights[:6] == down
    assert heights[6:] == down[-2::-1]
    assert out.shape == (2, 3, 180, 320)


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize(
    ("size", "width"), [(32, 0.25), (64, 0.25), (128, 1.0), (512, 1.0), (33, 0.1), (77, 0.6), (180, 1.0)]
)
def test_output_has_the_inputs_size(name: str, size: int, width: float) -> None:
    with torch.device("meta"):
        model = built(name, size, width)
        x, y = model.encode(Batch(torch.empty(2, 1, size, size), torch.empty(2, 3, size, size)))
        assert y is not None
        assert model.generator(x).shape == y.shape
        if model.discriminator is not None:
            assert model.discriminator(torch.cat([x, y], dim=1)).shape[:2] == (2, 1)


def test_widths_are_multiples_of_eight() -> None:
    assert [_layers.scaled(count, 0.25) for count in (64, 96, 512)] == [16, 24, 128]
    assert _layers.scaled(64, 0.01) == 8
    assert _layers.scaled(97, 1) == 97
    with torch.device("meta"):
        for name in TRAINED:
            for layer in built(name, 64, 0.15).modules():
                if isinstance(layer, nn.BatchNorm2d):
                    assert layer.num_features % 8 == 0


@pytest.mark.parametrize("name", TRAINED)
def test_build_says_what_it_cannot_build(name: str) -> None:
    build = baselines.load(name).build
    with pytest.raises(BenchError, match="at least 32x32"):
        build(size=31, width=0.25)
    for width in (0, -1, math.nan, 5):
        with pytest.raises(BenchError, match="width is a factor"):
            build(size=64, width=width)


# PatchGAN


@pytest.mark.parametrize(("size", "logits"), [(32, 2), (64, 6), (256, 30), (512, 62)])
def test_patchgan_map(size: int, logits: int) -> None:
    with torch.device("meta"):
        assert PatchGAN(3)(torch.empty(1, 3, size, size)).shape == (1, 1, logits, logits)


def test_patchgan_sees_70_pixels() -> None:
    torch.manual_seed(0)
    # Running statistics: those of a batch would let every pixel reach every logit.
    judge = PatchGAN(3, 0.125).eval()
    x = torch.rand(1, 3, 160, 160, requires_grad=True)
    logits = judge(x)
    (gradient,) = torch.autograd.grad(logits[0, 0, 9, 9], x)
    rows, columns = (torch.nonzero(gradient.abs().sum(dim=(0, 1, axis))).flatten() for axis in (3, 2))
    assert rows[-1] - rows[0] + 1 == 70
    assert columns[-1] - columns[0] + 1 == 70
    assert len(rows) == 70


def test_fu2017_discriminator_sees_the_whole_image() -> None:
    torch.manual_seed(0)
    judge = Discriminator(64, 0.25).eval()
    x = torch.rand(1, 4, 64, 64, requires_grad=True)
    (gradient,) = torch.autograd.grad(judge(x).sum(), x)
    assert (gradient != 0).any(dim=1).all()


# Initialization


@pytest.mark.parametrize("name", TRAINED)
def test_build_is_a_function_of_the_seed(name: str) -> None:
    first, again, other = (built(name, seed=seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_initialization_is_dcgans() -> None:
    torch.manual_seed(0)
    for network in (PatchGAN(3), Generator(0.5)):
        for key, value in network.state_dict().items():
            if value.ndim == 4 and value.numel() > 10_000:
                assert value.std() == pytest.approx(0.02, rel=0.05), key
                assert abs(float(value.mean())) < 0.001, key
            elif key.endswith("bias"):
                assert not value.any(), key


def test_shuffle_starts_without_a_checkerboard() -> None:
    torch.manual_seed(0)
    out = Shuffle(16, 8)(torch.randn(2, 16, 5, 5))
    assert out.shape == (2, 8, 10, 10)
    for down, across in ((0, 1), (1, 0), (1, 1)):
        torch.testing.assert_close(out[..., ::2, ::2], out[..., down::2, across::2])
    assert out.std() > 0


@pytest.mark.parametrize("name", ["fu2017-cgan", "fu2017-convnet", "camizan2023-resnet34"])
def test_every_skip_feeds_the_decoder(name: str) -> None:
    """With the way down cut between the layers, a gradient reaches each of them through its own skip alone."""
    model = built(name)
    net = model.generator
    if isinstance(net, Generator):
        down = list(net.encoder)
    else:
        assert isinstance(net, ResNetUnet)
        down = [net.body.conv1, net.body.layer1, net.body.layer2, net.body.layer3, net.body.layer4]
    for layer in down:
        layer.register_forward_pre_hook(lambda _layer, given: (given[0].detach(),))
    net(model.encode(batch(pictures(2, 64)))[0]).square().sum().backward()
    for layer in down:
        weight = next(layer.parameters())
        assert weight.grad is not None
        assert weight.grad.any()


# Learning


def learned(model: Colorizer, recipe_stage: int, name: str, seen: Batch, steps: int, lr: float) -> float:
    """Train as the papers do, the discriminator first; the mean distance to the target in eval mode, in sRGB."""
    stage = baselines.load(name).RECIPE.stages[recipe_stage]
    x, y = model.encode(seen)
    assert y is not None
    optimizer = torch.optim.Adam(model.generator.parameters(), lr=lr, betas=stage.generator.betas, fused=True)
    judge, against = None, None
    if stage.discriminator is not None and model.discriminator is not None:
        judge = model.discriminator
        against = torch.optim.Adam(judge.parameters(), stage.discriminator.lr, stage.discriminator.betas, fused=True)

    for _ in range(steps):
        fake = model.generator(x)
        if judge is not None and against is not None:
            against.zero_grad()
            torch.stack(list(model.discriminator_losses(seen, x, y, fake.detach(), judge).values())).sum().backward()
            against.step()
        optimizer.zero_grad()
        torch.stack(list(model.generator_losses(seen, x, y, fake, judge).values())).sum().backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        return float((model(seen) - cast(Tensor, seen.target)).abs().mean())


@pytest.mark.parametrize(
    ("name", "stage", "factor"),
    [("camizan2023-resnet34", 0, 2), ("camizan2023-resnet34", 1, 1.6), ("fu2017-cgan", 0, 4), ("fu2017-convnet", 0, 4)],
)
def test_overfits_eight_images(name: str, stage: int, factor: float) -> None:
    """80 steps at a raised rate leave less than the mean chroma leaves by the factor (measured: 3.2, 2.2, 9, 10)."""
    images = pictures(8, 32)
    mean = baselines.load("mean-chroma").fit(images)(images).astype(float)
    reference = float(np.abs(mean - images.targets).mean()) / 255
    left = learned(built(name, 32), stage, name, batch(images), steps=80, lr=2e-3)
    assert left < reference / factor


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize(("size", "count"), [(64, 2), (32, 1)])
def test_every_parameter_learns(name: str, size: int, count: int) -> None:
    """Also from one image of 32 pixels, whose deepest map is one value."""
    model = built(name, size)
    shown = batch(pictures(count, size))
    x, y = model.encode(shown)
    assert y is not None
    fake = model.generator(x)
    judge = model.discriminator
    if judge is not None:
        torch.stack(list(model.discriminator_losses(shown, x, y, fake.detach(), judge).values())).sum().backward()
        assert all(p.grad is not None and p.grad.any() for p in judge.parameters())
    torch.stack(list(model.generator_losses(shown, x, y, fake, judge).values())).sum().backward()
    for key, parameter in model.generator.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert parameter.grad.any(), key


def test_normalization_of_a_single_value_keeps_it() -> None:
    layer, plain = _layers.BatchNorm(3), nn.BatchNorm2d(3)
    x = torch.randn(1, 3, 1, 1)
    torch.testing.assert_close(layer(x), x, rtol=1e-4, atol=1e-4)
    assert layer.running_mean is not None
    assert not layer.running_mean.any()
    several = torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(layer(several), plain(several))
    torch.testing.assert_close(layer.running_mean, plain.running_mean)


# Losses, against their formulas


def test_adversarial_terms_are_cross_entropies() -> None:
    shown = Batch(torch.zeros(2, 1, 4, 4))
    x, y, fake = shown.condition, torch.full((2, 3, 4, 4), 0.5), torch.full((2, 3, 4, 4), -0.25)

    def judge(pair: Tensor) -> Tensor:
        return pair[:, 1:].mean(dim=1)  # 0.5 for the target, -0.25 for the fake

    def sigmoid(value: float) -> float:
        return 1 / (1 + math.exp(-value))

    cgan, camizan = built("fu2017-cgan"), built("camizan2023-resnet34")
    for model in (cgan, camizan):
        terms = model.generator_losses(shown, x, y, fake, judge)
        assert float(terms["l1"]) == pytest.approx(100 * 0.75)
        assert float(terms["gan"]) == pytest.approx(-math.log(sigmoid(-0.25)))
    for model, weight in ((cgan, 1.0), (camizan, 0.5)):
        terms = model.discriminator_losses(shown, x, y, fake, judge)
        assert float(terms["real"]) == pytest.approx(-weight * math.log(sigmoid(0.5)))
        assert float(terms["fake"]) == pytest.approx(-weight * math.log(1 - sigmoid(-0.25)))
    assert float(camizan.generator_losses(shown, x, y, fake, None)["l1"]) == pytest.approx(0.75)
    squared = built("fu2017-convnet").generator_losses(shown, x, y, fake, None)["l2"]
    assert float(squared) == pytest.approx(0.5 * 0.75**2)
    # A certain discriminator is no infinity.
    assert torch.isfinite(_losses.adversarial(torch.tensor([-300.0]), real=True))


def test_losses_are_float32_under_autocast() -> None:
    model = built("fu2017-cgan", 32)
    shown = batch(pictures(2, 32))
    x, y = model.encode(shown)
    assert y is not None
    with torch.autocast("cpu", torch.bfloat16):
        fake = model.generator(x)
        terms = model.generator_losses(shown, x, y, fake, model.discriminator)
        terms |= model.discriminator_losses(shown, x, y, fake.detach(), model.discriminator or nn.Identity())
    assert fake.dtype == torch.bfloat16
    assert {term.dtype for term in terms.values()} == {torch.float32}


# Colour spaces


@pytest.mark.parametrize("name", ["fu2017-cgan", "fu2017-convnet"])
def test_rgb_models_give_back_the_target(name: str) -> None:
    seen = batch(pictures(3, 32))
    model = built(name, 32)
    x, y = model.encode(seen)
    assert y is not None
    assert x.shape == (3, 1, 32, 32)
    assert y.min() >= -1
    assert y.max() <= 1
    assert seen.target is not None
    torch.testing.assert_close(model.decode(y, seen), seen.target, atol=1 / 255, rtol=0)
    assert model.decode(3 * y, seen).max() == 1


def test_camizan_gives_back_chroma_and_copies_lightness() -> None:
    images = pictures(3, 32)
    lab = srgb_to_lab(images.targets / 255)
    model = built("camizan2023-resnet34", 32)
    # The gray whose lightness is the target's: then chroma and lightness together are the target.
    gray = torch.from_numpy(lab_to_srgb(lab * np.array([1.0, 0, 0])))[..., :1].permute(0, 3, 1, 2).float()
    target = batch(images).target
    assert target is not None
    seen = Batch(gray, target)
    x, y = model.encode(seen)
    assert y is not None
    torch.testing.assert_close(x[:, 0].double(), torch.from_numpy(lab[..., 0] / 50 - 1), atol=5e-4, rtol=0)
    torch.testing.assert_close(y[:, 1].double(), torch.from_numpy(lab[..., 2] / 110), atol=1e-4, rtol=0)
    assert (model.decode(y, seen) - target).abs().max() <= 1 / 255
    # Whatever the chroma says, an uncoloured answer is the gray itself.
    torch.testing.assert_close(model.decode(torch.zeros_like(y), seen), gray.expand(-1, 3, -1, -1), atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", TRAINED)
def test_colorizing_sees_the_condition_only(name: str) -> None:
    model = built(name, 32).eval()
    seen = batch(pictures(2, 32))
    with torch.no_grad():
        out = model(seen)
        blind = model(Batch(seen.condition))
    assert torch.equal(out, blind)
    assert out.shape == (2, 3, 32, 32)
    assert out.dtype == torch.float32
    assert out.min() >= 0
    assert out.max() <= 1
    assert model.encode(Batch(seen.condition))[1] is None


@pytest.mark.parametrize("name", ["fu2017-convnet", "fu2017-cgan"])
def test_half_precision_leaves_every_gradient_finite_where_a_map_is_one_pixel(name: str) -> None:
    """A CPU's bf16 gradient of a convolution on one pixel has entries that nothing writes; none may be used."""
    # What lies in freed memory of a gradient's size is no number.
    freed = [torch.full((128 * 128 * 25,), float("nan"), dtype=t) for t in (torch.bfloat16, torch.float32) * 30]
    del freed
    model = baselines.load(name).build(size=32, width=0.25)
    batch = Batch(torch.rand(4, 1, 32, 32), torch.rand(4, 3, 32, 32))
    x, y = model.encode(batch)
    with torch.autocast("cpu", torch.bfloat16):
        fake = model.generator(x.contiguous(memory_format=torch.channels_last))
        judge = model.discriminator
        losses = model.generator_losses(batch, x, y, fake.float(), judge)
    torch.stack(list(losses.values())).sum().backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
