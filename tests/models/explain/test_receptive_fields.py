import pytest
import torch
from torch import nn

from models.explain.hooks import run_until
from models.explain.receptive_fields import receptive_fields

NOISE = torch.rand(8, 1, 16, 32, generator=torch.Generator().manual_seed(1))


def test_sizes_are_those_of_the_arithmetic(network):
    # Kernel 5, stride 2; then kernel 3, stride 1: 5 + 2·2; then kernel 3, stride 2: again + 2·2.
    for layer, size in {
        "backbone.0": (5, 5),
        "backbone.1": (9, 9),
        "backbone.2": (13, 13),
        "embedding": (16, 32),
    }.items():
        assert receptive_fields(network, layer, NOISE).size == size


def test_boxes_are_those_of_the_arithmetic_at_the_borders_too(network):
    fields = receptive_fields(network, "backbone.0", NOISE)
    # Row r reads the pixels 2r - 2 to 2r + 2, as far as there are any.
    assert fields.box(0, 0) == (0, 0, 3, 3)
    assert fields.box(3, 4) == (4, 6, 9, 11)
    assert fields.box(7, 15) == (12, 28, 16, 32)


@pytest.mark.parametrize("place", [(0, 0), (0, 7), (1, 3), (3, 0), (3, 7)])
def test_a_pixel_matters_exactly_when_it_is_in_the_box(network, place):
    """Brute force: change one pixel at a time and see whether the layer's position moves."""
    backbone = nn.Sequential(*network.backbone[:2], nn.MaxPool2d(2)).eval()
    image = NOISE[:1].double()
    backbone.double()
    top, left, bottom, right = receptive_fields(backbone, "2", NOISE.double()).box(*place)
    single = torch.eye(16 * 32, dtype=torch.float64).reshape(-1, 1, 16, 32)
    # Large changes both ways in several images, so that no ReLU and no pool hides one.
    moved = torch.zeros(16, 32, dtype=torch.bool)
    with torch.no_grad():
        for size in (30, -30, 300, -300, 3000, -3000):
            changed = run_until(backbone, "2", image + size * single)[:, :, place[0], place[1]]
            kept = run_until(backbone, "2", image)[:, :, place[0], place[1]]
            moved |= (changed != kept).any(dim=1).reshape(16, 32)
    rows, columns = torch.nonzero(moved.any(dim=1)).flatten(), torch.nonzero(moved.any(dim=0)).flatten()
    assert (top, bottom, left, right) == (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)


def test_a_patch_has_the_whole_fields_size_and_fill_outside_the_image(network):
    fields = receptive_fields(network, "backbone.0", NOISE)
    image = torch.arange(1.0, 513).reshape(1, 16, 32)
    padded = nn.functional.pad(image, (2, 2, 2, 2), value=-1.0)
    for row, column in [(0, 0), (0, 15), (3, 4), (7, 0), (7, 15)]:
        expected = padded[:, 2 * row : 2 * row + 5, 2 * column : 2 * column + 5]
        assert torch.equal(fields.patch(image, row, column, fill=-1.0), expected)


@pytest.mark.parametrize("inplace", [False, True])
def test_a_dead_layer_has_fields_too(inplace):
    network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(inplace), nn.Conv2d(2, 2, 3, padding=1), nn.ReLU())
    nn.init.constant_(network[0].bias, -100.0)
    fields = receptive_fields(network.eval(), "3", NOISE)
    assert fields.size == (5, 5)
    assert fields.box(0, 5) == (0, 3, 3, 8)
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in network.modules())


def test_misuse_is_refused(network):
    fields = receptive_fields(network, "backbone.0", NOISE)
    with pytest.raises(ValueError, match=r"'backbone.0' has 8 rows and 16 columns, none at \(8, 0\)"):
        fields.box(8, 0)
    with pytest.raises(ValueError, match=r"no layer 'backbone\.9'"):
        receptive_fields(network, "backbone.9", NOISE)
    nothing = nn.Sequential(nn.Conv2d(1, 1, 3))
    nn.init.zeros_(nothing[0].weight)
    with pytest.raises(ValueError, match="depends on no pixel"):
        receptive_fields(nothing.eval(), "0", NOISE)


def test_a_single_pixel_is_its_own_field():
    network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU()).eval()
    assert receptive_fields(network, "1", NOISE[:, :, :1, :1]).box(0, 0) == (0, 0, 1, 1)
