"""A test of a plan before its scores: what it asks a model, and what its figures are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.core.digests import canonical_sha256, packages
from auditor.core.errors import naming_unreadable
from auditor.core.version import VERSION
from auditor.dealt.case import level_of_look
from auditor.dealt.copy import look_at_copy
from auditor.dealt.open import OpenedBatch, open_plan, opened_for, require_dealt
from auditor.dealt.run import others, require_notable, require_testable
from auditor.dealt.score import candidate_requests, candidate_set
from auditor.dealt.settings import PlanTestSettings
from auditor.models.digests import Memo
from auditor.models.loading import Models, open_models
from auditor.provenance.commitment import commitment_sha256
from auditor.provenance.folder import PlanFolder
from auditor.results.dealt.coins import CoinFacts
from auditor.results.dealt.measurements import CopyFacts, UnitFacts
from auditor.results.dealt.result import DEALT_SCHEMA_VERSION, DealtResult
from auditor.scoring.score import ScoringRequests


@dataclass(frozen=True, slots=True)
class PreparedTest:
    """A test before its scores; no model is in memory, and nothing is noted in the plan.

    Attributes:
        settings: The settings.
        opened: The batch.
        models: The tested model and its references.
        copy_found: What the published copy holds; None where there is none to look at.
    """

    settings: PlanTestSettings
    opened: OpenedBatch
    models: Models
    copy_found: CopyFacts | None

    @property
    def requests(self) -> ScoringRequests:
        """What it asks the store for."""
        return ScoringRequests(
            candidate_requests(candidate_set(self.opened), self.models, seed=self.settings.seed),
            self.settings.max_tokens,
            (self.models.target, *self.models.references),
        )

    @property
    def inputs(self) -> PlanTestDigests:
        """What its figures are made from."""
        opened, specs = self.opened, (self.models.target, *self.models.references)
        return PlanTestDigests(
            self.settings,
            _plan_sha256(commitment_sha256(opened.commitment), opened.facts, opened.unit_order, opened.coins),
            frozenset((spec.identity.source, spec.identity.key) for spec in specs),
            opened_for(self.models.target.identity),
            self.copy_found,
        )


@dataclass(frozen=True, slots=True)
class PlanTestDigests:
    """What the figures of a test are made from.

    Attributes:
        settings: The settings.
        plan_sha256: Digest of commitment, units, coins and what shows who made these.
        models: Source and key of every model.
        opened_for: How the list of opened batches names the tested model.
        copy_found: What the published copy holds.
    """

    settings: PlanTestSettings
    plan_sha256: str
    models: frozenset[tuple[str, str]]
    opened_for: str
    copy_found: CopyFacts | None

    @property
    def fingerprint(self) -> str:
        """Digest of all of it but the list of opened batches, which the test itself makes longer."""
        return canonical_sha256(
            {
                "auditor": VERSION,
                "schema": DEALT_SCHEMA_VERSION,
                "packages": packages(),
                "settings": self.settings.model_dump(mode="json"),
                "plan": self.plan_sha256,
                "models": sorted(self.models),
                "copy": None if self.copy_found is None else self.copy_found.model_dump(mode="json"),
            }
        )

    def changed_inputs(self, result: DealtResult) -> list[str]:
        """Sources that were different when a result was made; empty where all were the same."""
        plan, measured = self.settings.plan, result.measurements
        models = frozenset((model.source, model.key) for model in result.manifest.models)
        earlier = others(PlanFolder(Path(plan)), self.settings.batch, self.opened_for)
        stored = _plan_sha256(result.plan.commitment_sha256, measured.units, measured.unit_order, measured.coins)
        same_plan = (stored, measured.copy_found, measured.other_models) == (self.plan_sha256, self.copy_found, earlier)
        return sorted({source for source, _ in self.models ^ models} | (set() if same_plan else {plan}))


@naming_unreadable()
def prepare_plan_test(settings: PlanTestSettings, memo: Memo) -> PreparedTest:
    """Open a batch and identify the models, without scoring, loading or noting anything.

    Args:
        settings: The settings; the scores are not those of another party.
        memo: Remembers digests of model files between runs; the score store is one.

    Raises:
        OpeningError: The batch is not what was committed to.
        UsageError: The test cannot be carried out as its settings say.
        RunError: A model cannot be read.
    """
    opened = open_plan(settings.plan, settings.batch)
    require_testable(settings, opened)
    models = open_models(settings.model, settings.references, settings.load_options, memo)
    require_notable(settings, opened_for(models.target.identity))
    return PreparedTest(settings, opened, models, look_at_copy(settings.plan, opened))


def level_of_test(settings: PlanTestSettings) -> float:
    """The level of a test, by the commitment alone; errors as of `require_dealt`."""
    commitment = require_dealt(settings.plan, settings.batch).commitment
    return level_of_look(commitment.test.alpha, settings.look)


def _plan_sha256(commitment: str, units: Sequence[UnitFacts], order: Sequence[int], coins: CoinFacts) -> str:
    return canonical_sha256(
        {
            "commitment": commitment,
            "units": [unit.model_dump(mode="json") for unit in units],
            "order": list(order),
            "coins": coins.model_dump(mode="json"),
        }
    )
