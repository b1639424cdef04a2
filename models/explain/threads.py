"""Work on batches in threads, each with an equal part of torch's own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Found = TypeVar("Found")


def in_threads(work: Callable[[Item], Found], batches: Sequence[Item], workers: int) -> Iterator[Found]:
    """The results of `work` for each batch, in the batches' order.

    Small batches are faster on a core each than on all cores together; results must not depend on `workers`.
    """
    if workers == 1:
        yield from map(work, batches)
        return
    threads = torch.get_num_threads()
    share = (max(1, threads // workers),)
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=share) as pool:
            yield from pool.map(work, batches)
    finally:
        torch.set_num_threads(threads)
