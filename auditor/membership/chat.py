"""The chat template of an audit: that of a file, or that of the audited model's tokenizer."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from pathlib import Path

from auditor.core.errors import UsageError, cannot_read
from auditor.corpora.chat.formats import ChatFormat
from auditor.models.backend import load_options
from auditor.models.loading import open_tokenizer
from auditor.settings import NO_TEMPLATE, AuditSettings

_MOST_FILE = 2**24
_FILES = "Name a Jinja file or a tokenizer_config.json, such as those of the model it was tuned with."


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
        chat = ChatFormat(read_template(Path(chosen)), chosen, settings.score, tokens)
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


def read_template(path: Path) -> str:
    """The chat template in a file: Jinja, or JSON of a tokenizer's configuration.

    Raises:
        UsageError: It cannot be read, or is JSON without a template.
    """
    try:
        if path.stat().st_size > _MOST_FILE:
            raise UsageError(
                f"--chat-template {path}: longer than {_MOST_FILE // 2**20} MiB", hint="Name a Jinja file."
            )
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"--chat-template {path}: not UTF-8", hint="Name a Jinja file.") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise cannot_read(path, error, named_by="--chat-template") from None
        raise UsageError(
            f"--chat-template {path}: {error.strerror or error}",
            hint=_FILES,
        ) from None
    return _within(text, path)


def _within(text: str, path: Path) -> str:
    """The template in a file: the text, or what the configuration of a tokenizer has as its template.

    No Jinja that renders a conversation is JSON of an object or a list at once.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(value, dict | list):
        return text
    template = value.get("chat_template") if isinstance(value, dict) else value
    if isinstance(template, list):
        named = [one for one in template if isinstance(one, dict) and one.get("name") == "default"]
        template = named[0].get("template") if named else None
    elif isinstance(template, dict):
        template = template.get("default")
    if not isinstance(template, str) or not template.strip():
        raise UsageError(f"--chat-template {path}: JSON without a chat template in `chat_template`", hint=_FILES)
    return template
