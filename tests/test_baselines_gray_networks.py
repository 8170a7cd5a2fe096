"""The networks of the gray-to-colour models, against the specification's tables: parameters, maps, receptive fields."""

import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

import baselines
from baselines import dcgan
from baselines._colorizer import Colorizer
from baselines._nonlocal import NonLocal
from baselines._unet import Unet, Up


def built(name: str, size: int = 64, width: float = 0.25) -> Colorizer:
    torch.manual_seed(0)
    return baselines.load(name).build(size=size, width=width)


def on_meta(name: str, size: int = 256) -> Colorizer:
    """At the paper's width, where shapes and counts cost nothing."""
    with torch.device("meta"):
        return built(name, size, 1.0)


def parameters(network: nn.Module | None) -> int:
    assert network is not None
    return sum(parameter.numel() for parameter in network.parameters())


def shapes(network: nn.Module, names: list[str], x: Tensor) -> list[tuple[int, ...]]:
    """Channels, height and width of what each named module gives."""
    seen: dict[str, tuple[int, ...]] = {}
    for name in names:

        def note(_module: nn.Module, _input: object, out: Tensor, name: str = name) -> None:
            seen[name] = tuple(out.shape[1:])

        network.get_submodule(name).register_forward_hook(note)
    network(x)
    return [seen[name] for name in names]


# Parameters at the papers' width, added up from the specification's tables


def layers(kernel: int, widths: list[tuple[int, int]], per_filter: int) -> int:
    """`per_filter` numbers a filter besides its kernel: 2 with normalization, 1 with a bias."""
    return sum(kernel**2 * before * after + per_filter * after for before, after in widths)


def test_cgan_has_pix2pixs_parameters() -> None:
    model = on_meta("cgan")
    down = [(64, 128), (128, 256), (256, 512), (512, 512), (512, 512), (512, 512)]
    up = [(512, 512), (1024, 512), (1024, 512), (1024, 512), (1024, 256), (512, 128), (256, 64)]
    generator = layers(4, [(1, 64), (512, 512)], 0) + layers(4, [*down, *up], 2) + layers(4, [(128, 3)], 1)
    assert parameters(model.generator) == generator
    # What its authors' code prints for three channels in: 54.414 million.
    assert round((generator + 2 * 64 * 16) / 1e6, 3) == 54.414
    patch = layers(4, [(4, 64), (512, 1)], 1) + layers(4, [(64, 128), (128, 256), (256, 512)], 2)
    assert parameters(model.discriminator) == patch


def test_dcgan_parameters() -> None:
    model = on_meta("dcgan")
    down = [(1, 64), (64, 64), (64, 128), (128, 256), (256, 512), (512, 512), (512, 512), (512, 512)]
    up = [(512, 512), (1024, 512), (1024, 512), (1024, 256), (512, 128), (256, 64), (128, 64)]
    assert parameters(model.generator) == layers(4, [*down, *up], 2) + layers(1, [(128, 3)], 1)
    judge = layers(4, [(4, 64)], 1) + layers(4, [(64, 128), (128, 256), (256, 512), (512, 512), (512, 512)], 2)
    assert parameters(model.discriminator) == judge + (512 * 4 * 4 + 1)


