"""`auditor forget`: from two sets of documents and a series of checkpoints to a state for each."""

from __future__ import annotations

from typing import Any

import click

from auditor.cli import run
from auditor.cli.options import SettingsCommand, report_options


@click.command(
    cls=SettingsCommand,
    settings=run.forget_options,
    short_help="Do the checkpoints of a model still remember these documents?",
)
@report_options
def command(**values: Any) -> int:
    """Do the checkpoints of a model still remember SUSPECT? HELDOUT is comparable and was never trained on.

    Each checkpoint gets one state, from A never shown to G over-corrected, H inconclusive or W collapsed; the verdict
    follows from the last. Documents are given as for `auditor check`. The exit code is 0 where no trace was ever there
    or none is left, 1 where a trace is there, was brought back or reversed, 3 where the audit is inconclusive.

    \b
    Examples:
      auditor forget suspect/ heldout/ --checkpoint base=./base --checkpoint tuned=./tuned -o report.html
      auditor forget s.jsonl h.jsonl --checkpoint before=a --checkpoint after=b --general g.jsonl --relearn -o r.json
      auditor forget s h --checkpoint before=a --checkpoint after=b --relearn --fail-on evidence,inconclusive
    """
    from auditor.settings import make_series_settings

    return run.run_and_report(make_series_settings(**run.settings_of(values)), **values)
