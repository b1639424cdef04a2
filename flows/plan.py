"""What is stale: DVC's status, and what follows from it. Planning only; `flows/pipeline.py` does the work."""

import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from unfont.errors import UserError

if TYPE_CHECKING:
    from dvc.repo import Repo

Graph = Mapping[str, Collection[str]]


def plan(frontier: Collection[str], graph: Graph) -> list[str]:
    """The stages to run, in order: the frontier and everything downstream of it.

    `graph` gives each stage's direct upstream stages. `dvc status` names only the frontier, since it cannot know
    whether a stage's outputs will change before that stage has run:

        fonts --> crops* --> tag --> baseline        * stale: crops, tag, baseline are the plan
        words -----^
    """
    stale: set[str] = set()
    order = []
    for stage in topological(graph):
        if stage in frontier or stale.intersection(graph[stage]):
            stale.add(stage)
            order.append(stage)
    return order


def topological(graph: Graph) -> list[str]:
    """Every stage after all of its upstream stages; ties in the graph's own order."""
    done: dict[str, None] = {}

    def visit(stage: str) -> None:
        if stage not in done:
            for upstream in graph[stage]:
                visit(upstream)
            done[stage] = None

    for stage in graph:
        visit(stage)
    return list(done)


def upstream_of(stage: str, graph: Graph) -> set[str]:
    """Every stage that `stage` depends on, near or far."""
    found: set[str] = set()
    for upstream in graph[stage]:
        found |= {upstream} | upstream_of(upstream, graph)
    return found


def stale_stages(repo: "Repo", target: str | None = None) -> list[str]:
    """The stages that are to run, in order; of these only `target` and what it needs, where one is given.

    Raises:
        UserError: DVC cannot read `dvc.yaml` or `params.yaml`, another `dvc` holds its lock, or there is no `target`.
    """
    frontier, graph = status_of(repo)
    if target is None:
        return plan(frontier, graph)
    check_stage(target, graph)
    wanted = {target} | upstream_of(target, graph)
    return [stage for stage in plan(frontier, graph) if stage in wanted]


def check_stage(address: str, graph: Graph) -> None:
    """Raises UserError where `dvc.yaml` and `params.yaml` give no stage at `address`."""
    if address not in graph:
        known = ", ".join(topological(graph))
        raise UserError("there is no such stage", where=address, fix=f"choose one of {known}")


def open_repo() -> "Repo":
    """The DVC repository of the working folder.

    Raises:
        UserError: there is none.
    """
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    # DVC turns its own logging on when it is imported; its messages about its lock file are of no use here.
    logging.getLogger("dvc").setLevel(logging.ERROR)
    if not Path("dvc.yaml").exists():
        raise UserError("there is no pipeline here", where="dvc.yaml", fix="run unfont in the project's folder")
    try:
        # Another dvc holds the lock for moments only: stages run without it.
        return Repo(_wait_for_lock=True)
    except NotDvcRepoError:
        raise UserError("this is no DVC repository", where=".dvc", fix="run dvc init, or clone again") from None


def status_of(repo: "Repo") -> tuple[set[str], dict[str, list[str]]]:
    """DVC's present status: the changed stages, and each stage's direct upstream stages in `dvc.yaml`'s order."""
    from dvc.exceptions import DvcException
    from dvc.repo import lock_repo

    try:
        # Each lock that DVC takes makes it read all its files anew: in this one they are read once.
        with lock_repo(repo):
            graph = repo.index.graph
            upstream = {
                stage.addressing: [other.addressing for other in graph.successors(stage)] for stage in repo.index.stages
            }
            return {name.removeprefix("dvc.yaml:") for name in repo.status()}, upstream
    except DvcException as error:
        raise UserError(f"DVC: {error}", where="dvc.yaml", fix="fix it, or wait for the other dvc to end") from error
