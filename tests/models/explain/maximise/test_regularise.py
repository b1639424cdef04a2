import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from models.explain.maximise.ascent_settings import AscentSettings, Columns
from models.explain.maximise.regularise import (
    Blur,
    clip_small_contributions,
    clip_small_norms,
    gaussian_matrix,
    rolled,
    total_variation,
)

X = torch.randn(4, 3, 7, 11, generator=torch.Generator().manual_seed(0))
GRADIENT = torch.randn(4, 3, 7, 11, generator=torch.Generator().manual_seed(1))


def test_blur_is_scipy_s_with_a_width_a_sample():
    widths = [0.5, 3.0, 1.0, 0.5]
    blurred = Blur(torch.tensor(widths), 7, 11)(X, torch.tensor([0, 1, 3]))
    for image, row in zip(blurred, (0, 1, 3), strict=True):
        for channel in range(3):
            wanted = gaussian_filter(X[row, channel].double().numpy(), widths[row])
            np.testing.assert_allclose(image[channel], wanted, atol=1e-6)


@pytest.mark.parametrize(("size", "width"), [(1, 2.0), (3, 4.0), (5, 0.1), (5, 0.0)])
def test_blur_of_few_pixels_reflects_as_often_as_it_must(size, width):
    line = np.arange(size, dtype=float) ** 2
    wanted = gaussian_filter(line, width)
    np.testing.assert_allclose(gaussian_matrix(size, width).double() @ torch.from_numpy(line), wanted, atol=1e-5)


def test_small_norms_are_those_below_numpy_s_percentile():
    percents = [0.0, 20.0, 50.0, 100.0]
    clipped = clip_small_norms(X, torch.tensor(percents))
    for image, before, percent in zip(clipped, X.numpy(), percents, strict=True):
        norms = np.sqrt((before.astype(float) ** 2).sum(0))
        np.testing.assert_array_equal(image, np.where(norms < np.percentile(norms, percent), 0, before))


def test_small_contributions_are_those_below_numpy_s_percentile():
    percents = [90.0, 0.0, 37.0, 12.5]
    clipped = clip_small_contributions(X, GRADIENT, torch.tensor(percents))
    for row, percent in enumerate(percents):
        contributions = np.abs((X[row].double() * GRADIENT[row].double()).sum(0).numpy())
        below = contributions < np.percentile(contributions, percent)
        np.testing.assert_array_equal(clipped[row], np.where(below, 0, X[row]))


def test_equal_values_are_all_kept_or_all_clipped():
    ties = torch.tensor([1.0, 1.0, 1.0, 2.0]).view(1, 1, 2, 2)
    assert clip_small_norms(ties, torch.tensor([50.0])).flatten().tolist() == [1, 1, 1, 2]
    assert clip_small_norms(ties, torch.tensor([90.0])).flatten().tolist() == [0, 0, 0, 2]


def test_the_contribution_is_what_occlusion_takes_away():
    """Of a network that is linear around the image the linearised contribution is the exact one."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 7 * 11, 1)).double()
    network[0].bias.data += 100  # no ReLU changes its side
    image = X[:1].double().requires_grad_()
    activation = network(image)[0, 0]
    (gradient,) = torch.autograd.grad(activation, image)
    network.requires_grad_(False)
    drops = np.zeros((7, 11))
    for row in range(7):
        for column in range(11):
            occluded = image.detach().clone()
            occluded[:, :, row, column] = 0
            drops[row, column] = abs(float(activation.detach() - network(occluded)[0, 0]))
    wanted = np.where(drops < np.percentile(drops, 70.0), 0, image[0].detach())
    np.testing.assert_array_equal(clip_small_contributions(image.detach(), gradient, torch.tensor([70.0]))[0], wanted)


def test_rolling_is_torch_s_with_a_shift_a_sample():
    shifts = torch.tensor([[0, 0], [1, -2], [-3, 4], [20, 5]])
    for image, before, shift in zip(rolled(X, shifts), X, shifts.tolist(), strict=True):
        assert torch.equal(image, before.roll(shift, dims=(1, 2)))
    assert torch.equal(rolled(rolled(X, shifts), -shifts), X)


def test_total_variation_by_hand():
    images = torch.tensor([[[[0.0, 2.0], [0.0, 2.0]]], [[[5.0, 5.0], [5.0, 5.0]]]])
    # Deviation 1; of four neighbouring pairs two differ, by 2.
    assert total_variation(images).tolist() == [1.0, 0.0]
    assert total_variation(images * 10 + 3).tolist() == [1.0, 0.0]
    assert total_variation(torch.ones(1, 3, 1, 1)).tolist() == [0.0]


def test_samples_are_blurred_at_their_own_steps():
    columns = Columns([AscentSettings(blur_width=1.0, blur_every=every) for every in (0, 1, 2, 3)])
    assert [columns.blurred_at(step).tolist() for step in range(4)] == [[1, 2, 3], [1], [1, 2], [1, 3]]
