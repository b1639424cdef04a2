"""The invariance page shows what evaluation, probe and trainings wrote, and says what is not there."""

import html
import re
import shutil

import pytest

from tasks.common.files import read_json, write_json
from tasks.metrics.wilson import wilson_interval
from tasks.report.invariance.embedding_map import colouring
from tasks.report.invariance.probe import layer_plot
from tasks.report.invariance.training_curves import epoch_axis, round_plots
from tests.toyhome import toy_params
from tests.toyreport import REPORTED, write_results
from tests.toyrounds import make_mined_home, study_of

LAYERS = ["backbone.0", "backbone.1", "embedding", "target_head"]


def pages_of(folder, params, **options):
    home = make_mined_home(folder, params=params, **options)
    write_results(params, home)
    return home


def pages_again(home, folder, change):
    """The pages of a copy of `home` with one thing changed."""
    shutil.copytree(home, folder / "home", ignore=shutil.ignore_patterns("report"))
    change(folder / "home")
    write_results(REPORTED, folder / "home")
    return folder / "home"


def read(home, name="invariance"):
    text = (home / "report" / f"{name}.html").read_text(encoding="utf-8")
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", re.sub(r"</t[dh]>", " ", text))))


def modes_of(*names):
    return toy_params(invariance={**toy_params().invariance.model_dump(), "modes": list(names)})


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return pages_of(tmp_path_factory.mktemp("study"), study_of(toy_params()))


def percent(share):
    return f"{100 * share:.1f}%"


def test_the_table_of_modes_has_the_figures_of_one_seed(reported):
    text, modes = read(reported), read_json(reported / "metrics" / "invariance.json")["modes"]
    for mode in ("erm", "conditional", "conditional+pairs"):
        metrics = modes[mode]["splits"]["test_unseen"]
        wanted = [metrics[name]["mean"] for name in ("accuracy", "worst_nuisance", "worst_target", "calibration_error")]
        assert " ".join(map(percent, wanted)) in text
    assert "One seed each" in text


def test_of_several_seeds_the_table_has_mean_spread_and_paired_difference(study):
    text, modes = read(study), read_json(study / "metrics" / "invariance.json")["modes"]
    accuracy = modes["conditional"]["splits"]["test_unseen"]["accuracy"]
    assert len(accuracy["values"]) == 3
    assert f"conditional 3 {percent(accuracy['mean'])} ± {100 * accuracy['spread']:.1f}" in text
    over_seeds = read_json(study / "report" / "invariance.json")["differences"][0]["over_seeds"]
    assert over_seeds == accuracy["difference"]


def test_every_pair_is_shown_with_its_interval(reported):
    text = read(reported).replace("−", "-")
    pairs = read_json(reported / "metrics" / "invariance.json")["pairs"]["differences"]
    assert len(pairs) == 5
    for pair in pairs:
        value, low, high = (100 * pair["accuracy"][key] for key in ("value", "low", "high"))
        shown = re.search(rf"{re.escape(pair['candidate'])} {pair['reference']} (\S+) \((\S+) to (\S+)\)", text)
        assert [float(part) for part in shown.groups()] == pytest.approx([value, low, high], abs=0.051)


def test_accuracy_by_style_is_that_of_every_model_beside_the_difference_to_erm(reported):
    groups = read_json(reported / "metrics" / "groups.json")["models"]
    by_model = {model: of["test_unseen"]["by_nuisance"]["font_style"]["values"] for model, of in groups.items()}
    rows = read_json(reported / "report" / "invariance.json")["by_nuisance"]["font_style"]
    assert {row["value"] for row in rows} == set(by_model["erm"]) == {"handwriting", "sans-serif", "serif"}
    for row in rows:
        shown = ["round-2", "erm", "conditional", "conditional+pairs"]
        assert row["mean_accuracy"] == {model: by_model[model][row["value"]]["accuracy"] for model in shown}
    erm = [row["mean_accuracy"]["erm"] for row in rows]
    assert erm == sorted(erm)
    first = rows[0]["mean_accuracy"]
    gain = f"{100 * (first['conditional'] - first['erm']):+.1f}".replace("+0.0", "0.0").replace("-", "−")
    assert f"{percent(first['conditional'])} {gain}" in read(reported)


