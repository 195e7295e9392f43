"""Progress without a terminal: few lines, no control characters."""

from __future__ import annotations

import io

from auditor.cli.progress import LiveProgress, PlainProgress


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
