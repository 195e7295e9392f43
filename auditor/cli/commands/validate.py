"""`auditor validate`: check configurations of batches without running anything."""

from __future__ import annotations

import click

from auditor.cli.environment import Option


@click.command(short_help="Check the configuration of a batch without running it.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-q", "--quiet", cls=Option, everywhere=True, is_flag=True, help="Print nothing about a valid file.")
def command(files: tuple[str, ...], quiet: bool) -> int:
    """Check each FILE, the configuration of a batch in YAML or TOML, and print everything that is wrong with it.

    Nothing is run, fetched or written, and neither torch nor a model is loaded: local documents and models must exist,
    names on a hub are not checked. Each line on stderr is FILE:LINE: what is wrong. The exit code is 2 if there is any.

    \b
    Examples:
      auditor validate audits.yaml
      auditor validate nightly.toml weekly.toml
      auditor schema audits > audits.schema.json    # for an editor
    """
    from auditor.batch.kinds import kind_of
    from auditor.batch.read import read_batch
    from auditor.cli.console import print_result, say_lines
    from auditor.core.errors import UsageError
    from auditor.core.text import visible

    sound = True
    for file in files:
        try:
            plan = read_batch(file)
        except UsageError as error:
            sound = False
            message = f"{error.message}. {error.hint}" if error.hint else error.message
            say_lines(visible(message, keep=error.line_breaks))
            continue
        if quiet:
            continue
        kinds = [kind_of(audit.settings) for audit in plan.audits]
        counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
        count = f"{len(kinds)} audit{'' if len(kinds) == 1 else 's'}"
        print_result(f"{visible(file)}: {count} ({counted}), correction {plan.correction}\n")
    return 0 if sound else 2
