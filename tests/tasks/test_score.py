from pathlib import Path

import numpy as np
import pytest
import torch

from models.degrade import SEVERITIES, degrade, seeds_of
from tasks.determinism import deterministic
from tasks.errors import UserError
from tasks.score import read_scores, score_pool
from tasks.table import read_images
from tasks.weights import new_network
from tests.tasks.toycrops import HEIGHT, WIDTH, make_toy_table

CARD = {
    "target": "script",
    "labels": ["Grek", "Latn", "Zxxx"],  # not Hebr: the table knows a label that the model does not
    "height": HEIGHT,
    "width": WIDTH,
    "network": {"channels": [4, 8], "halvings": 2, "embedding": 8, "dropout": 0.1},
}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_table(tmp_path_factory.mktemp("score") / "table")


def test_scores_are_the_models_chances_on_lightly_degraded_crops(table: Path, tmp_path: Path):
    with deterministic(1, seed=0):
        network = new_network(CARD).eval()
        scores = score_pool(network, CARD, table=table, out=tmp_path / "scores.parquet", weights="w")

    pixels, rows = read_images(table, ["pool"])
    images = torch.from_numpy(pixels)[:, None] / 255
    images = degrade(images, seeds_of(rows["key"].tolist(), 0), SEVERITIES["light"])
    chances = torch.softmax(network(images), 1).detach().numpy()
    assert len(scores) == len(rows) == 120
    scores = scores.set_index("key").loc[rows["key"]]
    for row, (key, true) in enumerate(zip(rows["key"], rows["script"], strict=True)):
        p, score = dict(zip(CARD["labels"], chances[row], strict=True)), scores.loc[key]
        assert score["true"] == true
        assert score["predicted"] == max(p, key=p.get)
        assert score["p"] == pytest.approx(max(p.values()), abs=1e-5)
        own = p.pop(true, 0)
        assert score["p_true"] == pytest.approx(own, abs=1e-5)
        assert score["margin"] == pytest.approx(own - max(p.values()), abs=1e-5)
        if own:
            assert score["loss"] == pytest.approx(-np.log(own), abs=1e-4)


def test_scoring_twice_gives_the_same_bytes(table: Path, tmp_path: Path):
    with deterministic(1, seed=0):
        network = new_network(CARD).eval()
        for name in ("one", "two"):
            score_pool(network, CARD, table=table, out=tmp_path / name, weights="w")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_scores_of_another_model_are_refused(table: Path, tmp_path: Path):
    with deterministic(1, seed=0):
        score_pool(new_network(CARD), CARD, table=table, out=tmp_path / "scores", weights="abc")
    assert len(read_scores(tmp_path / "scores", weights="abc")) == 120
    with pytest.raises(UserError, match="another model"):
        read_scores(tmp_path / "scores", weights="abd")
