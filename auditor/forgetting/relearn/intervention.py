"""Intervention: one way to ask a checkpoint for what it no longer shows, and what it is handed."""

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

SIDES: tuple[Role, ...] = ("suspect", "heldout")


@dataclass(frozen=True, slots=True)
class InterventionContext:
    """What an intervention is handed.

    Attributes:
        bench: Scores documents under changed copies of the checkpoint.
        series: The series, with the scores of the checkpoint as it is.
        budget: How much is trained.
        method: Full tuning or LoRA.
        facts: Of the checkpoint.
        seed: The one seed.
    """

    bench: InterventionRunner
    series: Series
    budget: Budget
    method: Method
    facts: Facts
    seed: int

    def corpus(self, role: Role) -> Corpus | None:
        """The corpus of a role; None where there is none or nothing was scored for it."""
        scored = (self.bench.checkpoint.name, role) in self.series.readings
        return self.series.corpora.get(role) if scored else None

    def documents(self, *roles: Role) -> tuple[Document, ...]:
        """The documents of some roles, one role after the other."""
        return tuple(document for role in roles if (some := self.corpus(role)) for document in some.documents)

    def groups(self, role: Role) -> list[str]:
        """The distinct groups of a role, in the order of their first documents."""
        return list(dict.fromkeys(document.group for document in self.documents(role)))

    def too_few(self, name: str, least: int) -> str:
        """Why an intervention is left out for want of groups on a side; empty where there are enough."""
        fewest = min(len(self.groups(role)) for role in SIDES)
        return "" if fewest >= least else f"{name} was left out: a set has {fewest} groups, and it needs {least}"

    def compared(self, least: int) -> tuple[Role, ...]:
        """The two sides, and the placebo where it has so many groups."""
        return (*SIDES, "placebo") if len(self.groups("placebo")) >= least else SIDES

    def training(self, texts: tuple[str, ...]) -> Training:
        """The budget's training on some texts. The seed is the same whatever the texts: twins see the same order."""
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
            max_tokens=self.bench.max_tokens,
        )

    def rng(self, purpose: str) -> np.random.Generator:
        """The stream of a purpose."""
        return stream(self.seed, f"relearn {purpose}")


@dataclass(frozen=True, slots=True)
class Intervention:
    """One intervention; found by discovery.

    Attributes:
        name: Of its row in `auditor.results.forgetting.interventions`.
        run: What is kept of it, or a sentence that says why there is nothing.
    """

    name: InterventionName
    run: Callable[[InterventionContext], InterventionMeasurements | str]


def copy_of(sets: tuple[Role, ...], losses: Floats) -> CopyMeasurements:
    """What is kept of a copy; a loss that is not finite is none.

    Args:
        sets: The sets whose comparison with held-out reads it.
        losses: [units of loss, documents, steps].
    """
    per_byte, per_token = np.where(np.isfinite(losses), losses, np.nan)
    return CopyMeasurements(sets=sets, per_byte=per_byte, per_token=per_token)