def test_the_probes_figures_stand_by_model_and_by_layer(reported):
    text, probe = read(reported), read_json(reported / "metrics" / "probe.json")["nuisances"]["font_style"]
    facts = read_json(reported / "report" / "invariance.json")["probe"]["font_style"]
    assert [row["model"] for row in facts["rows"]] == [
        "round-2", "erm", "conditional", "conditional+pairs", "untrained", "pixels",
    ]  # fmt: skip
    own = probe["models"]["erm"]["test_unseen"]
    interval = f"{own['excess_points']:.1f} ({own['low']:.1f} to {own['high']:.1f})"
    assert f"erm {interval} {percent(own['linear'])} {percent(own['mlp'])} {percent(own['chance'])}" in text
    assert facts["layers"]["conditional"] == {
        layer: probe["models"]["conditional"]["layers"][layer]["test_unseen"]["excess_points"] for layer in LAYERS
    }
    assert percent(probe["guess"]["test_unseen"]) in text


@pytest.mark.parametrize(
    ("reads", "points", "words"),
    [
        (True, 1.25, "its accuracy is 1.2 (0.5 to 3.0) points above what can be had from the script alone"),
        (False, None, "the baseline does not encode it"),
        (None, None, "it is not known whether the baseline encodes it"),
    ],
)
def test_what_may_be_claimed_of_the_chosen_model_is_said(reported, tmp_path, reads, points, words):
    def claim(home):
        path = home / "metrics" / "probe.json"
        found = read_json(path)
        claimed = {"excess_points": points, "low": points and 0.5, "high": points and 3.0}
        found["chosen"]["font_style"] |= {"reads": reads, **claimed}
        write_json(path, found)

    assert words in read(pages_again(reported, tmp_path, claim))


def test_worst_cells_have_wilson_intervals_and_the_reference_beside_them(reported):
    chosen = read_json(reported / "chosen.json")["name"]
    groups = read_json(reported / "metrics" / "groups.json")["models"]
    cells = groups[chosen]["test_unseen"]["by_nuisance"]["font_style"]["cells"]
    shown = read_json(reported / "report" / "invariance.json")["worst_cells"]["font_style"]
    assert [row["accuracy"] for row in shown] == sorted(cell["accuracy"] for cell in cells)[:10]
    erm = groups["erm"]["test_unseen"]["by_nuisance"]["font_style"]["cells"]
    for row in shown:
        hits = round(row["accuracy"] * row["n"])
        assert (row["low"], row["high"]) == pytest.approx(wilson_interval(hits, row["n"], confidence=0.95))
        (beside,) = [c["accuracy"] for c in erm if (c["label"], c["value"]) == (row["label"], row["value"])]
        assert row["reference"] == beside
    families = groups[chosen]["test_unseen"]["worst_families"]
    assert read_json(reported / "report" / "invariance.json")["worst_families"] == families
    assert f"{families[0]['family']} {percent(families[0]['accuracy'])}" in read(reported)


def test_the_map_has_the_same_crops_for_both_models_and_every_label(reported):
    shown = read_json(reported / "report" / "invariance.json")["map"]
    assert set(shown["places"]) == {"erm", "conditional+pairs"}
    assert set(shown["labels"]) == {"script", "font_style"}
    sizes = {len(at) for by in shown["places"].values() for at in by.values()}
    assert sizes == {len(shown["keys"])} == {24}
    assert (reported / "report" / "invariance.html").read_text(encoding="utf-8").count('class="dots') == 4 * (2 + 3)


def test_a_label_of_many_has_the_colour_of_the_others():
    values = [f"label-{place:02}" for place in range(12) for _ in range(20 - place)]
    styles = colouring([*values, None])
    assert list(styles) == [f"label-{place:02}" for place in range(8)]
    assert len(set(styles.values())) == 8


