"""How fast a training is, and how long it still takes."""

import time

from tasks.common.progress import Progress

REPORT_EVERY = 10.0  # seconds


class Pace:
    """Rate and time left, reported every few seconds."""

    def __init__(self, progress: Progress, *, done: int, total: int) -> None:
        self.progress, self.done, self.total = progress, done, total
        self.first, self.start, self.reported = done, time.monotonic(), time.monotonic()

    def step(self, crops: int) -> None:
        self.done += crops
        if time.monotonic() - self.reported > REPORT_EVERY:
            self.reported = time.monotonic()
            self.progress(f"{self.done:,} of {self.total:,} crops; {self}")

    def __str__(self) -> str:
        rate = (self.done - self.first) / max(time.monotonic() - self.start, 1e-9)
        # What is done is this process's rows times the processes: a row or two too many of some batches.
        left = max(self.total - self.done, 0)
        return f"{rate:,.0f} crops/s, {left / max(rate, 1e-9):,.0f} s left"
