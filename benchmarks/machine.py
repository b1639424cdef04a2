"""The machine that values were measured on, and how they are summarised."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Processor, cores, memory and the versions of the packages."""
    cpu = "unknown"
    if (listing := Path("/proc/cpuinfo")).exists():
        lines = listing.read_text(encoding="utf-8").splitlines()
        cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), cpu)
    packages = ("torch", "prefect", "mlflow", "dvc", "pillow", "numpy", "pandas", "pyarrow")
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "python_loops_per_s": round(pace()),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in packages},
    }


def pace(loops: int = 1_000_000) -> float:
    """Turns a second of an empty Python loop, the best of five: shared hosts of one name differ several times in it."""
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(loops):
            pass
        seconds.append(time.perf_counter() - start)
    return loops / min(seconds)


def timed(work: Callable[[], object]) -> float:
    """Seconds by the clock."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def spread(seconds: list[float]) -> dict[str, Any]:
    """Median with the smallest and the largest of the measurements, in seconds."""
    return {
        "median": round(statistics.median(seconds), 3),
        "min": round(min(seconds), 3),
        "max": round(max(seconds), 3),
        "n": len(seconds),
    }
