import re

import pytest

from tasks.common.files import read_json, write_json
from tasks.report.mining import dot_plot, metric_rows, verdict_words
from tests.toyhome import toy_params
from tests.toyreport import write_results
from tests.toyrounds import make_mined_home, study_of


def pages_of(folder, params, change=None):
    home = make_mined_home(folder, params=params)
    if change:
        change(home)
    return write_results(params, home)


def read(report, name):
    text = (report / f"{name}.html").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", re.sub(r"</t[dh]>", " ", text)))


@pytest.fixture
def report(reported):
    return reported / "report"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return pages_of(tmp_path_factory.mktemp("study"), study_of(toy_params()), gained(pays=True))


def gained(**changes):
    """What gives round 1 a gain over three seeds."""

    def change(home):
        path = home / "rounds" / "1" / "round.json"
        gain = {"metric": "false_positive_rate", "values": [0.03, 0.01, 0.02], "mean": 0.02, "spread": 0.01}
        write_json(path, read_json(path) | {"gain": gain | changes})

    return change


def test_a_rounds_page_counts_every_outcome_and_pictures_only_what_was_added(report):
    numbers = read_json(report / "round-1.json")
    assert numbers["outcomes"] == {
        "added": 4, "near-duplicate": 2, "pair full": 2, "nuisance full": 1, "no room": 1, "in training": 1,
        "set aside": 1, "ambiguous": 0,
    }  # fmt: skip
    assert sum(row["found"] for row in numbers["nuisances"]) == 12
    assert sum(row["added"] for row in numbers["nuisances"]) == sum(pair["count"] for pair in numbers["pairs"]) == 4
    text = (report / "round-1.html").read_text(encoding="utf-8")
    assert text.count("<figure>") == 4
    assert "unfont review" in text


def test_a_rounds_page_says_what_validation_gained(report, study):
    for words in ("accuracy 80.00% 84.00% +4.00", "16.00% 12.50% −3.50", "(clean)", "A single training has no spread"):
        assert words in read(report, "round-1")
    assert (
        "Over 3 seeds it gained +2.00 points of false-positive rate, with a spread of 1.00: the gain exceeds the spread"
        in read(study, "round-1")
    )


def test_the_overview_says_validation_and_outcomes_of_every_round(report):
    text = read(report, "index")
    assert "2 near-duplicate, 2 pair full, 1 nuisance full, 1 no room, 1 in training, 1 set aside" in text
    assert "80.0% → 84.0%" in text and "16.0% → 12.5%" in text


def test_a_round_after_the_stop_says_why_and_what_it_did_not_look_at(tmp_path):
    def stop(home):
        path = home / "rounds" / "2" / "round.json"
        none = dict.fromkeys(["pool", "false_positives", "false_alarms", "near_duplicates", "set_aside", "scored_by"])
        write_json(path, read_json(path) | none | {"severity": None, "why": "an earlier round stopped"})

    text = read(pages_of(tmp_path, toy_params(), stop), "round-2")
    assert "This round stopped: an earlier round stopped. Its model is that of the round before." in text
    assert "accuracy 84.00% 84.00% 0.00" in text
    assert "Quarantined" not in text and "Outcomes of" not in text and "None" not in text


def test_without_a_study_there_is_no_page_and_the_rounds_say_how_to_ask(report):
    assert not (report / "mining.html").exists()
    assert "unfont profile study" in read(report, "round-1")
    assert not any("mining.html" in page.read_text(encoding="utf-8") for page in report.glob("*.html"))


def test_seeds_without_a_control_are_no_study(tmp_path):
    text = read(pages_of(tmp_path, study_of(toy_params(), control=False)), "mining")
    assert "There is no study. Each round was trained with 3 seeds, without a control" in text
    assert "unfont profile study" in text and "Reduced by" not in text


def test_a_study_shows_both_arms_with_their_spread(study):
    numbers = read_json(study / "mining.json")
    text = read(study, "mining")
    for figure in ("false_positive_rate", "accuracy"):
        for arm in ("mined", "control"):
            of_arm = numbers["splits"]["test_unseen"]["1"][arm][figure]
            assert f"{100 * of_arm['mean']:.2f}% ± {100 * of_arm['spread']:.2f}" in text
    page = (study / "mining.html").read_text(encoding="utf-8")
    # Five figures; a control in two rounds of three.
    assert page.count('<g class="dot mined">') == 5 * 3
    assert page.count('<g class="dot control">') == 5 * 2
    assert "Mining" in text and "random crops, on unseen designs, after round 2" in text


