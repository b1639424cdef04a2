"""One forward pass for many units gives what a pass a unit gives, in any network."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from captum.attr import NeuronDeconvolution, NeuronGuidedBackprop
from torch import nn

from models.explain import shared_rows
from models.explain.deconv import project
from models.explain.shared_rows import SharedRows

IMAGE = torch.randn(1, 3, 13, 18, generator=torch.Generator().manual_seed(0))


class Inside(nn.Module):
    """Between two convolutions: whatever the function does."""

    def __init__(self, between=lambda maps: maps):
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(3, 8, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 8, 3, padding=1, groups=2, dilation=(1, 2), stride=(1, 2)), nn.ReLU(), nn.MaxPool2d(2, 1),
        )  # fmt: skip
        self.between, self.relu = between, nn.ReLU()
        self.second = nn.Conv2d(8, 6, 2, stride=(3, 1), padding="valid")

    def forward(self, images):
        return self.relu(self.second(self.between(self.first(images))))


def trained(network):
    """With batch statistics that are not those of a new network."""
    torch.manual_seed(3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.weight.data, module.bias.data):
                nn.init.normal_(tensor)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval()


def add_in_place(maps):
    maps += 1
    maps[:, 0] = 2
    return maps


BETWEEN = {
    "nothing": lambda maps: maps,
    "writes in place": add_in_place,
    "mixes the batch's dimension": lambda maps: torch.cat([maps, maps.flip(3)]).unflatten(0, (2, -1)).mean(0),
    "a row for each half": lambda maps: torch.cat([maps[..., :2], maps[..., 1:]]).unflatten(0, (2, -1))[1],
    "rows that differ": lambda maps: maps * torch.linspace(1, 1.5, len(maps)).view(-1, 1, 1, 1),
}


@pytest.mark.filterwarnings("ignore:Setting backward hooks", "ignore:Input Tensor 0")
@pytest.mark.parametrize(("rule", "captum"), [("deconvnet", NeuronDeconvolution), ("guided", NeuronGuidedBackprop)])
@pytest.mark.parametrize("between", [name for name in BETWEEN if name != "rows that differ"])
def test_all_units_at_once_are_what_captum_gives_one_by_one(rule, captum, between):
    network = trained(Inside(BETWEEN[between]))
    found = project(network, IMAGE, layer="relu", units=torch.arange(6), rule=rule)
    with torch.no_grad():
        maps = network(IMAGE)[0]
    assert found.any()
    for unit in range(6):
        place = divmod(int(maps[unit].argmax()), maps.shape[2])
        expected = captum(network, network.relu).attribute(IMAGE.clone(), (unit, *place)) * maps[unit].max()
        torch.testing.assert_close(found[unit, None], expected.detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("between", BETWEEN)
def test_values_and_gradients_are_torchs(between):
    network = trained(Inside(BETWEEN[between]))
    for pixels in (IMAGE.repeat(5, 1, 1, 1).requires_grad_(), torch.randn(5, *IMAGE.shape[1:], requires_grad=True)):
        with SharedRows():
            output = network(pixels)
        expected = network(pixels)
        torch.testing.assert_close(output, expected)
        weights = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1))
        found, wanted = (torch.autograd.grad(each, pixels, weights)[0] for each in (output, expected))
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


class Skip(nn.Module):
    """As a ResNet's block: what the normalisation gives is added to in place."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.relu = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(inplace=True)

    def forward(self, images):
        maps = self.norm(self.conv(images))
        maps += images
        return self.relu(maps)


@pytest.mark.parametrize("rule", ["deconvnet", "guided", "gradient"])
def test_a_network_that_writes_into_shared_rows_gets_rows_of_its_own(rule):
    network = trained(nn.Sequential(Skip(), Skip()))
    with pytest.raises(RuntimeError, match="is a view and is being modified inplace"), SharedRows():
        network(IMAGE.expand(2, -1, -1, -1))
    units = torch.arange(3)
    found = project(network, IMAGE, layer="1", units=units, rule=rule)
    assert found.any()
    for unit in units:
        torch.testing.assert_close(
            found[unit, None], project(network, IMAGE, layer="1", units=unit[None], rule=rule), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize(("stride", "kernel"), [(1, 3), (2, 3), (2, 5), (3, 2), (3, 4)])
def test_a_convolution_reaches_the_borders_whatever_its_stride(stride, kernel, padding):
    for height, width in ((11, 14), (12, 13), (10, 9)):
        pixels = torch.randn(2, 2, height, width, requires_grad=True)
        layer = nn.Conv2d(2, 3, kernel, stride=stride, padding=padding)
        with SharedRows():
            output = layer(pixels)
        (found,) = torch.autograd.grad(output.square().sum(), pixels)
        (wanted,) = torch.autograd.grad(layer(pixels).square().sum(), pixels)
        torch.testing.assert_close(found, wanted)


def test_the_same_rows_are_computed_once_and_others_all(monkeypatch):
    counts = []
    real = shared_rows.expanded_rows
    monkeypatch.setattr(
        shared_rows, "expanded_rows", lambda output, count: counts.append(len(output)) or real(output, count)
    )
    same, others = IMAGE.repeat(4, 1, 1, 1), torch.randn(4, 3, 13, 18)
    for images, rows in ((same, 1), (IMAGE.expand(4, -1, -1, -1), 1), (others, 4)):
        counts.clear()
        with SharedRows():
            trained(Inside())(images)
        # Three convolutions (one pads by a word, and is torch's own) and one normalisation.
        assert counts == [rows] * 3


def test_a_network_in_training_is_torchs_own():
    network, images = nn.BatchNorm2d(3).train(), torch.randn(4, 3, 5, 5)
    with SharedRows():
        output = network(images)
    torch.testing.assert_close(output, nn.BatchNorm2d(3).train()(images))


@pytest.mark.parametrize("rule", ["deconvnet", "guided", "gradient"])
def test_a_dense_network_is_projected_too(rule):
    torch.manual_seed(0)
    relu = nn.ReLU(inplace=True)
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 13 * 18, 9), relu, nn.Linear(9, 7), relu).eval()
    found = project(network, IMAGE, layer="3", units=torch.arange(7), rule=rule)
    with torch.no_grad():
        hidden = F.relu(network[1](IMAGE.flatten(1)))
        signal = torch.diag(network[3](hidden)[0]) @ network[3].weight
        signal = F.relu(signal) if rule != "gradient" else signal
        signal = signal if rule == "deconvnet" else signal * (hidden > 0)
        torch.testing.assert_close(found.flatten(1), signal @ network[1].weight)


def test_an_image_that_is_too_small_is_said():
    network = trained(Inside())
    with pytest.raises(ValueError, match=r"does not take images \[2, 3, 1, 1\]"):
        project(network, IMAGE[:, :, :1, :1], layer="relu", units=torch.arange(2))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_a_layer_without_a_gradient_is_said():
    network = nn.Sequential(Inside(lambda maps: maps.detach()).requires_grad_(False)).eval()
    with pytest.raises(ValueError, match=r"'0.second' gives no gradient to the image"):
        project(network, IMAGE, layer="0.second", units=torch.arange(2))
