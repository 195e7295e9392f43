"""PEFT adapters, scored unmerged over their base.

With the adapter switched off the same memory serves as the base; with it removed, another adapter is put over the
base. Both are verified before use. Not all adapters can be switched off: biases trained with them stay, some
initialisations change the weights they are added to, some rearrange the layers. The models after such an adapter are
loaded by themselves.
"""

from __future__ import annotations

import dataclasses
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.core.errors import UsageError
from auditor.models import hf
from auditor.models.backend import Backend, Fingerprint, Loader, LoadOptions, ModelSpec, Origin, WeightFiles
from auditor.models.digests import Memo, NoMemo, file_sha256, files_sha256
from auditor.models.folder import ADAPTER, CONVERT, read_folder, read_header, read_json, refuse_pickles_in, weight_files
from auditor.models.tokenizing import has_tokenizer, load_tokenizer
from auditor.results.models import ModelIdentity

if TYPE_CHECKING:
    from auditor.models.runtime.causal import CausalBackend
    from auditor.models.runtime.shared_base import SharedBase

_WEIGHTS = "adapter_model.safetensors"
_PROMPTS = {
    "PROMPT_TUNING",
    "MULTITASK_PROMPT_TUNING",
    "P_TUNING",
    "PREFIX_TUNING",
    "ADAPTION_PROMPT",
    "CPT",
    "CARTRIDGE",
}


def accepts(source: str) -> bool:
    """A local folder with an adapter and no whole model."""
    path = Path(source)
    return (path / ADAPTER).is_file() and not (path / "config.json").is_file()


def base(source: str) -> Origin:
    """The model the adapter was trained on, as its configuration names it: a path (relative to it too) or hub name.

    The revision it names applies to a hub name only; a local folder has none.

    Raises:
        UsageError: It names none.
    """
    config = read_json(Path(source) / ADAPTER)
    named = str(config.get("base_model_name_or_path") or "")
    if not named:
        raise UsageError(f"{source}/{ADAPTER} names no base model", hint="Set base_model_name_or_path to its path.")
    if Path(named).exists():
        return Origin(named, None)
    relative = Path(source) / named
    if relative.is_dir():
        return Origin(str(relative), None)
    return Origin(named, str(config.get("revision") or "") or None)


def _checked(source: str) -> Path:
    folder = Path(source)
    config = read_json(folder / ADAPTER)
    kind, task = str(config.get("peft_type")), config.get("task_type")
    if kind in _PROMPTS:
        raise UsageError(
            f"{source} is a {kind} adapter, which puts trained vectors in front of the text",
            hint="Adapters that change weights (LoRA and its kin) can be audited.",
        )
    if task not in (None, "CAUSAL_LM"):
        raise UsageError(f"{source} is an adapter for {task}, not for a causal language model")
    return folder


def _weights(folder: Path) -> Path:
    """The whole safetensors file of the adapter, without which PEFT would unpickle another file."""
    path = folder / _WEIGHTS
    if not path.is_file():
        refuse_pickles_in(folder)
        raise UsageError(f"{folder} has no {_WEIGHTS}, the only name PEFT reads without unpickling", hint=CONVERT)
    read_header(path)
    return path


def tokenizer_folder(adapter: Path, model: Path) -> Path:
    """The adapter's own tokenizer where it was saved with one, its base's otherwise."""
    return adapter if has_tokenizer(adapter) else model


def identify(source: str, options: LoadOptions, memo: Memo) -> ModelIdentity:
    """See `Loader.identify`: the identity is that of the base with the adapter's digests added."""
    if options.revision is not None:
        raise UsageError(
            f"{source} is a local folder and has no revision {options.revision!r}", hint="Leave --revision out."
        )
    folder = _checked(source)
    weights, origin = _weights(folder), base(source)
    model = read_folder(hf.locate(origin.source, origin.revision), memo)
    identity = hf.identity_of(
        model, origin.source, options, memo, tokenizer_folder=tokenizer_folder(folder, model.path)
    )
    return identity.model_copy(
        update={
            "source": source,
            "kind": "peft",
            "revision": None,
            "weights_sha256": files_sha256([*model.weights, weights], memo),
            "details": {**identity.details, **_details(folder), "peft": version("peft")},
        }
    )


def files(source: str, options: LoadOptions, memo: Memo) -> list[Path]:
    """See `Loader.files`: those of the base too."""
    folder, origin = _checked(source), base(source)
    model = read_folder(hf.locate(origin.source, origin.revision), memo)
    return [folder / ADAPTER, _weights(folder), *hf.files_of(model, tokenizer_folder(folder, model.path))]


def fingerprint(source: str, revision: str | None) -> Fingerprint:
    """See `Loader.fingerprint`: the base's files and the adapter's."""
    folder, origin = Path(source), base(source)
    weights, model = _weights(folder), hf.locate(origin.source, origin.revision)
    base_and_adapter = hf.fingerprint_of(
        model, [*weight_files(model), weights], tokenizer_folder(folder, model), NoMemo()
    )
    return dataclasses.replace(base_and_adapter, details={**base_and_adapter.details, **_details(folder)})


def _details(folder: Path) -> dict[str, str]:
    return {"adapter_config_sha256": file_sha256(folder / ADAPTER)}


def load(identity: ModelIdentity, options: LoadOptions) -> Backend:
    """See `Loader.load`."""
    from auditor.models.runtime.shared_base import SharedBase

    origin = base(identity.source)
    where = hf.locate(origin.source, origin.revision)
    inner = hf.load_model(where, origin.source, identity.dtype, identity.device)
    return _with_adapter(SharedBase(inner, context=identity.context), where, identity)


def _with_adapter(shared: SharedBase, where: Path, identity: ModelIdentity) -> CausalBackend:
    """The backend of an adapter, put over a base in memory that has none."""
    from auditor.models.runtime.causal import CausalBackend

    def sibling(spec: ModelSpec) -> CausalBackend | None:
        if spec.base is not None:
            return _with_adapter(shared, where, spec.identity) if shared.take_off() else None
        bare = shared.base()
        return None if bare is None else CausalBackend(bare[0], load_tokenizer(where), spec.identity, switch=bare[1])

    folder = Path(identity.source)
    own = load_tokenizer(tokenizer_folder(folder, where))
    return CausalBackend(shared.put_on(folder, identity.source), own, identity, make_sibling=sibling)


def tokenizer(source: str, options: LoadOptions) -> Any:
    """See `Loader.tokenizer`."""
    origin = base(source)
    return load_tokenizer(tokenizer_folder(Path(source), hf.locate(origin.source, origin.revision)))


def weights(source: str, options: LoadOptions) -> WeightFiles:
    """See `Loader.weights`: the base's files with the adapter over them."""
    origin = base(source)
    whole = hf.weights_of(hf.locate(origin.source, origin.revision))
    return dataclasses.replace(whole, adapter=Path(source) / _WEIGHTS)


PEFT = Loader(
    "peft",
    "a folder with a PEFT adapter (LoRA and its kin), scored unmerged",
    50,
    accepts,
    identify,
    load,
    base,
    tokenizer,
    fingerprint,
    files,
    weights,
)
