"""The report's page of mistakes: every wrong prediction of the chosen model on the test splits, and attributions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch

from models.explain.attribution_checks import area
from models.settings import AttributionSettings
from tasks.common.determinism import deterministic
from tasks.common.params import Params
from tasks.crop_table.shards import nuisance_columns
from tasks.crop_table.splits import SEVERITY
from tasks.explain.attribution import Explained, explain_crops
from tasks.explain.attribution_maps import METHODS, maps_of, shows_edges
from tasks.explain.attribution_page import overlay
from tasks.explain.sample import Sample
from tasks.pages.single_page import pixels_of
from tasks.pages.sprites import Sheet
from tasks.report.evidence import TESTS, Evidence
from tasks.report.overview import SPLIT_TITLES, names_of, words
from tasks.report.site import Site
from tasks.report.tables import in_turn
from tasks.train.weights import load_model

SHEET = 64  # mistakes in a sprite sheet: the browser loads those near the visible part
COLOURS = 32  # of a sheet: crops are grey, a map adds two hues; all colours would be three times the bytes
DIGITS = 4
ADDRESS = 16  # digits of a key in its mistake's anchor


def write_mistakes(site: Site, evidence: Evidence) -> None:
    settings = quick(evidence.params)
    rows = mistakes_of(evidence)
    attributed = attributed_of(rows, evidence.params.report.attributed)
    explained = _explained(evidence, attributed, settings) if len(rows) else None
    right = _right_maps(evidence, explained, attributed["true"].tolist(), settings) if explained else {}
    found = _numbers(evidence, rows, explained) if explained else []
    with_maps = [one for one in found if one["areas"]]
    names = names_of(evidence.params)
    splits = {split: SPLIT_TITLES[split].format(**names) for split in TESTS}
    tested = {split: {"crops": len(evidence.tests[split]), "mistakes": _count(rows, split)} for split in TESTS}
    numbers = {
        "model": evidence.chosen["name"],
        "severity": SEVERITY,
        "splits": tested,
        "methods": _means(with_maps) if explained else {},
        "completeness_error": _completeness(with_maps) if explained else None,
        "randomisation": _by_layer(explained.randomisation) if explained else [],
        "mistakes": found,
    }
    labels = {column: sorted(rows[column].value_counts().items()) for column in ("true", "predicted")}
    site.write(
        "mistakes",
        template="mistakes",
        numbers=numbers,
        chosen=evidence.chosen["name"],
        splits=splits,
        methods=METHODS,
        edges=shows_edges(explained.randomisation) if explained else {},
        labels=labels,
        places={column: {label: index for index, (label, _) in enumerate(of)} for column, of in labels.items()},
        attributed=len(attributed),
        sheets=_sheets(site, evidence, rows["key"].tolist(), explained, right) if explained else [],
        with_right=set(right),
        per_sheet=SHEET,
        address=ADDRESS,
        taken=min(settings.randomised, len(attributed)),
        settings=settings,
    )


def mistakes_of(evidence: Evidence) -> pd.DataFrame:
    """The chosen model's wrong predictions on every test split at `SEVERITY`, the most confident first."""
    parts = [rows.assign(split=split) for split, rows in evidence.tests.items()]
    rows = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    wrong = rows[rows["true"] != rows["predicted"]]
    return wrong.sort_values(["p", "key"], ascending=[False, True], ignore_index=True)


def attributed_of(rows: pd.DataFrame, most: int | None) -> pd.DataFrame:
    """At most `most` mistakes, in their order, all where None: of every (true, predicted) pair in turn the first."""
    if most is None:
        return rows
    return in_turn(rows, ["true", "predicted"], most=most).sort_index(ignore_index=True)


def quick(params: Params) -> AttributionSettings:
    """`attribution` with the report's own stride and steps."""
    settings = params.attribution
    return settings.model_copy(update={"stride": settings.report_stride, "steps": settings.report_steps})


def _explained(evidence: Evidence, rows: pd.DataFrame, settings: AttributionSettings) -> Explained:
    return explain_crops(
        evidence.params.model_copy(update={"attribution": settings}),
        rows["key"].tolist(),
        table=evidence.table,
        model_folder=evidence.chosen_folder,
        severity=SEVERITY,
        temperature=float(evidence.chosen["temperature"]),
        labels=rows["predicted"].tolist(),
    )


