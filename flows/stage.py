"""What every stage has in common: its params, its MLflow run, its Prefect flow, its one line for a wrong input.

An ephemeral Prefect server costs 8 to 16 seconds a process, and importing Prefect another one. So a stage is a Prefect
flow when a server watches (`PREFECT_API_URL`, or `unfont ui` on this machine) or when the pipeline's own flow calls it,
and the same plain functions otherwise: under a bare `dvc repro`, DVC alone runs it and MLflow records it.
"""

import contextlib
import functools
import logging
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

from flows.artifacts import publish_metrics
from flows.logs import quiet_logging
from flows.server_gone import needs_server
from tasks.common.dvc_stage import StageFacts, dvc_process, stage_facts
from tasks.common.mlflow_record import Record
from tasks.common.mlflow_runs import recorded_stage
from tasks.common.orphans import no_orphans
from tasks.common.params import Params, read_params
from tasks.common.prefect_profile import api_of_profile
from unfont.errors import UnreachableError, UserError

P = ParamSpec("P")
R = TypeVar("R")
Body = Callable[[Params, StageFacts, Record], None]

log = logging.getLogger("unfont")
_worked: ContextVar[list[float]] = ContextVar("worked", default=[])  # noqa: B039  (each stage sets its own)

LOCAL_SERVER = "http://127.0.0.1:4200/api"


class Stage:
    """One stage of `dvc.yaml`: `flow` is its Prefect flow, calling it runs it."""

    def __init__(self, body: Body, *, name: str) -> None:
        self.body, self.name = body, name
        self._ended = False
        functools.update_wrapper(self, body)

    def address(self, item: str | None = None) -> str:
        """Its name in `dvc.yaml`: `tag`, or `round@2` with an item."""
        return self.name if item is None else f"{self.name}@{item}"

    @functools.cached_property
    def flow(self) -> Any:
        """The stage as a Prefect flow."""
        from prefect import flow

        return flow(
            name=self.name,
            description=self.body.__doc__,
            flow_run_name=_flow_run_name,
            validate_parameters=False,
            persist_result=False,
        )(self._run)

    def __call__(self, item: str | None = None) -> None:
        """Run it: as a flow where Prefect watches, as a plain function elsewhere."""
        if not (in_flow() or watched()):
            self._run(self.address(item))
            return
        self._ended = False
        try:
            with needs_server():
                self.flow(self.address(item))
        except UnreachableError as gone:
            if not self._ended:
                raise
            # Prefect could not be told; all else has the whole stage.
            log.warning("warning: %s: %s is finished all the same", gone, self.address(item))

    def _run(self, address: str) -> None:
        params = read_params()
        facts = stage_facts(address, params)
        with recorded_stage(facts, params.problem) as record:
            # Seconds of the stage's own steps: what is left of its wall time is orchestration.
            _worked.set([])
            self.body(params, facts, record)
            record.metrics({"work_seconds": sum(_worked.get())})
            if in_flow():
                from prefect.runtime import flow_run

                record.tag("prefect.flow_run_id", str(flow_run.id))
                publish_metrics(f"{address}-{params.problem}", record)
        self._ended = True


def _flow_run_name() -> str:
    from prefect.runtime import flow_run

    return str(flow_run.parameters["address"])


def stage(name: str) -> Callable[[Body], Stage]:
    """Make a stage of a function of (params, facts, record)."""
    return lambda body: Stage(body, name=name)


def step(function: Callable[P, R]) -> Callable[P, R]:
    """`function` as a Prefect task inside a flow run, and as itself elsewhere.

    Prefect's caching stays off: DVC alone decides what is stale.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if not in_flow():
            return timed(*args, **kwargs)
        from prefect import task
        from prefect.cache_policies import NO_CACHE

        return task(cache_policy=NO_CACHE, persist_result=False)(timed)(*args, **kwargs)

    @functools.wraps(function)
    def timed(*args: P.args, **kwargs: P.kwargs) -> R:
        with working():
            return function(*args, **kwargs)

    return run


@contextlib.contextmanager
def working() -> Iterator[None]:
    """Count the block's time as the stage's own work; `step` does it for a function."""
    start = time.monotonic()
    try:
        yield
    finally:
        _worked.get().append(time.monotonic() - start)


def in_flow() -> bool:
    """Whether a Prefect flow is running here (without importing Prefect to find out)."""
    if "prefect.context" not in sys.modules:
        return False
    from prefect.context import FlowRunContext

    return FlowRunContext.get() is not None


def watched() -> bool:
    """Whether a Prefect server watches; a local one that `unfont ui` started is found by itself.

    Raises:
        UnreachableError: the user named a server, by `PREFECT_API_URL` or a profile, and it does not answer.
    """
    fix = "start it, or unset PREFECT_API_URL"
    named = os.environ.get("PREFECT_API_URL")
    if not named and (named := api_of_profile()):
        fix = "start it, or choose another profile: `prefect profile use ephemeral`"
    if named and not answers(named):
        raise UnreachableError("the Prefect server does not answer", where=named, fix=fix)
    if not named and answers(LOCAL_SERVER):
        os.environ["PREFECT_API_URL"] = LOCAL_SERVER
        return True
    return bool(named)


def answers(api: str) -> bool:
    """Whether a Prefect server answers at `api`."""
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=5) as response:  # nosec B310
            return bool(response.status == 200)
    except urllib.error.HTTPError as error:
        return error.code in (401, 403)  # it is there, and wants the key that Prefect has
    except (urllib.error.URLError, OSError, ValueError):
        return False


def main(stage: Stage, arguments: list[str]) -> None:
    """`python -m flows.<stage> [ITEM]`: what `dvc.yaml` runs."""
    quiet_logging()
    try:
        dvc = dvc_process()
        with no_orphans(dvc.pid) if dvc else contextlib.nullcontext():
            stage(*arguments[1:])
    except UserError as error:
        print(f"unfont: {error}", file=sys.stderr)
        sys.exit(2)
