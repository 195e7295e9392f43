"""A model folder as transformers saves it: its files, the headers of its weights, and the reasons to refuse it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from auditor.core.contents import require_content
from auditor.core.errors import UsageError, cannot_read, reason_of
from auditor.models.architectures import require_causal
from auditor.models.digests import Memo
from auditor.models.survey import folder_names, no_config, no_weights

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
_OF_TRAINING = ("training_args.bin", "optimizer.bin", "optimizer.pt", "scheduler.bin", "scheduler.pt", "scaler.pt")
ADAPTER = "adapter_config.json"
WEIGHT_INDEX = "model.safetensors.index.json"
# Where a folder holds such a file, transformers loads it in place of model.safetensors.
_RANK_LOCAL = re.compile(r"shard-\d{5}-model-\d{5}-of-\d{5}\.safetensors")
CONVERT = (
    "Only safetensors and GGUF are read, because unpickling runs code. Load the model where you trust it and call"
    " save_pretrained(folder), which writes safetensors."
)


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A checked model folder.

    Attributes:
        path: Path of the folder.
        config: The parsed config.json.
        weights: Its safetensors files, complete according to their headers.
    """

    path: Path
    config: dict[str, Any]
    weights: list[Path]


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        UsageError: The file is not a JSON object, or may not be read.
    """
    try:
        require_content(path, "structured")
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise cannot_read(path, error) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read as JSON: {reason_of(error)}", hint="Copy the file again.") from error
    if not isinstance(value, dict):
        raise UsageError(f"{path} is not a JSON object", hint="Copy the file again.")
    return value


def wrong_config(folder: Path, error: Exception) -> UsageError:
    """The error for a config.json that transformers refuses."""
    return UsageError(
        f"transformers refuses {folder / 'config.json'}: {reason_of(error)}",
        hint="Copy config.json again from where the model was saved, or correct the entry.",
    )


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that hold a model's weights: exactly those that transformers will load.

    Raises:
        UsageError: There are none, files that the index names are missing or elsewhere, one is incomplete, or others
            would be loaded in their place.
    """
    names = folder_names(folder)
    instead = [name for name in names if _RANK_LOCAL.fullmatch(name)]
    if instead:
        raise UsageError(
            f"{folder} holds the checkpoint of a distributed run ({instead[0]}), which is not read",
            hint="Save the whole model with save_pretrained(folder), or remove the shards that do not belong to it.",
        )
    index = folder / WEIGHT_INDEX
    single = folder / "model.safetensors"
    if single.is_file():
        files = [single]
    elif index.is_file():
        files = _indexed(index)
    else:
        refuse_pickles_in(folder)
        raise UsageError(f"{folder} has no model.safetensors", hint="Name the folder that holds the weights.")
    for path in files:
        refuse_wrapped(path, read_header(path))
    return files


def _indexed(index: Path) -> list[Path]:
    named = read_json(index).get("weight_map", {})
    if not isinstance(named, dict) or not named:
        raise UsageError(f"{index} names no weight files", hint="Copy the file again.")
    # The hashed file has to be the one that transformers opens under the same name, so a name is never shortened.
    names = sorted({str(name) for name in named.values()})
    for name in names:
        if not re.fullmatch(r"[^/\\:]+\.safetensors", name):
            raise UsageError(
                f"{index} names the weight file {name!r}, which is not a safetensors file in the folder",
                hint="Put all weight files into the model's folder and save their index again.",
            )
    missing = [name for name in names if not (index.parent / name).is_file()]
    if missing:
        shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3:,} more" if len(missing) > 3 else "")
        raise UsageError(
            f"{index.parent} lacks the weight files {shown}, which {index.name} names", hint="Download them again."
        )
    return [index.parent / name for name in names]


def refuse_pickles_in(folder: Path) -> None:
    """Refuse a folder that holds its weights in another form than safetensors.

    Raises:
        UsageError: It holds pickles, parts of a distributed training, a variant, or models one level down.
    """
    found = no_weights(folder)
    if found is not None:
        raise found
    pickles = [
        name
        for name in folder_names(folder)
        if name.endswith(PICKLES) and name not in _OF_TRAINING and (folder / name).is_file()
    ]
    if pickles:
        raise UsageError(f"{folder} holds its weights as pickle ({', '.join(pickles)}), not read", hint=CONVERT)


_WRAPPERS = {
    "_orig_mod": "torch.compile",
    "module": "DistributedDataParallel or DataParallel",
    "_fsdp_wrapped_module": "FullyShardedDataParallel",
    "_checkpoint_wrapped_module": "activation checkpointing",
}
_WRAPPED = re.compile(rf"(?:^|\.)(?P<name>{'|'.join(_WRAPPERS)})\.")


