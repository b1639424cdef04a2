import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.explain.top_activations import TopActivations


def stream(output, *, k, batch):
    top = TopActivations(k)
    for part in output.split(batch):
        top.update(part)
    return top.summary()


@given(seed=st.integers(0, 1000), batch=st.integers(1, 40), k=st.integers(1, 12))
def test_streaming_finds_what_sorting_everything_finds(seed, batch, k):
    generator = torch.Generator().manual_seed(seed)
    # Few values: many crops tie, and the earlier one must win.
    output = torch.randint(-2, 4, (37, 3, 2, 4), generator=generator).float()
    found = stream(output, k=k, batch=batch)
    for unit in range(3):
        peaks = [float(crop[unit].max()) for crop in output]
        order = sorted(range(37), key=lambda crop: (-peaks[crop], crop))[:k]
        assert found.crop[unit].tolist() == order
        assert found.strength[unit].tolist() == [peaks[crop] for crop in order]
        for crop, (row, column) in zip(order, found.strongest.centre(found.grid)[unit].tolist(), strict=True):
            assert output[crop, unit, int(row * 2), int(column * 4)] == peaks[crop]


@given(seed=st.integers(0, 1000), batch=st.integers(1, 40), k=st.integers(1, 12))
def test_the_weakest_are_those_with_the_lowest_peaks(seed, batch, k):
    generator = torch.Generator().manual_seed(seed)
    output = torch.randint(-2, 4, (37, 3, 2, 4), generator=generator).float()
    found = stream(output, k=k, batch=batch).weakest
    for unit in range(3):
        peaks = [float(crop[unit].max()) for crop in output]
        order = sorted(range(37), key=lambda crop: (peaks[crop], crop))[:k]
        assert found.crop[unit].tolist() == order
        assert found.strength[unit].tolist() == [peaks[crop] for crop in order]
        for crop, (row, column) in zip(order, found.spot[unit].tolist(), strict=True):
            assert output[crop, unit, row, column] == peaks[crop]


def test_statistics_are_over_crops_and_positions():
    output = torch.tensor([[[[0.0, 2.0]]], [[[0.0, 0.0]]], [[[4.0, 2.0]]]])
    found = stream(output, k=2, batch=2)
    assert found.mean.tolist() == [2.0]  # peaks 2, 0, 4
    assert found.highest.tolist() == [4.0]
    assert found.active.tolist() == pytest.approx([2 / 3])
    assert found.density.tolist() == pytest.approx([3 / 6])
    assert found.grid == (1, 2)


def test_dead_and_always_on_units_are_named():
    output = torch.tensor([[0.0, 1.0, -1.0, 0.0], [0.0, 2.0, -2.0, 3.0]])
    found = stream(output, k=1, batch=1)
    assert found.dead.tolist() == [True, False, True, False]
    assert found.always_on.tolist() == [False, True, False, False]
    assert found.strongest.centre(found.grid).tolist() == [[[0.5, 0.5]]] * 4


def test_fewer_crops_than_asked_for_are_all_there_are():
    assert stream(torch.rand(2, 5), k=9, batch=1).crop.shape == (5, 2)


def test_misuse_is_refused():
    with pytest.raises(ValueError, match="k must be"):
        TopActivations(0)
    with pytest.raises(ValueError, match="no crop"):
        TopActivations(1).summary()
    with pytest.raises(ValueError, match=r"\[batch, units\]"):
        TopActivations(1).update(torch.zeros(1, 2, 3))
    top = TopActivations(1)
    top.update(torch.zeros(1, 2, 3, 3))
    with pytest.raises(ValueError, match=r"had 2 units of \(3, 3\) positions, now 4"):
        top.update(torch.zeros(1, 4, 3, 3))
