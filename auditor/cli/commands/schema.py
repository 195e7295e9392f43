"""`auditor schema`: the published JSON Schema of result.json."""

from __future__ import annotations

import json

import click


@click.command(short_help="Print the JSON Schema of result.json.")
def command() -> None:
    """Print the JSON Schema that every result.json of this version obeys."""
    from auditor.result import AuditResult

    click.echo(json.dumps(AuditResult.model_json_schema(), indent=2))
