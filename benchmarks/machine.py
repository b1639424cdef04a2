"""What a figure was measured on, and how it is said."""

import os
import platform
import statistics
from importlib.metadata import version
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Processor, cores, memory and the versions that the figures follow from."""
    cpu = "unknown"
    if (listing := Path("/proc/cpuinfo")).exists():
        lines = listing.read_text(encoding="utf-8").splitlines()
        cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), cpu)
    packages = ("torch", "prefect", "mlflow", "dvc", "pillow", "numpy", "pandas", "pyarrow")
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in packages},
    }


def spread(seconds: list[float]) -> dict[str, Any]:
    """Median with the smallest and the largest of the measurements, in seconds."""
    return {
        "median": round(statistics.median(seconds), 3),
        "min": round(min(seconds), 3),
        "max": round(max(seconds), 3),
        "n": len(seconds),
    }
