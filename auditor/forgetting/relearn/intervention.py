"""Interface of an intervention: a change of a checkpoint in memory, and the context it runs in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from auditor.core.seeds import stream
from auditor.corpora.document import Corpus, Document
from auditor.forgetting.relearn.budget import Budget
from auditor.forgetting.relearn.runner import InterventionRunner
from auditor.forgetting.series import Series
from auditor.inference.design import Floats
from auditor.models.changes import Facts, Method, Training
from auditor.results.forgetting.interventions import InterventionName
from auditor.results.forgetting.measurements import CopyMeasurements, InterventionMeasurements, Role
from auditor.signals.views import Passage

SIDES: tuple[Role, ...] = ("suspect", "heldout")


@dataclass(frozen=True, slots=True)
class InterventionContext:
    """Inputs of an intervention.

    Attributes:
        runner: Scores documents under changed copies of the checkpoint.
        series: The series, with the scores of the unchanged checkpoint.
        budget: Training budget.
        method: Full tuning or LoRA.
        facts: Facts about the checkpoint.
        seed: Seed of the audit.
    """

    runner: InterventionRunner
    series: Series
    budget: Budget
    method: Method
    facts: Facts
    seed: int

    def corpus(self, role: Role) -> Corpus | None:
        """The corpus of a role; None where it is not given or not scored."""
        scored = (self.runner.checkpoint.name, role) in self.series.readings
        return self.series.corpora.get(role) if scored else None

    def documents(self, *roles: Role) -> tuple[Document, ...]:
        """The documents of the roles, one role after the other."""
        return tuple(document for role in roles if (corpus := self.corpus(role)) for document in corpus.documents)

    def groups(self, role: Role) -> list[str]:
        """The distinct groups of a role, in the order of their first documents."""
        return list(dict.fromkeys(document.group for document in self.documents(role)))

    def too_few(self, name: str, least: int) -> str:
        """The reason why an intervention did not run, where a set has too few groups; empty otherwise."""
        fewest = min(len(self.groups(role)) for role in SIDES)
        return "" if fewest >= least else f"{name} did not run: a set has {fewest} groups, and it needs {least}"

    def compared(self, least: int) -> tuple[Role, ...]:
        """Roles of the two sides, and of the placebo set where it has at least `least` groups."""
        return (*SIDES, "placebo") if len(self.groups("placebo")) >= least else SIDES

    def training(self, texts: tuple[str | Passage, ...]) -> Training:
        """Training on the texts within the budget; the seed is independent of the texts, so copies share the order."""
        full = self.method == "full"
        return Training(
            texts=texts,
            method=self.method,
            rate=self.budget.full_rate if full else self.budget.lora_rate,
            batch=self.budget.batch,
            length=self.budget.length,
            rank=0 if full else self.budget.lora_rank,
            clip=self.budget.clip,
            seed=self.seed,
            max_tokens=self.runner.max_tokens,
        )

    def rng(self, purpose: str) -> np.random.Generator:
        """The random stream of a purpose."""
        return stream(self.seed, f"relearn {purpose}")


@dataclass(frozen=True, slots=True)
class Intervention:
    """An intervention, registered by a module-level instance in `probes/`.

    Attributes:
        name: Name of its row in `auditor.results.forgetting.interventions`.
        run: Returns the measurements, or the reason why it did not run, a sentence.
    """

    name: InterventionName
    run: Callable[[InterventionContext], InterventionMeasurements | str]


def copy_of(sets: tuple[Role, ...], losses: Floats) -> CopyMeasurements:
    """Measurements of one changed copy; losses that are not finite become NaN.

    Args:
        sets: The sets whose comparison with held-out uses the copy.
        losses: [units of loss, documents, steps].
    """
    per_byte, per_token = np.where(np.isfinite(losses), losses, np.nan)
    return CopyMeasurements(sets=sets, per_byte=per_byte, per_token=per_token)
