"""The gray-to-colour models of Zhang & Mao's report and its two wishes: networks, losses, colour spaces, learning."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import baselines
from baselines import camizan2023_resnet34, camizan2023_resnet34_gan
from baselines._colorizer import Colorizer
from baselines._nonlocal import NonLocal
from baselines._unet import Unet
from bench.color import luma, quantize, rgb_to_yuv601, yuv601_to_rgb
from bench.types import Adam, Batch, RMSprop, Stage, Warp

GANS = ("cgan", "dcgan", "he2021-gan")
CHROMA = ("varga2016-cnn", "varga2016-vgg16")
ALL = (*GANS, *CHROMA)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Maps this small are faster on one core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def built(name: str, size: int = 64, width: float = 0.25) -> Colorizer:
    torch.manual_seed(0)
    return baselines.load(name).build(size=size, width=width)


def on_meta(name: str, size: int = 256) -> Colorizer:
    """At the paper's width, where shapes and counts cost nothing."""
    with torch.device("meta"):
        return built(name, size, 1.0)


def pictures(count: int, size: int) -> Batch:
    """Flat colour fields of 8 pixels under a gradient, and the luma of each."""
    draw = np.random.default_rng(0)
    cells = -(-size // 8)
    fields = draw.uniform(0.1, 0.9, (count, cells, cells, 3)).repeat(8, axis=1).repeat(8, axis=2)[:, :size, :size]
    targets = np.asarray(quantize(fields * np.linspace(0.8, 1.0, size)[None, :, None, None]))
    colors = torch.from_numpy(targets).permute(0, 3, 1, 2).float() / 255
    return Batch(torch.from_numpy(luma(targets))[:, None].float() / 255, colors)


def target_of(seen: Batch) -> Tensor:
    assert seen.target is not None
    return seen.target


def encoded(model: Colorizer, seen: Batch) -> tuple[Tensor, Tensor]:
    x, y = model.encode(seen)
    assert y is not None
    return x, y


def total(terms: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(terms.values())).sum()


# Inputs


@pytest.mark.parametrize("name", ALL)
def test_one_network_takes_every_size(name: str) -> None:
    model = built(name, 32).eval()
    with torch.no_grad():
        for height, width in ((32, 32), (47, 33), (64, 100)):
            out = model(Batch(torch.rand(1, 1, height, width)))
            assert out.shape == (1, 3, height, width)
    large = on_meta(name, 512)
    assert large.generator(large.encode(Batch(torch.empty(1, 1, 512, 512, device="meta")))[0]).shape[-2:] == (512, 512)


@pytest.mark.parametrize("name", ALL)
def test_outputs_are_bounded(name: str) -> None:
    """By tanh, or by the sigmoid of U and V in [0, 1], however large the last layer's weights."""
    model = built(name, 32)
    *_, last = (layer for layer in model.generator.modules() if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)))
    with torch.no_grad():
        last.weight *= 1e6
        out = model.generator(model.encode(pictures(2, 32))[0])
    assert out.min() == (0 if name == "varga2016-vgg16" else -1)
    assert out.max() == 1


@pytest.mark.parametrize("name", ALL)
def test_an_image_is_colorized_alike_in_any_company(name: str) -> None:
    """Neither dropout nor the statistics of a batch in evaluation; the target is never looked at."""
    seen = pictures(3, 32)
    model = built(name, 32)
    model.generator(model.encode(seen)[0])
    model.eval()
    with torch.no_grad():
        together = model(seen)
        for place in range(3):
            alone = model(Batch(seen.condition[place : place + 1]))
            torch.testing.assert_close(alone, together[place : place + 1], atol=1e-5, rtol=0)
    assert together.dtype == torch.float32
    assert together.min() >= 0
    assert together.max() <= 1


# Losses, by hand


