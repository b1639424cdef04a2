"""Tools measured in turns: each in a process of its own on the same core, one of them working at a time.

Nothing but the standard library, so that the peers' own environment can import it.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Libraries that would start threads of their own.
ONE_THREAD = {
    f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "OPENCV_FOR_THREADS")
} | {"PYTHONWARNINGS": "ignore", "PYTHONHASHSEED": "0"}


class Worker:
    """A process that measures its tools when asked: `python -m module arguments…`, pinned to `core`.

    Raises:
        SystemExit: the process ended before it answered; its own output has the reason.
    """

    def __init__(self, python: Path, module: str, *arguments: str, core: int | None) -> None:
        command = [str(python), "-m", module, *arguments]
        kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
        environment = kept | ONE_THREAD | ({} if core is None else {"BENCHMARK_CORE": str(core)})
        self.name = module
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.tools: list[str] = self._answer()["tools"]

    def measure(self, tool: str, seconds: float) -> dict[str, float]:
        """Crops made in `seconds` or a little more, the seconds that it took, and the processor's share of them."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"tool": tool, "seconds": seconds}) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended with status {self.process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is not None:
            self.process.kill()
        self.close()


def serve(make_tools: Callable[[], Mapping[str, Callable[[], int]]]) -> None:
    """A worker's side: make the tools on the core that was given, then measure one whenever asked.

    A tool is a function that makes some crops and says how many.
    """
    # Peers print as they go: answers have a channel of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if "BENCHMARK_CORE" in os.environ:
        os.sched_setaffinity(0, {int(os.environ["BENCHMARK_CORE"])})
    tools = make_tools()
    print(json.dumps({"tools": list(tools)}), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(measured(tools[asked["tool"]], asked["seconds"])), file=answers, flush=True)


def measured(tool: Callable[[], int], seconds: float) -> dict[str, float]:
    """Crops and seconds of as many calls of `tool` as `seconds` need; one at least: a busy machine takes them."""
    start, worked = time.perf_counter(), time.process_time()
    crops = tool()
    while (passed := time.perf_counter() - start) < seconds:
        crops += tool()
    return {"crops": crops, "seconds": passed, "cpu_share": (time.process_time() - worked) / passed}


def one_core() -> int | None:
    """The last core that this process may use (the first takes most interrupts); None where none can be chosen."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
