import math
from dataclasses import fields, replace

import pytest
import torch
from torch import nn

from models.explain.maximise.ascent import STEP, gain, maximise
from models.explain.maximise.ascent_settings import PAPER, AscentSettings, in_steps
from models.explain.maximise.canvas import Canvas, whole
from models.explain.maximise.partial_network import partial_network
from models.network import CropNet
from models.settings import NetworkSettings

GREY = Canvas(channels=1, height=12, width=16, neutral=0.5)
RGB = Canvas(channels=3, height=12, width=16, neutral=0.5)
MAPS = Canvas(channels=1, height=32, width=64, low=-1.0, high=3.0, neutral=0.0, entry="standardise")
SHORT = [in_steps(settings, 6) for settings in PAPER.values()]


def plain(channels=1, *, inplace=False):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3, padding=1, stride=2), nn.ReLU(inplace=inplace),
        nn.Conv2d(6, 5, 3, padding=1), nn.ReLU(inplace=inplace),
        nn.Flatten(), nn.Linear(5 * 6 * 8, 4),
    )  # fmt: skip


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(12 * 16, 10), nn.ReLU(), nn.Linear(10, 3))


def scriptnet():
    torch.manual_seed(0)
    settings = NetworkSettings(channels=[4, 4, 6], downsampling=3, embedding=8, dropout=0.5)
    return CropNet(settings, labels=3, height=32, width=64)


