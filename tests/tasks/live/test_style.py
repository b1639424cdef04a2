import numpy as np
import pytest
import torch

from tasks.live.style import fit_style_probe
from tasks.train.weights import load_model
from tests.tasks.live.conftest import PARAMS
from unfont.errors import UserError


def test_a_probe_gives_each_styles_probability_beside_the_best_guess(live_home):
    probe = fit_style_probe(PARAMS, live_home / "rounds/0", table=live_home / "table")
    network, _ = load_model(live_home / "rounds/0")
    embedding = network.embed(torch.rand(1, 1, 16, 64, generator=torch.Generator().manual_seed(0)))[0].detach()
    found = probe.read(embedding, "Latn")
    assert [label for label, *_ in found["labels"]] == ["handwriting", "sans-serif", "serif"]
    for column in (1, 2):
        assert sum(row[column] for row in found["labels"]) == pytest.approx(1, abs=1e-3)
    # Every style has a third of the toy crops of each script, one more or less.
    assert np.allclose([guess for *_, guess in found["labels"]], 1 / 3, atol=0.12)
    assert 0 <= found["held_out"] <= 1 and 0 <= found["guess"] <= 1


def test_of_pictures_without_text_it_knows_nothing(live_home):
    probe = fit_style_probe(PARAMS, live_home / "rounds/0", table=live_home / "table")
    assert probe.read(torch.zeros(8), "Zxxx") is None


def test_without_a_table_there_is_a_line(live_home, tmp_path):
    with pytest.raises(UserError, match="unfont tag"):
        fit_style_probe(PARAMS, live_home / "rounds/0", table=tmp_path / "none")
