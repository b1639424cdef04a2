"""A training in several processes, a part of every batch each, whose gradients are averaged (torch.distributed, gloo).

Beside other work a process a core keeps its pace; threads of one process wait for each other at every layer.
"""

import logging
import multiprocessing.connection
import os
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psutil
import torch
import torch.distributed as dist
from torch import nn
from torch._C._distributed_c10d import PrefixStore, TCPStore
from torch.multiprocessing.spawn import ProcessContext, ProcessException, start_processes

from unfont.errors import UserError

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
SEEN = 5.0  # seconds within which a process that closed its connection is known to have ended

log = logging.getLogger("unfont")


class HelperLostError(RuntimeError):
    """A process that took part in a training ended before it."""


class Work(Protocol):
    """What the helpers do; it travels by pickle, its tensors through shared memory."""

    @property
    def nbytes(self) -> int:
        """Bytes of its tensors."""
        ...

    def take_part(self, group: "Group") -> None: ...


@dataclass(frozen=True)
class Store:
    """Torch's store at `host:port`, where the processes of a training find each other, all keys under `prefix`."""

    host: str
    port: int
    prefix: str
    shared: PrefixStore

    @classmethod
    def connected(cls, host: str, port: int, prefix: str) -> "Store":
        return cls(host, port, prefix, PrefixStore(prefix, TCPStore(host, port, is_master=False)))


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
        reached = weights[0].new_tensor([float(weight.grad is not None) for weight in weights])
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
def node(work: Work, group: Group, processes: int, store: Store) -> Iterator[Group]:
    """This machine's part of a training: start its other processes, each to call `work.take_part`; yield `group`.

    Args:
        group: of this process; the others have the next ranks.
        processes: of this machine.
        store: where all processes find each other; the others connect to the same.

    Raises:
        UserError: there is too little shared memory for them, or this process may not start others.
        HelperLostError: one of the others ended early, here or on another machine.
    """
    if processes > 1:
        _check_room(work.nbytes)
        _check_daemon()
    others = [Group(group.rank + place, group.size) for place in range(1, processes)]
    arguments = (work, others, store.host, store.port, store.prefix)
    helpers = start_processes(_help, arguments, nprocs=len(others), join=False, start_method="spawn")  # type: ignore[no-untyped-call]
    try:
        _wait_for(helpers, others, store)
        with joined(store, group), _told_why(helpers, alone=len(others) + 1 == group.size):
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


def _wait_for(helpers: ProcessContext, others: Sequence[Group], store: Store) -> None:
    # Gloo itself would wait half an hour for one that died as it started.
    while not store.shared.check([_here(group) for group in others]):
        if lost := _lost(helpers, within=0.02):
            raise HelperLostError(lost)


@contextmanager
def _told_why(helpers: ProcessContext, *, alone: bool) -> Iterator[None]:
    """Tell a lost process from an error of this one's own; where other machines take part, it may be there."""
    try:
        yield
    except RuntimeError as error:  # of gloo, if a connection was closed
        lost = _lost(helpers, within=SEEN) if helpers.processes else None
        if lost or not alone:
            raise HelperLostError(lost or f"on another machine: {str(error).splitlines()[0]}") from error
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


def _help(place: int, work: Work, others: Sequence[Group], host: str, port: int, prefix: str) -> None:
    """The life of a helper."""
    store = Store.connected(host, port, prefix)
    store.shared.set(_here(others[place]), "here")
    with joined(store, others[place]) as group:
        work.take_part(group)


def _here(group: Group) -> str:
    return f"process {group.rank}"


@contextmanager
def joined(store: Store, group: Group, *, name: str = "training") -> Iterator[Group]:
    """Make this process part of torch's process group while the block runs."""
    os.environ.setdefault("GLOO_SOCKET_IFNAME", _interface_to(store.host))
    part = PrefixStore(name, store.shared)
    dist.init_process_group("gloo", store=part, rank=group.rank, world_size=group.size)
    try:
        yield group
    finally:
        dist.destroy_process_group()


def _interface_to(host: str) -> str:
    """The network interface by which `host` is reached, or which has that address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))  # sends nothing
        own = probe.getsockname()[0]
    return next(name for name, every in psutil.net_if_addrs().items() if own in {one.address for one in every})
