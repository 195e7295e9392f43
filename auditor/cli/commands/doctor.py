"""`auditor doctor`: whether an audit would work here, and how long it would take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from auditor.cli.console import console_options, print_document, print_result
from auditor.cli.options import SettingsCommand, setting_options, take

if TYPE_CHECKING:
    from auditor.doctor.model import ModelOnly
    from auditor.settings import AuditSettings


_OF_AUDIT = (
    "suspect",
    "heldout",
    "text_column",
    "group_column",
    "group_by",
    "limit",
    "suffix",
    "normalise",
    "chat_template",
    "score",
    "references",
)
_OF_MODEL = ("model", "revision", "base", "tokenizer", "dtype", "context", "max_tokens")


def _settings() -> list[click.Parameter]:
    from auditor.settings import AuditSettings, RunOptions

    return [
        *setting_options(AuditSettings, dict.fromkeys((*_OF_AUDIT, *_OF_MODEL, "device"), ""), required=False),
        *setting_options(RunOptions, {"cache_dir": ""}),
    ]


@click.command(
    cls=SettingsCommand, settings=_settings, short_help="Would an audit work here, and how long would it take?"
)
@click.option(
    "--documents",
    type=click.IntRange(min=1),
    default=400,
    show_default=True,
    help="Documents of the audit, both sets together.",
)
@click.option(
    "--tokens", type=click.IntRange(min=16), default=512, show_default=True, help="Mean number of tokens of a document."
)
@click.option("--json", "as_json", is_flag=True, help="Print the checkup as JSON.")
@console_options
def command(*, documents: int, tokens: int, cache_dir: str | None, as_json: bool, **values: Any) -> int:
    """Show versions, devices, memory and the score store; with --model load it, test it, and time an audit.

    The test is that of every audit: some documents alone in float32 against in a batch, and words in order against
    shuffled. Its text is built in, in English, or that of SUSPECT and HELDOUT, whose documents are then counted
    too, and opened as by `auditor check`. Exit code 4 means that something would stop an audit or make its figures
    wrong.

    \b
    Examples:
      auditor doctor
      auditor doctor --model ./my-model --documents 2000 --tokens 800
      auditor doctor suspect/ heldout/ --model ./my-model --json
    """
    from auditor.cli.progress import make_progress
    from auditor.core.text import escape_json
    from auditor.doctor.run import run_checkup
    from auditor.doctor.text import checkup_text

    subject = _subject(values, documents, tokens)
    with make_progress() as progress:
        checkup = run_checkup(subject, device=values["device"], cache_dir=cache_dir, progress=progress)
    if as_json:
        print_document(escape_json(checkup.model_dump_json(indent=2)) + "\n")
    else:
        print_result(checkup_text(checkup))
    return 4 if checkup.problems else 0


def _subject(values: dict[str, Any], documents: int, tokens: int) -> AuditSettings | ModelOnly | None:
    """The audit or the model that the options name; None where they name neither.

    Raises:
        UsageError: Options contradict each other.
    """
    from click.core import ParameterSource

    from auditor.core.errors import UsageError
    from auditor.doctor.model import ModelOnly
    from auditor.models.backend import LoadOptions
    from auditor.settings import AuditSettings, make_settings

    context = click.get_current_context()
    typed = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if values["model"] is None and typed & {"suspect", "documents", "tokens", *_OF_MODEL}:
        raise UsageError("these options are about a model, and none is named", hint="Name it with --model.")
    if values["suspect"] is None:
        if typed & {*_OF_AUDIT}:
            raise UsageError("these options are about an audit of documents", hint="Give SUSPECT and HELDOUT.")
        if values["model"] is None:
            return None
        options = LoadOptions(
            values["device"],
            values["dtype"],
            values["revision"],
            values["context"],
            values["base"],
            values["tokenizer"],
        )
        return ModelOnly(values["model"], options, documents, tokens, values["max_tokens"])
    if values["heldout"] is None:
        raise UsageError("SUSPECT is given and HELDOUT is not", hint="Give both sides of the audit, or neither.")
    if typed & {"documents", "tokens"}:
        raise UsageError("SUSPECT and HELDOUT determine both counts", hint="Leave --documents and --tokens out.")
    return make_settings(**take(dict(values), AuditSettings))
