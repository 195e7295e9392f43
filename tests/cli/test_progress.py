"""Progress without a terminal: few lines, no control characters."""

from __future__ import annotations

import io
import sys

import click
import pytest

from auditor.cli.console import console_options
from auditor.cli.progress import LiveProgress, PlainProgress, make_progress
from auditor.core.progress import Silent


def test_plain_progress_prints_every_ten_seconds_with_rate_and_time_left() -> None:
    now = [0.0]
    stream = io.StringIO()
    progress = PlainProgress(stream, clock=lambda: now[0])
    progress.start(1000, "target")
    for second in range(1, 26):
        now[0] = float(second)
        progress.advance(20)
    progress.stop()
    lines = stream.getvalue().splitlines()
    assert lines == [
        "target: scoring 1,000 tokens",
        "target: 20%, 20 tokens/s, about 40 s left",
        "target: 40%, 20 tokens/s, about 30 s left",
        "target: 500 tokens in 25 s (20 tokens/s)",
    ]
    assert stream.getvalue().isascii()


def test_live_progress_can_be_started_again_for_the_next_model() -> None:
    progress = LiveProgress()
    for label in ("target", "base"):
        progress.start(10, label)
        progress.advance(5)
        progress.stop()
    progress.stop()


def test_labels_cannot_act_on_the_terminal() -> None:
    stream = io.StringIO()
    PlainProgress(stream).start(10, "models/mo\x1b[31mdel")
    assert "\x1b" not in stream.getvalue()
    assert "models/" not in stream.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_stderr_that_cannot_be_written_does_not_break_an_audit() -> None:
    for stream in (Full(), closed()):
        progress = PlainProgress(stream)
        progress.start(10, "model")
        progress.advance(10)
        progress.stop()


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize(
    ("arguments", "terminal", "term", "kind"),
    [
        ([], True, "xterm-256color", LiveProgress),
        ([], False, "xterm-256color", PlainProgress),
        ([], True, "dumb", PlainProgress),
        ([], True, None, PlainProgress),
        (["--verbose"], True, "xterm-256color", PlainProgress),
        (["--no-progress"], True, "xterm-256color", Silent),
        (["-q"], False, "dumb", Silent),
    ],
)
def test_the_progress_fits_where_it_is_shown(
    arguments: list[str], terminal: bool, term: str | None, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    @console_options
    def command() -> type:
        with make_progress() as progress:
            return type(progress)

    monkeypatch.setattr(sys, "stderr", Terminal() if terminal else io.StringIO())
    monkeypatch.delenv("TERM", raising=False) if term is None else monkeypatch.setenv("TERM", term)
    assert command.main(arguments, standalone_mode=False) is kind


def test_no_progress_is_shown_where_stderr_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with make_progress() as progress:
        assert isinstance(progress, Silent)
