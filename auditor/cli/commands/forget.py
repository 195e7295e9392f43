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
    """What do the checkpoints of a model do with SUSPECT? HELDOUT is like it and known not to have been trained on.

    Every checkpoint is given one state, from A never shown to G over-corrected, H inconclusive or W collapsed; the
    verdict is made from the last. Texts are given as for `auditor check`. The exit code is 0 where nothing was ever
    found or nothing is left, 1 where a trace is there, was brought back or turned over, 3 where it cannot be said.

    \b
    Examples:
      auditor forget suspect/ heldout/ --checkpoint base=./base --checkpoint tuned=./tuned -o report.html
      auditor forget s.jsonl h.jsonl --checkpoint before=a --checkpoint after=b --general g.jsonl --relearn -o r.json
      auditor forget s h --checkpoint before=a --checkpoint after=b --relearn --fail-on evidence,inconclusive
    """
    from auditor.settings import make_series_settings

    return run.run_and_report(make_series_settings(**run.settings_of(values)), **values)
