"""The report: metrics, mining rounds and the network's units, as a static site that opens without a network."""

from collections.abc import Mapping
from pathlib import Path

from tasks.common.determinism import deterministic
from tasks.common.files import written_whole
from tasks.common.params import Params
from tasks.explain.units import Explanation, explain_units
from tasks.report.evidence import Evidence, read_evidence
from tasks.report.invariance.page import write_invariance
from tasks.report.losses import write_losses
from tasks.report.mining import write_mining, write_round
from tasks.report.network import write_network
from tasks.report.overview import is_studied, links_of, write_accuracy, write_confusion, write_index
from tasks.report.site import Site
from tasks.train.weights import load_model


def make_report(
    params: Params, *, home: Path, fonts: Path, out: Path, data: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Write the report on a problem's `home` as a static site at `out`; the same input gives the same bytes.

    Args:
        fonts: the font table, for the families' licences; it need not exist.
        data: DVC's hash of each input of the report, by path, where DVC has one.

    Returns:
        The numbers of pages and pictures, megabytes, and how many units the chosen network has, dead, and always on.

    Raises:
        UserError: an input of the report is missing or does not match the others.
    """
    with deterministic(params.threads):
        evidence = read_evidence(params, home=home, fonts=fonts)
        network, card = load_model(evidence.chosen_folder)
        explained = explain_units(
            network,
            table=evidence.table,
            target=params.labels.target,
            height=card["height"],
            width=card["width"],
            top=params.report.top,
            crops=params.report.crops,
        )
        with written_whole(out) as folder:
            links = links_of(evidence, explained)
            site = Site(folder=folder, problem=params.problem, target=params.labels.target, links=links)
            _write_results(site, evidence, explained, card["labels"], data or {})
            write_network(site, evidence, explained, network, card["labels"])
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    return _summary(site, explained) | {"megabytes": size / 1e6}


def _write_results(
    site: Site, evidence: Evidence, explained: Explanation, labels: list[str], data: Mapping[str, str]
) -> None:
    write_index(site, evidence, explained, labels, data=data)
    write_confusion(site, evidence, labels)
    write_accuracy(site, evidence)
    write_invariance(site, evidence, explained)
    if is_studied(evidence):
        write_mining(site, evidence)
    write_losses(site, evidence)
    for one_round in evidence.rounds:
        write_round(site, evidence, one_round)


def _summary(site: Site, explained: Explanation) -> dict[str, float]:
    return {
        "pages": float(site.pages),
        "pictures": float(site.pictures),
        "units": float(sum(len(layer.summary.mean) for layer in explained.layers)),
        "dead_units": float(sum(int(layer.summary.dead.sum()) for layer in explained.layers)),
        "always_on_units": float(sum(int(layer.summary.always_on.sum()) for layer in explained.layers)),
    }
