"""`unfont compare`: did two networks learn the same, and which of their layers are larger than needed?"""

import sys
from pathlib import Path

from flows.evaluate import models_of, replicas_of_study
from tasks.common.params import read_params
from tasks.explain.compare import compare_models, format_comparison, numbers_of, seed_pairs
from tasks.explain.compare_page import write_comparison_page
from tasks.explain.redundancy import format_spare, spare_units
from tasks.pages.single_page import check_page
from tasks.predict.named_model import named_model
from tasks.train.weights import weights_of

PAGES = Path("data/.work/compare")


def compare(first: str, second: str, *, page: Path | None, prune: bool, output_format: str) -> None:
    """Print the verdict on two models with its evidence, and write its page.

    Args:
        first, second: names of models, `champion`, or model folders.
        page: where the page goes; a name by the two models' weights in `PAGES` unless given.
        prune: measure, too, what each of them could do without.
        output_format: 'table' or 'json'.

    Raises:
        UserError: a model or the page is wrong, or the two do not fit each other.
    """
    params = read_params()
    models, replicas = models_of(params), replicas_of_study(params)
    if page is not None:
        check_page(page)
    names = (first, second)
    own = {name: named_model(params, name, models | replicas) for name in names}
    weights = weights_of(own[first]), weights_of(own[second])
    references = seed_pairs(names, models, replicas)
    table = params.home / "table"
    found = compare_models(params, table=table, models=models | replicas | own, names=names, references=references)
    numbers = numbers_of(found)
    if prune:
        numbers["spare"] = spare_units(params, table=table, models=own)
    page = page or PAGES / f"{weights[0][:12]}-{weights[1][:12]}.html"
    write_comparison_page(page, found, numbers=numbers, settings=params.compare, weights=weights)
    print(format_comparison(numbers, output_format))
    if prune and output_format != "json":
        print(f"\n{format_spare(numbers['spare'])}")
    print(f"page: {page}", file=sys.stderr)
