"""Font packages as the registry has them, made of toy fonts."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fontTools.fontBuilder import FontBuilder
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont
from fontTools.ttLib.tables.TupleVariation import TupleVariation


def make_package(root: Path, name: str, font: Path, *, optional: bool = False, **facts: Any) -> Path:
    """Add a package of one font to `root`'s list and to its lock, which node_modules matches; return its folder.

    `facts` go into its metadata; its subsets may be a mapping to the characters in each file, its weights axes.
    """
    folder, suffix = root / "node_modules" / name, "woff2" if "-variable/" in name else "woff"
    (folder / "files").mkdir(parents=True)
    said = {"category": "handwriting", "weights": [300, 700], "subsets": ["latin", "greek"], "type": "google"} | facts
    (folder / "metadata.json").write_text(json.dumps(said | {"subsets": list(said["subsets"])}))
    (folder / "package.json").write_text(json.dumps({"license": "OFL-1.1"}))
    for subset in said["subsets"]:
        for weight in said["weights"]:
            part = TTFont(font)
            if isinstance(said["subsets"], dict):
                subsetter = Subsetter(Options(notdef_outline=True))
                subsetter.populate(text=said["subsets"][subset])
                subsetter.subset(part)
            part.flavor = suffix
            for slope in said.get("styles", ["normal"]):
                part.save(folder / "files" / f"{folder.name}-{subset}-{weight}-{slope}.{suffix}")
    _list(root / "package.json", ["optionalDependencies" if optional else "dependencies"], name, "1.0.0")
    entry = {"version": "1.0.0", "integrity": "sha512-x"} | ({"optional": True} if optional else {})
    for lock in (root / "package-lock.json", root / "node_modules" / ".package-lock.json"):
        _list(lock, ["packages"], f"node_modules/{name}", entry)
    return folder


def _list(path: Path, keys: list[str], name: str, value: Any) -> None:
    whole = json.loads(path.read_text()) if path.is_file() else {}
    place = whole
    for key in keys:
        place = place.setdefault(key, {})
    place[name] = value
    path.write_text(json.dumps(whole))


def make_variable(font: Path, out: Path, *, axes: tuple[str, ...] = ("wght", "wdth")) -> Path:
    """Write `font` with axes: `wdth` from 75 (a quarter narrower) to 100, `wght` from 100 to 900 (of no effect)."""
    builder = FontBuilder(font=TTFont(font))
    ranges = {"wght": ("wght", 100, 400, 900, "Weight"), "wdth": ("wdth", 75, 100, 100, "Width")}
    builder.setupFvar([ranges[axis] for axis in axes], [])
    glyphs, widths = builder.font["glyf"], builder.font["hmtx"].metrics
    narrower = {}
    for name in builder.font.getGlyphOrder() if "wdth" in axes else ():
        points = [*(x for x, _ in glyphs[name].getCoordinates(glyphs)[0]), 0, widths[name][0], 0, 0]
        narrower[name] = [TupleVariation({"wdth": (-1.0, -1.0, 0.0)}, [(round(-x / 4), 0) for x in points])]
    builder.setupGvar(narrower)
    builder.font.save(out)
    return out


def make_collection(fonts: Sequence[Path], out: Path) -> Path:
    """Write one .ttc of several fonts."""
    collection = TTCollection()
    collection.fonts = [TTFont(font) for font in fonts]
    collection.save(out)
    return out
