"""Trainings over several machines: one starts them, the others join (`unfont join`)."""

import hashlib
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch._C._distributed_c10d import PrefixStore, TCPStore

from tasks.train.processes import Group, HelperLostError, Store, Work, joined, node
from unfont.errors import UserError

LOOPBACK = "127.0.0.1"
ADDRESS, PORT = "MASTER_ADDR", "MASTER_PORT"  # torch's own names
TURNS, JOINED, ABOUT = "turns", "joined", "about"  # keys of the store
POLL = 0.1  # seconds
REMIND = 30.0
ANSWER = 5.0
CODE = Path(__file__).resolve().parents[2]

log = logging.getLogger("unfont")


@contextmanager
def together(work: Work, processes: int, *, nodes: int = 1) -> Iterator[Group]:
    """Do `work` in so many processes of each of so many machines; yield the group of this process, its first.

    Args:
        nodes: machines. With more than one this one listens at `MASTER_ADDR` and `MASTER_PORT` of the environment, and
            waits until the others have joined.

    Raises:
        UserError: as `node`; it is not told where to listen, or cannot.
        HelperLostError: one of the other processes ended early, here or there.
    """
    group = Group(0, processes * nodes)
    if group.size == 1:
        yield group
        return
    host, port = _own_address() if nodes > 1 else (LOOPBACK, 0)
    listening = _listening(host, port)
    turn = listening.add(TURNS, 1)
    store = Store(host, listening.port, str(turn), PrefixStore(str(turn), listening))
    if nodes > 1:
        _gather(work, store, processes, nodes)
    with node(work, group, processes, store):
        yield group


def join(address: str, *, wait: float) -> int:
    """Take part in every training that the machine at `address` starts, until it has started none for `wait` seconds.

    Returns:
        the number of trainings.

    Raises:
        UserError: `address` is none; the code here is another than there; nobody answered in all that time.
    """
    host, port = address_of(address)
    count, since = 0, time.monotonic()
    while time.monotonic() - since < wait:
        if (listening := _connected(host, port)) is None:
            time.sleep(POLL)
            continue
        seen = 0
        try:
            while time.monotonic() - since < wait:
                if (turn := listening.add(TURNS, 0)) == seen:
                    time.sleep(POLL)
                    continue
                seen = turn
                if _take_part(Store(host, port, str(turn), PrefixStore(str(turn), listening))):
                    count, since = count + 1, time.monotonic()
        except RuntimeError:  # the first machine listens no more
            log.info("%s has ended: waiting for another training there", address)
    if not count:
        fix = f"start a training there, with train.nodes above 1 and {ADDRESS} and {PORT} set"
        raise UserError(f"nobody has started a training for {wait:.0f} seconds", where=address, fix=fix)
    return count


def _gather(work: Work, store: Store, processes: int, nodes: int) -> None:
    """Wait for the other machines and send them the work."""
    store.shared.set(ABOUT, json.dumps({"code": code_version(), "processes": processes, "nodes": nodes}))
    told = -REMIND
    while (here := store.shared.add(JOINED, 0)) < nodes - 1:
        if time.monotonic() - told > REMIND:
            told = time.monotonic()
            log.info("waiting for %d machines more: unfont join %s:%d", nodes - 1 - here, store.host, store.port)
        time.sleep(POLL)
    with joined(store, Group(0, nodes), name="machines"):
        dist.broadcast_object_list([work])


def _take_part(store: Store) -> bool:
    """Take part in one training; whether there was room, and it came to its end."""
    about = json.loads(store.shared.get(ABOUT))
    if about["code"] != code_version():
        raise UserError(
            "the code here is another than that of the machine that trains",
            where=f"{code_version()[:12]} here, {about['code'][:12]} at {store.host}",
            fix="bring both to one commit, with the same version of torch",
        )
    number, processes, nodes = store.shared.add(JOINED, 1), about["processes"], about["nodes"]
    if number >= nodes:
        log.info("the training at %s has its %d machines already", store.host, nodes)
        return False
    if processes > (cores := os.cpu_count() or 1):
        log.warning("warning: %d processes have %d cores to share", processes, cores)
    sent: list[Any] = [None]
    try:
        with joined(store, Group(number, nodes), name="machines"):
            dist.broadcast_object_list(sent)
        log.info("taking part in a training of %s, with %d processes", store.host, processes)
        with node(sent[0], Group(number * processes, processes * nodes), processes, store) as group:
            sent[0].take_part(group)
    except HelperLostError as lost:
        log.warning("the training ended early: %s", lost)
        return False
    return True


def address_of(text: str) -> tuple[str, int]:
    """Host and port of `host:port`.

    Raises:
        UserError: it is none.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise UserError("this is no address", where=text, fix="give host:port, such as 10.0.0.1:29500")
    return host, int(port)


def _own_address() -> tuple[str, int]:
    host, port = os.environ.get(ADDRESS, ""), os.environ.get(PORT, "")
    if not host or not port:
        fix = f"set {ADDRESS} and {PORT} to an address of this machine that the others reach, or train.nodes to 1"
        raise UserError("the other machines need an address", where="train.nodes", fix=fix)
    return address_of(f"{host}:{port}")


@cache
def _listening(host: str, port: int) -> TCPStore:
    """The store of all trainings of this process: a port that was let go cannot be taken at once again."""
    try:
        return TCPStore(host, port, is_master=True, wait_for_workers=False)
    except (RuntimeError, ValueError) as error:
        fix = f"set {ADDRESS} and {PORT} to a free address of this machine"
        raise UserError("cannot listen", where=f"{host}:{port}", fix=fix) from error


def _connected(host: str, port: int) -> TCPStore | None:
    try:
        socket.create_connection((host, port), timeout=ANSWER).close()  # torch's own try logs every failure
        return TCPStore(host, port, is_master=False, wait_for_workers=False)
    except socket.gaierror as error:
        raise UserError("there is no such host", where=host, fix="give the address of the first machine") from error
    except (OSError, RuntimeError):
        return None


@cache
def code_version() -> str:
    """A hash of all code that a training runs, and of torch's version."""
    files = sorted(path for room in ("models", "tasks", "unfont") for path in (CODE / room).rglob("*.py"))
    found = hashlib.sha256(torch.__version__.encode())
    for path in files:
        found.update(path.relative_to(CODE).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()
