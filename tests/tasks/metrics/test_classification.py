"""Metrics are compared with scikit-learn's, or counted by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, f1_score, roc_curve

from tasks.metrics.calibration import calibration_error
from tasks.metrics.classification import is_text, macro_f1, measure, text_of, thin_labels, worst_confusions
from tasks.metrics.text_fpr import text_threshold
from tasks.metrics.worst_group import accuracy_by

LABELS = ["Cyrl", "Grek", "Latn", "Zxxx"]
STYLES = ["serif", "display"]


@pytest.fixture
def rows():
    """400 seeded answers, 70% right."""
    rng = np.random.default_rng(7)
    true = rng.choice(LABELS, 400)
    predicted = np.where(rng.random(400) < 0.7, true, rng.choice([*LABELS, "Hebr"], 400))
    frame = pd.DataFrame({"true": true, "predicted": predicted, "p": rng.uniform(0.3, 1, 400)})
    frame["font_style"] = rng.choice(STYLES, 400)
    frame["design"] = rng.choice(["a", "b", "c"], 400)
    frame.loc[frame["true"] == "Zxxx", "font_style"] = None
    return frame


def metrics_of(rows, **changes):
    options = {"nuisance": "font_style", "group": "design", "thin": (), "cell_crops": 1, "confidence": 0.95}
    return measure(rows, **(options | changes))


def test_accuracy_is_over_text_and_false_alarms_over_background(rows):
    metrics = metrics_of(rows)
    text, background = rows[rows["true"] != "Zxxx"], rows[rows["true"] == "Zxxx"]
    assert metrics["accuracy"] == pytest.approx(accuracy_score(text["true"], text["predicted"]), abs=1e-6)
    alarms = sum(label != "Zxxx" for label in background["predicted"])
    assert metrics["false_alarm_rate"] == pytest.approx(alarms / len(background), abs=1e-6)
    assert (metrics["n"], metrics["n_text"]) == (400, len(text))


def test_the_false_positive_rate_is_that_of_the_roc_curve_at_the_text_recall_asked_for(rows):
    rng = np.random.default_rng(9)
    text = rows["true"] != "Zxxx"
    scored = rows.assign(p_text=np.where(text, rng.beta(5, 1, len(rows)), rng.beta(1, 2, len(rows))).astype(np.float32))
    rates, recalls, thresholds = roc_curve(text, scored["p_text"], drop_intermediate=False)
    place = np.flatnonzero(recalls >= 0.95)[0]
    threshold = text_threshold(text_of(scored)["p_text"].to_numpy())
    metrics = metrics_of(scored, threshold=threshold)
    assert metrics["text_threshold"] == pytest.approx(thresholds[place], abs=1e-6)
    assert metrics["text_recall"] == pytest.approx(recalls[place], abs=1e-6)
    assert 0 < metrics["false_positive_rate"] == pytest.approx(rates[place], abs=1e-6)


def test_a_threshold_keeps_another_recall_on_other_crops(rows):
    scored = rows.assign(p_text=np.where(rows["font_style"] == "serif", 0.4, 0.6))
    text = rows["true"] != "Zxxx"
    metrics = metrics_of(scored, threshold=0.5)
    assert metrics["text_recall"] == pytest.approx((rows["font_style"][text] == "display").mean(), abs=1e-6)
    assert metrics["false_positive_rate"] == 1


def test_ambiguous_texts_count_in_their_own_figures_alone(rows):
    rng = np.random.default_rng(8)
    rows = rows.assign(p_text=rng.random(len(rows)))
    marked = rows.assign(ambiguous=np.where(rows["true"] == "Zxxx", None, rng.random(len(rows)) < 0.2))
    ambiguous = marked["ambiguous"].isin([True])
    metrics, clear = metrics_of(marked, threshold=0.5), metrics_of(rows[~ambiguous], threshold=0.5)
    assert text_of(marked).equals(marked[~ambiguous & (rows["true"] != "Zxxx")])
    assert metrics["n_ambiguous"] == ambiguous.sum() > 30
    right = (rows["true"] == rows["predicted"])[ambiguous]
    assert metrics["ambiguous_accuracy"] == pytest.approx(right.mean(), abs=1e-6)
    own = {"n_ambiguous", "ambiguous_accuracy"}
    assert {k: v for k, v in metrics.items() if k not in own} == {k: v for k, v in clear.items() if k not in own}


@pytest.fixture
def others(rows):
    """120 seeded answers to `Zzzz`, most of them scripts, and 80 to `Zyyy`."""
    rng = np.random.default_rng(11)
    true = np.repeat(["Zzzz", "Zyyy"], [120, 80])
    frame = pd.DataFrame({"true": true, "predicted": rng.choice([*LABELS, "Zyyy", "Zzzz"], 200)})
    return frame.assign(
        p=rng.uniform(0.3, 1, 200), font_style=rng.choice(STYLES, 200), design=rng.choice([*"abc"], 200)
    )


def test_scripts_that_are_not_learned_count_in_their_own_figures_alone(rows, others):
    rng = np.random.default_rng(12)
    rows, others = (frame.assign(p_text=rng.random(len(frame))) for frame in (rows, others))
    learned = pd.concat([rows, others[others["true"] == "Zyyy"]], ignore_index=True)
    every = pd.concat([rows, others], ignore_index=True).sample(frac=1, random_state=1)
    metrics, without = metrics_of(every, threshold=0.5), metrics_of(learned, threshold=0.5)
    own = {"n", "n_unlearned", "unlearned_caught", "unlearned_sure"}
    assert {k: v for k, v in metrics.items() if k not in own} == {k: v for k, v in without.items() if k not in own}
    assert (metrics["n"], without["n"], metrics["n_text"]) == (600, 480, (rows["true"] != "Zxxx").sum() + 80)
    assert list(is_text(every)) == [label not in ("Zxxx", "Zzzz") for label in every["true"]]


def test_a_learned_script_or_no_text_that_is_called_unlearned_is_wrong(rows):
    called = metrics_of(rows.assign(predicted="Zzzz"))
    assert [called[name] for name in ("accuracy", "worst_target", "false_alarm_rate")] == [0, 0, 1]


def test_unlearned_scripts_and_signs_are_counted_where_they_are_called_a_script(others):
    metrics = metrics_of(others)
    found = [(true, label in LABELS[:3], p) for true, label, p in others[["true", "predicted", "p"]].to_numpy()]
    unlearned = [(script, p) for true, script, p in found if true == "Zzzz"]
    assert metrics["n_unlearned"] == len(unlearned) == 120
    caught = sum(not script for script, _ in unlearned)
    assert 0 < metrics["unlearned_caught"] == pytest.approx(caught / 120, abs=1e-6)
    sure = sum(script and p >= 0.8 for script, p in unlearned)
    assert 0 < metrics["unlearned_sure"] == pytest.approx(sure / 120, abs=1e-6)
    sure = sum(script and p >= 0.8 for true, script, p in found if true == "Zyyy")
    assert 0 < metrics["common_sure"] == pytest.approx(sure / 80, abs=1e-6)


def test_a_label_that_is_no_learned_script_is_no_sure_mistake_and_the_limit_counts():
    answers = [("Latn", 0.8), ("Grek", 0.79), ("mixed", 0.9), ("Zxxx", 0.99), ("Zyyy", 0.99), ("Zzzz", 0.99)]
    rows = pd.DataFrame(answers, columns=["predicted", "p"]).astype({"p": np.float32})
    rows = rows.assign(true="Zzzz", font_style="serif", design="a")
    metrics, signs = metrics_of(rows), metrics_of(rows.assign(true="Zyyy"))
    assert (metrics["unlearned_caught"], metrics["unlearned_sure"]) == (0.5, round(2 / 6, 6))
    assert (signs["common_sure"], signs["n_unlearned"], signs["accuracy"]) == (round(2 / 6, 6), 0, round(1 / 6, 6))


def test_macro_f1_is_that_of_scikit_learn_over_the_labels_that_occur(rows):
    expected = f1_score(rows["true"], rows["predicted"], labels=LABELS, average="macro")
    assert macro_f1(rows["true"], rows["predicted"]) == pytest.approx(expected)
    assert metrics_of(rows)["macro_f1"] == pytest.approx(expected, abs=1e-6)


def test_a_label_that_is_never_hit_counts_as_zero():
    true, predicted = pd.Series(["Latn", "Grek"]), pd.Series(["Latn", "Latn"])
    expected = f1_score(true, predicted, average="macro", zero_division=0)
    assert macro_f1(true, predicted) == pytest.approx(expected)


def test_the_worst_target_is_the_least_accurate_one_that_is_not_thin(rows):
    by_hand = {
        label: np.mean([t == p for t, p in zip(rows["true"], rows["predicted"], strict=True) if t == label])
        for label in LABELS[:3]
    }
    worst = min(by_hand, key=by_hand.get)
    metrics = metrics_of(rows)
    assert (metrics["worst_target_label"], metrics["worst_target"]) == (worst, round(by_hand[worst], 6))
    del by_hand[worst]
    assert metrics_of(rows, thin=[worst])["worst_target_label"] == min(by_hand, key=by_hand.get)


def test_accuracy_and_the_worst_nuisance_and_cell_say_what_they_rest_on(rows):
    metrics, text = metrics_of(rows), rows[rows["true"] != "Zxxx"]
    right = text["true"] == text["predicted"]
    interval = binomtest(int(right.sum()), len(right)).proportion_ci(0.95, method="wilson")
    assert (metrics["accuracy_low"], metrics["accuracy_high"]) == pytest.approx((interval.low, interval.high), abs=1e-6)
    cells = right.groupby([text["true"], text["font_style"]]).agg(["mean", "size"])
    styles = cells["mean"].groupby("font_style").mean()
    assert metrics["worst_nuisance"] == pytest.approx(styles.min(), abs=1e-6)
    assert metrics["worst_nuisance_label"] == styles.idxmin()
    assert metrics["worst_nuisance_cells"] == 3
    assert metrics["worst_nuisance_n"] == cells["size"].xs(styles.idxmin(), level="font_style").sum()
    script, style = cells["mean"].idxmin()
    assert (metrics["worst_cell_target"], metrics["worst_cell_nuisance"]) == (script, style)
    assert metrics["worst_cell"] == pytest.approx(cells["mean"].min(), abs=1e-6)
    assert metrics["worst_cell_n"] == cells.loc[(script, style), "size"]
    assert metrics_of(rows, cell_crops=1000)["worst_nuisance"] is None


def test_calibration_is_of_all_crops_with_temperature_and_without_and_abstaining_of_text(rows):
    rows = rows.assign(p_raw=rows["p"] ** 2)
    metrics, text = metrics_of(rows), rows[rows["true"] != "Zxxx"]
    correct = (rows["true"] == rows["predicted"]).to_numpy()
    for name, column in (("calibration_error", "p"), ("calibration_error_raw", "p_raw")):
        assert metrics[name] == pytest.approx(calibration_error(rows[column].to_numpy(), correct), abs=1e-6)
    surest_first = text.sort_values("p", ascending=False)
    wrong = (surest_first["true"] != surest_first["predicted"]).to_numpy()
    risk = wrong.cumsum() / np.arange(1, len(wrong) + 1)
    assert metrics["aurc"] == pytest.approx(risk.mean(), abs=1e-6)
    reached = np.flatnonzero(risk <= 0.05)
    assert metrics["coverage_at_5"] == pytest.approx((reached.max() + 1) / len(wrong) if len(reached) else 0, abs=1e-6)


def test_figures_that_rest_on_nothing_are_none(rows):
    metrics = metrics_of(rows[rows["true"] == "Zxxx"])
    assert [metrics[name] for name in ("accuracy", "worst_target", "worst_nuisance")] == [None, None, None]
    assert metrics_of(rows[rows["true"] != "Zxxx"])["false_alarm_rate"] is None
    nothing = metrics_of(rows.iloc[:0])
    assert (nothing["n"], nothing["macro_f1"], nothing["calibration_error"]) == (0, None, None)
    assert metrics_of(rows, nuisance=None)["worst_nuisance"] is None
    assert [nothing[name] for name in ("unlearned_caught", "unlearned_sure", "common_sure")] == [None, None, None]
    assert (metrics_of(rows)["n_unlearned"], metrics_of(rows)["unlearned_sure"]) == (0, None)
    asked = ("false_positive_rate", "text_recall", "text_threshold")
    assert [metrics_of(rows)[name] for name in asked] == [None, None, None]
    written = rows[rows["true"] != "Zxxx"].assign(p_text=0.9)
    assert [metrics_of(written, threshold=0.5)[name] for name in asked] == [None, 1, 0.5]


def test_scripts_of_fewer_than_three_designs_are_thin():
    designs = (
        [("Latn", d) for d in "abcab"] + [("Tibt", d) for d in "ab"] + [("Zxxx", "x"), ("Zzzz", "y"), ("Thai", None)]
    )
    table = pd.DataFrame(designs, columns=["script", "design"])
    assert thin_labels(table, target="script", group="design") == ["Thai", "Tibt"]


def test_categories_that_do_not_occur_change_nothing(rows):
    categories = pd.CategoricalDtype([*LABELS, "Hebr", "Mong"])
    typed = rows.astype({"true": categories, "predicted": categories, "font_style": "category"})
    assert metrics_of(typed) == metrics_of(rows)
    assert list(accuracy_by(typed, "true").index) == LABELS


def test_confusions_come_most_frequent_first_and_then_by_name():
    pairs = [("Latn", "Cyrl")] * 2 + [("Cyrl", "Latn")] * 2 + [("Grek", "Latn")] * 3 + [("Grek", "Grek")]
    rows = pd.DataFrame(pairs, columns=["true", "predicted"])
    found = [(c["true"], c["predicted"], c["n"]) for c in worst_confusions(rows, top=2)]
    assert found == [("Grek", "Latn", 3), ("Cyrl", "Latn", 2)]
