"""The embedding projection: the same crops by two models, coloured by the target and by the nuisances."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from tasks.pages.svg import APART, SQUARE, Axis, Plot, colour
from tasks.probe.embedding_map import EmbeddingMap
from tasks.report.evidence import model_folders
from tasks.report.invariance.modes import ComparedModels
from unfont.text import clip

METHODS = {"pca": "PCA", "tsne": "t-SNE"}
PLANE = Axis(title="", low=-0.02, high=1.02, ticks=[(-0.02, ""), (1.02, "")])  # a frame


def mapped_models(home: Path, compared: ComparedModels, chosen: str) -> dict[str, Path]:
    """The reference and the chosen mode; where the reference itself was chosen, the last other mode."""
    other = chosen if chosen in compared.others else next(iter(compared.others[::-1]), None)
    folders = model_folders(home)
    return {name: folders[name] for name in (compared.reference, other) if name}


def colouring(values: list[Any]) -> dict[str, str]:
    """CSS classes of the eight most frequent values, in alphabetical order; the others share one (`rest`)."""
    counts = Counter(str(value) for value in values if value is not None)
    frequent = sorted(counts, key=lambda value: (-counts[value], value))[: len(APART)]
    return {value: colour(number) for number, value in enumerate(sorted(frequent))}


def map_numbers(found: EmbeddingMap, columns: list[str]) -> dict[str, Any]:
    """Keys and labels of the crops, and their coordinates by model and method."""
    labels = {column: _values(found, column) for column in columns}
    places = {model: {name: at.tolist() for name, at in by.items()} for model, by in found.places.items()}
    return {"keys": found.rows["key"].tolist(), "labels": labels, "places": places, "held": found.held}


def map_plots(found: EmbeddingMap, column: str, *, title: str) -> dict[str, Any]:
    """One colouring: its `legend` (value, CSS class), whether it has a `rest`, and `pictures` (method, model, svg)."""
    values = _values(found, column)
    css_classes = colouring(values)
    rest = [index for index, value in enumerate(values) if value not in css_classes]
    groups = [("rest", "others", rest)] if rest else []
    for value, css_class in css_classes.items():
        groups.append((css_class, clip(value), [index for index, own in enumerate(values) if own == value]))
    pictures = []
    for method, method_title in METHODS.items():
        for model, places in found.places.items():
            plot = Plot(f"{method_title} of {model}'s embeddings, coloured by {title}", x=PLANE, y=PLANE, height=SQUARE)
            for css_class, name, chosen in groups:
                plot.dots(places[method][chosen].tolist(), css_class=css_class, title=name)
            pictures.append((method_title, model, plot.svg()))
    return {"title": title, "legend": list(css_classes.items()), "rest": bool(rest), "pictures": pictures}


def is_known(found: EmbeddingMap, column: str) -> bool:
    return any(value is not None for value in _values(found, column))


def _values(found: EmbeddingMap, column: str) -> list[str | None]:
    own = found.rows[column].astype(object)
    return [None if missing else str(value) for value, missing in zip(own, own.isna(), strict=True)]