def test_he2021_parameters() -> None:
    model = on_meta("he2021-gan")
    down, up = [(64, 128), (128, 256), (256, 512), (512, 512)], [(512, 512), (1024, 256), (512, 128), (256, 64)]
    u_net = layers(4, [(3, 64), (128, 3)], 1) + layers(4, [*down, *up], 2)
    # Four 1x1 between C and C/2, a bias for the queries, and normalization.
    blocks = sum(4 * c * c // 2 + c // 2 + 2 * c for c in (256, 512, 256))
    assert parameters(model.generator) == u_net + blocks
    lenet = layers(5, [(3, 6), (6, 16)], 1) + layers(1, [(16 * 16 * 16, 120), (120, 84), (84, 1)], 1)
    assert parameters(model.discriminator) == lenet


def test_varga2016_parameters() -> None:
    stack = [1, 64, 64, 128, 128, 256, 256, 512, 256, 128, 64, 32, 2]
    assert parameters(on_meta("varga2016-cnn").generator) == layers(3, list(pairwise(stack)), 1)
    vgg = on_meta("varga2016-vgg16").generator
    with torch.device("meta"):
        body = nn.Sequential(*list(torchvision.models.vgg16().features.children())[:23])
    normalized = 2 * (512 + 256 + 128 + 64 + 3)
    rise = layers(1, [(512, 256)], 1) + layers(3, [(256, 128), (128, 64), (64, 3)], 2)
    assert parameters(vgg) == parameters(body) + normalized + rise + layers(3, [(3, 3), (3, 2)], 1)


# Maps at the papers' sizes


def test_maps_of_the_u_nets() -> None:
    widths = (64, 128, 256, 512, 512, 512, 512, 512)
    names = [f"unet.encoder.{k}" for k in range(8)] + [f"unet.decoder.{k}" for k in range(7)]
    down = [(count, 128 >> k, 128 >> k) for k, count in enumerate(widths)]
    assert shapes(on_meta("cgan").generator, names, torch.empty(1, 1, 256, 256, device="meta")) == down + down[-2::-1]

    down = [(64, 256, 256), (64, 128, 128), (128, 64, 64), (256, 32, 32)] + [(512, 16 >> k, 16 >> k) for k in range(4)]
    assert shapes(on_meta("dcgan").generator, names, torch.empty(1, 1, 256, 256, device="meta")) == down + down[-2::-1]

    names = [f"unet.encoder.{k}" for k in range(5)] + [f"unet.decoder.{k}" for k in range(4)]
    down = [(count, 80 >> k, 128 >> k) for k, count in enumerate((64, 128, 256, 512, 512))]
    model = on_meta("he2021-gan").generator
    assert shapes(model, names, torch.empty(1, 3, 160, 256, device="meta")) == down + down[-2::-1]
    attentive = {name.rpartition(".")[0] for name, block in model.named_modules() if isinstance(block, NonLocal)}
    assert attentive == {"unet.encoder.2", "unet.encoder.3", "unet.decoder.1.finish"}


def test_maps_of_the_chroma_networks() -> None:
    names = ["down.0", "down.1", "down.2", "middle.0", "middle.1", "middle.2", "up.0", "up.1", "chroma"]
    maps = shapes(on_meta("varga2016-cnn").generator, names, torch.empty(1, 1, 160, 256, device="meta"))
    assert maps == [
        *((64, 80, 128), (128, 40, 64), (256, 20, 32), (512, 20, 32), (256, 20, 32), (128, 20, 32)),
        *((64, 40, 64), (32, 80, 128), (2, 80, 128)),
    ]
    names = [f"normalize.{k}" for k in range(5)] + [f"rise.{k}" for k in range(4)]
    maps = shapes(on_meta("varga2016-vgg16").generator, names, torch.empty(1, 1, 224, 224, device="meta"))
    assert maps[:5] == [(512, 28, 28), (256, 56, 56), (128, 112, 112), (64, 224, 224), (3, 224, 224)]
    assert maps[5:] == [(256, 28, 28), (128, 56, 56), (64, 112, 112), (3, 224, 224)]


def test_varga_doubles_its_chroma() -> None:
    with torch.no_grad():
        out = built("varga2016-cnn", 32).generator(torch.rand(2, 1, 32, 32))
    assert torch.equal(out, out[..., ::2, ::2].repeat_interleave(2, -1).repeat_interleave(2, -2))


@pytest.mark.parametrize(("size", "dropped"), [(32, 0), (64, 1), (128, 2), (256, 3), (512, 3)])
def test_cgan_drops_the_innermost_levels_with_their_dropout(size: int, dropped: int) -> None:
    generator = on_meta("cgan", size).generator
    assert sum(isinstance(layer, nn.Dropout) for layer in generator.modules()) == dropped
    assert isinstance(generator.unet, Unet)
    assert len(generator.unet.encoder) == min(8, int(math.log2(size)))


def test_cgan_activates_as_pix2pix() -> None:
    """There a layer activates what comes in, skips included; the last map going down is not normalized."""
    net, x = built("cgan", 32).generator.eval(), torch.rand(2, 1, 32, 32)
    unet, last = net.unet, net.last
    assert isinstance(unet, Unet)
    assert isinstance(last, nn.Module)

    def below(level: int, given: Tensor) -> Tensor:
        convolution, *rest = unet.encoder[level].children()
        raw = convolution(F.leaky_relu(given, 0.2) if level else given)
        raw = rest[0](raw) if isinstance(rest[0], nn.BatchNorm2d) else raw
        risen = raw if level == 4 else torch.cat([below(level + 1, raw), raw], dim=1)
        if level == 0:
            return torch.tanh(last(F.relu(risen)))
        up = unet.decoder[4 - level]
        assert isinstance(up, Up)
        normalize, *_ = up.finish
        return normalize(up.convolution(F.relu(risen)))

    with torch.no_grad():
        torch.testing.assert_close(net(x), below(0, x))


def test_dcgans_first_layer_keeps_the_size() -> None:
    x = torch.rand(1, 1, 32, 32, requires_grad=True)
    unet = built("dcgan", 32).generator.unet
    assert isinstance(unet, Unet)
    (gradient,) = torch.autograd.grad(unet.encoder[0].eval()(x)[0, :, 5, 5].square().sum(), x)
    assert [end.tolist() for end in torch.nonzero(gradient[0, 0]).aminmax(dim=0)] == [[4, 4], [7, 7]]


@pytest.mark.parametrize("size", [32, 100, 256])
def test_global_discriminators_give_one_logit(size: int) -> None:
    for name, channels in (("dcgan", 4), ("he2021-gan", 3)):
        judge = on_meta(name, size).discriminator
        assert judge is not None
        assert judge(torch.empty(2, channels, size, size, device="meta")).shape == (2, 1)


def test_dcgans_discriminator_sees_the_whole_image() -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 4, 64, 64, requires_grad=True)
    (gradient,) = torch.autograd.grad(dcgan.Discriminator(64, 0.25).eval()(x).sum(), x)
    assert (gradient != 0).all()


