"""`auditor report`: render a stored result again, without any model."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Render a stored result.json again.")
@click.argument("result", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="Where to write; the extension chooses the format. Repeatable.",
)
def command(result: Path, outputs: tuple[Path, ...]) -> None:
    """Render RESULT, a result.json of `auditor check`, in other formats.

    \b
    Example:
      auditor report result.json -o report.html -o summary.md
    """
    from auditor.report.renderer import check_outputs, load_result, write_outputs
    from auditor.report.text import visible

    check_outputs(outputs, inputs=[result])
    write_outputs(load_result(result), outputs)
    for path in outputs:
        click.echo(f"wrote {visible(str(path))}", err=True)
