"""Degradation and training on another device give what they give on the processor."""

from contextlib import nullcontext

import pytest
import torch

from models.degrade import SEVERITIES, degrade, seeds_of
from models.explain.maximise.ascent import maximise
from models.explain.maximise.ascent_settings import PAPER, AscentSettings, in_steps
from models.explain.maximise.canvas import Canvas
from models.invariance import MODES
from models.training import Batch
from tasks.common.params import read_params
from tests.models.toymodes import batch, make
from tests.pretended_gpu import pretended_gpu


@pytest.fixture(params=["pretended", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request, monkeypatch):
    """A device that is not the processor: one that is none, and a GPU where there is one."""
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("torch finds no GPU")
    with pretended_gpu(monkeypatch) if request.param == "pretended" else nullcontext(torch.device("cuda")) as found:
        yield found


@pytest.mark.parametrize("settings", [*filter(None, SEVERITIES), "training"])
@pytest.mark.parametrize("channels", [1, 3])
def test_degradations_are_the_same(device, settings, channels):
    chosen = read_params().degrade if settings == "training" else SEVERITIES[settings]
    images = torch.rand(24, channels, 32, 128, generator=torch.Generator().manual_seed(0))
    seeds = seeds_of([f"{number:016x}" for number in range(24)], 0)
    found = degrade(images.to(device), seeds, chosen)
    assert found.device.type == device.type
    assert torch.allclose(found.cpu(), degrade(images, seeds, chosen), atol=1e-4)


@pytest.mark.parametrize("mode", [*MODES, "conditional+erasure"])
def test_steps_are_the_same(device, mode):
    here, there = make(mode, head_steps=2), make(mode, head_steps=2, device=device)
    for step in range(3):
        own, other = here.update(batch(step)), there.update(moved(batch(step), device))
        assert other.metrics == pytest.approx(own.metrics, rel=1e-3, abs=1e-4)
        assert torch.allclose(other.p_true, own.p_true, atol=1e-3)
    for name, weight in here.network.state_dict().items():
        assert torch.allclose(there.network.state_dict()[name].cpu(), weight, atol=1e-3), name


def moved(one: Batch, device: torch.device) -> Batch:
    return Batch(
        images=one.images.to(device),
        targets=one.targets.to(device),
        nuisances={name: labels.to(device) for name, labels in one.nuisances.items()},
        pairs=one.pairs.to(device),
    )


def test_optimised_images_are_the_same(device):
    network = make("erm").network
    canvas = Canvas(channels=1, height=16, width=32, low=-1.0, high=3.0, neutral=0.0, entry="standardise")
    settings = [*(in_steps(one, 6) for one in PAPER.values()), AscentSettings(steps=6, jitter=2, blur_every=0)]
    options = {"canvas": canvas, "settings": settings, "override_steps": 3}
    own = maximise(network, "backbone.1.relu", [0, 3, 5], **options)
    other = maximise(network.to(device), "backbone.1.relu", [0, 3, 5], **options)
    assert other.best.device.type == "cpu"
    assert torch.allclose(other.best, own.best, atol=1e-3)
    assert torch.allclose(other.last_activation, own.last_activation, atol=1e-3)
