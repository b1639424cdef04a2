"""The report: what was measured, mined and learned, as a static site that opens with no network."""

import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from tasks.common.files import write_json
from tasks.pages.sprites import Sheet, write_sheet
from tasks.pages.svg import clip

TEMPLATES = Path(__file__).parents[1] / "pages" / "templates"
ASSETS = ("style.css", "page.js", "mistakes.js")
GROUPS = ("Results", "Mining", "Inside", "Layers")  # of the pages, in the order in which they are listed


@dataclass
class Site:
    """A folder of pages under construction; everything is escaped as it is filled in."""

    folder: Path
    problem: str
    target: str
    links: list[dict[str, str]]
    groups: tuple[str, ...] = GROUPS
    pages: int = 0
    pictures: int = 0
    _templates: jinja2.Environment = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        for name in ASSETS:
            shutil.copyfile(TEMPLATES / name, self.folder / name)
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        named = label_names() if self.target == "script" else {}
        self._templates.filters |= {"percent": percent, "points": points, "thousands": thousands}
        self._templates.filters |= {"short": short, "clip": clip}
        self._templates.filters["named"] = lambda label: named.get(label, "")

    def write(self, name: str, *, template: str, numbers: Any, **values: Any) -> None:
        """Write `name`.html from a template, and `numbers` beside it as `name`.json."""
        page = self._templates.get_template(f"{template}.html.jinja").render(
            page=name, site=self, numbers=numbers, **values
        )
        (self.folder / f"{name}.html").write_text(page, encoding="utf-8")
        write_json(self.folder / f"{name}.json", numbers)
        self.pages += 1

    def sheet(self, name: str, crops: dict[str, np.ndarray], *, colours: int | None = None) -> Sheet | None:
        """Write the crops as one sprite sheet (`tasks.pages.sprites.write_sheet`); None where there are none."""
        file = f"sprites/{name}.png"
        sheet = write_sheet(self.folder / file, crops, file=file, colours=colours)
        self.pictures += len(sheet.places) if sheet else 0
        return sheet


@cache
def label_names() -> dict[str, str]:
    """English names of ISO 15924 codes."""
    from babel import Locale

    return dict(Locale("en").scripts)


def percent(share: float | None, digits: int = 1) -> str:
    """0.9312 as 93.1%, no figure as a dash. Only nothing reads 0%, only all reads 100%."""
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
    """A change of a share in percentage points, with its sign: 0.012 as +1.2."""
    if change is None:
        return "–"
    text = f"{100 * change:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def thousands(number: float | None) -> str:
    return "–" if number is None else f"{number:,.0f}"


def short(sha: str) -> str:
    """The first 12 digits of a hash."""
    return sha[:12]
