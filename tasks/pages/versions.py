"""Which software made something: names and versions, as far as they can change what is made."""

import platform
from importlib import metadata

PACKAGES = ("unfont", "torch", "captum", "numpy", "pandas", "pyarrow", "pillow", "scipy")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that pictures and figures come from."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES}
