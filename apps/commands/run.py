"""Run the pipeline, and what comes before it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tasks.common.params import Params

NOTHING_TO_DO = "nothing to do: everything is up to date"


def run(
    stage: Annotated[str | None, typer.Argument(help="Only this stage and those before it, such as round@2.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would run, and run nothing.")] = False,
) -> None:
    """Run every stage that is stale, in order, and no other."""
    from flows.plan import open_repo, stale_stages
    from tasks.common.params import read_params
    from tasks.common.run_lock import one_run

    params = read_params()
    if plan:
        print("\n".join(stale_stages(open_repo(), stage)) or NOTHING_TO_DO)
        return
    with one_run():
        stale = stale_stages(open_repo(), stage)
        if not stale:
            print(NOTHING_TO_DO)
            return
        _run_stale(stage, stale, params)


def _run_stale(stage: str | None, stale: list[str], params: "Params") -> None:
    from apps.profiles import cost_of

    if params.device == "cuda":
        from tasks.common.device import device_of

        device_of(params.device)  # before the stages that need none
    print(f"{len(stale)} stages are stale: {', '.join(stale)}")
    print(f"profile {params.profile}: the whole pipeline costs {cost_of(params.profile)}", flush=True)
    from flows.pipeline import run_pipeline

    run_pipeline(stage)
    print(f"done: {', '.join(str(path) for path in _what_to_open(params.home))}")


def _what_to_open(home: Path) -> list[Path]:
    return [path for path in (home / "report" / "index.html", home / "metrics" / "evaluate.json") if path.exists()]


def join(
    address: Annotated[
        str, typer.Argument(help="host:port where the first machine listens: its MASTER_ADDR and MASTER_PORT.")
    ],
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Minutes without a training after which it ends.")
    ] = 60.0,
) -> None:
    """Take part, on this machine, in the trainings of another one (train.nodes)."""
    from tasks.train.machines import join

    done = join(address, wait=60 * wait)
    print(f"{done} trainings: none since {wait:g} minutes")


def setup() -> None:
    """Make the MLflow store and check what the pipeline needs; `make run` calls it once."""
    from apps.doctor import check_machine
    from tasks.common.mlflow_store import make_store, store_uri
    from tasks.common.params import read_params

    params = read_params()
    check_machine()
    make_store(params.problem)
    print(f"ready: runs are recorded in {store_uri()}")


def doctor() -> None:
    """Check this machine and this project: what works, what is stale and why, and how to fix what does not."""
    from apps.doctor import examine
    from tasks.common.params import read_params

    read_params()
    findings = examine()
    for finding in findings:
        mark = "ok  " if not finding.fix else "FIX " if finding.needed else "hint"
        print(f"{mark} {finding.what}: {finding.state}{finding.fix and ': '}{finding.fix}")
    raise typer.Exit(0 if all(finding.good for finding in findings) else 1)


def profile(name: Annotated[str | None, typer.Argument(help="The profile to write into params.yaml.")] = None) -> None:
    """List the profiles and what each costs, or write one's values into params.yaml."""
    from apps.profiles import apply_profile, profiles
    from tasks.common.params import read_params

    chosen = read_params().profile
    if name is None:
        for each in profiles():
            print(f"{'*' if each.name == chosen else ' '} {each.name:10} {each.cost}")
        return
    changed = apply_profile(name)
    print("\n".join(changed) or f"params.yaml has the values of {name} already")
