"""Probe accuracy above the prior, on tables of features whose result is known by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch

from models.settings import ProbeSettings
from tasks.common.determinism import deterministic
from tasks.common.params import ProblemSettings
from tasks.probe.dataset import Decoded, ProbeDataset, build_dataset, chance_of, decode

PROBLEM = ProblemSettings(target="script", nuisances=["font_style"], group="design")
SETTINGS = ProbeSettings(
    severity="clean",
    train=100,
    test=100,
    decays=[1.0, 0.1, 0.01],
    hidden=8,
    epochs=20,
    batch=64,
    learning_rate=0.01,
)
COUNTS = {"train": 300, "validation": 200, "test_seen": 200, "test_unseen": 200}


def make_rows(style_of) -> pd.DataFrame:
    """Rows of two scripts; `style_of(script, random)` is a row's style. Designs are named after their split."""
    random = np.random.default_rng(0)
    rows = [
        {"split": split, "script": script, "font_style": style_of(script, random), "design": f"{split}-{number % 5}"}
        for split, count in COUNTS.items()
        for number, script in zip(range(count), ["Cyrl", "Latn"] * count, strict=False)
    ]
    return pd.DataFrame(rows).assign(key=[f"{number:064x}" for number in random.permutation(len(rows))])


def decoded(rows: pd.DataFrame, features: torch.Tensor) -> dict[str, dict[str, Decoded]]:
    dataset = build_dataset(rows, "font_style", PROBLEM)
    assert isinstance(dataset, ProbeDataset)
    with deterministic(1):
        return decode(dataset, features, SETTINGS, seed=0)


def excess(rows: pd.DataFrame, features: torch.Tensor) -> dict[str, float]:
    """Of the better probe, by split."""
    return {
        split: max(each.excess.mean() for each in kinds.values()) for split, kinds in decoded(rows, features).items()
    }


def any_style(_script, random) -> str:
    return str(random.choice(["mono", "sans", "serif"], p=[0.2, 0.3, 0.5]))


def noise(rows: pd.DataFrame) -> torch.Tensor:
    return torch.randn(len(rows), 5, generator=torch.Generator().manual_seed(1))


def test_features_that_are_the_nuisance_leave_nothing_to_guess():
    rows = make_rows(any_style)
    features = noise(rows)
    features[:, :3] = torch.tensor(pd.get_dummies(rows["font_style"]).to_numpy(dtype=np.float32))
    found = excess(rows, features)
    for split in ("test_seen", "test_unseen"):
        # The most frequent style is guessed of either script.
        guess = (rows["font_style"][rows["split"] == split] == "serif").mean()
        assert found[split] == pytest.approx(1 - guess)


def test_features_that_know_nothing_add_nothing():
    rows = make_rows(any_style)
    # 200 rows, half of them right: a standard deviation of the accuracy is 3.5 points.
    assert max(excess(rows, noise(rows)).values()) < 0.07


def test_noise_is_not_read_where_unseen_designs_have_other_styles_than_seen_ones():
    """The guess is never right there, so that a probe that strays from it has more right without reading anything."""
    rows = make_rows(any_style)
    unseen = rows["split"].isin(["validation", "test_unseen"])
    rows.loc[unseen, "font_style"] = np.where(rows.index[unseen] % 4 < 2, "sans", "mono")
    found = decoded(rows, 3 * torch.randn(len(rows), 40, generator=torch.Generator().manual_seed(1)))["test_unseen"]
    assert not any(each.guessed.any() for each in found.values())
    assert max(each.right.mean() for each in found.values()) > 0.05
    assert max(each.excess.mean() for each in found.values()) < 0.07


def test_chance_is_the_mean_over_all_orders_of_the_predictions_within_each_target():
    targets, truth, predicted = np.array([0, 1, 0, 1, 0, 1]), np.array([0, 2, 1, 2, 1, 0]), np.array([0, 2, 0, 1, 1, 1])
    right = []
    for first, second in itertools.product(*[itertools.permutations(predicted[targets == y]) for y in (0, 1)]):
        dealt = np.empty(6, dtype=int)
        dealt[targets == 0], dealt[targets == 1] = first, second
        right.append(dealt == truth)
    found = chance_of(*(torch.from_numpy(each) for each in (predicted, truth, targets)))
    assert found.numpy() == pytest.approx(np.mean(right, axis=0))


def test_a_nuisance_that_the_target_settles_leaves_no_excess():
    """The features tell the script, so they tell the style: a probe that is not given the script would say so."""
    rows = make_rows(lambda script, _random: {"Cyrl": "sans", "Latn": "serif"}[script])
    features = noise(rows)
    features[:, 0] = torch.tensor((rows["script"] == "Latn").to_numpy(dtype=np.float32))
    assert excess(rows, features) == {"test_seen": 0, "test_unseen": 0}


def test_a_probe_is_tuned_on_what_is_to_it_as_the_test_is():
    rows = make_rows(any_style)
    dataset = build_dataset(rows, "font_style", PROBLEM)
    assert dataset.sizes() == {"fit": 240, "held_out": 60, "validation": 200, "test_seen": 200, "test_unseen": 200}
    assert not set(dataset.parts["fit"].tolist()) & set(dataset.parts["held_out"].tolist())
    assert [dataset.tuning_part(split) for split in ("test_seen", "test_unseen")] == ["held_out", "validation"]


def test_rows_of_labels_and_targets_that_training_does_not_know_count_nowhere():
    rows = make_rows(any_style)
    unseen = rows.index[rows["split"] == "test_unseen"]
    rows.loc[unseen[:10], "font_style"] = "blackletter"
    rows.loc[unseen[10:20], "font_style"] = None
    rows.loc[unseen[20:30], "script"] = "Grek"
    assert build_dataset(rows, "font_style", PROBLEM).parts["test_unseen"].tolist() == unseen[30:].tolist()


def test_where_the_nuisance_is_the_group_held_out_rows_of_seen_groups_are_left():
    rows = make_rows(any_style)
    rows.loc[rows["split"] == "test_seen", "design"] = "train-1"
    dataset = build_dataset(rows, "design", PROBLEM)
    assert dataset.labels == 5
    assert dataset.sizes() | {"fit": 0, "held_out": 0} == {
        "fit": 0, "held_out": 0, "validation": 0, "test_seen": 200, "test_unseen": 0,
    }  # fmt: skip
    assert dataset.tuning_part("test_unseen") == "held_out"


@pytest.mark.parametrize("style", [None, "serif"])
def test_fewer_than_two_labels_give_no_dataset(style):
    why = build_dataset(make_rows(lambda _script, _random: style), "font_style", PROBLEM)
    assert isinstance(why, str) and "two to tell apart" in why
