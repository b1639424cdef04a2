"""What answers rest on, in numbers and as text: a line a picture, and what the checks say."""

from typing import Any

from tasks.explain.attribution import METHODS, Explained
from tasks.pages.text_table import aligned

DIGITS = 6  # of numbers


def numbers_of(explained: Explained) -> dict[str, Any]:
    """What was found, without the maps, as values that JSON can hold; docs/how-to/look-inside.md names them."""
    attribution = explained.attribution
    gains = {
        name: {"deletion_gain": found.deletion_gain.tolist(), "insertion_gain": found.insertion_gain.tolist()}
        for name, found in attribution.curves.items()
    }
    pictures = [
        {
            "picture": name,
            "answer": answer,
            "label": label,
            "methods": {
                method: {gain: round(values[row], DIGITS) for gain, values in found.items()}
                for method, found in gains.items()
            },
            "completeness_error": round(float(attribution.completeness_error[row]), DIGITS),
        }
        for row, (name, answer, label) in enumerate(
            zip(explained.names, explained.answers, explained.labels, strict=True)
        )
    ]
    randomisation = {
        method: {layer: round(value, DIGITS) for layer, value in found.items()}
        for method, found in explained.randomisation.items()
    }
    return {"target": explained.target, "pictures": pictures, "randomisation": randomisation}


def format_attribution(numbers: dict[str, Any]) -> str:
    """What `numbers_of` says as a table, a line a picture."""
    rows = [["picture", numbers["target"], "p", *METHODS, "misses"]]
    for picture in numbers["pictures"]:
        gains = [picture["methods"][method] for method in METHODS]
        told = [f"{gain['deletion_gain']:+.2f} {gain['insertion_gain']:+.2f}" for gain in gains]
        answer = picture["answer"]
        start = [picture["picture"], answer[numbers["target"]], f"{answer['p']:.3f}"]
        rows.append([*start, *told, f"{100 * picture['completeness_error']:.1f}%"])
    left = [f"{method} {list(found.values())[-1]:+.2f}" for method, found in numbers["randomisation"].items()]
    return "\n".join(
        [
            *aligned(rows),
            "",
            "by method: area gained on a random map by deletion, by insertion; above 0 the map beats chance",
            "misses: by how much integrated gradients do not add up",
            f"likeness of the maps with all weights random: {', '.join(left)}; a map of what was learned has about 0",
        ]
    )
