import pytest
import torch
from torch import nn

from models.explain.attribution import grad_cam, integrated_gradients, last_convolution, mean_baseline, occlusion
from models.network import CropNet
from models.settings import NetworkSettings

IMAGES = torch.rand(3, 1, 12, 16, generator=torch.Generator().manual_seed(0))
TARGETS = torch.tensor([1, 0, 2])


class Small(nn.Module):
    def __init__(self, inplace=False, channels=1):
        super().__init__()
        torch.manual_seed(1)
        self.first, self.second = nn.Conv2d(channels, 3, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)
        self.pool, self.relu, self.last = nn.MaxPool2d(2), nn.ReLU(inplace), nn.ReLU(inplace)
        self.head = nn.Linear(4, 3)

    def maps(self, images):
        return self.last(self.second(self.pool(self.relu(self.first(images)))))

    def forward(self, images):
        return self.head(self.maps(images).mean((2, 3)))


@pytest.fixture
def network():
    return Small().eval()


def hooks_left(network):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in network.modules())


def test_grad_cam_is_that_of_the_paper(network):
    found = grad_cam(network, IMAGES, TARGETS, layer="last")
    # With a mean and a linear layer behind the maps, a map's weight is the head's, over the positions (6 × 8).
    maps = network.maps(IMAGES).detach()
    weighed = (maps * network.head.weight[TARGETS].detach()[:, :, None, None] / 48).sum(1).relu()
    expected = nn.functional.interpolate(weighed[:, None], (12, 16), mode="bilinear")[:, 0]
    assert expected.any()
    torch.testing.assert_close(found, expected)
    assert hooks_left(network) == 0


def test_grad_cam_takes_the_last_convolution_by_itself(network):
    assert last_convolution(network, IMAGES) == "second"
    found = grad_cam(network, IMAGES, TARGETS)
    torch.testing.assert_close(found, grad_cam(network, IMAGES, TARGETS, layer="second"))


@pytest.mark.parametrize("method", [grad_cam, lambda *args: integrated_gradients(*args).maps])
def test_relus_in_place_change_nothing(network, method):
    torch.testing.assert_close(method(Small(inplace=True).eval(), IMAGES, TARGETS), method(network, IMAGES, TARGETS))


def test_occlusion_is_the_mean_fall_over_windows(network):
    found = occlusion(network, IMAGES, TARGETS, window=(3, 4), stride=(2, 4), baseline=mean_baseline(IMAGES))
    fall, times = torch.zeros(3, 12, 16), torch.zeros(12, 16)
    rows = torch.arange(3)
    with torch.no_grad():
        whole = network(IMAGES)[rows, TARGETS]
        for top in (0, 2, 4, 6, 8, 10):
            for left in (0, 4, 8, 12):
                covered = IMAGES.clone()
                window = (slice(top, top + 3), slice(left, left + 4))
                covered[:, :, *window] = IMAGES.mean((2, 3), keepdim=True)
                fall[:, *window] += (whole - network(covered)[rows, TARGETS])[:, None, None]
                times[window] += 1
    torch.testing.assert_close(found, fall / times, atol=1e-5, rtol=1e-4)


def test_a_window_larger_than_the_image_covers_it_all(network):
    found = occlusion(network, IMAGES, TARGETS, window=(99, 99), stride=(50, 50))
    rows = torch.arange(3)
    with torch.no_grad():
        fall = (network(IMAGES) - network(torch.zeros_like(IMAGES)))[rows, TARGETS]
    torch.testing.assert_close(found, fall[:, None, None].expand_as(found))


def test_integrated_gradients_add_up(network):
    found = integrated_gradients(network, IMAGES, TARGETS, steps=200)
    with torch.no_grad():
        difference = (network(IMAGES) - network(torch.zeros_like(IMAGES)))[torch.arange(3), TARGETS]
    torch.testing.assert_close(found.difference, difference)
    torch.testing.assert_close(found.error, found.maps.sum((1, 2, 3)) - difference)
    assert found.error.abs().max() < 0.02 * difference.abs().max()
    assert found.maps.dtype == torch.float32


