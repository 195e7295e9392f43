"""The settings of an audit that are not the defaults, which whoever reads its verdict has to know."""

from __future__ import annotations

from auditor.results.choices import chosen_settings
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.policy import Policy
from auditor.results.result import SettingChoice
from auditor.settings import CHECK_ONLY, AuditSettings

_THRESHOLDS = (Policy, ForgettingPolicy)


def nondefault_settings(settings: AuditSettings) -> tuple[SettingChoice, ...]:
    """Every setting that has a default and another value, thresholds first.

    What a command implies is no choice: of a `forget` its models and features.
    """
    implied = {"kind", *(CHECK_ONLY if settings.deciding_series is not None else ())}
    chosen = chosen_settings(settings, _THRESHOLDS)
    return tuple(sorted((one for one in chosen if one.name not in implied), key=lambda one: not one.threshold))


def with_default_thresholds(settings: AuditSettings) -> AuditSettings:
    """The same settings under the default thresholds."""
    series = settings.series
    default = None if series is None else series.model_copy(update={"policy": ForgettingPolicy()})
    return settings.model_copy(update={"policy": Policy(), "series": default})
