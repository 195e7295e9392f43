"""The chat template of an audit: that of a file, or that of the audited model's tokenizer."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path

from auditor.core.errors import UsageError, cannot_read
from auditor.corpora.chat.formats import ChatFormat
from auditor.corpora.chat.template import MOST_SOURCE
from auditor.models.backend import load_options
from auditor.models.loading import open_tokenizer
from auditor.settings import NO_TEMPLATE, AuditSettings


def chat_format(settings: AuditSettings) -> ChatFormat:
    """How the conversations of an audit become text.

    One template for both sides and for every model: references and checkpoints read the text that the audited model
    reads, as a difference of templates would look like a difference of models.

    Raises:
        UsageError: The template cannot be read or used.
    """
    chosen = settings.chat_template
    if chosen == NO_TEMPLATE:
        return ChatFormat(None, "no template is asked for", settings.score)
    tokenizer = open_tokenizer(settings.model, load_options(settings))
    tokens = {name: token for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}
    if chosen is not None:
        chat = ChatFormat(_read(Path(chosen)), chosen, settings.score, tokens)
    else:
        template = _own(getattr(tokenizer, "chat_template", None), settings.model)
        origin = f"the tokenizer of {settings.model}"
        if template is None:
            return ChatFormat(None, f"{origin} has no chat template", settings.score)
        chat = ChatFormat(template, origin, settings.score, tokens)
    _ = chat.compiled
    return chat


def _own(template: object, model: str) -> str | None:
    """The template of a tokenizer, that named `default` where it has several."""
    if isinstance(template, Mapping):
        if "default" not in template:
            raise UsageError(
                f"the tokenizer of {model} has {len(template)} chat templates and none called 'default'",
                hint="Write the one it was tuned with to a file, and name that with --chat-template.",
            )
        template = template["default"]
    return template if isinstance(template, str) and template.strip() else None


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_SOURCE:
            raise UsageError(
                f"--chat-template {path}: longer than {MOST_SOURCE // 2**10} KiB", hint="Name a Jinja file."
            )
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"--chat-template {path}: not UTF-8", hint="Name a Jinja file.") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise cannot_read(path, error, named_by="--chat-template") from None
        raise UsageError(
            f"--chat-template {path}: {error.strerror or error}",
            hint="Name a Jinja file, such as the chat_template.jinja of the model it was tuned with.",
        ) from None
