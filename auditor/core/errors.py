"""Errors shown to the user. Each says what was wrong, where, and what to do."""

from __future__ import annotations

from typing import ClassVar

from auditor.core.text import visible


class AuditorError(Exception):
    """Base of every error that is raised on purpose.

    Args:
        message: What was wrong and where (file, line, option).
        hint: What the user can do about it, in one sentence.
    """

    exit_code = 4
    line_breaks: ClassVar[str] = ""
    """What may break the lines of its message; names in it may not."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        shown, hint = visible(self.message, keep=self.line_breaks), "\n  ".join(map(visible, self.hint.split("\n  ")))
        return f"{shown}\n  {hint}" if hint else shown


class UsageError(AuditorError):
    """The request cannot be carried out as given: a wrong option, path, column or file content."""

    exit_code = 2


class FaultsError(UsageError):
    """Several faults of one file, one a line."""

    line_breaks = "\n"


class RunError(AuditorError):
    """A sound request failed: a defective model, lack of memory, a full disk."""

    exit_code = 4


_MODEL_LIBRARIES = frozenset(
    "accelerate datasets gguf huggingface_hub peft psutil pyarrow safetensors tokenizers torch transformers".split()
)


def lacks_model_libraries(error: BaseException | None) -> bool:
    """Whether an error comes from a library that only the extra `models` installs."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and str(error.name).partition(".")[0] in _MODEL_LIBRARIES:
            return True
        error = error.__cause__ or error.__context__
    return False


UNTOUCHED = "Run again when nothing writes to its files any more."
"""What to do about files that changed while they were read."""


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, or its type where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
