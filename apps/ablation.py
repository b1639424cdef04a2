"""`unfont ablation`: train the variants, print the table, write the page of maps."""

import logging
import sys
from pathlib import Path

from flows.ablation import run_experiment
from tasks.ablation.experiment import make_experiment
from tasks.ablation.failures import failures_of
from tasks.ablation.page import write_maps_page
from tasks.ablation.recipes import BASE, FOUR
from tasks.ablation.text import format_ablation
from tasks.common.params import read_params
from tasks.pages.single_page import check_page
from tasks.pages.text_table import text_of

log = logging.getLogger("unfont")


def ablation(
    source: Path,
    *,
    only: str | None,
    seeds: int | None,
    rotations: int | None,
    workers: int | None,
    out: Path,
    output_format: str,
) -> None:
    """Measure the variants on the faces in `source`; what is None is as params.yaml has it.

    Raises:
        UserError: an option is wrong, or the pictures cannot be used.
    """
    params = read_params()
    check_page(out)
    given = {"seeds": seeds, "rotations": rotations}
    settings = params.ablation.model_copy(update={key: value for key, value in given.items() if value is not None})
    experiment = make_experiment(params, source, settings, only=only)
    # Each training takes one thread: networks as small as these are not done sooner by two.
    spread = params.sweep.model_copy(update={"workers": workers or params.threads})
    log.info(
        "ablation: %d trainings, %d of them left: about %.0f minutes",
        len(experiment.jobs), len(experiment.left), experiment.minutes_left(spread.workers),
    )  # fmt: skip
    numbers, maps = run_experiment(experiment, settings=spread)
    first = [job for job in experiment.of_variants if job.place == (0, 0) and job.recipe.name in (BASE, FOUR)]
    write_maps_page(out, numbers, maps, [failure for job in first for failure in failures_of(job)])
    print(text_of(numbers, output_format, format_ablation))
    print(f"page: {out}", file=sys.stderr)
