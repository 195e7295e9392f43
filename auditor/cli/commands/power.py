"""`auditor power`: how many groups an audit needs, before anything is scored."""

from __future__ import annotations

from pathlib import Path

import click

from auditor.cli.console import console_options, print_document, print_result


@click.command(short_help="How many groups an audit needs.")
@click.option(
    "--effect",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=None,
    help="AUC of the mean of the features that is to be found; with --pilot, the pilot's own by default.",
)
@click.option(
    "--pilot", type=click.Path(path_type=Path), default=None, help="A result.json to plan a larger audit from."
)
@click.option(
    "--power",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=0.8,
    show_default=True,
    help="Probability of finding the effect.",
)
@click.option(
    "--alpha",
    type=click.FloatRange(0, 0.5, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Level over all audits together.",
)
@click.option(
    "--audits",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Audits that are corrected together (Holm): of a batch, or looks at the same documents. For a forget, times "
    "its checkpoints, and in a batch times its ways to EVIDENCE: 2, or 3 with relearn.",
)
@click.option(
    "--required-auc",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=0.65,
    show_default=True,
    help="What NO EVIDENCE must have been able to see, as of `auditor check`.",
)
@click.option("--features", default="default", show_default=True, help="A selection, or features separated by commas.")
@click.option("--with-reference", "reference", is_flag=True, help="The audit will have a --reference model.")
@click.option(
    "--permutations", type=click.IntRange(min=99), default=9999, show_default=True, help="Of the planned audit."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the simulations.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@console_options
def command(
    effect: float | None,
    pilot: Path | None,
    power: float,
    alpha: float,
    audits: int,
    required_auc: float,
    features: str,
    reference: bool,
    permutations: int,
    seed: int,
    as_json: bool,
) -> None:
    """How many groups a side the test, EVIDENCE and NO EVIDENCE each need.

    \b
    Examples:
      auditor power --effect 0.55 --power 0.8
      auditor power --effect 0.6 --audits 30
      auditor power --pilot result.json --effect 0.6 --json
    """
    from auditor.power.plan import make_plan
    from auditor.power.text import assumptions, plan_text
    from auditor.results.io import load_result
    from auditor.results.policy import Policy

    plan = make_plan(
        effect,
        policy=Policy(alpha=alpha, power=power, required_auc=required_auc),
        audits=audits,
        features=features,
        reference=reference,
        permutations=permutations,
        pilot=None if pilot is None else load_result(pilot),
        seed=seed,
    )
    if as_json:
        import json

        print_document(json.dumps(plan.model_dump() | {"assumptions": assumptions(plan)}, indent=2) + "\n")
    else:
        print_result(plan_text(plan))
