"""The results of a random search over a unit's settings, best first, as values that JSON can hold."""

from typing import Any

from models.explain.maximise.ascent_settings import AscentSettings
from models.explain.maximise.random_search import Search
from tasks.explain.activation_maximisation import BEST, REGULARISERS, regularisers_of

DIGITS = 4


def search_order(found: Search) -> list[int]:
    """Numbers of the random settings: those chosen, best first, then the others by rank."""
    best = found.best(BEST)
    ranked = found.rank.argsort(stable=True).tolist()
    return best + [number for number in ranked if number not in best]


def search_numbers(found: Search) -> list[dict[str, Any]]:
    """Each setting and its measures, in the order of `search_order`."""
    places = {number: place + 1 for place, number in enumerate(found.rank.argsort(stable=True).tolist())}
    return [
        {
            "rank": places[number],
            "best": place < BEST,
            "regularisers": regularisers_of(found.settings[number]),
            "strength": strength_of(found.settings[number]),
            "settings": found.settings[number].model_dump(),
            "mean_rank": round(float(found.rank[number]), DIGITS),
            "activation": round(float(found.activation[number]), DIGITS),
            "variation": round(float(found.variation[number]), DIGITS),
            "distance": round(float(found.distance[number]), DIGITS),
            "silent": bool(found.ascent.silent[number]),
        }
        for place, number in enumerate(search_order(found))
    ]


def strength_of(settings: AscentSettings) -> str:
    """The regularisers that are on, with their strengths, in words; nothing where none is."""
    on = settings.regularisers
    text = {
        "decay": f"decay {settings.decay:.2g}",
        "blur": f"blur {settings.blur_width:.2g} px every {settings.blur_every}",
        "norm": f"norm {settings.norm_percent:.0f}%",
        "contribution": f"contribution {settings.contribution_percent:.0f}%",
        "jitter": f"jitter {settings.jitter} px",
    }
    return ", ".join(text[name] for name in REGULARISERS if name in on)