def test_integrated_gradients_of_a_square_are_by_hand():
    class Square(nn.Module):
        def forward(self, images):
            return images.flatten(1).square()

    image = torch.tensor([[[[3.0, 1.0]]]])
    # The gradient of x² on the way from 1 to 3 has the mean 4; times the way, 2.
    found = integrated_gradients(Square().eval(), image, torch.tensor([0]), baseline=torch.ones_like(image), steps=3)
    assert found.maps.flatten().tolist() == pytest.approx([8, 0])
    assert found.error.tolist() == pytest.approx([0], abs=1e-5)


def test_constants_of_the_gradient_show_as_a_completeness_error():
    settings = NetworkSettings(channels=[4, 4], downsampling=1, embedding=8, dropout=0.0)
    network = CropNet(settings, labels=3, height=12, width=16).eval()
    found = integrated_gradients(network, IMAGES, TARGETS, baseline=mean_baseline(IMAGES), steps=64)
    assert (found.error.abs() > 1e-3).any()


def test_large_batches_are_split(network, monkeypatch):
    whole = [grad_cam(network, IMAGES, TARGETS), integrated_gradients(network, IMAGES, TARGETS, steps=5).maps]
    monkeypatch.setattr("models.explain.attribution.PATHS", 1)
    torch.testing.assert_close(grad_cam(network, IMAGES, TARGETS), whole[0])
    torch.testing.assert_close(integrated_gradients(network, IMAGES, TARGETS, steps=5).maps, whole[1])


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("shape", [(2, 1, 12, 16), (2, 3, 12, 16), (2, 1, 2, 2)])
def test_grey_colour_and_tiny_images_in_any_mode(mode, shape):
    network = Small(channels=shape[1]).eval()
    with mode():
        images, targets = torch.rand(shape), torch.tensor([0, 1])
        assert grad_cam(network, images, targets).shape == (2, *shape[2:])
        assert occlusion(network, images, targets, window=(4, 4), stride=(2, 2)).shape == (2, *shape[2:])
        assert integrated_gradients(network, images, targets, steps=4).maps.shape == shape
    assert hooks_left(network) == 0


def test_a_network_without_convolutions_has_no_map():
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 3)).eval()
    with pytest.raises(ValueError, match="Grad-CAM needs a convolution: this network runs none"):
        grad_cam(network, IMAGES, TARGETS)
    assert integrated_gradients(network, IMAGES, TARGETS).error.abs().max() < 1e-4


def test_misuse_is_refused(network):
    with pytest.raises(ValueError, match=r"runs once and has a map, but 'head' gives \[1, 3\]"):
        grad_cam(network, IMAGES, TARGETS, layer="head")
    with pytest.raises(ValueError, match="no layer 'tail'; there are: first"):
        grad_cam(network, IMAGES, TARGETS, layer="tail")
    with pytest.raises(ValueError, match="labels are 0 to 2, not 3"):
        grad_cam(network, IMAGES, torch.tensor([0, 3, 1]))
    with pytest.raises(ValueError, match="as many targets"):
        occlusion(network, IMAGES, TARGETS[:2], window=(2, 2), stride=(1, 1))
    with pytest.raises(ValueError, match="at most the window"):
        occlusion(network, IMAGES, TARGETS, window=(2, 2), stride=(3, 1))
    with pytest.raises(ValueError, match="at most the window"):
        occlusion(network, IMAGES, TARGETS, window=(0, 2), stride=(1, 1))
    with pytest.raises(ValueError, match="steps"):
        integrated_gradients(network, IMAGES, TARGETS, steps=0)
    with pytest.raises(ValueError, match=r"does not take images \[1, 3, 12, 16\]"):
        grad_cam(network, IMAGES.repeat(1, 3, 1, 1), TARGETS)
    with pytest.raises(ValueError, match="no images"):
        grad_cam(network, IMAGES[:0], TARGETS[:0])
    assert hooks_left(network) == 0
