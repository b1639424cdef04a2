import numpy as np
import pandas as pd

from tasks.figures import draw_confusion, draw_training
from tasks.files import write_json


def test_training_curves_leave_out_what_is_unknown():
    figure = draw_training([{"epoch": 0, "loss": 2.0, "accuracy": 0.5, "rate": 1.0}, {"epoch": 1, "loss": 1.0}])
    losses, accuracies = figure.axes
    assert [line.get_label() for line in losses.lines] == ["loss"]
    assert losses.lines[0].get_ydata().tolist() == [2.0, 1.0]
    assert [line.get_label() for line in accuracies.lines] == ["accuracy"]


def test_the_confusion_is_the_chosen_model_s_on_unseen_designs(tmp_path):
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
    figure = draw_confusion(tmp_path / "predictions.parquet", tmp_path / "chosen.json")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Cyrl", "Latn"]
    np.testing.assert_allclose(axes.images[0].get_array(), [[1, 0], [0.5, 0.5]])
