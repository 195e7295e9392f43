"""`auditor batch`: many audits as one gate."""

from __future__ import annotations

from pathlib import Path

import click

from auditor.cli.console import console_options, current_console, print_document, print_result
from auditor.cli.options import SettingsCommand, exit_zero, setting_options, to_stdout, words
from auditor.cli.run import only_reports


def _settings() -> list[click.Parameter]:
    from auditor.settings import AuditSettings, RunOptions

    return [*setting_options(RunOptions, {"cache_dir": ""}), *setting_options(AuditSettings, {"require_control": ""})]


@click.command(cls=SettingsCommand, settings=_settings, short_help="Run many audits as one gate.")
@click.argument("configuration", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(),
    help="Folder to write, for this configuration alone. Default: auditor-reports/NAME, where NAME is CONFIGURATION "
    "without its extension. -o - also prints batch.json on stdout, and the text on stderr.",
)
@click.option("--name", default=None, help="Name of the batch. Default: that in CONFIGURATION.")
@click.option(
    "--fail-on",
    metavar="WORDS",
    callback=words,
    default=None,
    help="Outcomes that fail in audits without expect, fail-on and states of their own: verdicts and states of the "
    "last checkpoint, separated by commas. It replaces those of the defaults of CONFIGURATION.",
)
@exit_zero
@console_options
def command(
    configuration: Path,
    outputs: tuple[str, ...],
    name: str | None,
    cache_dir: str | None,
    fail_on: tuple[str, ...] | None,
    require_control: bool,
    exit_zero: bool,
) -> int:
    """Run every audit of CONFIGURATION, a YAML or TOML file, and write one folder about all of them.

    The folder has index.html, junit.xml, summary.md, batch.json, and for each audit a folder with report.html and
    result.json. Texts are scored once and models loaded once, whichever audits need them. P-values are corrected over
    the batch, so all verdicts are known, and all reports written, after the last audit.

    Interrupted and run again with the same folder, a batch continues where it stopped; audits whose inputs have not
    changed are not run again. An audit that breaks does not stop the others. The exit code is that of the worst audit:
    4 where one broke, 1 where one fails for evidence or a state, 3 where one fails as inconclusive, else 0.

    \b
    Examples:
      auditor batch audits.yaml
      auditor batch nightly.toml -o build/audits --cache-dir .scores
      auditor batch audits.yaml --fail-on evidence
      auditor batch audits.yaml -o report --exit-zero
      auditor batch audits.yaml -o report -o - | jq .exit_code
    """
    from dataclasses import replace

    from auditor.batch.read import read_batch
    from auditor.batch.renderer import batch_renderers
    from auditor.batch.run import run_batch
    from auditor.cli.progress import make_progress
    from auditor.cli.recorded import batch_command
    from auditor.core.errors import UsageError
    from auditor.results.gate import make_gate

    as_json, folders = to_stdout(outputs)
    if len(folders) > 1:
        raise UsageError(
            f"a batch writes one folder, and {' and '.join(map(repr, folders))} are named",
            hint="Leave all but one out.",
        )
    reports = only_reports(exit_zero, "fail_on")
    plan = read_batch(configuration, name=name, fail_on=None if reports else fail_on, require_control=require_control)
    folder = folders[0] if folders else str(Path("auditor-reports", configuration.stem))
    if reports:
        # The gates are replaced, not the exit code alone: what the files say and how the command ends must agree.
        plan = replace(plan, audits=tuple(replace(planned, gate=make_gate("any", ())) for planned in plan.audits))
    console = current_console()
    with make_progress() as progress:
        batch = run_batch(
            plan,
            folder,
            cache_dir=cache_dir,
            command=batch_command(configuration, require_control=require_control),
            progress=progress,
            say=console.note,
        )
    renderers = batch_renderers()
    if as_json:
        console.note_lines(renderers["text"].render(batch))
        print_document(renderers["json"].render(batch))
    else:
        print_result(renderers["text"].render(batch))
    console.note(f"wrote {Path(folder, 'index.html')}")
    return batch.exit_code
