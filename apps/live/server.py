"""The server of the live page: its files, the list of fonts, and one websocket a viewer. On loopback alone."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import torch
import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from apps.live.session import Session, Threads
from tasks.live.engine import Engine
from tasks.pages.environment import TEMPLATES
from unfont.errors import UserError

HOST = "127.0.0.1"
LOOPBACK = ["127.0.0.1", "localhost"]
STATIC = Path(__file__).parent / "static"
MOST_BYTES = 12 * 2**20  # of a message: a photograph, or 2048 x 1400 RGBA pixels
MOST_VIEWERS = 8
TRY_LATER, NOT_YOURS = 1013, 1008  # statuses of a websocket that is closed
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def make_app(engine: Engine, *, threads: int) -> FastAPI:
    """The application over an engine; torch computes with so many threads."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        computing = ThreadPoolExecutor(1, "live", initializer=torch.set_num_threads, initargs=(threads,))
        with computing, ThreadPoolExecutor(1, "live-read") as reading, ThreadPoolExecutor(1, "live-fit") as fitting:
            app.state.threads, app.state.viewers = Threads(computing, reading, fitting), 0
            yield

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    # Without it a page elsewhere could name this server as its own host (DNS rebinding).
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=LOOPBACK)
    app.middleware("http")(_with_headers)

    @app.get("/")
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/style.css")
    def style() -> FileResponse:
        return FileResponse(TEMPLATES / "style.css")

    @app.get("/fonts.json")
    def fonts() -> JSONResponse:
        return JSONResponse(engine.book.listed() if engine.book else [])

    @app.websocket("/socket")
    async def view(viewer: WebSocket) -> None:
        if not of_this_page(viewer.headers.get("origin"), viewer.headers.get("host")):
            await viewer.close(NOT_YOURS)
            return
        if app.state.viewers >= MOST_VIEWERS:
            await viewer.accept()
            await viewer.close(TRY_LATER, f"{MOST_VIEWERS} viewers are here already")
            return
        app.state.viewers += 1
        try:
            await viewer.accept()
            await Session(viewer, engine, app.state.threads).run()
        finally:
            app.state.viewers -= 1

    app.mount("/static", StaticFiles(directory=STATIC))
    return app


def listen(port: int) -> socket.socket:
    """A socket that takes connections on loopback from now on; `serve` answers them.

    Raises:
        UserError: the port is taken, or may not be used.
    """
    listening = socket.socket(socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()
    except OSError as error:
        listening.close()
        fix = "give another port by --port"
        raise UserError(f"cannot listen: {error.strerror}", where=f"{HOST}:{port}", fix=fix) from error
    return listening


def config_of(app: FastAPI) -> uvicorn.Config:
    """How the server runs: large messages refused before they are read whole, slow viewers not waited for."""
    return uvicorn.Config(
        app, log_level="warning", ws_max_size=MOST_BYTES, ws_max_queue=4, ws_per_message_deflate=False,
        timeout_graceful_shutdown=2,
    )  # fmt: skip


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Answer until Ctrl-C or SIGTERM."""
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config_of(app)).run(sockets=[listening])


def of_this_page(origin: str | None, host: str | None) -> bool:
    """Whether a socket was opened by a page of this server: its origin names the host that was asked."""
    return bool(host) and urlsplit(origin or "").netloc == host


async def _with_headers(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await answer(request)
    response.headers.update(HEADERS)
    return response
