"""The model card holds what was measured, computed here from the predictions themselves."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.common.files import read_json, write_json
from tasks.predict.export import export_with_card
from tasks.predict.model_card import model_card
from tests.toyhome import LABELS, make_toy_home, toy_params
from unfont import OnnxModel, UserError

PARAMS = toy_params()
CARD = {"name": "a model", "labels": LABELS}
REAL = {"lines": {"n": 4, "accuracy": 0.75, "tesseract": 0.5}}


@pytest.fixture
def fonts(here, monkeypatch):
    make_toy_home(here / "made", params=PARAMS)
    (here / PARAMS.home).parent.mkdir(parents=True)
    (here / "made/home").rename(here / PARAMS.home)
    predictions = pd.read_parquet(PARAMS.home / "predictions.parquet")
    predictions.assign(ambiguous=predictions.index % 5 == 0).to_parquet(PARAMS.home / "predictions.parquet")
    rows = {"family": ["a", "a", "b", "c"], "licence": ["OFL-1.1", "OFL-1.1", "OFL-1.1", "MIT"], "design": list("xxyz")}
    pq.write_table(pa.table(rows), here / "fonts.parquet")
    return here / "fonts.parquet"


def test_it_says_what_was_measured_and_what_from(fonts):
    text = model_card(PARAMS, "round-1", card=CARD, fonts=fonts, real=REAL)
    rows = pd.read_parquet(PARAMS.home / "predictions.parquet")
    chosen = (rows["model"] == "round-1") & (rows["split"] == "test_unseen") & (rows["severity"] == "light")
    rows = rows[chosen & (rows["ambiguous"] != True)]  # noqa: E712
    for script in LABELS:
        own = rows[rows["true"] == script]
        right = (own["predicted"].astype(str) == script).mean()
        assert f"| {script} | {len(own)} | {100 * right:.1f}% |" in text
    accuracy = read_json(PARAMS.home / "metrics/evaluate.json")["models"]["round-1"]["test_unseen"]["light"]["accuracy"]
    assert f"| light | {100 * accuracy:.1f}% |" in text
    assert "3 open font families" in text and "MIT (1), OFL-1.1 (2)" in text
    assert "| lines | 4 | 75.0% | 50.0% |" in text
    assert all(f"## {title}" in text for title in ("Intended use", "Limits"))


def test_a_model_that_was_not_measured_is_told(fonts):
    with pytest.raises(UserError, match="'mine' is not measured"):
        model_card(PARAMS, "mine", card=CARD, fonts=fonts)


def test_model_and_card_are_written_or_neither(fonts, here):
    write_json(here / "real.json", REAL)
    options = {"name": "a model", "temperature": 0.5, "fonts": fonts, "card": here / "card.md"}
    folder = PARAMS.home / "rounds/1"
    with pytest.raises(UserError, match="not measured"):
        export_with_card(PARAMS, folder, here / "model.onnx", measured="mine", **options)
    with pytest.raises(UserError, match="not what benchmarks"):
        export_with_card(PARAMS, folder, here / "model.onnx", measured="round-1", real=here / "none.json", **options)
    with pytest.raises(UserError, match="exported as"):
        export_with_card(PARAMS, folder, here / "model.bin", measured="round-1", **options)
    assert not any((here / name).exists() for name in ("model.onnx", "model.bin", "card.md"))
    said = export_with_card(PARAMS, folder, here / "model.onnx", measured="round-1", real=here / "real.json", **options)
    assert "3 labels" in said and "# a model" in (here / "card.md").read_text(encoding="utf-8")
    assert OnnxModel(here / "model.onnx").card["temperature"] == 0.5


def test_it_says_which_labels_are_no_scripts(fonts):
    text = model_card(PARAMS, "round-1", card=CARD | {"labels": ["Latn", "Thai", "Zxxx", "Zzzz"]}, fonts=fonts)
    assert "2 scripts, and `Zxxx` (pictures with no text" in text and "Scripts: Latn, Thai." in text
    assert "**digits, punctuation and symbols alone**: they come back as a script" in text
    assert "`Zzzz` is a guess" in text


def test_it_says_how_often_unlearned_scripts_are_called_a_script(fonts):
    path = PARAMS.home / "metrics/evaluate.json"
    assert "called a script with p of 0.8" not in model_card(PARAMS, "round-1", card=CARD, fonts=fonts)
    metrics = read_json(path)
    metrics["models"]["round-1"]["test_unseen"]["light"] |= {"unlearned_caught": 0.25, "unlearned_sure": 0.125}
    write_json(path, metrics)
    text = model_card(PARAMS, "round-1", card=CARD, fonts=fonts)
    assert "| `Zzzz` not called a script, light | 25.0% |" in text
    assert "| `Zzzz` called a script with p of 0.8 or more, light | 12.5% |" in text and "`Zyyy` called" not in text
