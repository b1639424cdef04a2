"""The pages of the mining rounds: what each found and added, and the gain over a control with random crops."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from tasks.crop_table.shards import pictures
from tasks.crop_table.splits import REPORT_SPLIT
from tasks.evaluate.mining_gain import MINING_METRICS, RATES, WANTED_CUT
from tasks.mine.select import OUTCOMES
from tasks.pages.svg import Plot, row_axis, share_axis
from tasks.report.evidence import Evidence, Round
from tasks.report.overview import METRIC_TITLES, is_studied, names_of, round_page
from tasks.report.site import Site
from tasks.report.tables import in_turn, nuisance_counts, outcomes, pair_counts
from tasks.train.replicas import CONTROL, MINED

PAIRS = 60  # rows of a round's tables
ARMS = {MINED: "mined", CONTROL: "random crops"}
OFFSET = 0.17  # of a row: distance of the two arms' dots from its middle


def write_round(site: Site, evidence: Evidence, one: Round) -> None:
    pairs, nuisances, counts = pair_counts(one.added), nuisance_counts(one.mined), outcomes(one.mined)
    shown = in_turn(one.added, ["true", "predicted"], most=evidence.params.report.mistakes)
    numbers = {"round": one.numbers, "outcomes": counts, "nuisances": nuisances, "pairs": pairs}
    site.write(
        round_page(one.number),
        template="round",
        numbers=numbers | {"model": f"round-{one.number}", "epochs": one.epochs, "weights": one.weights},
        evidence=evidence,
        round=one,
        studied=is_studied(evidence),
        outcomes=[
            (outcome, count, OUTCOMES[outcome].short if outcome in OUTCOMES else "")
            for outcome, count in counts.items()
        ],
        mined=len(one.added),
        pairs=pairs[:PAIRS],
        pairs_left=max(0, len(pairs) - PAIRS),
        nuisances=nuisances[:PAIRS],
        nuisances_left=max(0, len(nuisances) - PAIRS),
        mistakes=shown.to_dict("records"),
        sheet=site.sheet(round_page(one.number), pictures(evidence.table, shown["key"].tolist())),
    )


def pays(one: Round) -> bool | None:
    """Whether the round's gain on validation exceeds its spread; None where it trained nothing, or a single seed."""
    gain = None if one.stopped or not one.numbers else one.numbers["gain"]
    return bool(gain["pays"]) if gain else None


def write_mining(site: Site, evidence: Evidence) -> None:
    study, rounds = evidence.study, [one for one in evidence.rounds if one.numbers]
    names = names_of(evidence.params)
    by_round = study["splits"].get(REPORT_SPLIT, {})
    rows_of = {metric: metric_rows(by_round, metric) for metric in MINING_METRICS}
    known = [metric for metric, rows in rows_of.items() if any(row[MINED]["mean"] is not None for row in rows)]
    metrics = []
    for metric in known:
        title, rows = METRIC_TITLES[metric].format(**names), rows_of[metric]
        metrics.append((title, metric in RATES, rows, dot_plot(rows, title=title)))
    site.write(
        "mining",
        template="mining",
        numbers=study,
        evidence=evidence,
        study=study,
        rounds=rounds,
        words=verdict_words(study, names["group"]),
        unpaid=next((one.number for one in rounds if pays(one) is False), None),
        measured=any(pays(one) is not None for one in rounds),
        stopped=next((one for one in rounds if one.stopped), None),
        metrics=metrics,
        known=known,
        studied=sorted(map(int, by_round)),
        names=names,
    )


def metric_rows(by_round: dict[str, Any], metric: str) -> list[dict[str, Any]]:
    """A metric's rows by round: each arm's mean and spread, their difference, and the gain over the round before."""
    rows = []
    for number in sorted(by_round, key=int):
        of_round = by_round[number]
        row: dict[str, Any] = {"round": int(number)}
        for key in (MINED, CONTROL, "difference"):
            row[key] = (of_round.get(key) or {}).get(metric)
        gain = of_round.get("gain") or {}
        rows.append(row | {"gain": {arm: (gain.get(arm) or {}).get(metric) for arm in ARMS}})
    return rows


def dot_plot(rows: list[dict[str, Any]], *, title: str) -> Markup:
    """A metric's means: a row per round, a dot per arm, with a line of ± the standard deviation over seeds."""
    found = [(index, row["round"], arm, row[arm]) for index, row in enumerate(rows) for arm in ARMS if row[arm]]
    found = [mark for mark in found if mark[3]["mean"] is not None]
    reach = [
        min(1.0, max(0.0, mark["mean"] + side * (mark["spread"] or 0))) for _, _, _, mark in found for side in (-1, 1)
    ]
    y = row_axis([f"Round {row['round']}" for row in rows])
    label = "; ".join(f"round {number} {ARMS[arm]} {100 * mark['mean']:.1f}%" for _, number, arm, mark in found)
    plot = Plot(f"{title}: {label}", x=share_axis("", reach), y=y, height=32 + 36 * len(rows))
    both = any(arm == CONTROL for _, _, arm, _ in found)
    for index, number, arm, mark in found:
        spread = mark["spread"]
        words = f"Round {number}, {ARMS[arm]}: {100 * mark['mean']:.2f}%" + (f" ± {100 * spread:.2f}" if spread else "")
        ends = {"low": mark["mean"] - spread, "high": mark["mean"] + spread} if spread else {}
        offset = (OFFSET if arm == CONTROL else -OFFSET) if both else 0.0
        plot.dot(mark["mean"], index + offset, css_class=f"dot {arm}", title=words, **ends)
    return plot.svg()


def verdict_words(study: dict[str, Any], group: str) -> str:
    """The study's result in one or two sentences; empty where there is no study, or no false-positive rate."""
    verdict = study["verdict"]
    if not verdict:
        return ""
    where = f"as many random crops, on unseen {group}s, after round {verdict['round']}"
    cut, low, high = verdict["false_positive_cut"], verdict["low"], verdict["high"]
    if cut is None:
        return "There is nothing to cut: the control with random crops has no false positives."
    fall = cut >= 0
    ends = sorted(100 * (end if fall else -end) for end in (low, high) if end is not None)
    size = f"{100 * abs(cut):.0f}%" + (f" ({ends[0]:.0f}% to {ends[1]:.0f}%)".replace("-", "−") if ends else "")
    if verdict["beyond_spread"]:
        reached = "reaches" if verdict["reached_30_percent"] else "does not reach"
        mark = f"That {reached} the mark of {100 * WANTED_CUT:.0f}%."
        return f"Mining cuts the false-positive rate by {size} against {where}. {mark}"
    if high is not None and high < 0:
        return f"Mining raises the false-positive rate by {size} against {where}."
    side = "lower" if fall else "higher"
    found = "Mining does not cut the false-positive rate beyond the spread over seeds"
    return f"{found}: it is {size} {side} than with {where}."
