"""Progress: how a long run reports to its caller."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the progress of scoring."""

    def start(self, total_tokens: int, label: str) -> None:
        """A model starts to score `total_tokens` tokens."""

    def advance(self, tokens: int) -> None:
        """Another `tokens` tokens are scored and stored."""

    def stop(self) -> None:
        """The model has finished or failed."""


class Silent:
    """Ignores all progress."""

    def start(self, total_tokens: int, label: str) -> None:
        """Ignore."""

    def advance(self, tokens: int) -> None:
        """Ignore."""

    def stop(self) -> None:
        """Ignore."""
