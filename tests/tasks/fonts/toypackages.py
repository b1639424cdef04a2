"""Font packages as the registry has them, made of toy fonts."""

import json
from pathlib import Path
from typing import Any

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont


def make_package(root: Path, name: str, font: Path, *, optional: bool = False, **facts: Any) -> Path:
    """Add a package of one font to `root`'s list and to its lock, which node_modules matches; return its folder.

    `facts` go into its metadata; those of a subset may be a mapping of subsets to the characters in its file.
    """
    folder = root / "node_modules" / name
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
            part.flavor = "woff"
            part.save(folder / "files" / f"{folder.name}-{subset}-{weight}-normal.woff")
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
