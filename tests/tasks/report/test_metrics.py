"""One figure for one thing: all JSON of a report, each metric of a population read once."""

import pytest

from tasks.common.files import read_json
from tests import toyhome
from tests.report_metrics import OF_MODELS, Metric, contradictions, metrics_of
from tests.toyreport import write_report
from tests.toyrounds import make_mined_home, study_of


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Of a study, with texts that no picture can tell: they count in no accuracy."""
    row = toyhome._row
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toyhome, "_row", lambda *of: row(*of) | {"ambiguous": of[4] in (1, 5) and not of[6]})
        params = study_of(toyhome.toy_params())
        home = make_mined_home(tmp_path_factory.mktemp("metrics"), params=params)
    return write_report(params, home)


@pytest.fixture(scope="module")
def metrics(report):
    return metrics_of(report)


def test_a_metric_of_a_population_has_one_value_wherever_it_stands(metrics):
    assert contradictions(metrics) == []


def test_every_metric_of_a_model_says_on_which_crops_it_was_measured(metrics):
    of_models = [(metric, {name for name, _ in metric.population}) for metric in metrics if metric.name in OF_MODELS]
    assert len(of_models) > 500
    unsaid = [
        metric for metric, known in of_models if not ({"model", "split", "severity"} <= known or "epoch" in known)
    ]
    assert unsaid == []


def test_what_stands_on_several_pages_is_compared(metrics):
    """Were the populations told apart by too much, nothing would ever be compared."""
    pages = {}
    for metric in metrics:
        pages.setdefault((metric.name, metric.population), set()).add(metric.where.split(".json")[0])
    shared = {(name, *sorted(where)) for (name, _), where in pages.items() if len(where) > 1}
    assert {
        ("accuracy", "index", "invariance"), ("accuracy", "index", "invariance", "mining"),
        ("accuracy", "accuracy", "invariance"), ("accuracy_all", "index", "round-1", "round-2"),
        ("share", "confusion", "index"), ("excess_points", "index", "invariance"),
        ("worst_target", "index", "invariance", "mining"), ("density", "layer-0-backbone.0", "units"),
        ("active", "activation-maximisation", "layer-0-backbone.0", "units"),
        ("cka_above_chance", "compared", "compared-erm-conditional"),
        ("dead", "index", "layer-0-backbone.0", "redundancy"),
    } <= shared  # fmt: skip


def test_the_lowest_label_is_that_of_the_front_page_and_of_the_matrix(report):
    index, found = read_json(report / "index.json"), read_json(report / "accuracy.json")["by"]
    of_chosen = index["models"][index["model"]]["test_unseen"]["light"]
    by_label = {group["value"]: group for group in found["script"]}
    text = {label: group["accuracy"] for label, group in by_label.items() if label != "Zxxx"}
    assert min(text.values()) == pytest.approx(of_chosen["worst_target"], abs=1e-6)
    assert sum(group["n"] for group in by_label.values()) == of_chosen["n"]
    confusion = read_json(report / "confusion.json")
    for place, label in enumerate(confusion["labels"]):
        row = confusion["counts"][place]
        assert (sum(row), row[place]) == (by_label[label]["n"], by_label[label]["correct"])


def test_two_values_of_one_population_are_found():
    of = frozenset({("model", "erm"), ("split", "validation")})
    same = Metric("accuracy", of, 0.5, "a"), Metric("accuracy", of | {("severity", "light")}, 0.7, "b")
    assert contradictions(same) == []
    assert contradictions([*same, Metric("accuracy", of, 0.6, "c")]) == ["accuracy: 0.5 at a, 0.6 at c"]
