"""AnswerCache: answers of pure functions, so that no question is worked out twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

V = TypeVar("V")


class AnswerCache:
    """Answers of pure functions, each under everything that it is made from; the answer is the same without it.

    Args:
        most: Answers held to each question; the one that was asked for longest ago goes first.
    """

    def __init__(self, most: int = 16) -> None:
        self._most = most
        self._held: dict[str, dict[Hashable, Any]] = defaultdict(dict)

    def ask(self, question: str, key: Hashable, make: Callable[[], V]) -> V:
        """An answer that is held, or is made now.

        Args:
            question: Name of the function.
            key: Everything that the answer is made from.
            make: Makes the answer.
        """
        held = self._held[question]
        answer: V = held.pop(key) if key in held else make()
        held[key] = answer
        if len(held) > self._most:
            del held[next(iter(held))]
        return answer

    def count(self, question: str) -> int:
        """How many answers to a question are held."""
        return len(self._held[question])
