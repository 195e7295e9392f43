"""`auditor forget`: from two sets of documents and a series of checkpoints to a state for each."""

from __future__ import annotations

from typing import Any

import click

from auditor.cli import options
from auditor.cli import run as auditing


@click.command(short_help="Do the checkpoints of a model still remember these documents?")
@click.argument("suspect")
@click.argument("heldout")
@options.series_options(required=True)
@options.outputs
@options.data_options
@options.scoring_options
@options.test_options
@options.report_options
def command(**asked: Any) -> int:
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

    run, policy = auditing.take(asked, auditing.RUN), auditing.take(asked, auditing.POLICY)
    series = auditing.series_settings(asked)
    return auditing.run_and_report(make_series_settings(policy=policy, series=series, **asked), **run)
