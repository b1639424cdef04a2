"""The map of embeddings: the same crops by two models, coloured by what these should tell and should not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from tasks.common.text import clip
from tasks.pages.svg import APART, SQUARE, Axis, Plot, colour
from tasks.probe.embedding_map import EmbeddingMap
from tasks.report.evidence import model_folders
from tasks.report.modes import ComparedModels

METHODS = {"pca": "PCA", "tsne": "t-SNE"}
PLANE = Axis(title="", low=-0.02, high=1.02, ticks=[(-0.02, ""), (1.02, "")])  # a frame


def mapped_models(home: Path, compared: ComparedModels, chosen: str) -> dict[str, Path]:
    """The reference, and beside it the chosen mode; where the reference itself was chosen, the last other mode."""
    beside = chosen if chosen in compared.others else next(iter(compared.others[::-1]), None)
    folders = model_folders(home)
    return {name: folders[name] for name in (compared.reference, beside) if name}


def colouring(values: list[Any]) -> dict[str, str]:
    """The styles of the eight most frequent values, in alphabetical order; the others share one (`rest`)."""
    counts = Counter(str(value) for value in values if value is not None)
    frequent = sorted(counts, key=lambda value: (-counts[value], value))[: len(APART)]
    return {value: colour(number) for number, value in enumerate(sorted(frequent))}


def map_numbers(found: EmbeddingMap, columns: list[str]) -> dict[str, Any]:
    """Keys and labels of the crops, and where each model and method has them."""
    labels = {column: _values(found, column) for column in columns}
    places = {model: {name: at.tolist() for name, at in by.items()} for model, by in found.places.items()}
    return {"keys": found.rows["key"].tolist(), "labels": labels, "places": places, "held": found.held}


def map_plots(found: EmbeddingMap, column: str, *, title: str) -> dict[str, Any]:
    """Of one colouring: its `legend` (value, style), whether there is a `rest`, and `pictures` (method, model, svg)."""
    values = _values(found, column)
    styles = colouring(values)
    rest = [place for place, value in enumerate(values) if value not in styles]
    groups = [("rest", "others", rest)] if rest else []
    for value, style in styles.items():
        groups.append((style, clip(value), [place for place, own in enumerate(values) if own == value]))
    pictures = []
    for method, method_title in METHODS.items():
        for model, places in found.places.items():
            plot = Plot(f"{method_title} of {model}'s embeddings, coloured by {title}", x=PLANE, y=PLANE, height=SQUARE)
            for style, name, chosen in groups:
                plot.dots(places[method][chosen].tolist(), style=style, title=name)
            pictures.append((method_title, model, plot.svg()))
    return {"title": title, "legend": list(styles.items()), "rest": bool(rest), "pictures": pictures}


def is_known(found: EmbeddingMap, column: str) -> bool:
    return any(value is not None for value in _values(found, column))


def _values(found: EmbeddingMap, column: str) -> list[str | None]:
    own = found.rows[column].astype(object)
    return [None if missing else str(value) for value, missing in zip(own, own.isna(), strict=True)]