def _right_maps(
    evidence: Evidence, explained: Explained, true: list[str], settings: AttributionSettings
) -> dict[str, dict[str, np.ndarray]]:
    """By key and method the map of the right label, of those mistakes whose label the model knows."""
    network, card = load_model(evidence.chosen_folder)
    known = [row for row, label in enumerate(true) if label in card["labels"]]
    if not known:
        return {}
    targets = torch.tensor([card["labels"].index(true[row]) for row in known])
    with deterministic(evidence.params.threads):
        images = explained.images[torch.tensor(known)]
        maps = maps_of(network, images, targets, settings, workers=evidence.params.threads)
    return {
        explained.names[row]: {method: maps[method][place] for method in METHODS} for place, row in enumerate(known)
    }


def _numbers(evidence: Evidence, rows: pd.DataFrame, explained: Explained) -> list[dict[str, Any]]:
    """For each mistake the numbers on the page; the random order's areas are the reference of every method.

    `areas` is empty and `completeness_error` None for one without attribution.
    """
    labels, attribution = evidence.params.labels, explained.attribution
    columns = dict.fromkeys([*nuisance_columns(labels), "font_family", labels.group])
    areas = {
        method: {side: area(getattr(curves, side)).tolist() for side in ("deletion", "insertion")}
        for method, curves in attribution.curves.items()
    }
    of_random = attribution.curves[METHODS[0]]
    areas["random"] = {side: area(getattr(of_random, f"random_{side}")).tolist() for side in ("deletion", "insertion")}
    place = {key: number for number, key in enumerate(explained.names)}

    def checks(key: str) -> dict[str, Any]:
        if key not in place:
            return {"areas": {}, "completeness_error": None}
        number = place[key]
        return {
            "areas": {
                name: {side: round(values[number], DIGITS) for side, values in of.items()} for name, of in areas.items()
            },
            "completeness_error": round(float(attribution.completeness_error[number]), DIGITS),
        }

    return [
        {
            **{name: row[name] for name in ("key", "split", "true", "predicted")},
            "p": round(float(row["p"]), DIGITS),
            "known": {words(name): str(row[name]) for name in columns if pd.notna(row[name])},
            **checks(row["key"]),
        }
        for row in rows.to_dict("records")
    ]


def _means(found: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """For each method the mean gain over a random order, and the fraction of mistakes where it beats that order."""
    means: dict[str, dict[str, float]] = {}
    for method in METHODS:
        of = [(one["areas"][method], one["areas"]["random"]) for one in found]
        gains = {
            "deletion": np.array([random["deletion"] - own["deletion"] for own, random in of]),
            "insertion": np.array([own["insertion"] - random["insertion"] for own, random in of]),
        }
        means[method] = {"n": len(found)}
        for side, values in gains.items():
            means[method][f"{side}_gain"] = round(float(values.mean()), DIGITS)
            means[method][f"{side}_better"] = round(float((values > 0).mean()), DIGITS)
    return means


def _completeness(found: list[dict[str, Any]]) -> dict[str, float]:
    errors = np.array([one["completeness_error"] for one in found])
    return {
        "n": len(errors),
        "mean": round(float(errors.mean()), DIGITS),
        "median": round(float(np.median(errors)), DIGITS),
    }


def _by_layer(found: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    """A row for each layer, last layer first, with every method's similarity to the map of the trained weights."""
    layers = found[METHODS[0]]
    return [{"layer": layer, **{method: round(found[method][layer], DIGITS) for method in METHODS}} for layer in layers]


def _sheets(
    site: Site,
    evidence: Evidence,
    keys: list[str],
    explained: Explained,
    right: Mapping[str, Mapping[str, np.ndarray]],
) -> list[Sheet | None]:
    """Sheets of `SHEET` mistakes each: the crop as tested (`<key>/0`), and each method's map (`<key>/1` …).

    The maps of the right label are `<key>/right/1` ….
    """
    target, channels = evidence.params.labels.target, explained.images.shape[1]
    images = Sample.of_keys(evidence.table, keys, target=target, severity=SEVERITY).images(channels)
    row = {key: number for number, key in enumerate(explained.names)}
    sheets: list[Sheet | None] = []
    for start in range(0, len(keys), SHEET):
        pictures = {}
        for key, image in zip(keys[start : start + SHEET], images[start : start + SHEET], strict=True):
            pictures[f"{key}/0"] = pixels_of(image)
            for number, method in enumerate(METHODS if key in row else (), 1):
                pictures[f"{key}/{number}"] = overlay(image, explained.attribution.maps[method][row[key]])
            for number, method in enumerate(METHODS if key in right else (), 1):
                pictures[f"{key}/right/{number}"] = overlay(image, right[key][method])
        sheets.append(site.sheet(f"mistakes-{len(sheets)}", pictures, colours=COLOURS))
    return sheets


def _count(rows: pd.DataFrame, split: str) -> int:
    return int((rows["split"] == split).sum())
