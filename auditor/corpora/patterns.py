"""Patterns of relative file names: `*` stays in one part of a path, `**` is zero or more folders."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


class NamePattern:
    """A pattern such as `data/**/*.jsonl`, matched part by part, so that none takes long on a name of any length.

    Args:
        pattern: The pattern; a leading `./` means nothing.

    Attributes:
        sound: Whether it can match: it is relative, does not lead upwards, and `**` is a part of its own.
    """

    def __init__(self, pattern: str) -> None:
        steps = [step for step in pattern.split("/") if step not in ("", ".")]
        self._steps = [step for at, step in enumerate(steps) if step != "**" or steps[at - 1 : at] != ["**"]]
        self.sound = (
            bool(steps)
            and not pattern.startswith("/")
            and ".." not in steps
            and all("**" not in step or step == "**" for step in steps)
        )

    def matches(self, name: str) -> bool:
        """Whether it matches a whole relative name."""
        return self.sound and len(self._steps) in self._after(name)

    def leads_through(self, folder: str) -> bool:
        """Whether it may match a name below a folder."""
        return self.sound and any(at < len(self._steps) for at in self._after(folder))

    def _after(self, name: str) -> set[int]:
        """How many steps may be taken once the parts of a name are read."""
        reached = self._past_folders({0})
        for part in name.split("/"):
            reached = self._past_folders(self._next(at) for at in reached if self._takes(at, part))
        return reached

    def _takes(self, at: int, part: str) -> bool:
        return at < len(self._steps) and (self._steps[at] == "**" or fnmatchcase(part, self._steps[at]))

    def _next(self, at: int) -> int:
        return at if self._steps[at] == "**" else at + 1

    def _past_folders(self, reached: Iterable[int]) -> set[int]:
        """The steps, and those after a `**` that stands for no folder."""
        steps = set(reached)
        return steps | {at + 1 for at in steps if self._steps[at : at + 1] == ["**"]}