def test_adversarial_terms() -> None:
    """A judge that answers the mean of the colours it is shown: 0.5 of the target, -0.25 of the fake."""
    seen, y = Batch(torch.zeros(2, 1, 4, 4)), torch.full((2, 3, 4, 4), 0.5)
    fake = torch.full((2, 3, 4, 4), -0.25, requires_grad=True)
    shown: list[Tensor] = []

    def judge(images: Tensor) -> Tensor:
        shown.append(images)
        return images[:, -3:].mean(dim=1)

    def log_sigmoid(value: float) -> float:
        return -math.log(1 + math.exp(-value))

    for name, weight in (("cgan", 0.5), ("dcgan", 1.0), ("he2021-gan", 1.0)):
        model = built(name, 32)
        x = model.encode(seen)[0]
        terms = model.generator_losses(seen, x, y, fake, judge)
        for term in terms.values():
            assert torch.autograd.grad(term, fake)[0].all()
        assert terms.pop("l1").item() == pytest.approx(100 * 0.75)
        assert terms.pop("gan").item() == pytest.approx(-log_sigmoid(-0.25))
        assert not terms
        terms = model.discriminator_losses(seen, x, y, fake, judge)
        assert terms.pop("real").item() == pytest.approx(-weight * log_sigmoid(0.5))
        assert terms.pop("fake").item() == pytest.approx(-weight * log_sigmoid(0.25))
        assert not terms
        assert model.generator_losses(seen, x, y, fake, None)["l1"].item() == pytest.approx(100 * 0.75)
        # Condition first, except where the discriminator is shown none.
        condition = [] if name == "he2021-gan" else [x]
        for images, colors in zip(shown, (fake, y, fake), strict=True):
            assert torch.equal(images, torch.cat([*condition, colors], dim=1))
        shown.clear()
    for name in CHROMA:
        terms = built(name, 32).generator_losses(seen, seen.condition, y[:, :2], fake[:, :2], None)
        assert {key: value.item() for key, value in terms.items()} == {"l2": pytest.approx(0.75**2)}


# Colour spaces


@pytest.mark.parametrize(
    ("name", "channels"), [("cgan", 3), ("dcgan", 3), ("he2021-gan", 3), *((n, 2) for n in CHROMA)]
)
def test_the_targets_own_colours_come_back(name: str, channels: int) -> None:
    seen = pictures(3, 32)
    if name in CHROMA:  # the luma that belongs to the chroma, not its 8 bits
        seen = Batch(rgb_to_yuv601(target_of(seen), axis=1)[:, :1], seen.target)
    model = built(name, 32)
    x, y = encoded(model, seen)
    assert x.shape == (3, 3 if name == "he2021-gan" else 1, 32, 32)
    assert y.shape == (3, channels, 32, 32)
    assert y.min() >= (0 if name == "varga2016-vgg16" else -1)
    assert y.max() <= 1
    torch.testing.assert_close(model.decode(y, seen), target_of(seen), atol=1 / 255, rtol=0)
    assert model.encode(Batch(seen.condition))[1] is None


def test_scalings() -> None:
    """Of pure blue: L, a, b are 32.30, 79.19, -107.86; U and V are 1 and 0.5 - 0.114 / 1.402."""
    blue = Batch(torch.full((1, 1, 32, 32), 0.114), torch.tensor([0.0, 0, 1]).view(1, 3, 1, 1).expand(-1, -1, 32, 32))
    wanted = {
        "cgan": (-1, -1, 1),
        "he2021-gan": (-1, -1, 1),
        "dcgan": (32.30 / 50 - 1, 79.19 / 110, -107.86 / 110),
        "varga2016-cnn": (1, -2 * 0.114 / 1.402),
        "varga2016-vgg16": (1, 0.5 - 0.114 / 1.402),
    }
    for name, values in wanted.items():
        x, y = encoded(built(name, 32), blue)
        assert y[0, :, 5, 5].tolist() == pytest.approx(values, abs=1e-3), name
        assert x[0, 0, 0, 0] == pytest.approx(0.114 if name in CHROMA else 2 * 0.114 - 1)


