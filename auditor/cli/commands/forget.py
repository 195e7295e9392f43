"""`auditor forget`: from two sets of documents and a series of checkpoints to a state for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditor.cli import options


@click.command(short_help="Do the checkpoints of a model still remember these documents?")
@click.argument("suspect")
@click.argument("heldout")
@options.series_options(required=True)
@options.outputs
@options.data_options
@options.scoring_options
@options.test_options
@options.report_options
def command(
    outputs: tuple[Path, ...],
    name: str,
    cache_dir: str | None,
    fail_on: tuple[str, ...],
    exit_zero: bool,
    alpha: float,
    required_auc: float,
    **asked: Any,
) -> int:
    """What do the checkpoints of a model do with SUSPECT? HELDOUT is like it and known not to have been trained on.

    Every checkpoint is given one state, from A never shown to G over-corrected, H inconclusive or W wrecked; the
    verdict is made from the last. Texts are given as for `auditor check`. The exit code is 0 where nothing was ever
    found or nothing is left, 1 where a trace is there, was brought back or turned over, 3 where it cannot be said.

    \b
    Examples:
      auditor forget suspect/ heldout/ --checkpoint base=./base --checkpoint tuned=./tuned -o report.html
      auditor forget s.jsonl h.jsonl --checkpoint before=a --checkpoint after=b --general g.jsonl --relearn -o r.json
      auditor forget s h --checkpoint before=a --checkpoint after=b --relearn --fail-on evidence,inconclusive
    """
    from auditor.audit import run_check
    from auditor.cli.progress import make_progress
    from auditor.report.renderer import check_outputs
    from auditor.settings import inputs_of, make_options, make_series_settings

    settings = make_series_settings(
        series=options.series_settings(asked), policy={"alpha": alpha, "required_auc": required_auc}, **asked
    )
    run = make_options(name=name, command=options.command_line(click.get_current_context()), cache_dir=cache_dir)
    check_outputs(outputs, inputs=inputs_of(settings))
    with make_progress() as progress:
        result = run_check(settings, run, progress=progress)
    return options.conclude(result, outputs, fail_on, exit_zero=exit_zero)
