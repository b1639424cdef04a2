"""A server of the live page over a small network of the user's own, in this process and on a real port."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient
from torch import nn
from websockets.sync.client import ClientConnection, connect

from apps.live import server
from apps.live.server import listen, make_app
from tasks.live.engine import Engine
from tasks.live.network import LiveLayer, LiveNetwork
from tasks.live.packing import unpack
from tasks.live.source import FRAME, HEADER

HOST = "127.0.0.1:8765"
VIEW = {"type": "show", "names": ["small"], "view": {"layer": "1"}, "version": 1}


def small_engine() -> Engine:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 8 * 12, 3)).eval()
    layers = [LiveLayer("1", 4, 8, 12), LiveLayer("3", 3, 1, 1)]
    own = LiveNetwork(name="small", network=network, layers=layers, labels=["a", "b", "c"], size=(8, 12), channels=1)
    return Engine({}, own=own)


def frame(number: int, *, height: int = 8, width: int = 12) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (height, width, 4), dtype=np.uint8)
    return HEADER.pack(FRAME, number, width, height) + pixels.tobytes()


@pytest.fixture
def engine() -> Engine:
    return small_engine()


@pytest.fixture
def client(engine: Engine) -> Iterator[TestClient]:
    with TestClient(make_app(engine, threads=1), base_url=f"http://{HOST}") as found:
        yield found


class Viewer:
    """A page's side of a socket of `TestClient`."""

    def __init__(self, socket) -> None:
        self.socket = socket
        self.hello = socket.receive_json()

    def show(self, **changes) -> None:
        self.socket.send_text(json.dumps(VIEW | {"view": VIEW["view"] | changes}))

    def ask(self, **message) -> None:
        self.socket.send_text(json.dumps(message))

    def look(self):
        return unpack(self.socket.receive_bytes())


@contextmanager
def viewer(client: TestClient) -> Iterator[Viewer]:
    with client.websocket_connect(f"ws://{HOST}/socket", headers={"origin": f"http://{HOST}"}) as socket:
        yield Viewer(socket)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """A real server on a port of its own: its address without a scheme."""
    listening = listen(0)
    address = "{}:{}".format(*listening.getsockname())
    running = uvicorn.Server(server.config_of(app))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield address
    finally:
        running.should_exit = True
        thread.join(timeout=30)


def opened(address: str, origin: str | None = None) -> ClientConnection:
    # Longer than any test waits: a busy machine is slow.
    return connect(f"ws://{address}/socket", origin=origin or f"http://{address}", max_size=None, open_timeout=60)
