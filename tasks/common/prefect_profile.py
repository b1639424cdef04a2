"""The Prefect server that a profile names, read without importing Prefect, which takes a second."""

import contextlib
import os
import tomllib
from pathlib import Path


def api_of_profile() -> str | None:
    """`PREFECT_API_URL` of the active profile (`prefect profile use`); None where it names no server."""
    home = Path(os.environ.get("PREFECT_HOME") or Path.home() / ".prefect").expanduser()
    file = Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml").expanduser()
    # A file that cannot be read is Prefect's to report.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        found = tomllib.loads(file.read_text(encoding="utf-8"))
        profile = found.get("profiles", {}).get(os.environ.get("PREFECT_PROFILE") or found.get("active"), {})
        return profile.get("PREFECT_API_URL") or None
    return None
