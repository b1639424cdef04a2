"""What accuracy is left as units of the embedding are taken away."""

import pytest

from tasks.common.determinism import deterministic
from tasks.explain.removal import remove_units
from tasks.train.weights import load_model
from tests.toyhome import make_toy_home, toy_params

PARAMS = toy_params()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_toy_home(tmp_path_factory.mktemp("removal"), params=PARAMS)


def removed(home, labels):
    network, card = load_model(home / "rounds/0")
    names = card["labels"] if labels is None else labels
    with deterministic(1, seed=0):
        return remove_units(network, names, table=home / "table", target="script", seed=0)


def test_every_label_of_validation_has_its_accuracies(home):
    found = removed(home, None)
    assert found.crops > 0 and found.counts[0] == 0 and len(found.counts) > 1
    for by_label in (found.selective, found.random):
        assert all(len(values) == len(found.counts) for values in by_label.values())
    assert {label: values[0] for label, values in found.selective.items()} == pytest.approx(
        {label: values[0] for label, values in found.random.items()}
    )


def test_validation_without_a_learned_label_leaves_nothing_to_take_away(home):
    found = removed(home, ["Zinh", "Zmth", "Zsym"])
    assert (found.crops, found.counts, found.selective, found.random) == (0, [0], {}, {})