class Functional(nn.Module):
    """ReLUs that are no modules, in place, one of them a method."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3)

    def forward(self, images):
        return torch.relu_(self.two(self.one(images).relu()))


def hooks_left(network):
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules())


@pytest.mark.parametrize(
    ("network", "layer", "canvas"),
    [
        (plain(), "1", GREY), (plain(), "3", GREY), (plain(), "5", GREY), (plain(3), "3", RGB),
        (plain(inplace=True), "0", GREY), (plain(inplace=True), "3", GREY), (mlp(), "2", GREY), (mlp(), "3", GREY),
        (Functional(), "two", GREY), (scriptnet(), "backbone.1", MAPS), (scriptnet(), "target_head", MAPS),
    ],
)  # fmt: skip
def test_any_module_is_maximised_and_is_left_as_it_was(network, layer, canvas):
    network.train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    found = maximise(network, layer, [0, 2], canvas=canvas, settings=SHORT, seeds=[0, 1], override_steps=3)
    assert found.unit.tolist() == [0] * 8 + [2] * 8
    assert found.setting.tolist() == [0, 0, 1, 1, 2, 2, 3, 3] * 2
    assert found.seed.tolist() == [0, 1] * 8
    assert found.best.shape == (16, canvas.channels, found.window.height, found.window.width)
    assert (found.best_activation >= found.last_activation).all()
    assert found.best.min() >= canvas.low - 1e-5
    assert found.best.max() <= canvas.high + 1e-5
    assert hooks_left(network) == 0
    assert all(module.training for module in network.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize(("layer", "windowed"), [("backbone.1", True), ("backbone.1", False), ("target_head", True)])
def test_activations_are_those_of_the_images_kept(layer, windowed):
    network = scriptnet().eval()
    found = maximise(network, layer, [0, 1, 2], canvas=MAPS, settings=SHORT, override_steps=3, windowed=windowed)
    window = found.window
    whole_images = torch.zeros(len(found.unit), *MAPS.shape)
    rows = torch.arange(len(found.unit))
    for kept, activation in ((found.best, found.best_activation), (found.last, found.last_activation)):
        whole_images[:, :, window.top : window.top + window.height, window.left : window.left + window.width] = kept
        maps = network.backbone[:2](whole_images)
        features = network.backbone[2](maps)
        pooled = network.embedding(torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1))
        values = maps[:, :, 8, 16] if layer == "backbone.1" else network.target_head(pooled)
        torch.testing.assert_close(values[rows, found.unit], activation, rtol=1e-4, atol=1e-5)


def test_a_window_is_the_receptive_field_and_gives_the_same_picture_as_the_whole_image():
    network = scriptnet()
    settings = [AscentSettings(steps=5), AscentSettings(steps=5, progress=1.0, decay=0.1)]
    part = maximise(network, "backbone.1", range(4), canvas=MAPS, settings=settings)
    all_of_it = maximise(network, "backbone.1", range(4), canvas=MAPS, settings=settings, windowed=False)
    # Kernel 5, stride 2, then kernel 3: 5 + 2 * 2 pixels; the middle of 16 x 32 positions is 8, 16.
    assert (part.window.height, part.window.width) == (9, 9)
    assert (part.window.top, part.window.left) == (8 * 2 - 4, 16 * 2 - 4)
    assert not part.silent.all()
    torch.testing.assert_close(part.last, part.window.cut(all_of_it.last), rtol=1e-3, atol=1e-4)


def test_nothing_after_the_layer_is_computed():
    network = plain()
    network[4].register_forward_hook(lambda *_: pytest.fail("computed"))
    maximise(network, "3", [0], canvas=GREY, settings=SHORT)


def test_a_batch_gives_what_its_samples_give_alone():
    network, settings = scriptnet(), [*SHORT, AscentSettings(steps=6, jitter=2, decay=0.01)]
    together = maximise(network, "backbone.2", [1, 4], canvas=MAPS, settings=settings, seeds=[3, 5], override_steps=3)
    for row in range(len(together.unit)):
        setting, seed = settings[int(together.setting[row])], int(together.seed[row])
        alone_ = maximise(
            network,
            "backbone.2",
            [int(together.unit[row])],
            canvas=MAPS,
            settings=[setting],
            seeds=[seed],
            override_steps=3,
        )
        torch.testing.assert_close(alone_.last[0], together.last[row], rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(alone_.best_activation[0], together.best_activation[row], rtol=1e-3, atol=1e-4)


def test_the_same_seed_gives_the_same_bytes_with_threads_too():
    settings = [*SHORT, AscentSettings(steps=4, jitter=1)]
    runs = [
        maximise(plain(), "5", range(4), canvas=GREY, settings=settings, seeds=range(20), workers=workers)
        for workers in (1, 1, 2)
    ]
    for field in fields(runs[0]):
        first, *others = (getattr(run, field.name) for run in runs)
        for other in others:
            if field.name == "window":
                assert other == first
            else:
                torch.testing.assert_close(other, first, rtol=0, atol=0, equal_nan=True)


def test_every_sample_is_reported_done():
    counts = []
    maximise(plain(), "5", range(4), canvas=GREY, settings=SHORT, seeds=range(30), done=counts.append)
    assert sum(counts) == 4 * 4 * 30
    assert len(counts) > 1


def ascent_by_hand(network, unit, settings, canvas, *, progress):
    """One picture, one step at a time, of the constant policy or of the other; no regulariser."""
    with partial_network(network, "3", shape=canvas.shape) as to_layer:
        _, gradient_norm = gain(to_layer, canvas, whole(to_layer, canvas))
    step = STEP * canvas.span * math.sqrt(math.prod(canvas.shape))
    noise = torch.randn(canvas.shape, generator=torch.Generator().manual_seed(7))
    x = canvas.neutral + canvas.span * noise * 10 / 255
    for _ in range(settings.steps - 1):
        x = x.clamp(canvas.low, canvas.high).requires_grad_()
        (gradient,) = torch.autograd.grad(network(x[None])[0, unit], x)
        rate = settings.rate / 100 * step / gradient_norm
        if progress is not None:
            rate = min(rate, float(progress / 2 * step * gradient_norm / gradient.square().sum()))
        x = (x + rate * gradient).detach()
    return x.clamp(canvas.low, canvas.high)


@pytest.mark.parametrize(("rate", "progress"), [(100.0, None), (100.0, 2.0), (1e8, 2.0), (10.0, 50.0)])
def test_rates_are_constant_or_what_the_progress_asks_for(rate, progress):
    network, settings = mlp(), AscentSettings(steps=5, rate=rate, progress=progress)
    found = maximise(network, "3", [1], canvas=GREY, settings=[settings], seeds=[7])
    torch.testing.assert_close(found.last[0], ascent_by_hand(network, 1, settings, GREY, progress=progress))


def test_the_gain_is_the_norm_of_a_unit_s_gradient():
    network = nn.Sequential(nn.Flatten(), nn.Linear(12 * 16, 1, bias=False))
    with partial_network(network, "1", shape=GREY.shape) as to_layer:
        values, norm = gain(to_layer, GREY, whole(to_layer, GREY))
    assert values.shape == (8, 1)
    assert norm == pytest.approx(float(network[1].weight.detach().norm()), rel=1e-5)


def test_the_first_majority_is_where_the_unit_first_is_the_highest():
    network = mlp()
    found = maximise(network, "3", range(3), canvas=GREY, settings=[AscentSettings(steps=40, rate=1000)])
    for unit in range(3):
        activations = network(found.majority[unit][None])[0]
        assert activations.argmax() == unit
        step = int(found.majority_step[unit])
        if step > 0:
            before = maximise(network, "3", [unit], canvas=GREY, settings=[AscentSettings(steps=step, rate=1000)])
            assert network(before.last)[0].argmax() != unit
    assert (found.majority_step > 0).any()


def dead_until(bias):
    """A ReLU unit that noise around neutral grey leaves closed, the second one by however much."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(12 * 16, 3), nn.ReLU())
    torch.manual_seed(1)
    nn.init.normal_(network[1].weight, std=0.1)
    weights = network[1].weight.detach()
    network[1].bias.data = -(weights.sum(1) * 0.5) + torch.tensor([1.0, bias, 1.0])
    return network


