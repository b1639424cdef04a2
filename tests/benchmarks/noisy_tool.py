"""A tool that prints while it works, as the peers do."""

import os

from benchmarks.turns import serve


def tool() -> int:
    print("between two answers")
    return 3


if __name__ == "__main__":
    serve(lambda: {"noisy": tool, "threads": lambda: int(os.environ["OMP_NUM_THREADS"])})
