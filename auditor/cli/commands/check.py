"""`auditor check`: from two sets of documents and a model to a verdict."""

from __future__ import annotations

from typing import Any

import click

from auditor.cli import run
from auditor.cli.options import SettingsCommand, report_options


@click.command(cls=SettingsCommand, settings=run.check_options, short_help="Was the model trained on these documents?")
@report_options
def command(**values: Any) -> int:
    """Was the model trained on SUSPECT? HELDOUT is comparable and was never trained on.

    Each is a folder of .txt or .md files or of tables, a .jsonl, .json, .csv, .tsv or .parquet file (all also .gz), a
    .zip of these, a pattern such as 'data/*.jsonl', a folder saved by `datasets`, or hf:NAME[:SPLIT]. With --checkpoint
    the report also shows what a series of checkpoints remembers.

    \b
    Examples:
      auditor check suspect/ heldout/ --model ./my-model -o report.html
      auditor check book.jsonl unseen.jsonl --group-column author --model org/name --reference org/base -o r.json
      auditor check a.csv b.csv --text-column body --model tuned-adapter/ --fail-on evidence -o summary.md
    """
    from auditor.settings import make_settings

    return run.run_and_report(make_settings(**run.settings_of(values)), **values)
