"""Profiles: small files of overrides for `params.yaml`, each with its cost."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

from apps.settings import write_settings
from unfont.errors import UserError

FOLDER = Path("profiles")


class Profile(BaseModel):
    """`cost` is printed before a run; `overrides` maps dotted keys of `params.yaml` to values."""

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
        raise UserError("there is no such profile", where=name, fix=f"choose one of {known}")
    try:
        return Profile(name=name, **YAML(typ="safe").load(path))
    except (TypeError, ValueError) as error:
        raise UserError(f"the profile cannot be read: {error}", where=path, fix="restore it from git") from error


def cost_of(name: str) -> str:
    return read_profile(name).cost


def apply_profile(name: str) -> list[str]:
    """Write the profile's values into `params.yaml`; return a line for each change.

    Raises:
        UserError: there is no such profile, or it has a wrong key or value; the file stays as it was.
    """
    return write_settings({"profile": name, **read_profile(name).overrides})


def apply_settings_of(name: str, *, section: str) -> list[str]:
    """Write what the profile sets in one section of `params.yaml`, and no more; return a line for each change.

    Raises:
        UserError: as `apply_profile`.
    """
    overrides = read_profile(name).overrides
    return write_settings({key: value for key, value in overrides.items() if key.startswith(f"{section}.")})
