import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from captum.attr import NeuronDeconvolution, NeuronGuidedBackprop
from torch import nn

from models.explain.deconv import project
from models.network import CropNet
from models.settings import NetworkSettings

IMAGES = torch.randn(3, 1, 12, 16, generator=torch.Generator().manual_seed(0))
RULES = ("deconvnet", "guided", "gradient")


def pooled(inplace=False):
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1),
        nn.ReLU(inplace),
        nn.MaxPool2d(2),
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(inplace),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(4 * 3 * 4, 5),
    ).eval()


def hooks_left(network):
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(module, kind)) for module in network.modules() for kind in kinds)


def by_hand(network, image, unit, row, column):
    """Zeiler & Fergus's deconvnet of one unit of the second pool, spelt out with `max_unpool2d`."""
    first, second = network[0], network[3]
    low = F.relu(first(image))
    halved, switches = F.max_pool2d(low, 2, return_indices=True)
    high = F.relu(second(halved))
    top, high_switches = F.max_pool2d(high, 2, return_indices=True)
    signal = torch.zeros_like(top)
    signal[:, unit, row, column] = top[:, unit, row, column]
    signal = F.relu(F.max_unpool2d(signal, high_switches, 2, output_size=high.shape))
    signal = F.conv_transpose2d(signal, second.weight, padding=1)
    signal = F.relu(F.max_unpool2d(signal, switches, 2, output_size=low.shape))
    return F.conv_transpose2d(signal, first.weight, padding=1)


@pytest.mark.parametrize("batch", [1, 5, 64])
def test_the_deconvnet_is_that_of_explicit_unpooling(batch):
    network = pooled()
    rows = [(i, u, r, c) for i in range(3) for u in range(4) for r, c in ((0, 0), (1, 2), (2, 3))]
    image, unit, row, column = torch.tensor(rows).T
    found = project(network, IMAGES[image], layer="5", units=unit, positions=torch.stack([row, column], 1), batch=batch)
    with torch.no_grad():
        expected = torch.cat([by_hand(network, IMAGES[i, None], u, r, c) for i, u, r, c in rows])
    assert expected.abs().amax(dim=(1, 2, 3)).count_nonzero() > 20
    torch.testing.assert_close(found, expected)


@pytest.mark.filterwarnings("ignore:Setting backward hooks", "ignore:Input Tensor 0")
@pytest.mark.parametrize(("rule", "captum"), [("deconvnet", NeuronDeconvolution), ("guided", NeuronGuidedBackprop)])
def test_a_batch_of_units_gives_what_captum_gives_unit_by_unit(rule, captum):
    network = pooled()
    found = project(
        network, IMAGES[:1], layer="4", units=torch.arange(4), positions=torch.tensor([[2, 5]] * 4), rule=rule
    )
    for unit in range(4):
        value = network[:5](IMAGES[:1])[0, unit, 2, 5].detach()
        expected = captum(network, network[4]).attribute(IMAGES[:1].clone(), (unit, 2, 5)).detach() * value
        torch.testing.assert_close(found[unit : unit + 1], expected)


def test_the_gradient_is_autograds():
    network, pixels = pooled(), IMAGES[1:2].clone().requires_grad_()
    value = network(pixels)[0, 3]
    (expected,) = torch.autograd.grad(value, pixels)
    found = project(network, IMAGES[1:2], layer="7", units=torch.tensor([3]), rule="gradient")
    torch.testing.assert_close(found, expected * value.detach())


@pytest.mark.parametrize("rule", RULES)
def test_without_places_a_unit_is_taken_where_it_is_strongest(rule):
    network = pooled()
    maps = network[:5](IMAGES).detach()
    spots = [divmod(int(maps[i, i].argmax()), maps.shape[3]) for i in range(3)]
    chosen = {"layer": "4", "units": torch.arange(3), "rule": rule}
    found = project(network, IMAGES, **chosen)
    torch.testing.assert_close(found, project(network, IMAGES, positions=torch.tensor(spots), **chosen))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("layer", ["0", "1", "4", "7"])
def test_relus_in_place_change_nothing(rule, layer):
    units = torch.tensor([0, 1, 2])
    found = project(pooled(inplace=True), IMAGES, layer=layer, units=units, rule=rule)
    torch.testing.assert_close(found, project(pooled(), IMAGES, layer=layer, units=units, rule=rule))


class Residual(nn.Module):
    """A block with a skip from a ReLU's input (as in a pre-activation ResNet); its ReLUs are one module or two."""

    def __init__(self, shared):
        super().__init__()
        torch.manual_seed(2)
        self.first, self.second = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.relu = nn.ReLU()
        self.other = self.relu if shared else nn.ReLU()

    def forward(self, images):
        low = self.first(images)
        middle = self.second(self.relu(low))
        return low + self.second(self.other(middle))


@pytest.mark.parametrize("shared", [False, True])
def test_a_skip_connections_gradient_is_left_alone(shared):
    network = Residual(shared).eval()
    wrapped = nn.Sequential(network).eval()
    found = project(wrapped, IMAGES[:1], layer="0", units=torch.tensor([1]), positions=torch.tensor([[4, 4]]))
    with torch.no_grad():
        seed = torch.zeros(1, 3, 12, 16)
        seed[0, 1, 4, 4] = network(IMAGES[:1])[0, 1, 4, 4]
        back = lambda signal: F.conv_transpose2d(signal, network.second.weight, padding=1)  # noqa: E731
        low = seed + F.relu(back(F.relu(back(seed))))
        expected = F.conv_transpose2d(low, network.first.weight, padding=1)
    torch.testing.assert_close(found, expected)


