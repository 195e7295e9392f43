"""A base model in memory that carries one adapter after another."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from auditor.core.errors import RunError, UsageError, is_out_of_memory, reason_of
from auditor.models.adapters import Header, read_adapter_config, virtual_tokens, vocabularies
from auditor.models.architectures import LEAST_CONTEXT
from auditor.models.folder import read_header
from auditor.models.runtime.finding import first_pass_error, probe_rows, vocabulary_size
from auditor.models.runtime.prompted import Prompted


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
        self._resized = False

    def put_on(self, folder: Path, source: str) -> Any:
        """Put an adapter on a base without one (`take_off`), whose vocabulary is made that of the adapter.

        Args:
            folder: Folder of the adapter.
            source: Its name for messages.

        Returns:
            The model with its adapter, the same as over freshly read weights.

        Raises:
            UsageError: Some of its weights are in neither of the files, or tensors of it have no place in the base.
            RunError: The adapter cannot be loaded.
        """
        from peft import PeftModel

        config, header = read_adapter_config(folder), read_header(folder / "adapter_model.safetensors")
        _require_known_kind(config, source)
        # If putting it on fails, some weights may already have been changed.
        self._whole = False
        added = self._fit_vocabulary(folder, header, config, source)
        try:
            with warnings.catch_warnings():
                # A user cannot act on a warning about the next version of a library, nor on one about merging.
                warnings.simplefilter("ignore", FutureWarning)
                warnings.filterwarnings("ignore", message="Model has `tie_word_embeddings=True`")
                # What is missing is an error below.
                warnings.filterwarnings("ignore", message="Found missing adapter keys")
                self._adapted = PeftModel.from_pretrained(self._model, str(folder), autocast_adapter_dtype=False).eval()
        except Exception as error:
            raise RunError(
                f"cannot load the adapter {source} over {self._model.name_or_path}: {reason_of(error, typed=True)}",
                hint="Check that it was trained on the base it names and that its files are whole.",
            ) from error
        require_all_loaded(self._adapted, header, source)
        if added:
            require_known_tokens(self._adapted, added, source)
        self._whole = True
        count = virtual_tokens(config)
        if not count:
            return self._adapted
        prompted = Prompted(self._adapted, 0 if config["peft_type"] in ("PREFIX_TUNING", "CARTRIDGE") else count)
        require_read(prompted, source)
        return prompted

    def _fit_vocabulary(self, folder: Path, header: Header, config: dict[str, Any], source: str) -> range:
        """Resize the base to the adapter's vocabulary; gives the ids of the tokens added, whose rows are then NaN."""
        model = self._model
        modules = {name: module for name, module in model.named_modules() if module in _of_tokens(model)}
        size = int(model.get_input_embeddings().weight.shape[0])
        wanted = vocabularies(header, modules)
        if len(set(wanted.values())) > 1:
            shown = " and ".join(f"{rows:,} for {module}" for module, rows in sorted(wanted.items()))
            raise UsageError(
                f"{source} holds rows for different numbers of tokens: {shown}",
                hint="Save it again from the model it was trained with.",
            )
        count = max([*wanted.values(), _largest_trained(config) + 1 if not wanted else 0])
        if not count or count == size or (not wanted and count < size):
            return range(0)
        self._resized = True
        try:
            # Initial values are drawn, and then replaced by NaN: those that are not the adapter's are noticed.
            with torch.random.fork_rng(devices=[]), torch.no_grad():
                model.resize_token_embeddings(count, mean_resizing=False)
                for module in _of_tokens(model):
                    for tensor in module.parameters(recurse=False):
                        tensor[size:] = float("nan")
        except Exception as error:
            raise RunError(
                f"{source} was trained with {count:,} tokens and its base has {size:,}, which cannot be resized:"
                f" {reason_of(error, typed=True)}",
                hint="Merge the adapter into its base where you trained it and audit that model.",
            ) from error
        return range(size, count)

    def take_off(self) -> bool:
        """Take the adapter off; False where the base then differs from its files and must not be used."""
        if self._resized:
            return False
        if self._adapted is not None:
            self._whole = self._base_intact() and self._unloaded()
            self._adapted = None
        return self._whole

    def base(self) -> tuple[Any, Callable[[], AbstractContextManager[Any]]] | None:
        """The base model, and the context to use it in.

        Returns:
            None where the model with its adapter switched off differs from the base in any bit, and where it has the
            vocabulary of the adapter.
        """
        if self._resized:
            return None
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


def _require_known_kind(config: Mapping[str, Any], source: str) -> None:
    from peft import PEFT_TYPE_TO_CONFIG_MAPPING

    if config.get("peft_type") not in PEFT_TYPE_TO_CONFIG_MAPPING:
        raise UsageError(
            f"{source} is an adapter of the kind {config.get('peft_type')}, which peft {version('peft')} does not know",
            hint="A newer peft may know it.",
        )


def _of_tokens(model: Any) -> list[Any]:
    """The modules with a row for every token: the embeddings, and the output layer where there is one."""
    output = model.get_output_embeddings()
    return [model.get_input_embeddings(), *([] if output is None else [output])]


