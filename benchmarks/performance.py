"""Write docs/performance.md from benchmarks/results/*.json: `python -m benchmarks.performance`."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
PAGE = RESULTS.parent.parent / "docs" / "performance.md"


def main() -> None:
    PAGE.write_text(page(json.loads((RESULTS / "chain.json").read_text(encoding="utf-8"))), encoding="utf-8")


def page(chain: dict[str, Any]) -> str:
    """The page, from the figures of `benchmarks/chain.py`."""
    machine, run = chain["machine"], chain["run"]
    lines = [
        "# Performance",
        "",
        "Written by `python -m benchmarks.performance` from what `python -m benchmarks.chain` measured.",
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']} GiB, Python {machine['python']}.",
        "",
        "## The default profile, from nothing to the report",
        "",
        "| what | measured | aim |",
        "|---|---|---|",
        f"| `unfont run` after installation, fonts fetched | {run['seconds'] / 60:.1f} min | ≤ 10 min |",
        f"| peak memory, all processes | {run['peak_gib']:.2f} GiB | ≤ 4 GiB |",
        f"| `dvc repro` with nothing to do | {said(chain['noop']['dvc_repro_s'])} | ≤ 5 s |",
        f"| `unfont run` with nothing to do | {said(chain['noop']['unfont_run_s'])} | ≤ 6 s |",
        *orchestration(chain["orchestration"]),
        "",
        "Seconds of each stage's own work:",
        "",
        "| stage | seconds |",
        "|---|---|",
        *(f"| `{stage}` | {seconds:.1f} |" for stage, seconds in run["stages"].items()),
        "",
        "## Accuracy of the chosen model on designs never seen",
        "",
        "| severity | accuracy over text crops |",
        "|---|---|",
        *(f"| {severity} | {value:.1%} |" for severity, value in chain["accuracy"].items()),
        "",
    ]
    return "\n".join(lines)


def orchestration(costs: dict[str, Any]) -> list[str]:
    return [
        f"| bare `dvc repro`, a stage without torch | {said(costs['stage_without_torch_s'])} | ≤ 3 s |",
        f"| … of a stage with torch | {said(costs['stage_with_torch_s'])} | ≤ 3 s |",
        f"| … of which importing torch | {said(costs['of_which_import_torch_s'])} | |",
    ]


def said(seconds: dict[str, Any]) -> str:
    return f"{seconds['median']:.2f} s ({seconds['min']:.2f} to {seconds['max']:.2f}, n = {seconds['n']})"


if __name__ == "__main__":
    main()