def wrapper_note(name: str) -> str:
    """What a tensor's name says of the wrapper that it was saved in; empty where there was none."""
    match = _WRAPPED.search(name)
    # `module` is a common name further in.
    if match is None or (match["name"] == "module" and not name.startswith(("module.", "base_model.model.module."))):
        return ""
    return f"the prefix {match['name'] + '.'!r} of {_WRAPPERS[match['name']]}"


def refuse_wrapped(path: Path, header: dict[str, dict[str, Any]]) -> None:
    """Refuse weights that were saved in a wrapper: transformers would draw new ones in their place.

    Raises:
        UsageError: Names of tensors begin with that of a wrapper.
    """
    found = next((name for name in header if wrapper_note(name)), None)
    if found is not None:
        inside = "_orig_mod" if "_orig_mod." in found else "module"
        raise UsageError(
            f"the tensors of {path} have {wrapper_note(found)} in their names ({found}), by which no weight is found",
            hint=f"Save the model inside it, with model.{inside}.save_pretrained(folder), or rename the tensors.",
        )


def has_weights(folder: Path) -> bool:
    """Whether a folder holds the weights of a whole model, or their index."""
    return any(name == WEIGHT_INDEX or fnmatch(name, "model*.safetensors") for name in folder_names(folder))


def refuse_embedded_adapter(folder: Path) -> None:
    """Refuse a model folder with an adapter, which transformers would merge into the model it loads.

    Raises:
        UsageError: The folder holds an adapter.
    """
    if (folder / ADAPTER).exists():
        raise UsageError(
            f"{folder} holds a model and an adapter ({ADAPTER}), so it is not clear which of them is meant",
            hint="Keep them in folders of their own, and name the adapter's if it belongs to the audited model.",
        )


def refuse_pickle(source: str) -> None:
    """Refuse a pickle file named directly.

    Raises:
        UsageError: The name has the suffix of a pickle.
    """
    if Path(source).suffix in PICKLES:
        raise UsageError(f"{source} is a pickle file, not read", hint=CONVERT)


def read_folder(path: Path, memo: Memo) -> ModelFolder:
    """Check a folder without its weights in memory.

    Args:
        path: The folder.
        memo: Remembers the models that transformers knows.

    Raises:
        UsageError: No model, no causal language model, pickled weights, an embedded adapter, weights under another
            name, or code of its own.
    """
    config = read_folder_config(path)
    require_causal(config, str(path), memo)
    return ModelFolder(path, config, weight_files(path))


def read_folder_config(path: Path) -> dict[str, Any]:
    """The config.json of a folder.

    Raises:
        UsageError: There is none, the folder holds an adapter too, or it names its weights itself.
    """
    config_file = path / "config.json"
    if not config_file.is_file():
        raise no_config(path)
    config = read_json(config_file)
    refuse_embedded_adapter(path)
    named = config.get("transformers_weights")
    if named is not None:
        raise UsageError(
            f"{config_file} names its weights itself (transformers_weights: {named!r}), which is not supported",
            hint="Name the weights model.safetensors and remove the entry.",
        )
    return config


_LONGEST_HEADER = 100_000_000
_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_HINT = "Download or copy the file again; it is incomplete or was changed."


def read_header(path: Path) -> dict[str, dict[str, Any]]:
    """The tensors a safetensors file declares: name to dtype, shape and offsets.

    The format is an 8-byte little-endian length, a JSON header, then the data, whose extent the header gives: a file
    that is cut short or padded is noticed before anything is loaded.

    Raises:
        UsageError: The file is incomplete or malformed.
    """
    try:
        require_content(path, "binary")
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if size < 8 or length > min(_LONGEST_HEADER, size - 8):
                raise UsageError(f"{path} is not a whole safetensors file: its header is cut short", hint=_HINT)
            header = json.loads(stream.read(length))
    except OSError as error:
        raise cannot_read(path, error) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a safetensors file: its header is no JSON", hint=_HINT) from error
    try:
        header.pop("__metadata__", None)
        end = 0
        for entry in header.values():
            start, stop = map(int, entry["data_offsets"])
            if not (isinstance(entry["dtype"], str) and 0 <= start <= stop):
                raise ValueError(entry)
            end = max(end, stop)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"{path} is not a safetensors file: its header is malformed", hint=_HINT) from error
    if 8 + length + end != size:
        raise UsageError(
            f"{path} is not whole: its header declares {8 + length + end:,} bytes, the file has {size:,}", hint=_HINT
        )
    return dict(header)


def stored_dtype(files: list[Path]) -> str:
    """The number format most weights are stored in, as torch names it; float32 for anything else (quantised)."""
    counts: dict[str, int] = {}
    for path in files:
        for entry in read_header(path).values():
            start, end = entry["data_offsets"]
            counts[entry["dtype"]] = counts.get(entry["dtype"], 0) + int(end) - int(start)
    return _DTYPES.get(max(counts, key=lambda name: counts[name], default="F32"), "float32")
