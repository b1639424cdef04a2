"""A training in several processes, a part of every batch each, whose gradients are averaged (torch.distributed, gloo).

Beside other work a process a core keeps its pace; threads of one process wait for each other at every layer.
"""

import logging
import multiprocessing.connection
import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.distributed as dist
from torch import nn
from torch._C._distributed_c10d import TCPStore
from torch.multiprocessing.spawn import ProcessContext, ProcessException, start_processes

from unfont.errors import UserError

HOST = "127.0.0.1"
LOOPBACK = {"Linux": "lo", "Darwin": "lo0"}
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
SEEN = 5.0  # seconds within which a process that closed its connection is known to have ended

log = logging.getLogger("unfont")


class HelperLostError(RuntimeError):
    """A process that took part in a training ended before it."""


class Work(Protocol):
    """What the helpers do; it travels by pickle, its tensors through shared memory."""

    def take_part(self, group: "Group") -> None: ...


@dataclass(frozen=True)
class Group:
    """The processes of a training, and which of them this one is; one alone talks to nobody."""

    rank: int = 0
    size: int = 1

    def average_gradients(self, weights: Sequence[nn.Parameter]) -> None:
        """Give every weight the mean of its gradients; one that has none anywhere keeps none."""
        if self.size == 1:
            return
        grads = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in weights]
        reached = torch.tensor([float(weight.grad is not None) for weight in weights])
        flat = torch.cat([grad.reshape(-1) for grad in grads] + [reached])
        dist.all_reduce(flat)
        flat /= self.size
        *means, reached = torch.split(flat, [grad.numel() for grad in grads] + [len(grads)])
        for weight, grad, mean, known in zip(weights, grads, means, reached.tolist(), strict=True):
            if known:
                weight.grad = grad.copy_(mean.view_as(grad))

    def average_buffers(self, network: nn.Module) -> None:
        """Give every statistic, such as a norm's mean, the mean over the processes."""
        if self.size == 1:
            return
        for buffer in network.buffers():
            if buffer.is_floating_point():
                dist.all_reduce(buffer)
                buffer /= self.size

    def everyones(self, value: Any) -> list[Any] | None:
        """What each process gives here, by rank, in the first process; None in the others."""
        if self.size == 1:
            return [value]
        found: list[Any] | None = [None] * self.size if self.rank == 0 else None
        dist.gather_object(value, found)
        return found

    def firsts(self, value: Any) -> Any:
        """What the first process gives here."""
        if self.size == 1:
            return value
        found = [value]
        dist.broadcast_object_list(found)
        return found[0]


@contextmanager
def together(work: Work, processes: int, *, shared: int) -> Iterator[Group]:
    """Start the other ones of so many processes, each to call `work.take_part`; yield this one's group, as its first.

    Args:
        shared: bytes of the tensors of `work`.

    Raises:
        UserError: there is too little shared memory for them, or this process may not start others.
        HelperLostError: one of the others ended early.
    """
    if processes == 1:
        yield Group()
        return
    _check_room(shared)
    _check_daemon()
    os.environ.setdefault("GLOO_SOCKET_IFNAME", LOOPBACK.get(platform.system(), ""))
    store = TCPStore(HOST, 0, processes, is_master=True, wait_for_workers=False)
    others = processes - 1
    helpers = start_processes(_help, (work, store.port, processes), nprocs=others, join=False, start_method="spawn")  # type: ignore[no-untyped-call]
    try:
        _wait_for(helpers, store)
        with _joined(store, Group(0, processes)) as group, _told_why(helpers):
            yield group
    finally:
        for process in helpers.processes:
            process.terminate()
            process.join()


def _check_room(shared: int) -> None:
    free = shutil.disk_usage(SHARED_MEMORY).free if SHARED_MEMORY.is_dir() else shared
    if free < shared:
        raise UserError(
            f"{shared / 2**20:,.0f} MiB of crops do not fit into shared memory, which has {free / 2**20:,.0f} free",
            where=SHARED_MEMORY,
            fix="give the container more (--shm-size), or set train.processes: 1",
        )


def _check_daemon() -> None:
    if multiprocessing.current_process().daemon:
        raise UserError(
            "this worker may not start the other processes of a training",
            where="train.processes",
            fix="start Dask's workers with DASK_DISTRIBUTED__WORKER__DAEMON=False, or set train.processes: 1",
        )


def _wait_for(helpers: ProcessContext, store: TCPStore) -> None:
    # Gloo itself would wait half an hour for one that died as it started.
    while not store.check([_name(place) for place in range(len(helpers.processes))]):
        if lost := _lost(helpers, within=0.02):
            raise HelperLostError(lost)


@contextmanager
def _told_why(helpers: ProcessContext) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # of gloo, if a connection was closed
        if lost := _lost(helpers, within=SEEN):
            raise HelperLostError(lost) from error
        raise


def _lost(helpers: ProcessContext, *, within: float) -> str | None:
    """What ended a helper, if one ends within so many seconds."""
    if not multiprocessing.connection.wait([*helpers.sentinels], timeout=within):
        return None
    try:
        helpers.join(timeout=0)
    except ProcessException as lost:
        return str(lost).strip()
    return "a process ended early"


def _help(place: int, work: Work, port: int, processes: int) -> None:
    """The life of a helper."""
    store = TCPStore(HOST, port, processes, is_master=False)
    store.set(_name(place), "here")
    with _joined(store, Group(place + 1, processes)) as group:
        work.take_part(group)


def _name(place: int) -> str:
    return f"helper {place}"


@contextmanager
def _joined(store: TCPStore, group: Group) -> Iterator[Group]:
    dist.init_process_group("gloo", store=store, rank=group.rank, world_size=group.size)
    try:
        yield group
    finally:
        dist.destroy_process_group()
