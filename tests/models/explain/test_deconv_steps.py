import pytest
import torch
from torch import nn

from models.explain.deconv import project
from models.explain.deconv_steps import deconvnet_steps


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(6 * 16, 2),
    ).eval()  # fmt: skip


def test_the_steps_end_in_the_deconvnet_and_have_their_verbs(network):
    image = torch.rand(1, 1, 8, 8)
    steps = deconvnet_steps(network, image, layer="4", unit=3)
    assert [(step.module, step.does) for step in steps] == [
        ("4", "keep"), ("4", "rectify"), ("3", "filter"), ("2", "unpool"), ("1", "rectify"), ("0", "filter"),
    ]  # fmt: skip
    whole = project(network, image, layer="4", units=torch.tensor([3]))
    torch.testing.assert_close(steps[-1].signal, whole[0])


def test_each_step_is_what_its_module_makes_of_the_one_before(network):
    image = torch.rand(1, 1, 8, 8)
    kept, rectified, filtered, unpooled, again, pixels = (
        step.signal for step in deconvnet_steps(network, image, layer="4", unit=3)
    )
    maps = network[:5](image)[0]
    assert (kept != 0).sum() == 1 and kept.max() == maps[3].max()
    assert torch.equal(rectified, kept.clamp(min=0))
    torch.testing.assert_close(
        filtered, nn.functional.conv_transpose2d(rectified[None], network[3].weight, padding=1)[0]
    )
    _, switches = nn.functional.max_pool2d(network[:2](image), 2, return_indices=True)
    torch.testing.assert_close(unpooled, nn.functional.max_unpool2d(filtered[None], switches, 2)[0])
    assert torch.equal(again, unpooled.clamp(min=0))
    torch.testing.assert_close(pixels, nn.functional.conv_transpose2d(again[None], network[0].weight, padding=1)[0])
