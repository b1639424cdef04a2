import numpy as np
import pandas as pd

from tasks.common.files import write_json
from tasks.common.mlflow_figures import (
    draw_by_nuisance,
    draw_confusion,
    draw_reliability,
    draw_risk_coverage,
    draw_training,
)


def test_training_curves_leave_out_what_is_unknown():
    figure = draw_training(
        [{"epoch": 0, "loss": 2.0, "accuracy": 0.5, "learning_rate": 1.0}, {"epoch": 1, "loss": 1.0}]
    )
    losses, accuracies = figure.axes
    assert [line.get_label() for line in losses.lines] == ["loss"]
    assert losses.lines[0].get_ydata().tolist() == [2.0, 1.0]
    assert [line.get_label() for line in accuracies.lines] == ["accuracy"]


def test_the_confusion_is_the_chosen_model_s_on_the_split(tmp_path):
    rows = [
        ("erm", "test_unseen", "light", "Latn", "Latn"),
        ("erm", "test_unseen", "light", "Latn", "Cyrl"),
        ("erm", "test_unseen", "light", "Cyrl", "Cyrl"),
        ("erm", "test_unseen", "heavy", "Cyrl", "Latn"),
        ("erm", "test_seen", "light", "Cyrl", "Latn"),
        ("round-0", "test_unseen", "light", "Cyrl", "Latn"),
    ]
    columns = ["model", "split", "severity", "true", "predicted"]
    pd.DataFrame(rows, columns=columns).astype("category").to_parquet(tmp_path / "predictions.parquet")
    write_json(tmp_path / "chosen.json", {"name": "erm"})
    figure = draw_confusion(
        tmp_path / "predictions.parquet", tmp_path / "chosen.json", split="test_unseen", severity="light"
    )
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Cyrl", "Latn"]
    np.testing.assert_allclose(axes.images[0].get_array(), [[1, 0], [0.5, 0.5]])


def test_the_other_figures_draw_the_tables_of_the_plots(tmp_path):
    (tmp_path / "risk_coverage.csv").write_text("model,coverage,risk\nnone,0.5,0.0\nnone,1.0,0.1\nerm,1.0,0.2\n")
    (tmp_path / "reliability.csv").write_text("temperature,confidence,accuracy,n\n0.6,0.9,0.8,10\n1.0,0.7,0.8,10\n")
    styles = [f"{model},font_style,{style},0.5,1,9" for model in ("round-0", "erm") for style in ("serif", "none")]
    lines = ["model,nuisance,value,accuracy,cells,n", *styles, "erm,ink,red,0.25,1,9"]
    (tmp_path / "accuracy_by_nuisance.csv").write_text("\n".join(lines) + "\n")
    (axes,) = draw_risk_coverage(tmp_path).axes
    assert [(line.get_label(), line.get_ydata().tolist()) for line in axes.lines] == [
        ("none", [0.0, 0.1]),
        ("erm", [0.2]),
    ]
    (axes,) = draw_reliability(tmp_path).axes
    assert [line.get_label() for line in axes.lines[1:]] == ["temperature 0.6", "temperature 1"]
    figures = dict(draw_by_nuisance(tmp_path))
    assert list(figures) == ["font_style", "ink"]
    (axes,) = figures["font_style"].axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["none", "serif"]
    assert [bars.get_label() for bars in axes.containers] == ["round-0", "erm"]
    (tmp_path / "accuracy_by_nuisance.csv").write_text(lines[0] + "\n")
    assert list(draw_by_nuisance(tmp_path)) == []
