"""A static site under construction: pages from templates, each with its numbers as JSON, and sprite sheets."""

import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from tasks.common.files import write_json
from tasks.crop_table.png import Pixels, encode_png
from tasks.pages.environment import TEMPLATES, environment
from tasks.pages.sprites import Sheet, write_sheet

ASSETS = ("style.css", "page.js", "find.js", "mistakes.js")
GROUPS = ("Results", "Mining", "Network", "Layers")  # of the pages, in the order in which they are listed


@dataclass
class Site:
    """The folder of a site and its templates; every value is escaped. `links` are the navigation, by `groups`."""

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
        self._templates = environment()
        named = label_names() if self.target == "script" else {}
        self._templates.filters["named"] = lambda label: named.get(label, "")
        self._templates.filters["unit_page"] = unit_page

    def write(self, name: str, *, template: str, numbers: Any, within: str | None = None, **values: Any) -> None:
        """Write `name`.html from a template, and `numbers` beside it as `name`.json.

        With `within`, the name of the page whose numbers hold these, no file of numbers is written.
        """
        page = self._templates.get_template(f"{template}.html.jinja").render(
            page=name, site=self, numbers=numbers, beside=within or name, **values
        )
        (self.folder / f"{name}.html").write_text(page, encoding="utf-8")
        if within is None:
            write_json(self.folder / f"{name}.json", numbers)
        self.pages += 1

    def sheet(self, name: str, crops: dict[str, np.ndarray], *, colours: int | None = None) -> Sheet | None:
        """Write the crops as one sprite sheet (`tasks.pages.sprites.write_sheet`); None where there are none."""
        file = f"sprites/{name}.png"
        sheet = write_sheet(self.folder / file, crops, file=file, colours=colours)
        self.pictures += len(sheet.places) if sheet else 0
        return sheet

    def picture(self, name: str, pixels: Pixels) -> str:
        """Write one picture, as large as it is; the address of its file."""
        file = f"sprites/{name}.png"
        (self.folder / file).parent.mkdir(exist_ok=True)
        (self.folder / file).write_bytes(encode_png(pixels))
        self.pictures += 1
        return file


def unit_page(layer_page: str, unit: int) -> str:
    """The name of a unit's page, by that of its layer (`tasks.report.layers.layer_page`).

    >>> unit_page("layer-2-embedding", 17)
    'unit-2-17'
    """
    return f"unit-{layer_page.split('-')[1]}-{unit}"


@cache
def label_names() -> dict[str, str]:
    """English names of ISO 15924 codes."""
    from babel import Locale

    return dict(Locale("en").scripts)
