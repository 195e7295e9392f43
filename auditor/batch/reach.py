"""Whether the permutations of each audit can give a p-value that survives the correction over the batch."""

from __future__ import annotations

from auditor.batch.kinds import n_hypotheses_of
from auditor.batch.plan import BatchPlan
from auditor.core.errors import UsageError
from auditor.core.text import amount
from auditor.dealt.settings import PlanTestSettings
from auditor.settings import n_tests_of, require_permutations


def require_reach(plan: BatchPlan) -> None:
    """Refuse a batch in which an audit could not come to EVIDENCE by one of its ways, were it the only one.

    The smallest p-value of a test of a plan rests on its units and coins, which its own check `reach` compares.

    Raises:
        UsageError: The smallest p-value that so many permutations can give is above the level once it is corrected.
    """
    count = len(plan.audits)
    for planned in plan.audits:
        settings = planned.settings
        if isinstance(settings, PlanTestSettings):
            continue
        tests = count * n_hypotheses_of(settings) * n_tests_of(settings)
        try:
            require_permutations(settings.permutations, settings.policy.alpha / tests)
        except UsageError as error:
            raise UsageError(
                f"{plan.configuration}: audit {planned.name!r}: {error.message}, which is what its level of "
                f"{settings.policy.alpha:g} comes to over {amount(count, 'audit')}"
                + (f" and the {tests // count} tests that this one may make" if tests > count else ""),
                hint="Raise permutations, or ask fewer questions at once.",
            ) from None
