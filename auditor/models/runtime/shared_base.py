"""A base in memory over which adapters are put one after another."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from auditor.core.errors import RunError, first_line
from auditor.models.runtime.untouched import Untouched


class SharedBase:
    """A model that was read from its files, and the adapter it wears at the moment.

    Args:
        model: Without an adapter, in evaluation mode.
        context: Longest window.
    """

    def __init__(self, model: Any, *, context: int) -> None:
        self._model = model
        self._before = Untouched(model, context=context)
        self._attention = model.config._attn_implementation
        self._worn: Any = None
        self._whole = True

    def wear(self, folder: Path, source: str) -> Any:
        """Put an adapter on; none may be on (`free`).

        Args:
            folder: The adapter's.
            source: Its name for messages.

        Returns:
            The model with its adapter, the same as over weights just read.

        Raises:
            RunError: The adapter cannot be loaded.
        """
        from peft import PeftModel

        # Until it is on, some weights may have been changed for it.
        self._whole = False
        try:
            with warnings.catch_warnings():
                # What a library will rename in its next version is nothing an auditor's user can act on.
                warnings.simplefilter("ignore", FutureWarning)
                self._worn = PeftModel.from_pretrained(self._model, str(folder), autocast_adapter_dtype=False).eval()
        except Exception as error:
            raise RunError(
                f"cannot load the adapter {source}: {type(error).__name__}: {first_line(error)}",
                hint="Check that it was trained on the base it names and that its files are whole.",
            ) from error
        self._whole = True
        return self._worn

    def free(self) -> bool:
        """Take off the adapter that is on; False where the base is then not as it was read, and must not be used."""
        if self._worn is not None:
            self._whole = self._switches() and self._taken_off()
            self._worn = None
        return self._whole

    def bare(self) -> tuple[Any, Callable[[], AbstractContextManager[Any]]] | None:
        """The model as its base, and the context in which it is that.

        Returns:
            None where it does not compute what the base computes, in every bit, with its adapter switched off.
        """
        if self._worn is None:
            return (self._model, nullcontext) if self._whole else None
        return (self._worn, self._worn.disable_adapter) if self._switches() else None

    def _switches(self) -> bool:
        # How attention is computed was chosen for the backend before; the proof holds for the way it was read with.
        self._model.set_attn_implementation(self._attention)
        return self._before.still_in(self._worn, self._worn.disable_adapter)

    def _taken_off(self) -> bool:
        try:
            self._worn.unload()
        except Exception:  # of whatever kind: not every adapter can be taken off, and the others are loaded apart
            return False
        return self._before.alone_in(self._model)
