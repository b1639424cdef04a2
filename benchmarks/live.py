"""The live page's server through a real websocket client, beside a loop that only runs the network.

    python -m benchmarks.live [MODEL] [--frames 10000] [--layer backbone.2]

in a project's folder. Starts `unfont live` and sends frames of a webcam (a word that wanders, 480 x 360, grey) as the
page does for a grey network: the next one leaves when one is answered, two are on their way. Writes
benchmarks/results/live.json: `frames_per_s` with the layer shown, `latency_p95_ms` from the sending of a frame to its
answer, `frames_per_s_deconv` with deconvnet on; `network_per_s`, rate of a loop that runs the network alone on the same
windows in one thread, and `ratio`; `processor_ms` of the server a frame, `network_processor_ms` and `processor_ratio`,
which another load on the machine changes less; `viewers`: frames a second of each of four viewers at once and their
total; `mib_by_quarter`, resident memory of the server, means over each quarter of `frames` frames, which say whether
it grows.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from PIL import Image, ImageDraw
from websockets.sync.client import ClientConnection, connect

from benchmarks.machine import machine
from tasks.live.network import LiveNetwork
from tasks.live.packing import unpack
from tasks.live.source import FRAME, HEADER, Source

OUT = Path(__file__).resolve().parent / "results" / "live.json"
SIZE = 480, 360  # width and height of a frame, as the page sends them
SCENES = 24  # different frames
IN_FLIGHT = 2
VIEWERS = 4
SHORT = 600  # frames of a measurement of a rate
TURNS = 6
NUMBERS = count()  # of frames: an answer to an earlier measurement's is none of this one's
WAIT_S = 120  # for the server to start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="champion", help="a name, or a model folder")
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--layer", default="backbone.2", help="of 64 units in the default network")
    arguments = parser.parse_args()
    with served(arguments.model) as (address, server, folder):
        result = measure(address, server, folder, layer=arguments.layer, frames=arguments.frames)
    OUT.write_text(json.dumps({**result, "machine": machine()}, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def measure(address: str, server: psutil.Process, model: Path, *, layer: str, frames: int) -> dict[str, Any]:
    """All values; `model` is the folder of the model that is served."""
    scenes = scenes_of()
    shown = {"layer": layer}
    alone = NetworkAlone(model, scenes)
    with viewer(address) as page:
        name = json.loads(page.recv())["names"][0]
        stream(page, name, scenes, shown, SHORT // 4)  # caches are warm
        rates, latencies, processor = [], [], []
        for _ in range(TURNS):  # in turns, so that another load on the machine slows both
            before = processor_s(server)
            rate, seconds = stream(page, name, scenes, shown, SHORT // TURNS)
            processor.append((processor_s(server) - before) * TURNS / SHORT)
            rates.append(rate)
            latencies += seconds
            alone.run(SHORT // TURNS)
        deconv, _ = stream(page, name, scenes, shown | {"rule": "deconvnet"}, SHORT)
        viewers = together(address, name, scenes, shown)
        memory = [mib(page, name, scenes, shown, frames // 4, server) for _ in range(4)]
    rate, own = (statistics.median(values) for values in (rates, processor))
    network, network_s = (statistics.median(values) for values in (alone.rates, alone.processor_s))
    return {
        "frames": frames,
        "layer": layer,
        "frames_per_s": round(rate, 1),
        "latency_p95_ms": round(float(np.percentile(latencies, 95)) * 1e3, 1),
        "frames_per_s_deconv": round(deconv, 1),
        "network_per_s": round(network, 1),
        "ratio": round(rate / network, 3),
        "processor_ms": round(own * 1e3, 2),
        "network_processor_ms": round(network_s * 1e3, 2),
        "processor_ratio": round(network_s / own, 3),
        "viewers": {
            "n": VIEWERS,
            "frames_per_s": [round(each, 1) for each in viewers],
            "total": round(sum(viewers), 1),
        },
        "mib_by_quarter": memory,
    }


@contextmanager
def served(model: str) -> Iterator[tuple[str, psutil.Process, Path]]:
    """Address and process of `unfont live`, and the folder of its model."""
    from flows.evaluate import models_of
    from tasks.common.params import read_params
    from tasks.predict.named_model import named_model

    params = read_params()
    folder = named_model(params, model, models_of(params))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "apps.cli", "live", model, "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and "http://" in process.stdout.readline(), "the server did not start"
        yield f"127.0.0.1:{port}", psutil.Process(process.pid), folder
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def viewer(address: str) -> Iterator[ClientConnection]:
    with connect(
        f"ws://{address}/socket", origin=f"http://{address}", max_size=None, compression=None, open_timeout=WAIT_S
    ) as page:
        yield page


def scenes_of() -> list[bytes]:
    """Grey pixels of a word that wanders and grows, dark on light."""
    scenes = []
    for number in range(SCENES):
        image = Image.new("L", SIZE, 224)
        place = 40 + 5 * number, 90 + 4 * number
        ImageDraw.Draw(image).text(place, "Hamburg", fill=26, font_size=40 + number)
        scenes.append(image.tobytes())
    return scenes


def stream(
    page: ClientConnection, name: str, scenes: list[bytes], view: dict[str, Any], frames: int
) -> tuple[float, list[float]]:
    """Answered frames a second, and the seconds from sending each to its answer.

    A frame that came while a newer one waited is never answered: the newer one's answer is its own too.
    """
    page.send(json.dumps({"type": "show", "names": [name], "view": view, "version": 0}))
    waiting: dict[int, float] = {}
    latencies: list[float] = []
    start = time.perf_counter()
    while len(latencies) < frames:
        while len(waiting) < IN_FLIGHT:
            send(page, next(NUMBERS), scenes, waiting)
        latencies += answered(page, waiting)
    rate = len(latencies) / (time.perf_counter() - start)
    while waiting:
        answered(page, waiting)
    return rate, latencies


def send(page: ClientConnection, number: int, scenes: list[bytes], waiting: dict[int, float]) -> None:
    waiting[number] = time.perf_counter()
    page.send(HEADER.pack(FRAME, number, *SIZE) + scenes[number % len(scenes)])


def answered(page: ClientConnection, waiting: dict[int, float]) -> list[float]:
    """Seconds that the next answer took, if it is of a frame that is waited for."""
    message = page.recv()
    assert isinstance(message, bytes), message
    number = unpack(message)[0]["frame"]
    taken = [time.perf_counter() - waiting[number]] if number in waiting else []
    for old in [each for each in waiting if each <= number]:
        del waiting[old]
    return taken


def together(address: str, name: str, scenes: list[bytes], view: dict[str, Any]) -> list[float]:
    """Frames a second of several viewers at once."""
    rates: list[float] = []

    def one() -> None:
        with viewer(address) as page:
            page.recv()
            rates.append(stream(page, name, scenes, view, SHORT // 2)[0])

    threads = [threading.Thread(target=one) for _ in range(VIEWERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return rates


class NetworkAlone:
    """A loop that runs the network on the windows of the frames, in one thread: rates, and processor seconds a pass."""

    def __init__(self, model: Path, scenes: list[bytes]) -> None:
        self.live = LiveNetwork.of_folder(model, name="alone", temperature=1.0)
        sources = [Source.of_message(HEADER.pack(FRAME, 0, *SIZE) + scene) for scene in scenes]
        self.batches = [self.live.images(source.windows(self.live, whole=False).pixels) for source in sources]
        self.rates: list[float] = []
        self.processor_s: list[float] = []

    def run(self, passes: int) -> None:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.inference_mode():
                start, before = time.perf_counter(), time.process_time()
                for number in range(passes):
                    self.live.network(self.batches[number % len(self.batches)])
            self.rates.append(passes / (time.perf_counter() - start))
            self.processor_s.append((time.process_time() - before) / passes)
        finally:
            torch.set_num_threads(threads)


def processor_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def mib(
    page: ClientConnection, name: str, scenes: list[bytes], view: dict[str, Any], frames: int, server: psutil.Process
) -> int:
    """Mean resident memory over so many frames."""
    seen = []
    for _ in range(10):
        stream(page, name, scenes, view, max(1, frames // 10))
        seen.append(server.memory_info().rss / 2**20)
    return round(float(np.mean(seen)))


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    main()