class Functional(nn.Module):
    def __init__(self, rectify):
        super().__init__()
        self.conv, self.rectify = nn.Conv2d(1, 2, 3), rectify

    def forward(self, images):
        return self.rectify(self.conv(images))


@pytest.mark.parametrize(
    "rectify",
    [F.relu, torch.relu, lambda x: x.relu(), lambda x: F.relu_(x), lambda x: x.relu_(), lambda x: x.clamp(min=0)],
)
@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_functional_relus_are_refused(rule, rectify):
    network = nn.Sequential(Functional(rectify), nn.ReLU()).eval()
    with pytest.raises(ValueError, match=r"module '0' calls a ReLU as a function: make it an nn\.ReLU module"):
        project(network, IMAGES, layer="1", units=torch.tensor([0, 1, 0]), rule=rule)
    assert hooks_left(network) == 0
    # Before the ReLU, and by the plain gradient, the same network is fine.
    project(network, IMAGES, layer="0.conv", units=torch.tensor([0, 1, 0]), rule=rule)
    project(network, IMAGES, layer="1", units=torch.tensor([0, 1, 0]), rule="gradient")


@pytest.mark.parametrize("rectify", [nn.GELU(), nn.LeakyReLU(), nn.ReLU6(), nn.Hardtanh(), nn.SiLU(), F.elu])
def test_relatives_of_the_relu_are_refused(rectify):
    with pytest.raises(ValueError, match=r"rectifies with .*: deconvnet and guided backpropagation need ReLU"):
        project(nn.Sequential(Functional(rectify)).eval(), IMAGES[:1], layer="0", units=torch.tensor([0]))


def test_a_clamp_that_is_no_relu_is_let_through():
    network = nn.Sequential(Functional(lambda x: x.clamp(0, 1).clamp_min(1e-6))).eval()
    assert project(network, IMAGES[:1], layer="0", units=torch.tensor([0])).shape == (1, 1, 12, 16)


def test_compiled_networks_are_refused():
    network = nn.Sequential(torch.jit.trace(pooled(), IMAGES)).eval()
    with pytest.raises(ValueError, match="TorchScript"):
        project(network, IMAGES[:1], layer="0", units=torch.tensor([0]))


def test_a_dead_unit_gives_zeros():
    network = pooled()
    nn.init.constant_(network[3].bias, -100.0)
    for rule in RULES:
        assert not project(network, IMAGES[:1], layer="4", units=torch.tensor([2]), rule=rule).any()


@pytest.mark.parametrize("rule", RULES)
def test_hooks_are_removed_even_when_the_pass_fails(rule):
    network = pooled()
    project(network, IMAGES, layer="4", units=torch.arange(3), rule=rule)
    assert hooks_left(network) == 0
    with pytest.raises(ValueError, match="does not take images"):
        project(network, IMAGES.repeat(1, 3, 1, 1), layer="4", units=torch.arange(3), rule=rule)
    with pytest.raises(ValueError, match="units 0 to 3, not 9"):
        project(network, IMAGES, layer="4", units=torch.tensor([0, 9, 1]), rule=rule)
    assert hooks_left(network) == 0


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_our_network_is_projected_layer_by_layer_grey_and_in_colour(channels, mode):
    settings = NetworkSettings(channels=[4, 4, 6], downsampling=2, embedding=8, dropout=0.1)
    network = CropNet(settings, labels=3, height=16, width=32, channels=channels).eval()
    with mode():
        images = torch.rand(2, channels, 16, 32)
        for layer in ("backbone.0", "backbone.2", "embedding", "target_head"):
            found = project(network, images, layer=layer, units=torch.tensor([0, 2]))
            assert found.shape == (2, channels, 16, 32)
            assert not found.requires_grad
    assert not network.training
    assert not any(parameter.grad is not None for parameter in network.parameters())


def test_one_pixel_is_an_image():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU()).eval()
    nn.init.ones_(network[0].weight), nn.init.zeros_(network[0].bias)
    pixel = torch.full((1, 1, 1, 1), 3.0)
    assert project(network, pixel, layer="1", units=torch.tensor([0])).item() == 3.0


def test_misuse_is_refused():
    network, unit = pooled(), torch.tensor([0])
    with pytest.raises(ValueError, match="no rule 'relu'; there are: deconvnet, guided, gradient"):
        project(network, IMAGES, layer="4", units=unit, rule="relu")
    with pytest.raises(ValueError, match=r"no layer '9'; there are: 0, 1"):
        project(network, IMAGES[:1], layer="9", units=unit)
    with pytest.raises(ValueError, match=r"'4' has 6 rows and 8 columns, none at \(6, 0\)"):
        project(network, IMAGES[:1], layer="4", units=unit, positions=torch.tensor([[6, 0]]))
    with pytest.raises(ValueError, match="2 units need as many images"):
        project(network, IMAGES, layer="4", units=torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="training mode"):
        project(network.train(), IMAGES[:1], layer="4", units=unit)
    assert project(network.eval(), IMAGES[:0], layer="4", units=unit[:0]).shape == (0, 1, 12, 16)
