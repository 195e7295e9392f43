"""`auditor schema`: the published JSON Schemas."""

from __future__ import annotations

import click


@click.command(short_help="Print the JSON Schema of result.json, batch.json or a batch's configuration.")
@click.argument("name", default="result")
def command(name: str) -> None:
    """Print the JSON Schema called NAME: result (by default), test, batch, checkup, or audits.

    Every result.json and batch.json of this version obeys its schema, and what `auditor doctor` prints obeys `checkup`.
    `audits` is of the configuration that `auditor batch` reads, for editors that complete and check as you type.

    \b
    Examples:
      auditor schema > result.schema.json
      auditor schema audits > audits.schema.json
    """
    import json

    from auditor.cli.console import print_document
    from auditor.cli.schemas import all_schemas
    from auditor.core.registry import pick

    print_document(json.dumps(pick(name, all_schemas(), what="schema").schema(), indent=2) + "\n")
