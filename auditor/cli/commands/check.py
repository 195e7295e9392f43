"""`auditor check`: from two sets of documents and a model to a verdict."""

from __future__ import annotations

from typing import Any

import click

from auditor.cli import options
from auditor.cli import run as auditing


@click.command(short_help="Was the model trained on these documents?")
@click.argument("suspect")
@click.argument("heldout")
@click.option("-m", "--model", required=True, help="Model folder or name, PEFT adapter folder, or GGUF file.")
@click.option(
    "--reference",
    "references",
    multiple=True,
    help="A model that cannot have seen the suspect documents; a negative control and a yardstick. Repeatable.",
)
@options.outputs
@options.data_options
@click.option("--features", default="default", show_default=True, help="A selection, or features separated by commas.")
@click.option(
    "--procedure", "procedures", multiple=True, help="Also run a published procedure, such as llm-di. Repeatable."
)
@click.option("--revision", default=None, help="Revision of a model named on a hub.")
@options.scoring_options
@options.test_options
@options.series_options(required=False)
@options.report_options
def command(**asked: Any) -> int:
    """Was the model trained on SUSPECT? HELDOUT is like it in every way but is known not to have been trained on.

    Each is a folder of .txt or .md files, a .jsonl, .json, .csv or .parquet file (also .gz), a folder saved by
    `datasets`, or hf:NAME[:SPLIT]. With --checkpoint the report also tells what a series of checkpoints remembers.

    \b
    Examples:
      auditor check suspect/ heldout/ --model ./my-model -o report.html
      auditor check book.jsonl unseen.jsonl --group-column author --model org/name --reference org/base -o r.json
      auditor check a.csv b.csv --text-column body --model tuned-adapter/ --fail-on evidence -o summary.md
    """
    from auditor.settings import make_settings

    run, policy = auditing.take(asked, auditing.RUN), auditing.take(asked, auditing.POLICY)
    series = auditing.series_settings(asked)
    return auditing.run_and_report(make_settings(policy=policy, series=series, **asked), **run)
