"""Profiles: small files of overrides for `params.yaml`, each saying what it costs."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

from tasks.errors import UserError
from tasks.files import written_whole
from tasks.params import PARAMS_FILE, read_params

FOLDER = Path("profiles")


class Profile(BaseModel):
    """`cost` is said before a run; `overrides` maps dotted keys of `params.yaml` to values."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    name: str
    cost: str
    overrides: dict[str, Any]


def profiles() -> list[Profile]:
    return [read_profile(path.stem) for path in sorted(FOLDER.glob("*.yaml"))]


def read_profile(name: str) -> Profile:
    """Read `profiles/<name>.yaml`.

    Raises:
        UserError: there is no such profile, or it has other keys than `cost` and `overrides`.
    """
    path = FOLDER / f"{name}.yaml"
    if not path.is_file() or path.parent != FOLDER:
        known = ", ".join(file.stem for file in sorted(FOLDER.glob("*.yaml")))
        raise UserError("there is no such profile", where=name, mend=f"choose one of {known}")
    try:
        return Profile(name=name, **YAML(typ="safe").load(path))
    except (TypeError, ValueError) as error:
        raise UserError(f"the profile cannot be read: {error}", where=path, mend="restore it from git") from error


def cost_of(name: str) -> str:
    return read_profile(name).cost


def apply_profile(name: str) -> list[str]:
    """Write the profile's values into `params.yaml`, comments kept; return a line for each change.

    The result is checked before it replaces the file.
    """
    profile = read_profile(name)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    values = yaml.load(PARAMS_FILE)
    changes = []
    for dotted, value in {"profile": name, **profile.overrides}.items():
        *parents, key = dotted.split(".")
        section = values
        for parent in parents:
            section = section.setdefault(parent, {})
        if section.get(key) != value:
            changes.append(f"{dotted}: {section.get(key)} -> {value}")
            section[key] = value
    if changes:
        with written_whole(PARAMS_FILE) as beside:
            yaml.dump(values, beside)
            read_params(beside)
    return changes
