"""README and docs as the tests read them: their shell lines, inline commands, links and anchors."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LANGUAGES = {"sh", "text", "yaml", "python"}
PROGRAMS = ("unfont", "dvc", "make", "mlflow", "python", "pip", "npm", "dask", "prefect", "git")
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img[^>]*\bsrc=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
VARIABLES = re.compile(r"^(?:[A-Z_]+=\S+ )+")


@dataclass(frozen=True)
class Page:
    path: Path
    text: str

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def prose(self) -> str:
        """The page without its fenced blocks."""
        return FENCE.sub("", self.text)

    def blocks(self) -> list[tuple[str, str]]:
        """Language and body of each fenced block."""
        return [(found[2], found[3]) for found in FENCE.finditer(self.text)]

    def commands(self) -> list[str]:
        """Every shell line, and every whole command of a table; variables set before a command are left out."""
        lines = [line.strip() for language, body in self.blocks() if language == "sh" for line in body.splitlines()]
        rows = [line for line in self.prose.splitlines() if line.startswith("|") and self.path.name == "README.md"]
        lines += [span for row in rows for span in INLINE.findall(row) if VARIABLES.sub("", span).startswith(PROGRAMS)]
        lines = [VARIABLES.sub("", re.sub(r"\s+#.*", "", line)) for line in lines if line and not line.startswith("#")]
        return list(dict.fromkeys(lines))

    def mentions(self) -> list[str]:
        """Commands of `unfont`, or parts of them, and modules that are run, inside of sentences and tables."""
        return [span for span in INLINE.findall(self.prose) if span.startswith(("unfont ", "python -m "))]

    def links(self) -> list[str]:
        """Targets of links and pictures that are not on the web."""
        found = [one or other for one, other in LINK.findall(self.prose)]
        return [target for target in found if not re.match(r"\w+:", target)]

    def anchors(self) -> set[str]:
        """As GitHub makes them of headings."""
        return {anchor_of(heading) for heading in HEADING.findall(self.prose)}


def anchor_of(heading: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    kept = [char for char in plain if char in " -_" or unicodedata.category(char)[0] in "LN"]
    return "".join(kept).replace(" ", "-")


def pages() -> list[Page]:
    return [Page(path, path.read_text(encoding="utf-8")) for path in PAGES]