def test_chroma_models_copy_the_luma() -> None:
    gray = pictures(2, 32).condition
    for name, neutral in (("varga2016-cnn", 0.0), ("varga2016-vgg16", 0.5)):
        out = built(name, 32).decode(torch.full((2, 2, 32, 32), neutral), Batch(gray))
        torch.testing.assert_close(out, gray.expand(-1, 3, -1, -1))


# Recipes


def test_recipes_are_the_tables() -> None:
    stages = {name: baselines.load(name).RECIPE.stages for name in ALL}
    pix2pix, slow = Adam(2e-4, (0.5, 0.999)), Adam(3e-5, (0.0, 0.999))
    assert stages["cgan"] == (Stage("gan", 1.0, pix2pix, pix2pix, decay_from=0.5),)
    assert stages["dcgan"] == (Stage("gan", 1.0, Adam(3e-4, (0.0, 0.999)), slow, discriminator_every=2),)
    assert stages["he2021-gan"] == (Stage("gan", 1.0, pix2pix, pix2pix),)
    assert stages["varga2016-cnn"] == (Stage("l2", 1.0, RMSprop(1e-3, 0.9, 1e-7)),)
    assert stages["varga2016-vgg16"] == (Stage("l2", 1.0, Adam(1e-4)),)
    fu, convnet, camizan = (
        baselines.load(name).RECIPE for name in ("fu2017-cgan", "fu2017-convnet", "camizan2023-resnet34")
    )
    assert fu.stages == (Stage("gan", 1.0, pix2pix, pix2pix),)
    assert convnet.stages == (Stage("l2", 1.0, Adam(2e-4)),)
    assert (fu.batch_size, convnet.batch_size, camizan.batch_size) == (64, 64, 16)
    assert camizan.stages == (Stage("l1", 0.75, Adam(1e-4)), Stage("gan", 0.25, pix2pix, pix2pix, decay_from=0.0))
    recipe = baselines.load("varga2016-cnn").RECIPE
    assert (recipe.batch_size, recipe.flip, recipe.warp) == (10, True, Warp(rotation=20, shear=0.2, zoom=0.2))
    for name in ("fu2017-cgan", "fu2017-convnet"):
        assert baselines.load(name).TRACKS == ("gray", "lineart-canny")


def test_camizans_ablation_differs_in_the_first_stage_alone() -> None:
    full, ablated = camizan2023_resnet34, camizan2023_resnet34_gan
    (gan,), (_, last) = ablated.RECIPE.stages, full.RECIPE.stages
    assert gan == replace(last, share=1.0, decay_from=gan.decay_from)
    assert ablated.RECIPE.batch_size == full.RECIPE.batch_size
    assert ablated.RECIPE.paper_images == full.RECIPE.paper_images
    assert gan.decay_from == 1 - last.share
    assert ablated.WEIGHTS is full.WEIGHTS
    first, second = (built(name, 32).state_dict() for name in ("camizan2023-resnet34", "camizan2023-resnet34-gan"))
    assert all(torch.equal(value, second[key]) for key, value in first.items())


# Learning


def woken(name: str, size: int) -> Colorizer:
    """The non-local blocks start as the identity, so at first nothing inside them has a gradient."""
    model = built(name, size)
    for block in model.modules():
        if isinstance(block, NonLocal):
            nn.init.constant_(block.normalize.weight, 0.5)
    return model


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("size", "count"), [(64, 2), (32, 1)])
def test_every_parameter_learns(name: str, size: int, count: int) -> None:
    """Also from one image of 32 pixels, whose deepest map is one value."""
    model, seen = woken(name, size), pictures(count, size)
    x, y = encoded(model, seen)
    fake = model.generator(x)
    judge = model.discriminator
    if judge is not None:
        total(model.discriminator_losses(seen, x, y, fake.detach(), judge)).backward()
        assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in judge.parameters())
    total(model.generator_losses(seen, x, y, fake, judge)).backward()
    for key, parameter in model.generator.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        # Of 32 pixels the block at 1/16 has one key: it adds one value everywhere, of which BN leaves the bias.
        blind = size == 32 and key.startswith("unet.encoder.3.3.") and not key.endswith("normalize.bias")
        assert blind or parameter.grad.any(), key


