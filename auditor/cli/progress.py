"""Progress of scoring on stderr: a live bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import TextIO

from auditor.cli.console import current_console
from auditor.core.progress import Progress, Silent

INTERVAL = 10.0


class PlainProgress:
    """A line when a model starts, every ten seconds, and when it is done."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._label, self._total, self._done = "", 0, 0
        self._started = self._said = 0.0

    def start(self, total_tokens: int, label: str) -> None:
        """A model begins to score a number of tokens."""
        self._label, self._total, self._done = _short(label), total_tokens, 0
        self._started = self._said = self._clock()
        self._print(f"{self._label}: scoring {total_tokens:,} tokens")

    def advance(self, tokens: int) -> None:
        """More tokens are scored and stored."""
        self._done += tokens
        now = self._clock()
        if now - self._said < INTERVAL or not self._done:
            return
        self._said = now
        rate = self._done / max(now - self._started, 1e-9)
        left = _duration((self._total - self._done) / rate)
        self._print(f"{self._label}: {self._done / max(self._total, 1):.0%}, {rate:,.0f} tokens/s, about {left} left")

    def stop(self) -> None:
        """The model is done, or failed."""
        seconds = self._clock() - self._started
        rate = self._done / max(seconds, 1e-9)
        self._print(f"{self._label}: {self._done:,} tokens in {_duration(seconds)} ({rate:,.0f} tokens/s)")

    def _print(self, line: str) -> None:
        # A stderr that is full or gone is no reason to break an audit.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()


class LiveProgress:
    """A bar with rate and time left, redrawn in place."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None
        self._started = 0.0

    def start(self, total_tokens: int, label: str) -> None:
        """A model begins to score a number of tokens."""
        self._started = time.monotonic()
        self._bar.start()
        self._task = self._bar.add_task(_short(label), total=total_tokens, rate="")

    def advance(self, tokens: int) -> None:
        """More tokens are scored and stored."""
        if self._task is None:
            return
        done = self._bar.tasks[-1].completed + tokens
        rate = done / max(time.monotonic() - self._started, 1e-9)
        self._bar.update(self._task, advance=tokens, rate=f"{rate:,.0f} tokens/s")

    def stop(self) -> None:
        """The model is done, or failed."""
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        self._bar.stop()


@contextmanager
def make_progress() -> Iterator[Progress]:
    """The progress for the current command and stderr; a live bar is always removed at the end."""
    console = current_console()
    if not console.progress or sys.stderr is None:
        yield Silent()
    # Lines of detail would tear a bar apart, and a dumb terminal cannot redraw one.
    elif console.verbose or not sys.stderr.isatty() or os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        yield PlainProgress(sys.stderr)
    else:
        live = LiveProgress()
        try:
            yield live
        finally:
            live.stop()


def _short(label: str) -> str:
    """The last part of a path, with nothing in it that could act on a terminal."""
    from auditor.core.text import visible

    return visible(PurePath(label).name or label)


def _duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {whole % 60:02} s" if minutes else f"{whole} s"
