import pytest

from tasks.train.curves import curve_of, means_of


def test_a_mean_is_over_the_steps_that_have_the_figure():
    assert means_of([{"loss": 1.0, "pairs_loss": 4.0}, {"loss": 3.0}]) == {"loss": 2.0, "pairs_loss": 4.0}


def test_one_epoch_is_a_curve_of_fifty_points_in_its_middle_places():
    curve = curve_of([{"loss": float(step)} for step in range(100)], epoch=0, epochs=1)
    assert [point["loss"] for point in curve] == [2 * place + 0.5 for place in range(50)]
    assert [point["epoch"] for point in curve] == pytest.approx([0.01 + place / 50 for place in range(50)])


def test_every_step_counts_once_however_they_divide():
    steps = [{"loss": float(2**step)} for step in range(7)]
    curve = curve_of(steps, epoch=3, epochs=17)  # three stretches of two or three steps
    sizes = [2 * (point["epoch"] - before) * 7 for before, point in zip([3, 3 + 2 / 7, 3 + 5 / 7], curve, strict=True)]
    assert sizes == pytest.approx([2, 3, 2])
    assert sum(point["loss"] * size for point, size in zip(curve, sizes, strict=True)) == pytest.approx(2**7 - 1)


def test_an_epoch_of_one_step_is_one_point():
    assert curve_of([{"loss": 2.0}], epoch=1, epochs=2) == [{"loss": 2.0, "epoch": 1.5}]
