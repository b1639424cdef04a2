"""Attribution in numbers and as text: a line a picture, and the checks."""

from typing import Any

from tasks.explain.attribution import Explained
from tasks.explain.attribution_maps import METHODS
from tasks.pages.text_table import aligned

DIGITS = 6  # of numbers


def numbers_of(explained: Explained) -> dict[str, Any]:
    """The attribution without its maps, as values that JSON can hold; docs/how-to/look-inside.md lists them."""
    attribution = explained.attribution
    gains = {
        name: {"deletion_gain": found.deletion_gain.tolist(), "insertion_gain": found.insertion_gain.tolist()}
        for name, found in attribution.curves.items()
    }
    pictures = [
        {
            "picture": name,
            "prediction": prediction,
            "label": label,
            "window": {"number": window[0], "of": window[1]},
            "methods": {
                method: {gain: round(values[row], DIGITS) for gain, values in found.items()}
                for method, found in gains.items()
            },
            "completeness_error": round(float(attribution.completeness_error[row]), DIGITS),
        }
        for row, (name, prediction, label, window) in enumerate(
            zip(explained.names, explained.predictions, explained.labels, explained.windows, strict=True)
        )
    ]
    randomisation = {
        method: {layer: round(value, DIGITS) for layer, value in found.items()}
        for method, found in explained.randomisation.items()
    }
    return {"target": explained.target, "pictures": pictures, "randomisation": randomisation}


def format_attribution(numbers: dict[str, Any]) -> str:
    """The values of `numbers_of` as a table, a line a picture."""
    several = any(picture["window"]["of"] > 1 for picture in numbers["pictures"])
    rows = [["picture", numbers["target"], "p", *(["window"] if several else []), *METHODS, "error"]]
    for picture in numbers["pictures"]:
        window = [f"{picture['window']['number']} of {picture['window']['of']}"] if several else []
        gains = [picture["methods"][method] for method in METHODS]
        reported = [f"{gain['deletion_gain']:+.2f} {gain['insertion_gain']:+.2f}" for gain in gains]
        prediction = picture["prediction"]
        start = [picture["picture"], prediction[numbers["target"]], f"{prediction['p']:.3f}"]
        rows.append([*start, *window, *reported, f"{100 * picture['completeness_error']:.1f}%"])
    left = [f"{method} {list(found.values())[-1]:+.2f}" for method, found in numbers["randomisation"].items()]
    return "\n".join(
        [
            *aligned(rows),
            "",
            "by method: area gained on a random map by deletion, by insertion; above 0 the map is better than random",
            "error: completeness error of integrated gradients",
            f"similarity of the maps with all weights random: {', '.join(left)}; a map of what was learned has about 0",
        ]
    )
