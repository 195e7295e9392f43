"""`auditor plant`: prepare a corpus before it is published, so that any later model can be tested exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditor.cli.console import console_options, print_result
from auditor.cli.options import SettingsCommand, setting_options


def _settings() -> list[click.Parameter]:
    from auditor.planting.settings import PlantSettings

    options = list(setting_options(PlantSettings, required=False))
    for option in options:
        option.required = isinstance(option, click.Argument)
    return options


@click.command(cls=SettingsCommand, settings=_settings, short_help="Prepare a corpus before it is published.")
@click.option("--no-beacon", is_flag=True, help="Make the coins alone and at once; the p-value pays 2^40 for it.")
@click.option("--coins", is_flag=True, help="Second step: deal the coins of a plan and write the published copy.")
@click.option(
    "--beacon", type=click.Path(path_type=Path), default=None, help="With --coins: what drand gave for the round."
)
@click.option(
    "--public", metavar="ADDRESS", default=None, help="With --coins: where the commitment was public before the round."
)
@click.option(
    "--stamp",
    type=click.Path(path_type=Path),
    default=None,
    help="What a time-stamping authority answered.",
)
@click.option(
    "--stamp-root",
    type=click.Path(path_type=Path),
    default=None,
    help="With --stamp: root certificate (PEM) that the authority's certificate leads to.",
)
@click.option(
    "--check",
    "checked",
    type=click.Path(path_type=Path),
    default=None,
    metavar="COPY",
    help="Count what a copy, such as the live one, still holds of what was dealt.",
)
@click.option("--pipeline", is_flag=True, help="With --check: after trafilatura and the filters of datatrove.")
@click.option(
    "--clean",
    "cleaned",
    type=click.Path(path_type=Path),
    default=None,
    metavar="COPY",
    help="Write the corpus as it was before planting, made from a published copy, into --to.",
)
@click.option("--review", is_flag=True, help="Print every candidate of a plan, to read before anything is published.")
@console_options
def command(**values: Any) -> int:
    """Prepare CORPUS, and publish the copy that is written: any later model can then be tested by `auditor test`.

    Coins decide what is published, after you have committed to all of it: which documents (holdout), which of two
    wordings (twins), which canary of a set (canaries), which form (choice), or in which order (order). No likeness of
    documents is needed, and the p-value is exact.

    By default there are two steps: a commitment now, which you have time-stamped and make public, and the coins a day
    later, from public randomness that nobody knows yet. With --no-beacon there is one, and the p-value pays for it.

    \b
    Examples:
      auditor plant corpus/ --design holdout --share 0.2 --to published/ --plan plan/
      auditor plant plan/ --coins --beacon drand.json --stamp commitment.tsr --stamp-root root.pem
      auditor plant corpus/ --design canaries --count 60 --copies 8 --to published/ --plan plan/ --no-beacon
      auditor plant plan/ --check published/
      auditor plant plan/ --clean published/ --to clean/
    """
    from auditor.cli.planting import run_plant

    print_result("\n".join(run_plant(values)) + "\n")
    return 0
