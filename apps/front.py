"""The page that `unfont ui` opens on: the training runs, the flow runs, the report, and a link to any run by its id."""

import datetime
import fnmatch
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse

from tasks.common.mlflow_store import client, experiment_of
from tasks.common.params import Params
from tasks.pages.environment import environment

RUN_ID = re.compile(r"[0-9a-f]{32}")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def make_front(params: Params, *, names: Sequence[str], mlflow_port: int, prefect_port: int) -> FastAPI:
    """The application; it answers under `names` (patterns such as *.example.org) alone.

    Its links go to the name by which the reader came, at the ports of the other servers.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    report = params.home / "report"

    @app.middleware("http")
    async def guard(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        # Without it a page elsewhere could name this server as its own host (DNS rebinding).
        if not any(fnmatch.fnmatchcase(_name_of(request), name.lower().strip("[]")) for name in names):
            return PlainTextResponse("this name is not among those of --allowed-hosts\n", 403)
        response = await answer(request)
        response.headers.update(HEADERS)
        return response

    @app.get("/")
    def page(request: Request) -> HTMLResponse:
        runs = experiment_of(params.problem)
        known = {each.experiment_id: each.name for each in client().search_experiments()}
        return HTMLResponse(
            environment()
            .get_template("front.html.jinja")
            .render(
                problem=params.problem,
                runs=runs,
                others=sorted((name, key) for key, name in known.items() if key != runs and name != "Default"),
                mlflow=_beside(request, mlflow_port),
                prefect=_beside(request, prefect_port),
                report=_written(report / "index.html"),
            )
        )

    @app.get("/runs/{run_id}")
    def run(request: Request, run_id: str) -> RedirectResponse:
        from mlflow import MlflowException

        if not RUN_ID.fullmatch(run_id):
            raise HTTPException(404)
        try:
            experiment = client().get_run(run_id).info.experiment_id
        except MlflowException:
            raise HTTPException(404, "MLflow has no such run") from None
        return RedirectResponse(f"{_beside(request, mlflow_port)}/#/experiments/{experiment}/runs/{run_id}")

    @app.get("/report/{path:path}")
    def of_report(path: str) -> FileResponse:
        # Not by where links lead: DVC may keep the files elsewhere, and link them.
        inside = PurePosixPath(path or "index.html")
        if inside.is_absolute() or ".." in inside.parts or not (report / inside).is_file():
            raise HTTPException(404)
        return FileResponse(report / inside)

    return app


@contextmanager
def serving(app: FastAPI, host: str, port: int) -> Iterator[None]:
    """Answer at `host` and `port` from a thread of this process for the block, which begins once it does.

    Raises:
        RuntimeError: the server ended before it answered; it has said why.
    """
    server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError(f"the page did not open {host}:{port}")
            time.sleep(0.05)
        yield
    finally:
        server.should_exit = True
        thread.join()


def _name_of(request: Request) -> str:
    """The name by which the reader came, in lower case, without port and brackets; empty where there is none."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _beside(request: Request, port: int) -> str:
    name = _name_of(request)
    return f"//[{name}]:{port}" if ":" in name else f"//{name}:{port}"


def _written(file: Path) -> str:
    """When the file was written, in the machine's own time; empty where there is none."""
    if not file.is_file():
        return ""
    return datetime.datetime.fromtimestamp(file.stat().st_mtime).astimezone().strftime("%Y-%m-%d %H:%M")