@pytest.mark.parametrize("name", GANS)
def test_every_skip_feeds_the_decoder(name: str) -> None:
    """With the way down cut between the layers, a gradient reaches each of them through its own skip alone."""
    model = built(name, 64)
    unet = model.generator.unet
    assert isinstance(unet, Unet)
    for layer in unet.encoder:
        layer.register_forward_pre_hook(lambda _layer, given: (given[0].detach(),))
    model.generator(model.encode(pictures(2, 64))[0]).square().sum().backward()
    for layer in unet.encoder:
        weight = next(layer.parameters()) if name != "dcgan" else next(p for p in layer.parameters() if p.ndim == 4)
        assert weight.grad is not None
        assert weight.grad.any()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("size", "count"), [(32, 4), (32, 1), (64, 2)])
def test_half_precision_leaves_every_gradient_finite(name: str, size: int, count: int) -> None:
    """Also where a map is one pixel, and freed memory of a gradient's size holds no number."""
    model, seen = woken(name, size), pictures(count, size)
    x, y = encoded(model, seen)
    freed = [torch.full((128 * 128 * 16,), float("nan"), dtype=t) for t in (torch.bfloat16, torch.float32) * 30]
    del freed
    with torch.autocast("cpu", torch.bfloat16):
        fake = model.generator(x.contiguous(memory_format=torch.channels_last))
        losses = model.generator_losses(seen, x, y, fake, model.discriminator)
        if model.discriminator is not None:
            terms = model.discriminator_losses(seen, x, y, fake.detach(), model.discriminator)
            losses |= {f"discriminator_{key}": value for key, value in terms.items()}
    assert {value.dtype for value in losses.values()} == {torch.float32}
    total(losses).backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key


@pytest.mark.parametrize(
    ("name", "lr", "steps", "factor"),
    [
        ("cgan", 2e-3, 80, 4),
        ("dcgan", 4e-3, 100, 2),
        ("he2021-gan", 2e-3, 60, 4),
        ("varga2016-cnn", 1e-3, 160, 2),
        ("varga2016-vgg16", 4e-3, 120, 2),
    ],
)
def test_overfits_eight_images(name: str, lr: float, steps: int, factor: float) -> None:
    """Colorized in eval mode, the training images come nearer to their colours than their mean chroma by the factor.

    Mean absolute difference of sRGB; the mean chroma gives 0.157, the models (in their order) 0.020, 0.056, 0.020,
    0.056, 0.064.
    """
    seen, model = pictures(8, 32), built(name, 32)
    target = target_of(seen)
    yuv = rgb_to_yuv601(target, axis=1)
    yuv[:, 1:] = yuv[:, 1:].mean(dim=(0, 2, 3), keepdim=True)
    reference = float((yuv601_to_rgb(yuv, axis=1) - target).abs().mean())
    (stage,) = baselines.load(name).RECIPE.stages
    x, y = encoded(model, seen)
    optimizer: torch.optim.Optimizer
    if isinstance(stage.generator, RMSprop):
        optimizer = torch.optim.RMSprop(model.generator.parameters(), lr, stage.generator.alpha, stage.generator.eps)
    else:
        optimizer = torch.optim.Adam(model.generator.parameters(), lr, stage.generator.betas, fused=True)
    judge, against = model.discriminator, None
    if judge is not None and isinstance(stage.discriminator, Adam):
        against = torch.optim.Adam(judge.parameters(), stage.discriminator.lr, stage.discriminator.betas, fused=True)
    for step in range(steps):
        fake = model.generator(x)
        if judge is not None and against is not None and step % stage.discriminator_every == 0:
            against.zero_grad()
            total(model.discriminator_losses(seen, x, y, fake.detach(), judge)).backward()
            against.step()
        optimizer.zero_grad()
        total(model.generator_losses(seen, x, y, fake, judge)).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        distance = float((model(seen) - target).abs().mean())
    assert distance < reference / factor
