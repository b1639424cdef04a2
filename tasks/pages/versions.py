"""Names and versions of the software that can change an output."""

import platform
from importlib import metadata

PACKAGES = ("unfont", "torch", "captum", "numpy", "pandas", "pyarrow", "pillow", "scipy")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that pictures and metrics are computed with."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES}
