import pytest

from tasks.mine.gain import gain_of


def round_of(before: float | None, after: float | None, *, accuracy: tuple[float, float] = (0.8, 0.9)) -> dict:
    rates = {"before": before, "after": after}
    right = dict(zip(rates, accuracy, strict=True))
    return {when: {"false_positive_rate": rates[when], "accuracy": right[when]} for when in rates}


def test_a_round_pays_where_its_gain_is_beyond_the_spread_over_the_seeds():
    gain = gain_of([round_of(0.10, 0.06), round_of(0.11, 0.06), round_of(0.12, 0.06)])
    assert gain["metric"] == "false_positive_rate"
    assert gain["values"] == pytest.approx([0.04, 0.05, 0.06])
    assert (gain["mean"], gain["spread"], gain["pays"]) == (pytest.approx(0.05), pytest.approx(0.01), True)


def test_a_gain_within_the_spread_and_a_loss_do_not_pay():
    assert not gain_of([round_of(0.10, 0.06), round_of(0.06, 0.06), round_of(0.06, 0.08)])["pays"]
    assert not gain_of([round_of(0.05, 0.06), round_of(0.05, 0.06)])["pays"]


def test_without_background_accuracy_is_what_is_gained():
    gain = gain_of([round_of(None, None, accuracy=(0.8, 0.9)), round_of(None, None, accuracy=(0.8, 0.92))])
    assert gain["metric"] == "accuracy"
    assert gain["values"] == pytest.approx([0.1, 0.12])


def test_one_training_has_no_spread():
    assert gain_of([round_of(0.1, 0.0)]) is None
