"""Intervention: one way to ask a checkpoint for what it no longer shows, and what it is handed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from auditor.corpora.document import Corpus, Document
from auditor.forgetting.findings.relearning import Probe
from auditor.forgetting.relearn.budget import Budget
from auditor.forgetting.relearn.workbench import Workbench, losses_of
from auditor.forgetting.series import Role, Series
from auditor.inference.design import Bools, Floats
from auditor.models.changes import Facts, Method, Training
from auditor.randomness import stream

SIDES: tuple[Role, Role] = ("suspect", "heldout")
Roles = npt.NDArray[np.str_]
Name = Literal["relearn-half", "reminder", "quantise"]


@dataclass(frozen=True, slots=True)
class Case:
    """What an intervention is handed.

    Attributes:
        bench: Scores documents under changed copies of the checkpoint.
        series: The series, with the scores of the checkpoint as it is.
        budget: How much is trained.
        method: Full tuning or LoRA.
        facts: Of the checkpoint.
        seed: The one seed.
        permutations: Random relabellings of a test.
        bootstraps: Bootstrap samples of an interval.
    """

    bench: Workbench
    series: Series
    budget: Budget
    method: Method
    facts: Facts
    seed: int
    permutations: int
    bootstraps: int

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

    def before(self, *roles: Role) -> Floats:
        """Losses [units of loss, documents] of the checkpoint as it is, in the order of `documents`."""
        return self._read(self.bench.checkpoint.name, roles)

    def judged(self, losses: Floats, *roles: Role) -> Floats:
        """The readings of the loss that the tests look at.

        Texts differ in how hard they are. Loss per byte holds that difference and the tokenizer's, loss per token the
        first alone; less the loss per byte at the origin neither is left, which is by far the sharpest where the origin
        had not seen the suspect set, and useless where it had. All three see a document and never its side, and the
        largest statistic pays for the choice.

        Args:
            losses: [units of loss, documents, points].
            roles: Whose documents they are, in the order of `documents`.

        Returns:
            [readings, documents, points].
        """
        origin = self.series.origin.name
        if origin == self.bench.checkpoint.name:
            return losses
        return np.concatenate([losses, losses[:1] - self._read(origin, roles)[:1, :, None]])

    def _read(self, name: str, roles: tuple[Role, ...]) -> Floats:
        readings = (self.series.readings[name, role] for role in roles if self.corpus(role))
        return losses_of([signals for reading in readings for signals in reading.signals])

    def roles(self, *roles: Role) -> Roles:
        """[documents] the role of each, in the order of `documents`."""
        return np.array([role for role in roles if (some := self.corpus(role)) for _ in some.documents], dtype=np.str_)

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
        name: As in the result.
        order: Interventions run in this order.
        run: The finding, or a sentence that says why there is none.
    """

    name: Name
    order: int
    run: Callable[[Case], Probe | str]


def sided(roles: Roles, scored: Bools, suspect: Role) -> tuple[Bools, Bools]:
    """Which documents take part in a comparison with the held-out set, and which of those are of the suspect role.

    Args:
        roles: [documents] their roles.
        scored: [documents] which were scored after the intervention.
        suspect: The role in question.

    Returns:
        [documents] bool, and [documents that take part] bool.
    """
    ours = roles == suspect
    part = scored & (ours | (roles == "heldout"))
    return part, ours[part]
