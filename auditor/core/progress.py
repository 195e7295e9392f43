"""How a long run tells a caller where it is; whoever prints implements it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of scoring as it goes."""

    def start(self, total_tokens: int, label: str) -> None:
        """A model begins to score so many tokens."""

    def advance(self, tokens: int) -> None:
        """So many more are scored and stored."""

    def stop(self) -> None:
        """The model is done, or broke off."""


class Silent:
    """Tells nobody."""

    def start(self, total_tokens: int, label: str) -> None:
        """Ignore."""

    def advance(self, tokens: int) -> None:
        """Ignore."""

    def stop(self) -> None:
        """Ignore."""
