"""MembershipAssessment: one model's scores of the two sides, through the engine and every guard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from platform import python_version

from auditor.core.answers import AnswerCache
from auditor.core.digests import canonical_sha256, packages
from auditor.core.seeds import stream
from auditor.core.version import VERSION
from auditor.corpora.document import Corpus
from auditor.features.table import drop_sparse
from auditor.inference import arrangement as canonical
from auditor.inference.adjusted import adjusted, changes
from auditor.inference.arrangement import Arrangement
from auditor.inference.excess import excess_auc
from auditor.inference.separability import separability
from auditor.inference.threads import one_blas_thread
from auditor.membership import blind
from auditor.membership.blind.rows import text_rows
from auditor.membership.guards.case import GuardContext, TextBaseline
from auditor.membership.guards.guard import all_guards
from auditor.membership.sides import Overlap
from auditor.models.digests import Memo, NoMemo, recall_or
from auditor.results.encoding import EncodingCounts
from auditor.results.guards import GuardResult
from auditor.results.rows import FeatureTable, Numerics, Rows
from auditor.results.separability import Excess, Separability
from auditor.settings import AuditSettings


def describe_texts(suspect: Corpus, heldout: Corpus, rows: Rows, *, memo: Memo | None = None) -> Rows:
    """Describe the text of both sides.

    Args:
        suspect: The suspect documents.
        heldout: The held-out documents.
        rows: Rows of any features of theirs, for the order of groups and sides.
        memo: Remembers the text alone between runs; by default it is described anew.

    Returns:
        Text alone, one row a group.
    """

    def describe() -> str:
        with one_blas_thread():
            return FeatureTable.of(text_rows(suspect, heldout, rows)).model_dump_json()

    # The answer of another version, of this package or of a library, is none.
    order = [rows.groups, rows.suspect.tolist()]
    read = [(side.sha256, side.left_out) for side in (suspect, heldout)]
    made_from = [VERSION, python_version(), packages(), read, order]
    code = [Path(module) for module in (canonical.__file__, blind.rows.__file__, blind.style.__file__)]
    table = FeatureTable.model_validate_json(
        recall_or(memo or NoMemo(), f"text {canonical_sha256(made_from)}", code, describe)
    )
    return Rows(table.values, rows.suspect, rows.groups, table.columns)


def text_baseline(
    documents: tuple[int, int],
    overlap: Overlap,
    alone: Rows,
    arrangement: Arrangement,
    *,
    settings: AuditSettings,
    answers: AnswerCache,
    encoding: EncodingCounts | None = None,
) -> TextBaseline:
    """Ask the engine about the text of both sides.

    Args:
        documents: How many there are, suspect and held-out.
        overlap: What the two sides share.
        alone: Text alone, as `describe_texts` gave it.
        arrangement: The canonical order of its rows.
        settings: Permutations, thresholds and seed.
        answers: Asked for the engine's answer.
        encoding: What of the encoding of the texts is not in one form.
    """
    permutations, policy, seed = settings.permutations, settings.policy, settings.seed
    alone = arrangement.apply(alone)
    text = answers.ask(
        "text",
        (alone.key, permutations, policy.blind_alpha, policy.power, seed),
        lambda: separability(
            alone, rng=stream(seed, "blind"), alpha=policy.blind_alpha, permutations=permutations, power=policy.power
        ),
    )
    return TextBaseline(documents, overlap, arrangement, alone, text, permutations, policy, seed, encoding=encoding)


@dataclass(frozen=True, slots=True)
class MembershipAssessment:
    """What the engine and the guards say of one model.

    Attributes:
        rows: What the membership test saw, in canonical order: the features that enough groups have.
        membership: The engine on them.
        excess: How far its AUC exceeds that of text alone.
        guards: Every guard, in the order of the report.
    """

    rows: Rows
    membership: Separability
    excess: Excess
    guards: tuple[GuardResult, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A model that the change of the audited one is taken from.

    Attributes:
        rows: What it says of the groups, in canonical order: the features that enough groups have.
        comparing: Columns of the audited model that compare it with this one already.
    """

    rows: Rows
    comparing: frozenset[str] = frozenset()


def assess(
    baseline: TextBaseline,
    all_rows: Rows,
    *,
    controls: Mapping[str, Separability] | None,
    references: Mapping[str, Reference],
    numerics: Mapping[str, Numerics],
    truncated: tuple[int, int],
    alpha: float,
    answers: AnswerCache,
) -> MembershipAssessment:
    """Test one model's rows and let the guards look.

    Args:
        baseline: The text of the two sides, as `text_baseline` gives it.
        all_rows: The rows of every feature asked for, as read.
        controls: The engine under models that cannot have seen the data; None in a series, which is its own control,
            so that guards of a reference model are not asked.
        references: Those of these models that count as controls, or the origin of a series, by label.
        numerics: What the probes of the backends showed.
        truncated: Documents cut by a token limit, suspect and held-out.
        alpha: Level at which the detectable effect is stated.
        answers: Asked for the guards that read texts alone, whose answers hold under every model.
    """
    all_rows = baseline.arrangement.apply(all_rows)
    rows = drop_sparse(all_rows, baseline.policy.most_missing)
    membership = baseline.test(rows, "membership", alpha)
    beyond = {label: _beyond(baseline, rows, label, reference, alpha) for label, reference in references.items()}
    excess = _excess(baseline, membership, rows, beyond)
    case = GuardContext(
        **{field.name: getattr(baseline, field.name) for field in fields(baseline)},
        all_rows=all_rows,
        rows=rows,
        membership=membership,
        excess=excess,
        controls=controls or {},
        numerics=numerics,
        truncated_suspect=truncated[0],
        truncated_heldout=truncated[1],
    )
    applicable = [guard for guard in all_guards() if controls is not None or not guard.needs_reference]
    of_texts = answers.ask(
        "guards", baseline.key, lambda: {guard.name: guard.run(case) for guard in applicable if guard.reads_text_only}
    )
    guards = tuple(of_texts.get(guard.name) or guard.run(case) for guard in applicable)
    return MembershipAssessment(rows, membership, excess, guards)


def _beyond(baseline: TextBaseline, rows: Rows, label: str, reference: Reference, alpha: float) -> Separability:
    """The engine on the change from a reference, less what text and reference predict of it."""
    change = changes(rows, reference.rows, reference.comparing)
    rest = adjusted(change, baseline.text_rows, reference.rows, rng=baseline.stream(f"adjustment {label}"))
    return baseline.test(rest, f"excess {label}", alpha)


def _excess(baseline: TextBaseline, membership: Separability, rows: Rows, beyond: Mapping[str, Separability]) -> Excess:
    """How much of the difference text and references do not explain; text alone where there is no reference."""
    level = baseline.policy.excess_level
    if not beyond:
        gap = excess_auc(membership, baseline.text, rows.suspect, level=level, rng=baseline.stream("excess"))
        return Excess(over="text", difference=gap.difference, lower=gap.lower, p_value=None, level=level)
    p_values = {label: towards_training(test) for label, test in beyond.items()}
    worst = max(p_values, key=lambda label: p_values[label])
    return Excess(
        over="reference", difference=beyond[worst].auc - 0.5, lower=None, p_value=p_values[worst], level=level
    )


def towards_training(test: Separability) -> float:
    """The p-value of a change, 1 where its features point away from training: then the target knows the set less."""
    return test.p_value if test.mean_z is None or test.mean_z > 0 else 1.0
