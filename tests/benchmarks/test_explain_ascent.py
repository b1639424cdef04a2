"""What activation maximisation is measured against is the same network, cut off at the same layer."""

import pytest
import torch

from benchmarks.explain_ascent import bare_ratio, truncated
from models.explain.maximise.canvas import Canvas
from models.explain.maximise.partial_network import partial_network
from models.network import CropNet

CANVAS = Canvas(channels=1, height=16, width=32, low=-1.0, high=3.0, neutral=0.0, entry="standardise")


@pytest.mark.parametrize("layer", ["backbone.0", "backbone.2", "embedding", "target_head"])
def test_the_network_written_out_gives_what_the_layer_gives(network: CropNet, layer: str) -> None:
    pixels = torch.randn(5, 1, 16, 32)
    with partial_network(network, layer, shape=CANVAS.shape, entry=CANVAS.entry) as to_layer:
        assert torch.equal(truncated(network, layer)(pixels), to_layer(pixels))


def test_both_sides_do_the_same_number_of_units(network: CropNet) -> None:
    row = bare_ratio(network, CANVAS, "backbone.1", 4, steps=3)
    assert row["window"] == [1, 9, 9]
    assert row["bare_per_unit"] == pytest.approx(row["bare_s"]["median"] / 4)
    assert row["ours_per_unit"] == pytest.approx(row["ours_s"]["median"] / 4)
