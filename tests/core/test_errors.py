"""Errors of libraries are quoted up to their reason, and what may not be read is one message everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.core.errors import (
    RunError,
    UsageError,
    cannot_read,
    lacks_model_libraries,
    naming_unreadable,
    reason_of,
)

_TORCH = (
    "Error(s) in loading state_dict for Model:\n\tsize mismatch for a.weight: copying a param with shape [102, 8] from"
    " checkpoint, the shape in current model is [100, 8].\n\tsize mismatch for b.weight: copying a param with shape"
    " [102, 8] from checkpoint, the shape in current model is [100, 8]."
)
_TOKENIZERS = (
    "Couldn't instantiate the backend tokenizer from one of: \n(1) a library serialization file, \n(2) a slow tokenizer"
    " instance to convert or \n(3) an equivalent slow class. \nYou need to have sentencepiece installed."
)
_TRACE = (
    "The following operation failed in the interpreter.\nTraceback of TorchScript (most recent call last):\n"
    '  File "x.py", line 3, in f\n    return a + b\nRuntimeError: the sizes differ\n'
)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            ValueError("Validation error for field 'x':\n    TypeError: expected int"),
            "field 'x': TypeError: expected int",
        ),
        (
            ValueError("1 validation error for Model\nwidth\n  Input should be a number"),
            "Model: width: Input should be",
        ),
        (RuntimeError(_TORCH), "shape in current model is [100, 8]"),
        (ValueError(_TOKENIZERS), "You need to have sentencepiece installed"),
        (RuntimeError(_TRACE), "interpreter. RuntimeError: the sizes differ"),
        (
            RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported late"),
            "CUDA error: out of memory",
        ),
        (Exception("-----\n\n\x1b[31mthe file is damaged\x1b[0m"), "the file is damaged"),
        (KeyError("added_tokens"), "KeyError: 'added_tokens'"),
        (AssertionError(), "AssertionError"),
        (RunError("it broke", hint="Mend it."), "it broke"),
    ],
)
def test_a_reason_is_one_line_that_holds_the_reason(error: Exception, reason: str) -> None:
    shown = reason_of(error)
    assert shown.endswith(reason) or reason in shown
    assert "\n" not in shown
    assert "\x1b" not in shown
    assert "reported late" not in shown
    assert "b.weight" not in shown


def test_a_long_message_is_bounded() -> None:
    assert len(reason_of(ValueError("word " * 10_000))) <= 500
    assert len(reason_of(ValueError("a heading:\n" * 10_000))) <= 500


def test_the_cause_speaks_where_the_error_gives_no_reason() -> None:
    error = ValueError("Loading failed:")
    error.__cause__ = TypeError("the width is no number")
    assert reason_of(error) == "Loading failed: TypeError: the width is no number"
    assert reason_of(TypeError("the width is no number"), typed=True) == "TypeError: the width is no number"


def test_what_may_not_be_read_is_a_usage_error_by_its_name() -> None:
    with pytest.raises(UsageError, match=r"^data/a may not be read\n"), naming_unreadable():
        raise PermissionError(13, "Permission denied", "data/a")
    error = cannot_read("b", PermissionError(13, "Permission denied"), named_by="index.json")
    assert (error.message, error.exit_code) == ("b (named by index.json) may not be read", 2)
    with pytest.raises(PermissionError), naming_unreadable():
        raise PermissionError("no file is meant")


@pytest.mark.parametrize("call", ["stat", "open", "iterdir"])
def test_a_model_that_may_not_be_read(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from auditor.models.loading import open_model

    (tmp_path / "model").mkdir()
    if call != "iterdir":
        (tmp_path / "model" / "config.json").write_text("{}")
    whole = getattr(Path, call)

    def refused(path: Path, *rest: object, **named: object) -> object:
        if path.is_relative_to(tmp_path / "model"):
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path, *rest, **named)

    monkeypatch.setattr(Path, call, refused)
    with pytest.raises(UsageError, match=r"model.* may not be read"):
        open_model(str(tmp_path / "model"))


def test_a_chain_of_errors_without_an_end_is_followed_once() -> None:
    first, second = ValueError(), ValueError()
    first.__cause__, second.__cause__ = second, first
    assert not lacks_model_libraries(first)
    assert reason_of(first) == "ValueError"
    first.__cause__ = ModuleNotFoundError("No module named 'torch'", name="torch")
    assert lacks_model_libraries(second)
