"""The chat template of an audit: that of a file, or that of the audited model's tokenizer."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from pathlib import Path

from auditor.core.errors import UsageError, cannot_read
from auditor.corpora.chat.formats import ChatFormat
from auditor.models.backend import LoadOptions, load_options
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
        return ChatFormat(None, origin_of(settings, rendered=False), settings.score)
    named = None if chosen is None else read_template(Path(chosen))
    own, tokens = own_template(settings.model, load_options(settings), named=named is not None)
    template = own if named is None else named
    origin = origin_of(settings, rendered=template is not None)
    chat = ChatFormat(template, origin, settings.score, tokens if template is not None else {})
    if template is not None:
        _ = chat.compiled
    return chat


def origin_of(settings: AuditSettings, *, rendered: bool) -> str:
    """Where the chat template of an audit is from, or why pairs are joined; for people.

    Args:
        settings: The settings.
        rendered: Whether there is a template.
    """
    if settings.chat_template == NO_TEMPLATE:
        return "no template is asked for"
    own = f"the tokenizer of {settings.model}"
    return settings.chat_template or (own if rendered else f"{own} has no chat template")


def own_template(model: str, options: LoadOptions, *, named: bool = False) -> tuple[str | None, dict[str, str]]:
    """The chat template of a model's tokenizer, None where it has none, and the special tokens by name.

    Args:
        model: Source of the model.
        options: How it is opened.
        named: Whether the template is named otherwise, so that only the tokens are wanted.

    Raises:
        UsageError: The tokenizer cannot be opened, or has several templates.
    """
    tokenizer = open_tokenizer(model, options)
    tokens = {name: token for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}
    return None if named else _own(getattr(tokenizer, "chat_template", None), model), tokens


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
