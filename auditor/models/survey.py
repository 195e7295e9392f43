"""What a folder holds that is not a model as transformers saves it, and the models one level down."""

from __future__ import annotations

import re
from pathlib import Path

from auditor.core.errors import UsageError, cannot_read

_MOST_OFFERED = 4
_VARIANT = re.compile(
    r"model(?:-\d{5}-of-\d{5})?\.(?P<first>[\w-]+)\.safetensors|model\.safetensors\.index\.(?P<index>\w+)\.json"
)
_STEP = re.compile(r"(?P<name>.*?)[-_]?(?P<step>\d+)")
_SHARDED = "Write the whole model where it was trained"
_OWN = "Convert it with the script that transformers has for this architecture, and name the folder it writes."


def folder_names(folder: Path) -> list[str]:
    """The names in a folder, sorted.

    Raises:
        UsageError: It may not be read.
    """
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise cannot_read(folder, error) from error


def no_config(folder: Path) -> UsageError:
    """The error for a folder without config.json."""
    names = folder_names(folder)
    if "adapter_config.json" in names:
        return UsageError(
            f"{folder} holds an adapter and no whole model",
            hint="An adapter is named by its folder: fetch it with `hf download`, and name that folder.",
        )
    found = _sharded(folder, names) or _offered(folder, names)
    if found is not None:
        return found
    weights = next((name for name in names if name.endswith((".safetensors", ".bin", ".pt", ".pth"))), "")
    holds = f" but weights ({weights})" if weights else ""
    return UsageError(
        f"{folder} is not a model: it has no config.json{holds}", hint="Name the folder that save_pretrained wrote."
    )


def no_weights(folder: Path) -> UsageError | None:
    """The error for a folder with config.json whose weights have other names; None where nothing is there."""
    names = folder_names(folder)
    for match in filter(None, map(_VARIANT.fullmatch, names)):
        variant = match["first"] or match["index"]
        return UsageError(
            f"{folder} holds its weights under the name of a variant, {variant!r} ({match.group()})",
            hint=f"Load it with from_pretrained(folder, variant={variant!r}) and call save_pretrained(another folder).",
        )
    whole = [name for name in names if re.fullmatch(r"consolidated(\.\d+)?\.(safetensors|pth)", name)]
    if whole:
        return UsageError(
            f"{folder} holds its weights in the format of those who trained it ({whole[0]}), not of transformers",
            hint=f"Name a folder with model.safetensors. {_OWN}",
        )
    return _sharded(folder, names) or _offered(folder, names) or _apart(folder, names)


def _apart(folder: Path, names: list[str]) -> UsageError | None:
    """The error for weights in a folder of their own, away from config.json."""
    for name in names:
        if (folder / name).is_dir() and any(below.endswith(".safetensors") for below in folder_names(folder / name)):
            return UsageError(
                f"{folder} holds config.json, and its weights lie in {folder / name}",
                hint="Put the weights and their index into the folder of config.json.",
            )
    return None


def _sharded(folder: Path, names: list[str]) -> UsageError | None:
    """The error for the state of a distributed training, whose parts lie in many files."""
    steps = [name for name in names if re.fullmatch(r"global_step\d+", name)]
    if steps or "zero_to_fp32.py" in names:
        return UsageError(
            f"{folder} holds a DeepSpeed checkpoint ({steps[-1] if steps else 'zero_to_fp32.py'}), not a whole model",
            hint=f"{_SHARDED}: python {folder / 'zero_to_fp32.py'} {folder} OUT, its result as safetensors, with"
            " config.json and the tokenizer copied to OUT.",
        )
    parts = [name for name in names if name.startswith("pytorch_model_fsdp") or name.endswith(".distcp")]
    if parts:
        return UsageError(
            f"{folder} holds an FSDP checkpoint ({parts[0]}), not a whole model",
            hint=f"{_SHARDED}: accelerate merge-weights {folder / parts[0]} OUT, with config.json and the tokenizer"
            " copied to OUT.",
        )
    return None


def _offered(folder: Path, names: list[str]) -> UsageError | None:
    """The error for a folder with models one level down, which names them, the latest first."""
    below = [name for name in names if _is_model(folder / name)]
    if not below:
        return None
    below.sort(key=_order)
    shown = ", ".join(f"--model {folder / name}" for name in below[:_MOST_OFFERED])
    more = f" ({len(below) - _MOST_OFFERED:,} more)" if len(below) > _MOST_OFFERED else ""
    kinds = {(folder / name / "adapter_config.json").is_file() for name in below}
    what = "adapters" if kinds == {True} else "models" if kinds == {False} else "models and adapters"
    return UsageError(f"{folder} is no model but holds {what} one level down", hint=f"Name one: {shown}{more}.")


def _order(name: str) -> tuple[str, int, str]:
    match = _STEP.fullmatch(name)
    return (match["name"], -int(match["step"]), name) if match else (name, 0, name)


def _is_model(folder: Path) -> bool:
    try:
        names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    except OSError:
        return False
    weights = any(name.endswith(".safetensors") for name in names)
    return weights and bool(names & {"config.json", "adapter_config.json"})
