"""PEFT adapters, scored unmerged over their base.

With the adapter switched off the same memory serves as the base; with it removed, another adapter is put over the
base. Both are verified before use. Not all adapters can be switched off: biases trained with them stay, some
initialisations change the weights they are added to, some rearrange the layers. The models after such an adapter are
loaded by themselves.
"""

from __future__ import annotations

import dataclasses
import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.core.errors import UsageError
from auditor.models import hf
from auditor.models.adapters import (
    read_adapter_config,
    require_fitting,
    require_unwrapped,
    virtual_tokens,
    vocabularies,
)
from auditor.models.architectures import LEAST_CONTEXT, context_of
from auditor.models.backend import Backend, Fingerprint, Loader, LoadOptions, ModelSpec, Origin, WeightFiles
from auditor.models.digests import Memo, NoMemo, file_sha256, files_sha256
from auditor.models.folder import (
    ADAPTER,
    CONVERT,
    ModelFolder,
    has_weights,
    read_folder,
    read_header,
    read_json,
    refuse_pickles_in,
    weight_files,
)
from auditor.models.loading import check_source
from auditor.models.survey import folder_names
from auditor.models.tokenizing import chosen_tokenizer, has_tokenizer, load_tokenizer
from auditor.results.models import ModelIdentity

if TYPE_CHECKING:
    from auditor.models.runtime.causal import CausalBackend
    from auditor.models.runtime.shared_base import SharedBase

_WEIGHTS = "adapter_model.safetensors"
_VARIANT = re.compile(r"adapter_model\.(?P<variant>[\w-]+)\.safetensors")


def accepts(source: str) -> bool:
    """A local folder with an adapter and no weights of a whole model."""
    path = Path(source)
    return (path / ADAPTER).is_file() and not has_weights(path)


def base(source: str, options: LoadOptions) -> Origin:
    """The model the adapter was trained on: that of the options, or else the one that its configuration names.

    A path in the configuration may start from the current directory or from the adapter's folder. The revision it names
    applies to a hub name only; a local folder has none.

    Raises:
        UsageError: None is named.
    """
    if options.base is not None:
        path = check_source(options.base, None)
        _require_folder(path)
        return Origin(path, None, tokenizer=_for_base(path, options))
    file = Path(source) / ADAPTER
    config = read_json(file)
    named = str(config.get("base_model_name_or_path") or "")
    if not named:
        raise UsageError(f"{file} names no base model", hint="Name it with --base.")
    relative = Path(source) / named
    if relative.is_dir() and not Path(named).exists():
        named = str(relative)
    revision = None if Path(named).exists() else str(config.get("revision") or "") or None
    origin = Origin(named, revision, str(file), _for_base(named, options))
    with origin.naming():
        check_source(named, revision)
    _require_folder(named)
    return origin


def _require_folder(path: str) -> None:
    """Refuse a base that is a file here, which is no name on the hub either."""
    if Path(path).is_file():
        raise UsageError(
            f"{path} is a file, and the base of an adapter is a folder",
            hint="Name the folder that save_pretrained wrote with --base.",
        )


def _for_base(path: str, options: LoadOptions) -> str | None:
    return options.tokenizer if Path(path).is_dir() and not has_tokenizer(Path(path)) else None


def _locate(origin: Origin) -> Path:
    """The folder of the base.

    Raises:
        UsageError: It holds an adapter itself.
    """
    with origin.naming():
        folder = hf.locate(origin.source, origin.revision)
    if accepts(str(folder)):
        raise UsageError(
            f"the base {origin.source} is itself an adapter, and adapters over adapters are not scored",
            hint="Merge it into its own base (merge_and_unload, then save_pretrained) and name the merged model"
            " with --base.",
        )
    return folder


def _weights(folder: Path) -> Path:
    """The whole safetensors file of the adapter, without which PEFT would unpickle another file."""
    path = folder / _WEIGHTS
    if not path.is_file():
        _refuse_variant(folder)
        refuse_pickles_in(folder)
        raise UsageError(f"{folder} has no {_WEIGHTS}, the only name PEFT reads without unpickling", hint=CONVERT)
    read_header(path)
    return path


def _refuse_variant(folder: Path) -> None:
    match = next(filter(None, map(_VARIANT.fullmatch, folder_names(folder))), None)
    if match is not None:
        raise UsageError(
            f"{folder} holds its weights under the name of a variant, {match['variant']!r} ({match.group()})",
            hint=f"Rename the file to {_WEIGHTS}, the only name PEFT reads.",
        )


def tokenizer_folder(adapter: Path, model: Path, options: LoadOptions) -> Path:
    """The named tokenizer, or the adapter's own where it was saved with one, or its base's."""
    return chosen_tokenizer(options, adapter if has_tokenizer(adapter) else model)