# The non-local block


def test_nonlocal_block_is_the_embedded_gaussian() -> None:
    torch.manual_seed(0)
    block, x = NonLocal(8), torch.randn(2, 8, 6, 4)
    torch.testing.assert_close(block(x), x, atol=0, rtol=0)  # as it starts
    block.normalize.reset_running_stats()
    nn.init.ones_(block.normalize.weight)
    nn.init.constant_(block.normalize.bias, 0.25)
    block.eval()  # with mean 0 and variance 1, normalization is gain and bias
    with torch.no_grad():
        wanted = x + 0.25
        for image in range(2):
            queries = torch.einsum("dc,chw->dhw", block.query.weight[..., 0, 0], x[image])
            assert block.query.bias is not None
            queries += block.query.bias[:, None, None]
            keys, values = (
                torch.einsum("dc,chw->dhw", part.weight[..., 0, 0], x[image]).reshape(4, 3, 2, 2, 2).amax(dim=(2, 4))
                for part in (block.key, block.value)
            )
            for row in range(6):
                for column in range(4):
                    scores = torch.exp((queries[:, row, column, None, None] * keys).sum(dim=0))
                    seen = (values * scores / scores.sum()).sum(dim=(1, 2))
                    wanted[image, :, row, column] += block.back.weight[..., 0, 0] @ seen / math.sqrt(1 + 1e-5)
        torch.testing.assert_close(block(x), wanted, atol=1e-5, rtol=1e-5)
        assert block(torch.randn(1, 8, 1, 1)).shape == (1, 8, 1, 1)
