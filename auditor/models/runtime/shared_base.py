"""A base model in memory that carries one adapter after another."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from auditor.core.errors import RunError, is_out_of_memory, reason_of
from auditor.models.runtime.finding import first_pass_error, probe_rows, vocabulary_of


class SharedBase:
    """A model as read from its files, and the adapter that is on it at the moment.

    Args:
        model: Without an adapter, in evaluation mode.
        context: Longest window.
    """

    def __init__(self, model: Any, *, context: int) -> None:
        self._model = model
        self._before = ModelState(model, context=context)
        self._attention = model.config._attn_implementation
        self._adapted: Any = None
        self._whole = True

    def put_on(self, folder: Path, source: str) -> Any:
        """Put an adapter on a base without one (`take_off`).

        Args:
            folder: Folder of the adapter.
            source: Its name for messages.

        Returns:
            The model with its adapter, the same as over freshly read weights.

        Raises:
            RunError: The adapter cannot be loaded.
        """
        from peft import PeftModel

        # If putting it on fails, some weights may already have been changed.
        self._whole = False
        try:
            with warnings.catch_warnings():
                # A user cannot act on a warning about the next version of a library.
                warnings.simplefilter("ignore", FutureWarning)
                self._adapted = PeftModel.from_pretrained(self._model, str(folder), autocast_adapter_dtype=False).eval()
        except Exception as error:
            raise RunError(
                f"cannot load the adapter {source}: {reason_of(error, typed=True)}",
                hint="Check that it was trained on the base it names and that its files are whole.",
            ) from error
        self._whole = True
        return self._adapted

    def take_off(self) -> bool:
        """Take the adapter off; False where the base then differs from its files and must not be used."""
        if self._adapted is not None:
            self._whole = self._base_intact() and self._unloaded()
            self._adapted = None
        return self._whole

    def base(self) -> tuple[Any, Callable[[], AbstractContextManager[Any]]] | None:
        """The base model, and the context to use it in.

        Returns:
            None where the model with its adapter switched off differs from the base in any bit.
        """
        if self._adapted is None:
            return (self._model, nullcontext) if self._whole else None
        return (self._adapted, self._adapted.disable_adapter) if self._base_intact() else None

    def _base_intact(self) -> bool:
        """Whether the model computes the base's logits with its adapter switched off."""
        # The backend may have chosen another attention; the comparison needs that of the snapshot.
        self._model.set_attn_implementation(self._attention)
        return self._before.present_in(self._adapted, self._adapted.disable_adapter)

    def _unloaded(self) -> bool:
        try:
            self._adapted.unload()
        except Exception:  # any kind: an adapter that cannot be taken off is loaded by itself
            return False
        return self._before.equals(self._model)


class ModelState:
    """State of a model before an adapter was added to it.

    Its tensors and how often each was written to, which covers every weight; its logits for two rows of tokens, which
    cover how the weights are put together; and its modules.

    Args:
        model: In evaluation mode.
        context: Longest window.
    """

    def __init__(self, model: Any, *, context: int) -> None:
        self._rows = probe_rows(vocabulary_of(model), context)
        try:
            self._logits = self._computed(model)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise first_pass_error(str(model.name_or_path), model, error) from error
        self._modules = _modules(model)
        # References to the tensors, so that no later tensor can reuse the identity of one that was freed.
        self._tensors = [(tensor, tensor.data_ptr(), tensor._version) for tensor in _tensors(model)]

    def present_in(self, model: Any, switch: Callable[[], AbstractContextManager[Any]]) -> bool:
        """Whether the model with its adapter switched off is this one, in every bit.

        Args:
            model: The model with its adapter.
            switch: Opens the context in which the adapter is off.
        """
        present = {id(tensor) for tensor in _tensors(model)}
        for tensor, address, version in self._tensors:
            if id(tensor) not in present or tensor.data_ptr() != address or tensor._version != version:
                return False
        # PEFT warns of adapters that cannot be switched off; they are detected here.
        with warnings.catch_warnings(action="ignore"), switch():
            logits = self._computed(model)
        return all(torch.equal(now, then) for now, then in zip(logits, self._logits, strict=True))

    def equals(self, model: Any) -> bool:
        """Whether a model without an adapter is this one and has no further modules or tensors."""
        if len(_tensors(model)) != len(self._tensors) or _modules(model) != self._modules:
            return False
        return self.present_in(model, nullcontext)

    def _computed(self, model: Any) -> list[torch.Tensor]:
        with torch.inference_mode():
            rows = [torch.tensor([row], device=model.device) for row in self._rows]
            return [model(input_ids=ids, use_cache=False).logits for ids in rows]


def _tensors(model: Any) -> list[torch.Tensor]:
    return [*model.parameters(), *model.buffers()]


def _modules(model: Any) -> list[tuple[str, type]]:
    return [(name, type(module)) for name, module in model.named_modules()]
