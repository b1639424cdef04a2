"""Torch set up so that the same settings give the same bytes, and run fast that way."""

import contextlib
import ctypes
import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import torch


@contextlib.contextmanager
def deterministic(threads: int, *, seed: int = 0) -> Iterator[None]:
    """Pin torch's threads, algorithms and random numbers inside the block; put all back after it."""
    threads_before, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    memory: Any = torch.utils.deterministic
    filling = memory.fill_uninitialized_memory
    _keep_freed_memory()
    # Without it CUDA's matrix products are not deterministic, and torch refuses them; read when CUDA starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # Not `use_deterministic_algorithms`: it imports torch's compiler first, 1.5 s of a processor in every process.
    torch.set_deterministic_debug_mode("error")
    # Overwriting every new tensor with NaN finds bugs and costs a third of the training time.
    memory.fill_uninitialized_memory = False
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads_before)
        torch.set_deterministic_debug_mode("error" if strict else "default")
        memory.fill_uninitialized_memory = filling


@contextlib.contextmanager
def worker_threads() -> Iterator[ThreadPoolExecutor]:
    """As many threads as torch has in the `deterministic` block around this one; inside, each has one torch thread.

    Work that comes in independent parts is done sooner so: torch threads that share a product wait for each other, the
    more where other processes run. And what a part gives does not depend on the number of threads.
    """
    workers = torch.get_num_threads()
    with deterministic(1), ThreadPoolExecutor(workers) as threads:
        yield threads


def derived_seed(seed: int, *names: object) -> int:
    """A seed of its own for one named use, in 0..2^62-1, from the run's seed."""
    text = "/".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 2


@cache
def _keep_freed_memory() -> None:
    """Let glibc keep large freed blocks: returning them doubles the time of a forward pass."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD, bytes
        mallopt(-1, 1 << 30)  # M_TRIM_THRESHOLD, bytes
