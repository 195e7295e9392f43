"""`auditor report`: render a stored result again, without any model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from auditor.cli.console import console_options, current_console, print_document, print_result
from auditor.cli.options import outputs as output_option
from auditor.cli.options import to_stdout

if TYPE_CHECKING:
    from auditor.report.output_format import OutputFormat

T = TypeVar("T")


@click.command(short_help="Render a stored result.json or batch.json again.")
@click.argument("result", type=click.Path(path_type=Path))
@output_option
@click.option(
    "--format",
    "form",
    default=None,
    help="Format to print where no -o is given: text, json, markdown or another.  [default: text]",
)
@console_options
def command(result: Path, outputs: tuple[Path, ...], form: str | None) -> None:
    """Render RESULT, a result.json of `auditor check`, `forget` or `test` or a batch.json, in other formats.

    The page of a batch links to the reports of its audits by relative paths. Written to another folder it shows the
    same, but its links do not work.

    \b
    Examples:
      auditor report result.json
      auditor report result.json -o report.html -o summary.md
      auditor report result.json --format markdown >> "$GITHUB_STEP_SUMMARY"
      auditor report auditor-reports/audits/batch.json -o audits.xml
    """
    from auditor.batch.renderer import batch_renderers
    from auditor.core.errors import UsageError
    from auditor.report.dealt.renderer import dealt_renderers
    from auditor.report.renderer import renderers
    from auditor.results.batch import BatchResult
    from auditor.results.dealt.result import DealtResult
    from auditor.results.io import load_stored

    if outputs and form is not None:
        raise UsageError(
            "--format is for printing, and -o writes files", hint="An -o chooses its format by its extension."
        )
    read = load_stored(result)
    if isinstance(read, BatchResult):
        _render(read, batch_renderers(), result, outputs, form)
    elif isinstance(read, DealtResult):
        _render(read, dealt_renderers(), result, outputs, form)
    else:
        _render(read, renderers(), result, outputs, form)


def _render(
    read: T, known: Mapping[str, OutputFormat[T]], source: Path, outputs: tuple[Path, ...], form: str | None
) -> None:
    from auditor.core.registry import pick
    from auditor.report.output_format import check_paths, write_all

    printed = pick("text" if form is None else form, dict(known), what="format")
    as_json, files = to_stdout(outputs)
    check_paths(files, known.values(), inputs=[source])
    write_all(read, files, known.values())
    if as_json:
        print_document(known["json"].render(read))
    elif not outputs and printed.name == "text":
        print_result(printed.render(read))
    elif not outputs:
        print_document(printed.render(read))
    console = current_console()
    for path in files:
        console.note(f"wrote {path}")
