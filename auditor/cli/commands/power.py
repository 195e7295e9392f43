"""`auditor power`: the groups that an audit needs, before anything is scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditor.cli.console import console_options, print_document, print_result
from auditor.cli.options import SettingsCommand, setting_options, take


def _settings() -> list[click.Parameter]:
    from auditor.results.policy import Policy
    from auditor.settings import AuditSettings

    thresholds = {
        "power": "Probability of detecting the effect.",
        "alpha": "Level over all audits together.",
        "required_auc": "",
    }
    audit = {"features": "", "permutations": "", "seed": "Seed of the simulations."}
    return [*setting_options(Policy, thresholds), *setting_options(AuditSettings, audit)]


@click.command(cls=SettingsCommand, settings=_settings, short_help="How many groups an audit needs.")
@click.option(
    "--effect",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=None,
    help="Effect to detect, as the AUC of the mean of the features; with --pilot, the pilot's own by default.",
)
@click.option(
    "--pilot", type=click.Path(path_type=Path), default=None, help="A result.json of a smaller audit to start from."
)
@click.option(
    "--audits",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Audits that are corrected together (Holm): of a batch, or of the same documents. A forget counts its "
    "checkpoints, in a batch times its hypotheses: 2, or 3 with relearn.",
)
@click.option("--with-reference", "reference", is_flag=True, help="The audit will have a --reference model.")
@click.option("--json", "as_json", is_flag=True, help="Print the analysis as JSON.")
@console_options
def command(
    effect: float | None, pilot: Path | None, audits: int, reference: bool, as_json: bool, **settings: Any
) -> None:
    """How many groups a side the test, EVIDENCE and NO EVIDENCE each need.

    \b
    Examples:
      auditor power --effect 0.55 --power 0.8
      auditor power --effect 0.6 --audits 30
      auditor power --pilot result.json --effect 0.6 --json
    """
    from auditor.power.sample_size import analyse_power
    from auditor.power.text import assumptions, power_text
    from auditor.results.io import load_result
    from auditor.results.policy import Policy

    analysis = analyse_power(
        effect,
        policy=Policy(**take(settings, Policy)),
        audits=audits,
        reference=reference,
        pilot=None if pilot is None else load_result(pilot),
        **settings,
    )
    if as_json:
        import json

        print_document(json.dumps(analysis.model_dump() | {"assumptions": assumptions(analysis)}, indent=2) + "\n")
    else:
        print_result(power_text(analysis))
