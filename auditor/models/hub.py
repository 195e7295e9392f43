"""Models of the hub, from the local cache or else from the network."""

from __future__ import annotations

from pathlib import Path

from auditor.core.errors import RunError, UsageError, first_line
from auditor.core.hints import close_names
from auditor.models.folder import weight_files

# Pickles are never fetched. Weight files in other folders (original/, onnx/) are not what transformers loads.
_PATTERNS = ["*.safetensors", "*.json", "*.model", "vocab.txt", "merges.txt", "*.jinja"]


def fetch(name: str, revision: str | None) -> Path:
    """The folder of a hub model's files, whose name is its commit.

    Args:
        name: `owner/model`.
        revision: Branch, tag or commit; the main branch by default.

    Raises:
        UsageError: The model or revision does not exist.
        RunError: It is not in the local cache and cannot be fetched.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    refused: UsageError | None = None
    try:
        folder = Path(snapshot_download(name, revision=revision, local_files_only=True))
        weight_files(folder)
        return folder
    except HFValidationError as error:
        raise UsageError(
            f"{name!r} is neither a path nor the name of a hub model", hint=_hint(name, "Check the name.")
        ) from error
    except UsageError as error:
        refused = error
    except (OSError, ValueError):
        pass
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=_PATTERNS, ignore_patterns=["*/*"]))
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise UsageError(
            f"{name} is not a path here, and the hub has no such model or revision",
            hint=_hint(name, "Check the name; for a private model log in with `hf auth login`."),
        ) from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        if refused is not None:
            raise refused from error
        raise RunError(
            f"{name} is not a path here, not in the local cache, and cannot be fetched: {first_line(error)}",
            hint=_hint(name, "Check the path, or the connection to the hub, or download the model beforehand."),
        ) from error


def _hint(name: str, hint: str) -> str:
    """A hint, after the local paths that are similar to the name."""
    return f"{close_names(Path(name))} {hint}".strip()
