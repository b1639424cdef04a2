"""What LEACE as a peer makes of a finished model: the style is gone from its embedding, and it still predicts."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from benchmarks import leace
from tasks.train.batches import Labels, read_crops
from tasks.train.model_folder import read_training
from tasks.train.weights import load_model
from tests.tasks.toycrops import make_round_0, make_toy_table, toy_params

PARAMS = toy_params()
STYLE = PARAMS.labels.nuisances[0]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("leace")
    make_toy_table(home / "table")
    make_round_0(PARAMS, home / "table", home / "0")
    for name, within in leace.PEERS.items():
        leace.erase(PARAMS, start=home / "0", table=home / "table", within=within, out=home / name)
    return home


def features(home, name):
    """What the folder's model embeds its training crops as, with targets and styles, -1 where it has none."""
    network, card = load_model(home / name)
    training, labels = read_training(home / name), Labels.of_card(card)
    crops = read_crops(home / "table", labels, keys=sorted(training["key"]))
    found, targets, styles = leace.features_of(network, crops, PARAMS, STYLE)
    return network, found, targets, styles


def read(found, styles):
    """How often a logistic regression has the style right, on the crops that it was fitted to."""
    reader = LogisticRegression(C=1e3, max_iter=3000).fit(found.numpy(), styles.numpy())
    return reader.score(found.numpy(), styles.numpy())


def test_no_linear_reader_finds_the_style(home):
    _, before, _, styles = features(home, "0")
    _, after, _, _ = features(home, "leace")
    known = styles >= 0
    guess = float(styles[known].bincount().max() / known.sum())
    assert read(before[known], styles[known]) > guess + 0.05
    assert read(after[known], styles[known]) == pytest.approx(guess, abs=0.03)


def test_within_every_target_the_styles_have_one_mean(home):
    _, before, targets, styles = features(home, "0")
    _, after, _, _ = features(home, "leace-within")

    def apart(found):
        means = pd.DataFrame(found.numpy()).groupby([targets.numpy(), styles.numpy()]).mean()
        return max((means.loc[target, 0] - means.loc[target, 1]).abs().max() for target in means.index.levels[0][:3])

    assert apart(after) < 0.2 * apart(before)


@pytest.mark.parametrize("name", leace.PEERS)
def test_the_model_still_reads_and_its_backbone_is_the_same(home, name):
    network, found, targets, _ = features(home, name)
    before, plain, _, _ = features(home, "0")
    with torch.inference_mode():
        right = (network.target_head(found.float()).argmax(1) == targets).float().mean()
        right_before = (before.target_head(plain.float()).argmax(1) == targets).float().mean()
    assert right > right_before - 0.05
    assert all(
        torch.equal(*pair) for pair in zip(network.backbone.parameters(), before.backbone.parameters(), strict=True)
    )


def test_the_concept_within_a_target_is_the_label_less_its_share():
    targets, styles = torch.tensor([0, 0, 0, 1, 1]), torch.tensor([0, 0, 1, 1, 1])
    found = leace.concept_of(targets, styles, within=True)
    assert found[:3].numpy() == pytest.approx(np.array([[1 / 3, -1 / 3], [1 / 3, -1 / 3], [-2 / 3, 2 / 3]]))
    assert not found[3:].any()  # all of target 1 have one style: nothing tells
