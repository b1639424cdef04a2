"""One viewer: its newest picture is answered, older ones that were not yet begun are dropped.

So the page never lags behind its webcam, and several viewers share the one thread that computes by turns.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple, TypeVar

import anyio.abc
from fastapi import WebSocket, WebSocketDisconnect

from apps.live.messages import Describe, FitStyle, Keep, Message, Occlude, Show, Sweep, Type, Unit, message_of
from tasks.live.engine import Engine
from tasks.live.packing import pack
from tasks.live.source import Source
from unfont.errors import UserError
from unfont.text import clip

log = logging.getLogger("unfont")
T = TypeVar("T")
WAITING = 8  # questions of a viewer that wait; more are refused


class Threads(NamedTuple):
    """Of all viewers, one each: networks, the windows of frames beside them, and work that takes seconds."""

    computing: ThreadPoolExecutor
    reading: ThreadPoolExecutor
    fitting: ThreadPoolExecutor


class Session:
    """One viewer's socket."""

    def __init__(self, socket: WebSocket, engine: Engine, threads: Threads) -> None:
        self._socket, self._engine, self._threads = socket, engine, threads
        self._source: Source | None = None
        self._show: Show | None = None
        self._prepared: Source | None = None
        self._changed, self._ready = asyncio.Event(), asyncio.Event()
        self._questions: asyncio.Queue[Message] = asyncio.Queue(WAITING)
        self._sweeps = 0
        self._sending = asyncio.Lock()
        self._group: anyio.abc.TaskGroup | None = None

    async def run(self) -> None:
        """Serve the viewer until it leaves."""
        async with anyio.create_task_group() as group:
            self._group = group
            for work in (self._greet, self._receive, self._prepare, self._look, self._answer):
                group.start_soon(self._until_it_leaves, work, group.cancel_scope)

    async def _until_it_leaves(self, work: Callable[[], Awaitable[None]], all_work: anyio.CancelScope) -> None:
        try:
            await work()
        except (WebSocketDisconnect, RuntimeError) as error:
            log.debug("a viewer left: %s", error)  # sending to a page that is closed is a RuntimeError
            all_work.cancel()

    async def _greet(self) -> None:
        await self._tell(await self._compute(self._hello))

    def _hello(self) -> dict[str, Any]:
        return {"kind": "hello", **self._engine.hello()}

    async def _receive(self) -> None:
        while True:
            received = await self._socket.receive()
            if received["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(received.get("code", 1000))
            try:
                self._take(received)
            except UserError as error:
                await self._tell_problem(error)

    def _take(self, received: MutableMapping[str, Any]) -> None:
        data = received.get("bytes")
        if data is not None:
            self._source = Source.of_message(data)
            self._changed.set()
            return
        message = message_of(received.get("text") or "")
        if isinstance(message, Show):
            self._show = message
            self._changed.set()
            return
        if isinstance(message, FitStyle):
            assert self._group is not None
            self._group.start_soon(self._until_it_leaves, partial(self._fit, message), self._group.cancel_scope)
            return
        self._sweeps += isinstance(message, Sweep)
        try:
            self._questions.put_nowait(message)
        except asyncio.QueueFull:
            raise UserError("too much is asked at a time", where="the page", fix="wait for the answers") from None

    async def _prepare(self) -> None:
        """Find the windows of the newest frame while the one before it is computed."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            source, show = self._source, self._show
            if source is None or show is None:
                continue
            work = partial(self._engine.prepare, source, show.names, show.view)
            await self._compute(work, self._threads.reading)
            self._prepared = source
            self._ready.set()

    async def _look(self) -> None:
        while True:
            await self._ready.wait()
            self._ready.clear()
            source, show = self._prepared, self._show
            assert source is not None and show is not None
            work = partial(self._engine.look, source, show.names, show.view, version=show.version)
            await self._tell_result(work, frame=source.number)

    async def _answer(self) -> None:
        while True:
            message = await self._questions.get()
            if isinstance(message, Sweep):
                await self._sweep(message)
                continue
            await self._tell_result(partial(self._answered, message))
            if isinstance(message, Type):
                self._changed.set()

    def _answered(self, message: Message) -> bytes | dict[str, Any]:
        engine = self._engine
        if isinstance(message, Describe):
            return {"kind": "network", **engine.described(message.name)}
        if isinstance(message, Unit):
            return engine.unit(message.name, message.layer, message.unit)
        if isinstance(message, Keep):
            return engine.keep(message.font, message.text)
        if isinstance(message, Type):
            font, text, picture = engine.type(message.text, font=message.font, script=message.script)
            if self._source is None or self._source.number < message.number:  # no later picture came meanwhile
                self._source = Source.of_pixels(message.number, picture)
            return pack({"kind": "typed", "font": font.row, "script": font.script, "text": text}, {"picture": picture})
        assert isinstance(message, Occlude)
        if self._source is None or self._show is None:
            raise UserError("there is no picture yet", where="occlusion", fix="drop one onto the page")
        return engine.occlude(self._source, message.name, self._show.view)

    async def _sweep(self, message: Sweep) -> None:
        own = self._sweeps
        parts = self._engine.sweep(message.name, message.text, message.script)  # computes when it is asked for a part
        while own == self._sweeps and await self._tell_result(partial(next, parts, None)):
            pass

    async def _fit(self, message: FitStyle) -> None:
        """Beside all other work, for it takes seconds."""

        def fit() -> dict[str, Any]:
            self._engine.fit_style(message.name)
            return {"kind": "style", "name": message.name}

        await self._tell_result(fit, by=self._threads.fitting)
        self._changed.set()

    async def _tell_result(
        self,
        work: Callable[[], bytes | dict[str, Any] | None],
        *,
        frame: int | None = None,
        by: ThreadPoolExecutor | None = None,
    ) -> bool:
        """Send what `work` gives, or the line that says why it gives nothing: the server goes on.

        `by` is the thread that computes, that of all networks unless given. Whether something was given.
        """
        try:
            result = await self._compute(work, by)
        except UserError as error:
            await self._tell_problem(error, frame=frame)
            return False
        except Exception as error:  # a network of the user's own, or a picture, may raise anything
            log.warning("unfont live: %s", error, exc_info=error)
            problem = UserError(f"this failed: {clip(error, 200)}", where=type(error).__name__, fix="see the terminal")
            await self._tell_problem(problem, frame=frame)
            return False
        if result is not None:
            await (self._send(result) if isinstance(result, bytes) else self._tell(result))
        return result is not None

    async def _tell_problem(self, error: UserError, *, frame: int | None = None) -> None:
        await self._tell({"kind": "problem", "text": str(error), "frame": frame})

    async def _tell(self, message: dict[str, Any]) -> None:
        async with self._sending:
            await self._socket.send_text(json.dumps(message, ensure_ascii=False))

    async def _send(self, message: bytes) -> None:
        async with self._sending:
            await self._socket.send_bytes(message)

    async def _compute(self, work: Callable[[], T], by: ThreadPoolExecutor | None = None) -> T:
        return await asyncio.get_running_loop().run_in_executor(by or self._threads.computing, work)