def _largest_trained(config: Mapping[str, Any]) -> int:
    """The largest id among tokens whose embeddings alone were trained; -1 where there are none."""
    chosen = config.get("trainable_token_indices") or config.get("token_indices") or []
    lists = chosen.values() if isinstance(chosen, dict) else [chosen]
    return max((int(token) for tokens in lists for token in tokens), default=-1)


def require_all_loaded(adapted: Any, header: Header, source: str) -> None:
    """Refuse an adapter of which PEFT left tensors aside, or for which it made up tensors of its own.

    Args:
        adapted: The base with its adapter.
        header: Tensors of the adapter's file.
        source: Its name for messages.

    Raises:
        UsageError: A tensor of the file has no place in the model, or one of the adapter is not in the file.
    """
    from peft import get_peft_model_state_dict

    with warnings.catch_warnings(action="ignore"):
        expected = set(get_peft_model_state_dict(adapted, save_embedding_layers=False))
    missing = sorted(expected - set(header))
    strange = set(header) - expected - set(adapted.state_dict())
    unused = sorted(name for name in strange if not _repeated(name, adapted) & expected & set(header))
    if unused:
        raise UsageError(
            f"{len(unused):,} of {len(header):,} tensors of the adapter {source} have no place in its base,"
            f" such as {unused[0]}",
            hint="Check that the base is the one it was trained on.",
        )
    if missing:
        raise UsageError(
            f"the adapter {source} lacks {len(missing):,} tensors that its configuration declares, such as"
            f" {missing[0]}",
            hint="Its files do not belong together; copy both again.",
        )


def _repeated(name: str, adapted: Any) -> set[str]:
    """Names under which a tensor is in the file a second time: PEFT saves embeddings by themselves where it has to."""
    model = adapted.get_base_model()
    plain = name.replace(".modules_to_save.", ".")
    both = {plain}
    if model.config.get_text_config().tie_word_embeddings:
        names = {module: path for path, module in model.named_modules() if module in _of_tokens(model)}
        inputs, *outputs = (names[module].replace(".token_adapter", "") for module in _of_tokens(model))
        both |= {plain.replace(f".{output}.", f".{inputs}.") for output in outputs}
    return both


def require_read(prompted: Prompted, source: str) -> None:
    """Refuse vectors before the text that the base takes and leaves aside, as some do with past keys and values.

    Raises:
        UsageError: The logits are the same without them, to the rounding of the number format.
        RunError: Its forward pass raises.
    """
    base = prompted.adapted.get_base_model()
    ids = torch.tensor([probe_rows(vocabulary_size(base), LEAST_CONTEXT)[-1]], device=base.device)
    try:
        with torch.inference_mode():
            logits = prompted(input_ids=ids, use_cache=False).logits
            with prompted.adapted.disable_adapter():
                without = base(input_ids=ids, use_cache=False).logits
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise first_pass_error(source, prompted, error) from error
    if float((logits - without).abs().max()) <= torch.finfo(logits.dtype).eps * float(without.abs().max()):
        raise UsageError(
            f"{source} puts vectors before the text, and its base, of the class {type(base).__name__}, computes the"
            " same without them",
            hint="Audit its base instead.",
        )


def require_known_tokens(adapted: Any, added: range, source: str) -> None:
    """Refuse a vocabulary with rows that neither the base nor the adapter holds.

    Args:
        adapted: The base with its adapter; rows that are not known are NaN.
        added: Ids of the tokens that the base does not have.
        source: Its name for messages.

    Raises:
        UsageError: There are such rows.
    """
    model = adapted.get_base_model()
    with torch.inference_mode():
        one = torch.tensor([[0]], device=model.device)
        output = bool(adapted(input_ids=one, use_cache=False).logits.isnan().any())
        embedded = (model.get_input_embeddings()(added_ids) for added_ids in _pieces(added, model.device))
        inputs = any(bool(rows.isnan().any()) for rows in embedded)
    if output or inputs:
        lacking = " and ".join(["embeddings"] * inputs + ["rows of the output layer"] * output)
        raise UsageError(
            f"{source} was trained with {added.stop:,} tokens and its base has {added.start:,}; the {lacking} of the"
            f" {len(added):,} added tokens were not saved with it",
            hint="Save it again with save_pretrained(folder, save_embedding_layers=True), or merge it into its base and"
            " audit that model.",
        )


def _pieces(ids: range, device: torch.device) -> Iterator[torch.Tensor]:
    for start in range(0, len(ids), 1024):
        yield torch.tensor(ids[start : start + 1024], device=device)


class ModelState:
    """State of a model before an adapter was added to it.

    Its tensors and how often each was written to, which covers every weight; its logits for two rows of tokens, which
    cover how the weights are put together; and its modules.

    Args:
        model: In evaluation mode.
        context: Longest window.
    """

    def __init__(self, model: Any, *, context: int) -> None:
        self._rows = probe_rows(vocabulary_size(model), context)
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
        for tensor, address, writes in self._tensors:
            if id(tensor) not in present or tensor.data_ptr() != address or tensor._version != writes:
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
