"""`auditor doctor`: whether an audit would work here, and how long it would take."""

from __future__ import annotations

import click

from auditor.cli.console import console_options, print_document, print_result
from auditor.cli.options import SettingsCommand, setting_options


def _settings() -> list[click.Parameter]:
    from auditor.settings import AuditSettings, RunOptions

    wanted = "suspect heldout model revision text_column limit device dtype context max_tokens".split()
    return [
        *setting_options(AuditSettings, dict.fromkeys(wanted, ""), required=False),
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
def command(
    suspect: str | None,
    heldout: str | None,
    model: str | None,
    revision: str | None,
    documents: int,
    tokens: int,
    text_column: str,
    limit: int | None,
    device: str,
    dtype: str,
    context: int,
    max_tokens: int | None,
    cache_dir: str | None,
    as_json: bool,
) -> int:
    """Show versions, devices, memory and the score cache; with --model load it, test it, and time an audit.

    The test is that of every audit: some documents alone in float32 against in a batch, and words in order against
    shuffled. Its text is built in, in English, or that of SUSPECT and HELDOUT, whose documents are then counted
    too. Exit code 4 means that something would stop an audit or make its figures wrong.

    \b
    Examples:
      auditor doctor
      auditor doctor --model ./my-model --documents 2000 --tokens 800
      auditor doctor suspect/ heldout/ --model ./my-model --json
    """
    from click.core import ParameterSource

    from auditor.cli.progress import make_progress
    from auditor.core.errors import UsageError
    from auditor.core.text import escape_json
    from auditor.corpora.comparable import require_comparable
    from auditor.corpora.read import read_corpus
    from auditor.doctor.model import Size
    from auditor.doctor.run import run_checkup
    from auditor.doctor.text import checkup_text
    from auditor.models.backend import LoadOptions

    asked = click.get_current_context()
    given = {
        str(parameter.name)
        for parameter in asked.command.params
        if asked.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
    }
    if model is None and given & {"suspect", "documents", "tokens", "revision", "dtype", "context", "max_tokens"}:
        raise UsageError("these options are about a model, and none is named", hint="Name it with --model.")
    size = Size(documents, tokens)
    if suspect is None and given & {"text_column", "limit"}:
        raise UsageError("these options are about documents, and none are given", hint="Give SUSPECT and HELDOUT.")
    if suspect is not None:
        if heldout is None:
            raise UsageError("SUSPECT is given and HELDOUT is not", hint="Give both sides of the audit, or neither.")
        if given & {"documents", "tokens"}:
            raise UsageError("SUSPECT and HELDOUT determine both counts", hint="Leave --documents and --tokens out.")
        ours, theirs = (read_corpus(source, text_column=text_column, limit=limit) for source in (suspect, heldout))
        require_comparable(ours, theirs)
        size = Size(len(ours.documents) + len(theirs.documents), tokens, (ours, theirs))
    loading = LoadOptions(device, dtype, revision, context)
    with make_progress() as progress:
        checkup = run_checkup(model, loading, size, cache_dir=cache_dir, max_tokens=max_tokens, progress=progress)
    if as_json:
        print_document(escape_json(checkup.model_dump_json(indent=2)) + "\n")
    else:
        print_result(checkup_text(checkup))
    return 4 if checkup.problems else 0
