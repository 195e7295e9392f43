"""`auditor power`: the groups that an audit needs, before anything is scored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.cli.console import console_options, print_document, print_result
from auditor.cli.options import SettingsCommand, setting_options, take

if TYPE_CHECKING:
    from auditor.core.record import Record
    from auditor.results.policy import Policy

_DESIGNS = ("holdout", "twins", "canaries", "choice", "order")
_DESIGNS_OF = {
    "decoys": ("canaries", "choice", "order"),
    "copies": ("canaries",),
    "survival": _DESIGNS,
    "share": ("holdout",),
    "coins": _DESIGNS,
    "permutations": ("holdout", None),
    "pilot": (None,),
    "reference": (None,),
    "features": (None,),
    "required_auc": (None,),
}
"""What options are of; None is an audit of suspect and held-out documents."""


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


@click.command(cls=SettingsCommand, settings=_settings, short_help="How many groups an audit, or units a plan, needs.")
@click.option(
    "--effect",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=None,
    help="Effect to detect, as the AUC of the mean of the features; with --pilot, the pilot's own by default. With "
    "--design the AUC of a published text against a withheld one of its unit; for canaries by --copies by default.",
)
@click.option("--design", type=click.Choice(_DESIGNS), default=None, help="Units of a plan of dealt material instead.")
@click.option(
    "--decoys", type=click.IntRange(1, 1000), default=19, show_default=True, help="Withheld candidates of a unit."
)
@click.option(
    "--copies", type=click.IntRange(1, 1000), default=1, show_default=True, help="Documents that carry one canary."
)
@click.option(
    "--survival",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Share of plants that reach the model.",
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.2,
    show_default=True,
    help="Share of documents that a hold-out withholds.",
)
@click.option(
    "--coins",
    type=click.Choice(("beacon", "stamped", "alone")),
    default="beacon",
    show_default=True,
    help="Who makes the coins: a beacon after a public or a privately time-stamped commitment, or the owner alone.",
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
@click.pass_context
def command(
    context: click.Context,
    /,
    effect: float | None,
    design: str | None,
    decoys: int,
    copies: int,
    survival: float,
    share: float,
    coins: str,
    pilot: Path | None,
    audits: int,
    reference: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """How many groups a side the test, EVIDENCE and NO EVIDENCE each need; with --design, how many units a plan needs.

    \b
    Examples:
      auditor power --effect 0.55 --power 0.8
      auditor power --effect 0.6 --audits 30
      auditor power --pilot result.json --effect 0.6 --json
      auditor power --design canaries --copies 4
      auditor power --design twins --effect 0.55 --coins alone
    """
    from auditor.results.policy import Policy

    policy = Policy(**take(settings, Policy))
    _refuse_others(context, design)
    if design is None:
        _audit(effect, policy, audits, reference, pilot, as_json, settings)
        return
    own = {"decoys": decoys, "copies": copies, "survival": survival, "withheld_share": share, "coins": coins}
    shared = {name: settings[name] for name in ("permutations", "seed")}
    _plan(design, effect, policy, as_json, own | shared | {"tests": audits})


def _refuse_others(context: click.Context, design: str | None) -> None:
    """Refuse typed options that have no meaning here; variables may be meant for other commands."""
    from auditor.core.errors import UsageError

    for parameter in context.command.params:
        designs: tuple[str | None, ...] | None = _DESIGNS_OF.get(str(parameter.name))
        typed = context.get_parameter_source(str(parameter.name)) is click.core.ParameterSource.COMMANDLINE
        if designs is not None and typed and design not in designs:
            where = "without --design" if design is None else f"with --design {design}"
            named = [name for name in designs if name is not None]
            raise UsageError(
                f"{parameter.opts[0]} has no meaning {where}",
                hint=f"Leave it out, or give --design {' or '.join(named)}." if named else "Leave it out.",
            )


def _audit(
    effect: float | None,
    policy: Policy,
    audits: int,
    reference: bool,
    pilot: Path | None,
    as_json: bool,
    settings: dict[str, Any],
) -> None:
    from auditor.power.sample_size import analyse_power
    from auditor.power.text import assumptions, power_text
    from auditor.results.io import load_result

    analysis = analyse_power(
        effect,
        policy=policy,
        audits=audits,
        reference=reference,
        pilot=None if pilot is None else load_result(pilot),
        **settings,
    )
    _print(analysis, assumptions(analysis), power_text(analysis), as_json)


def _plan(design: str, effect: float | None, policy: Policy, as_json: bool, options: dict[str, Any]) -> None:
    from typing import cast

    from auditor.power.plants import plan_power
    from auditor.power.plants_text import plan_assumptions, plan_text
    from auditor.provenance.records import DesignName

    plan = plan_power(cast(DesignName, design), effect, alpha=policy.alpha, power=policy.power, **options)
    _print(plan, plan_assumptions(plan), plan_text(plan), as_json)


def _print(analysis: Record, assumptions: tuple[str, ...], text: str, as_json: bool) -> None:
    if as_json:
        import json

        print_document(json.dumps(analysis.model_dump() | {"assumptions": assumptions}, indent=2) + "\n")
    else:
        print_result(text)