def test_the_training_shows_both_heads_and_lambda(reported):
    page = (reported / "report" / "invariance.html").read_text(encoding="utf-8")
    titles = re.findall(r"<figcaption><strong>([^<]*)</strong></figcaption><svg", page)
    wanted = ["script: loss", "script: accuracy", "λ, weight of the reversed gradient"]
    assert titles[2:] == [*wanted, "font style: accuracy", "font style: loss", "script: loss", "script: accuracy"]
    history = read_json(reported / "invariance" / "erm" / "history.json")
    assert read_json(reported / "report" / "invariance.json")["curves"]["erm"] == history["curve"]


def test_a_training_of_one_epoch_has_ticks_within_it():
    assert [text for _, text in epoch_axis(1).ticks] == ["0", "0.25", "0.5", "0.75", "1"]
    assert len(epoch_axis(40).ticks) <= 11


def test_a_curve_of_one_point_is_drawn_as_a_dot():
    ((_, picture), _) = round_plots({"round-0": [{"epoch": 0.5, "loss": 1.0, "accuracy": 0.5}]}, target="script")
    (points,) = re.findall(r'points="([^"]*)"', picture)
    first, second = points.split(" ")
    assert first == second


def test_without_erm_the_last_round_is_the_reference(tmp_path):
    home = pages_of(tmp_path, modes_of("pairs", "conditional"))
    text = read(home)
    assert "they are compared with round-2" in text
    assert set(read_json(home / "report" / "invariance.json")["map"]["places"]) == {"round-2", "conditional"}


def test_erm_alone_is_shown_alone(tmp_path):
    home = pages_of(tmp_path, modes_of("erm"))
    assert set(read_json(home / "report" / "invariance.json")["map"]["places"]) == {"erm"}
    assert "erm round-2" in read(home)


def test_several_nuisances_have_a_section_each(tmp_path):
    changes = {"problem": "two"}
    changes["problems"] = {"two": {"target": "script", "nuisances": ["font_style", "ink"], "group": "design"}}
    home = pages_of(tmp_path, toy_params(**changes))
    text = read(home)
    assert "By font style" in text and "By ink" in text and "Cells of script and ink" in text
    assert set(read_json(home / "report" / "invariance.json")["probe"]) == {"font_style", "ink"}


def test_without_a_nuisance_the_page_says_what_cannot_be_asked(tmp_path):
    changes = {"problem": "faces", "rounds": {}}
    changes["problems"] = {"faces": {"target": "pose", "nuisances": [], "group": "person"}}
    home = pages_of(tmp_path, toy_params(**changes), labels=["left", "right", "up"])
    text = read(home)
    assert "This problem names no nuisance" in text and "Too few crops" in text
    assert read_json(home / "report" / "invariance.json")["map"] is None


def test_a_nuisance_that_no_crop_has_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.toyhome.STYLES", [None, None, None])
    home = pages_of(tmp_path, toy_params())
    why = read_json(home / "metrics" / "probe.json")["nuisances"]["font_style"]["why"]
    assert why and f"There are no metrics: {why}" in read(home)


def test_trainings_without_a_curve_say_so(reported, tmp_path):
    def forget(home):
        for path in home.rglob("history.json"):
            write_json(path, {"epochs": read_json(path)["epochs"]})

    assert "no training curves" in read(pages_again(reported, tmp_path, forget))


def test_a_split_without_probed_crops_has_no_line():
    facts = {"layers": {"erm": dict.fromkeys(LAYERS)}, "rows": [{"model": "pixels", "spread": None}]}
    assert "polyline" not in layer_plot(facts, None, LAYERS, title="font style")


def test_the_overview_draws_risk_and_reliability_from_the_plots(reported):
    numbers = read_json(reported / "report" / "index.json")
    assert set(numbers["risk_coverage"]) == {"round-2", "erm", "conditional+pairs"}
    groups = (reported / "plots" / "risk_coverage.csv").read_text().splitlines()[1:]
    assert numbers["risk_coverage"]["erm"] == [
        [float(part) for part in line.split(",")[1:]] for line in groups if line.startswith("erm,")
    ]
    assert set(numbers["reliability"]) == {"0.5", "1"}
    assert "Risk–coverage curve" in read(reported, "index")


def test_the_pages_are_small(study):
    assert (study / "report" / "index.html").stat().st_size < 300_000
    assert (study / "report" / "invariance.html").stat().st_size < 1_500_000