def test_a_dead_unit_is_named_and_the_others_are_not():
    found = maximise(dead_until(-1e6), "2", range(3), canvas=GREY, settings=SHORT, override_steps=4)
    assert found.silent.view(3, 4).all(dim=1).tolist() == [False, True, False]
    assert found.silent.view(3, 4).any(dim=1).tolist() == [False, True, False]
    assert found.best_activation.view(3, 4)[1].tolist() == [0.0] * 4
    assert (found.majority_step.view(3, 4)[1] == -1).all()
    assert found.majority.view(3, 4, -1)[1].isnan().all()


@pytest.mark.parametrize("override_steps", [0, 10])
def test_an_inactive_unit_is_activated_by_the_gradient_override(override_steps):
    settings = [AscentSettings(steps=12, rate=1000)]
    found = maximise(dead_until(-1.0), "2", [1], canvas=GREY, settings=settings, override_steps=override_steps)
    assert bool(found.silent[0]) == (override_steps == 0)
    assert (float(found.best_activation[0]) > 0) == (override_steps > 0)


def test_a_closed_unit_opens_from_a_crop_that_it_answers_to():
    network = dead_until(-1.0)
    crop = (network[1].weight[1].detach() > 0).float().view(1, 1, 12, 16)
    assert network(crop)[0, 1] > 0
    found = maximise(network, "2", [1], canvas=GREY, settings=[AscentSettings(steps=3)], start=crop)
    assert not found.silent[0]
    assert found.last_activation[0] >= network(crop)[0, 1]


def test_hooks_are_gone_after_an_exception():
    class Trouble(nn.Module):
        def forward(self, _images):
            raise RuntimeError("trouble")

    network = nn.Sequential(nn.Conv2d(1, 2, 3), Trouble(), nn.ReLU()).train()
    with pytest.raises(ValueError, match=r"does not take images .* trouble"):
        maximise(network, "2", [0], canvas=GREY, settings=SHORT)
    assert hooks_left(network) == 0
    assert network[0].training


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer": "7"}, r"no layer '7'; there are: 0, 1, 2, 3, 4, 5"),
        ({"canvas": replace(GREY, entry="x")}, r"no layer 'x'; there are: 0, 1"),
        ({"units": [1, 4]}, r"layer '5' has units 0 to 3, not 4"),
        ({"units": [-1]}, r"units 0 to 3, not -1"),
        ({"canvas": RGB}, r"does not take images \[1, 3, 12, 16\]"),
        ({"start": torch.zeros(2, 1, 12, 16)}, r"start must be \[1, 1, 12, 16\], not \[2, 1, 12, 16\]"),
        ({"layer": "0", "canvas": replace(GREY, entry="3")}, r"'0' has no gradient .* at '3'"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(change, message):
    arguments = {"layer": "5", "units": [0], "canvas": GREY, "settings": SHORT} | change
    network = plain()
    with pytest.raises(ValueError, match=message):
        maximise(network, arguments.pop("layer"), arguments.pop("units"), **arguments)
    assert hooks_left(network) == 0


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_of_one_pixel(channels):
    network = nn.Sequential(nn.Conv2d(channels, 2, 3, padding=1), nn.ReLU())
    canvas = Canvas(channels=channels, height=1, width=1)
    found = maximise(network, "1", [0, 1], canvas=canvas, settings=[*SHORT, AscentSettings(steps=6, jitter=2)])
    assert found.best.shape == (10, channels, 1, 1)
    assert found.best.isfinite().all()
