"""Detection: `auditor check` in small at every checkpoint, corrected for looking several times."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from auditor.corpora.document import Corpus
from auditor.examination import Examination, Sides, examine, of_texts, read_sides
from auditor.features.catalogue import select_features
from auditor.features.table import TARGET_LABEL, compute_table, drop_sparse, group_rows
from auditor.forgetting.findings.series import Detection
from auditor.forgetting.series import Role, Series
from auditor.guards.guard import GuardResult
from auditor.guards.policy import Policy
from auditor.inference.multiplicity import holm
from auditor.inference.rows import Rows
from auditor.inference.separability import separability
from auditor.randomness import stream
from auditor.signals.tokens import TokenSignals
from auditor.signals.views import TARGET

FEATURES = "single-pass"


def detect(
    series: Series, *, permutations: int, policy: Policy, seed: int, refused: Collection[str] = ()
) -> dict[str, Detection]:
    """Ask at every checkpoint whether the suspect set is told from the held-out one, by features of a single pass.

    The p-values are the engine's, with Holm's correction over the checkpoints; a detection also needs every guard that
    ran at that checkpoint to have passed.

    Args:
        series: The scored series.
        permutations: Of every test.
        policy: The thresholds.
        seed: The audit's seed.
        refused: Checkpoints at which the placebo set stands out too, so that nothing can count as detected.

    Returns:
        By checkpoint name.
    """
    alpha = policy.alpha / len(series.checkpoints)
    sides: Sides | None = None
    known: dict[str, GuardResult] = {}
    found: dict[str, Examination] = {}
    for checkpoint in series.checkpoints:
        rows = _rows(series, checkpoint.name, "suspect")
        if sides is None:
            sides = read_sides(
                series.corpora["suspect"],
                series.corpora["heldout"],
                rows,
                permutations=permutations,
                policy=policy,
                seed=seed,
            )
        suspect, heldout = (series.readings[checkpoint.name, role].signals for role in ("suspect", "heldout"))
        found[checkpoint.name] = examine(
            sides,
            rows,
            controls={},
            numerics={checkpoint.name: series.numerics[checkpoint.name]},
            truncated=(_truncated(suspect), _truncated(heldout)),
            alpha=alpha,
            known=known,
        )
        known = of_texts(found[checkpoint.name].guards)
    adjusted = holm([examination.membership.p_value for examination in found.values()])
    return {
        name: _detection(examination, p_adjusted, policy, refused=name in refused)
        for (name, examination), p_adjusted in zip(found.items(), adjusted, strict=True)
    }


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


def detect_placebo(series: Series, *, permutations: int, policy: Policy, seed: int) -> dict[str, float]:
    """The engine's p-values with the placebo set in the place of the suspect set, corrected over checkpoints (Holm).

    Null: placebo and held-out groups are exchangeable at the checkpoint. Unit: the group.

    Returns:
        By checkpoint name; empty where there is no placebo set.
    """
    if "placebo" not in series.corpora:
        return {}
    found = [
        separability(
            drop_sparse(_rows(series, checkpoint.name, "placebo"), policy.most_missing),
            rng=stream(seed, "placebo"),
            alpha=policy.alpha / len(series.checkpoints),
            permutations=permutations,
            power=policy.power,
        ).p_value
        for checkpoint in series.checkpoints
    ]
    return {checkpoint.name: p for checkpoint, p in zip(series.checkpoints, holm(found), strict=True)}


def _rows(series: Series, name: str, role: Role) -> Rows:
    """The rows of single-pass features of one set against held-out at one checkpoint."""
    ours, theirs = series.corpora[role], series.corpora["heldout"]
    records = [*series.readings[name, role].signals, *series.readings[name, "heldout"].signals]
    table = compute_table(
        select_features(FEATURES), [{(TARGET_LABEL, TARGET.transform): record} for record in records], references=()
    )
    return group_rows(table, _groups(ours, theirs), [True] * len(ours.documents) + [False] * len(theirs.documents))


def _groups(*corpora: Corpus) -> list[str]:
    return [document.group for corpus in corpora for document in corpus.documents]


def _truncated(signals: Sequence[TokenSignals]) -> int:
    return sum(record.truncated for record in signals)
