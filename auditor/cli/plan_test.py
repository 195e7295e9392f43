"""The options of `test`, and its settings among their values."""

from __future__ import annotations

from typing import Any

import click

from auditor.cli.options import setting_options, take


def plan_test_options() -> list[click.Parameter]:
    """The arguments and options of `test`: every setting of a test of dealt material."""
    from auditor.dealt.settings import PlanTestSettings
    from auditor.results.dealt.policy import DealtPolicy
    from auditor.settings import RunOptions

    return [
        *setting_options(PlanTestSettings),
        *setting_options(DealtPolicy, {"required_auc": ""}),
        *setting_options(RunOptions),
    ]


def plan_test_settings_of(values: dict[str, Any]) -> dict[str, Any]:
    """Take the settings of a test out of a command's values."""
    from auditor.dealt.settings import PlanTestSettings
    from auditor.results.dealt.policy import DealtPolicy

    settings = {"policy": take(values, DealtPolicy), **take(values, PlanTestSettings)}
    return {**settings, "model": settings["model"] or ""}
