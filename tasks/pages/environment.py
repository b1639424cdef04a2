"""The Jinja environment of every page: values are escaped, and a missing value is an error."""

from pathlib import Path

import jinja2

from unfont.text import clip

TEMPLATES = Path(__file__).parent / "templates"


def environment() -> jinja2.Environment:
    """The environment that loads the templates beside this module; its filters are the functions below, and `clip`."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {each.__name__: each for each in (clip, signed, percent, points, thousands, short)}
    return found


def signed(value: float, digits: int = 2) -> str:
    """0.123 as +0.12, with a true minus; what rounds to 0 has no sign."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def percent(share: float | None, digits: int = 1) -> str:
    """0.9312 as 93.1%, None as a dash. Only 0 is shown as 0%, only 1 as 100%."""
    if share is None:
        return "–"
    step = 10**-digits
    text = f"{100 * share:.{digits}f}"
    if share > 0 and float(text) == 0:
        return f"<{step:.{digits}f}%"
    if share < 1 and float(text) == 100:
        return f">{100 - step:.{digits}f}%"
    return f"{text}%".replace("-", "−")


def points(change: float | None, digits: int = 1) -> str:
    """A change of a fraction in percentage points, with its sign: 0.012 as +1.2."""
    return "–" if change is None else signed(100 * change, digits)


def thousands(number: float | None) -> str:
    return "–" if number is None else f"{number:,.0f}"


def short(sha: str) -> str:
    """The first 12 digits of a hash."""
    return sha[:12]
