"""The report's pages on the chosen network: computed one after the other, and written."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from models.network import CropNet, folded
from models.settings import CLEAN
from tasks.common.device import device_of
from tasks.common.params import Params
from tasks.crop_table.shards import pictures
from tasks.crop_table.splits import VALIDATION
from tasks.explain.activation_maximisation import chosen_head, maximise_units, settings_of
from tasks.explain.filters import first_filters
from tasks.explain.frequencies import measure_frequencies
from tasks.explain.removal import remove_units
from tasks.explain.sample import Sample
from tasks.explain.selective import selective_units
from tasks.explain.unit_images import UnitVisualiser, crops_of
from tasks.explain.units import Explanation, by_label, shown_keys
from tasks.report.activation_maximisation import write_activation_maximisation
from tasks.report.compare import write_compared
from tasks.report.evidence import Evidence
from tasks.report.frequencies import write_frequencies
from tasks.report.layers import write_layer
from tasks.report.learned import LEARNED, write_learned
from tasks.report.mistakes import write_mistakes
from tasks.report.picture import write_picture
from tasks.report.redundancy import write_redundancy
from tasks.report.site import Site
from tasks.report.units import write_units

SAMPLE = 256  # clean crops of validation that the range of pixels is taken from
SETTINGS = 4  # of the images of each unit
PAPER_STEPS = 812  # mean over the paper's four settings
STEPS_PER_SECOND = 3500.0  # steps a second of the default network on 2 cores, in the mean over its units
log = logging.getLogger("unfont")


def write_network(site: Site, evidence: Evidence, explained: Explanation, network: CropNet, labels: list[str]) -> None:
    """Write the pages of the groups Inside and Layers. Must run within `deterministic`.

    Raises:
        UserError: the table has no validation crops.
    """
    params, network = evidence.params, folded(network)
    learned = [selective_units(explained, layer, LEARNED) for layer in explained.layers]
    chosen = [
        sorted({*by_label(explained, layer, params.report.units), *(one.unit for one in selective)})
        for layer, selective in zip(explained.layers, learned, strict=True)
    ]
    _log_cost(sum(map(len, chosen)), params)
    sample = Sample.of_split(evidence.table, VALIDATION, target=params.labels.target, most=SAMPLE, severity=CLEAN)
    with _timed("optimised images of a unit of every layer"):
        predictions = zip(evidence.tested["true"], evidence.tested["predicted"], strict=True)
        head_unit = chosen_head(explained, labels, predictions)
        images = sample.images(network.channels)
        maximised = maximise_units(network, explained, images=images, head_unit=head_unit, params=params)
        write_activation_maximisation(site, evidence, explained, maximised, labels)
    with _timed("measured frequencies and robustness"):
        write_frequencies(site, measure_frequencies(network, maximised, sample=sample, settings=params.degrade))
    with _timed("explained the mistakes"):
        write_mistakes(site, evidence)
    with _timed("compared networks and pruned the chosen one"):
        write_compared(site, evidence, explained)
        write_redundancy(site, evidence, explained)
    settings = settings_of(params, maximised.search)
    # All at once: each look for some crops reads the whole table.
    crops = pictures(evidence.table, shown_keys(explained))
    images_of = crops_of(crops, explained, channels=network.channels)
    write_picture(site, explained, network, learned, images_of)
    visualiser = UnitVisualiser(
        network, images_of, canvas=maximised.canvas,
        settings=settings, projected=params.report.projected, seed=params.seed, workers=params.threads,
        device=device_of(params.device),
    )  # fmt: skip
    units, shown = [], []
    for layer, optimised in zip(explained.layers, chosen, strict=True):
        with _timed(f"optimised images of {len(optimised)} units of layer {layer.name}"):
            visuals = visualiser.visualise(layer, optimised=optimised)
            filters = first_filters(network) if layer is explained.layers[0] else []
            units.append(write_layer(site, explained, layer, labels, crops=crops, visuals=visuals, filters=filters))
            shown.append(visuals)
    with _timed("took units away"):
        removal = remove_units(network, labels, table=evidence.table, target=params.labels.target, seed=params.seed)
    write_learned(site, explained, learned, units, shown, crops, removal)
    write_units(site, explained, units)


def _log_cost(units: int, params: Params) -> None:
    steps = params.report.steps or PAPER_STEPS
    minutes = 1.5 + units * SETTINGS * steps / STEPS_PER_SECOND / 60
    log.info(
        "activation maximisation: %d units, %d steps each, about %.0f minutes on 2 cores (fewer with report.steps)",
        units, steps, minutes,
    )  # fmt: skip


@contextmanager
def _timed(what: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    log.info("%s in %.0f s", what, time.monotonic() - start)