def identify(source: str, options: LoadOptions, memo: Memo) -> ModelIdentity:
    """See `Loader.identify`: the identity is that of the base with the adapter's digests added.

    Vectors that the adapter puts before the text take their room from the window.
    """
    if options.revision is not None:
        raise UsageError(
            f"{source} is a local folder and has no revision {options.revision!r}", hint="Leave --revision out."
        )
    folder, origin = Path(source), base(source, options)
    config, weights = read_adapter_config(folder), _weights(folder)
    model = _base_folder(origin, memo)
    header = read_header(weights)
    require_unwrapped(source, header)
    require_fitting(folder, config, header, model)
    identity = hf.identity_of(
        model,
        origin.source,
        options,
        memo,
        tokenizer_folder=tokenizer_folder(folder, model.path, options),
        vocabulary=max(vocabularies(header, None).values(), default=None),
    )
    return identity.model_copy(
        update={
            "source": source,
            "kind": "peft",
            "revision": None,
            "weights_sha256": files_sha256([*model.weights, weights], memo),
            "context": _context(source, model.config, options, virtual_tokens(config)),
            "details": {**identity.details, **_details(folder, options), "peft": version("peft")},
        }
    )


def _base_folder(origin: Origin, memo: Memo) -> ModelFolder:
    folder = _locate(origin)
    with origin.naming():
        return read_folder(folder, memo)


def _context(source: str, config: dict[str, Any], options: LoadOptions, in_front: int) -> int:
    """Longest window of text: the option, or what the vectors leave of the base's own limit where that is less."""
    whole = context_of(config, options.max_context + in_front)
    if whole - in_front < LEAST_CONTEXT:
        raise UsageError(
            f"{source} puts {in_front:,} vectors before the text, which leaves {max(0, whole - in_front):,} of the"
            f" {whole:,} tokens that its base reads",
            hint="Audit its base instead.",
        )
    return whole - in_front


def files(source: str, options: LoadOptions, memo: Memo) -> list[Path]:
    """See `Loader.files`: those of the base too."""
    folder, origin = Path(source), base(source, options)
    model = _base_folder(origin, memo)
    own = [path for path in (folder / ADAPTER, folder / "config.json") if path.is_file()]
    return [*own, _weights(folder), *hf.files_of(model, tokenizer_folder(folder, model.path, options))]


def fingerprint(source: str, options: LoadOptions) -> Fingerprint:
    """See `Loader.fingerprint`: the base's files and the adapter's."""
    folder = Path(source)
    weights, model = _weights(folder), _locate(base(source, options))
    base_and_adapter = hf.fingerprint_of(
        model, [*weight_files(model), weights], tokenizer_folder(folder, model, options), NoMemo()
    )
    return dataclasses.replace(base_and_adapter, details={**base_and_adapter.details, **_details(folder, options)})


def _details(folder: Path, options: LoadOptions) -> dict[str, str]:
    """Digests of the configurations, and the base that the adapter names where another was put in its place."""
    details = {"adapter_config_sha256": file_sha256(folder / ADAPTER)}
    if (folder / "config.json").is_file():
        details["adapter_model_config_sha256"] = file_sha256(folder / "config.json")
    if options.base is not None:
        details["recorded_base"] = str(read_json(folder / ADAPTER).get("base_model_name_or_path") or "")
    return details


def load(identity: ModelIdentity, options: LoadOptions) -> Backend:
    """See `Loader.load`."""
    from auditor.models.runtime.shared_base import SharedBase

    origin = base(identity.source, options)
    where = _locate(origin)
    inner = hf.load_model(where, origin.source, identity.dtype, identity.device)
    return _with_adapter(SharedBase(inner, context=identity.context), where, identity, options)


def _with_adapter(shared: SharedBase, where: Path, identity: ModelIdentity, options: LoadOptions) -> CausalBackend:
    """The backend of an adapter, put over a base in memory that has none."""
    from auditor.models.runtime.causal import CausalBackend

    def sibling(spec: ModelSpec) -> CausalBackend | None:
        if spec.base is not None:
            return _with_adapter(shared, where, spec.identity, spec.options) if shared.take_off() else None
        bare = shared.base()
        if bare is None:
            return None
        return CausalBackend(bare[0], hf.tokenizer_in(where, spec.options), spec.identity, switch=bare[1])

    folder = Path(identity.source)
    own = load_tokenizer(tokenizer_folder(folder, where, options))
    return CausalBackend(shared.put_on(folder, identity.source), own, identity, make_sibling=sibling)


def tokenizer(source: str, options: LoadOptions) -> Any:
    """See `Loader.tokenizer`."""
    return load_tokenizer(tokenizer_folder(Path(source), _locate(base(source, options)), options))


def weights(source: str, options: LoadOptions) -> WeightFiles:
    """See `Loader.weights`: the base's files with the adapter over them."""
    whole = hf.weights_of(_locate(base(source, options)))
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