def test_it_says_where_the_rounds_would_have_stopped(study, tmp_path):
    assert "study.stop would have stopped at none" in read(study, "mining")
    report = pages_of(tmp_path, study_of(toy_params()), gained(pays=False))
    assert "would have stopped there" in read(report, "mining")


def test_a_gain_that_stopped_the_rounds_is_said_once(tmp_path):
    def stop(home):
        gained(pays=False)(home)
        path = home / "rounds" / "2" / "round.json"
        nothing = {"metric": "false_positive_rate", "values": [0.0] * 3, "mean": 0.0, "spread": 0.0, "pays": False}
        write_json(path, read_json(path) | {"gain": nothing, "why": "the last gain was within its spread"})

    report = pages_of(tmp_path, study_of(toy_params(), stop=True), stop)
    text = read(report, "mining")
    assert "Round 2 stopped: the last gain was within its spread." in text
    assert "study.stop" not in text
    assert "the gain is within the spread" in read(report, "round-1")
    assert "seeds it gained" not in read(report, "round-2")


def test_a_problem_without_empty_crops_has_no_rate_to_cut(tmp_path):
    problems = {"faces": {"target": "pose", "nuisances": [], "group": "person"}}
    params = study_of(toy_params(problem="faces", problems=problems))
    home = make_mined_home(tmp_path, params=params, labels=["left", "right", "up"])
    report = write_results(params, home)
    text = read(report, "mining")
    assert "no false-positive rate to reduce; the other metrics" in text
    assert "False positives at 95%" not in text
    assert "unseen persons" in text
    assert "95% text recall" not in read(report, "index")


def verdict(cut, low, high, **changes):
    words = {"split": "test_unseen", "round": 3, "mined": 0.05, "control": 0.1, "false_positive_cut": cut}
    return words | {"low": low, "high": high, "reached_30_percent": False, "beyond_spread": False} | changes


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            verdict(0.34, 0.12, 0.51, beyond_spread=True, reached_30_percent=True),
            "Mining cuts the false-positive rate by 34% (12% to 51%) against as many random crops, on unseen "
            "designs, after round 3. That reaches the mark of 30%.",
        ),
        (
            verdict(0.1, 0.05, 0.15, beyond_spread=True),
            "Mining cuts the false-positive rate by 10% (5% to 15%) against as many random crops, on unseen "
            "designs, after round 3. That does not reach the mark of 30%.",
        ),
        (
            verdict(0.1, -0.2, 0.3),
            "Mining does not cut the false-positive rate beyond the spread over seeds: it is 10% (−20% to 30%) "
            "lower than with as many random crops, on unseen designs, after round 3.",
        ),
        (
            verdict(-0.1, None, None),
            "Mining does not cut the false-positive rate beyond the spread over seeds: it is 10% higher than with "
            "as many random crops, on unseen designs, after round 3.",
        ),
        (
            verdict(-0.2, -0.3, -0.1),
            "Mining raises the false-positive rate by 20% (10% to 30%) against as many random crops, on unseen "
            "designs, after round 3.",
        ),
        (
            verdict(None, None, None),
            "There is nothing to cut: the control with random crops has no false positives.",
        ),
        (None, ""),
    ],
)  # fmt: skip
def test_the_verdict_in_words(found, words):
    assert verdict_words({"verdict": found}, "design") == words


def test_a_dot_lies_between_its_neighbours_by_its_mean():
    def entry(mean, spread):
        return {"accuracy": {"values": [], "mean": mean, "spread": spread}}

    by_round = {
        "10": {"mined": entry(0.9, 0.01), "control": entry(None, None), "difference": None, "gain": None},
        "2": {"mined": entry(0.7, 0.01), "control": None, "difference": None, "gain": None},
    }
    rows = metric_rows(by_round, "accuracy")
    assert [row["round"] for row in rows] == [2, 10]
    svg = dot_plot(rows, title="accuracy")
    first, second = (float(x) for x in re.findall(r'cx="([0-9.]+)"', svg))
    assert first < second
    assert "Round 10, mined: 90.00% ± 1.00" in svg
