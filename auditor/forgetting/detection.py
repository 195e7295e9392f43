"""Detection: `auditor check` in small at every checkpoint, corrected for looking several times."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from auditor.corpora.document import Corpus
from auditor.examination import Examination, Sides, examine, of_texts, read_sides
from auditor.features.catalogue import select_features
from auditor.features.table import drop_sparse, plain_rows
from auditor.forgetting.findings.series import Detection
from auditor.forgetting.series import Role, Series
from auditor.guards.guard import GuardResult
from auditor.guards.policy import Policy
from auditor.inference.multiplicity import holm
from auditor.inference.rows import Rows
from auditor.signals.tokens import TokenSignals

FEATURES = "single-pass"


def detect(series: Series, sides: Sides, *, refused: Collection[str] = ()) -> dict[str, Detection]:
    """Ask at every checkpoint whether the suspect set is told from the held-out one, by features of a single pass.

    The p-values are the engine's, with Holm's correction over the checkpoints; a detection also needs every guard that
    ran at that checkpoint to have passed.

    Args:
        series: The scored series.
        sides: Its two sides, as `sides_of` gave them.
        refused: Checkpoints at which the placebo set stands out too, so that nothing can count as detected.

    Returns:
        By checkpoint name.
    """
    known: dict[str, GuardResult] = {}
    found: dict[str, Examination] = {}
    for name in series.names:
        suspect, heldout = (series.readings[name, role].signals for role in ("suspect", "heldout"))
        found[name] = examine(
            sides,
            _rows(series, name, "suspect"),
            controls={},
            numerics={name: series.numerics[name]},
            truncated=(_truncated(suspect), _truncated(heldout)),
            alpha=_alpha(series, sides),
            known=known,
        )
        known = of_texts(found[name].guards)
    adjusted = holm([examination.membership.p_value for examination in found.values()])
    return {
        name: _detection(examination, p_adjusted, sides.policy, refused=name in refused)
        for (name, examination), p_adjusted in zip(found.items(), adjusted, strict=True)
    }


def sides_of(series: Series, *, permutations: int, policy: Policy, seed: int) -> Sides:
    """The two sides of a series and what their text alone tells; arguments as of `auditor.examination.read_sides`."""
    return read_sides(
        series.corpora["suspect"],
        series.corpora["heldout"],
        _rows(series, series.origin.name, "suspect"),
        permutations=permutations,
        policy=policy,
        seed=seed,
    )


def _alpha(series: Series, sides: Sides) -> float:
    """The level of the first step of Holm over the checkpoints."""
    return sides.policy.alpha / len(series.checkpoints)


def _detection(examination: Examination, p_adjusted: float, policy: Policy, *, refused: bool) -> Detection:
    membership = examination.membership
    sound = not refused and all(guard.status != "failed" for guard in examination.guards)
    return Detection(
        p_value=membership.p_value,
        p_adjusted=p_adjusted,
        auc=membership.auc,
        auc_interval=membership.auc_interval,
        mean_z=membership.mean_z,
        detectable_auc=membership.detectable_auc,
        detected=sound and p_adjusted <= policy.alpha,
        guards=tuple(guard for guard in examination.guards if guard.name != "controls"),
    )


def detect_placebo(series: Series, sides: Sides) -> dict[str, float]:
    """The engine's p-values with the placebo set in the place of the suspect set, corrected over checkpoints (Holm).

    Null: placebo and held-out groups are exchangeable at the checkpoint. Unit: the group.

    Returns:
        By checkpoint name; empty where there is no placebo set.
    """
    if "placebo" not in series.corpora:
        return {}
    rows = [drop_sparse(_rows(series, name, "placebo"), sides.policy.most_missing) for name in series.names]
    found = [sides.test(some, "placebo", _alpha(series, sides)).p_value for some in rows]
    return dict(zip(series.names, holm(found), strict=True))


def _rows(series: Series, name: str, role: Role) -> Rows:
    """The rows of single-pass features of one set against held-out at one checkpoint."""
    ours, theirs = series.corpora[role], series.corpora["heldout"]
    records = [*series.readings[name, role].signals, *series.readings[name, "heldout"].signals]
    labels = [True] * len(ours.documents) + [False] * len(theirs.documents)
    return plain_rows(select_features(FEATURES), records, _groups(ours, theirs), labels)


def _groups(*corpora: Corpus) -> list[str]:
    return [document.group for corpus in corpora for document in corpus.documents]


def _truncated(signals: Sequence[TokenSignals]) -> int:
    return sum(record.truncated for record in signals)
