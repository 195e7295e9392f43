"""The whole batch as a reader would tell it: foresee, score once, audit one by one, correct, report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path

from auditor.batch.conclude import error_text, outcome_of
from auditor.batch.folder import BatchFolder
from auditor.batch.kinds import Inputs, Result, apply_correction, open_one, run_one
from auditor.batch.plan import BatchPlan, PlannedAudit
from auditor.batch.reach import require_reach
from auditor.core.errors import UNTOUCHED, RunError, UsageError, lacks_model_libraries
from auditor.core.progress import Progress, Silent
from auditor.core.version import VERSION
from auditor.inference.batch_correction import CorrectionEntry, correct, correction_entry
from auditor.membership.cache import CorpusCache
from auditor.results.batch import BatchEntry, BatchResult, PlanTestEntry
from auditor.scoring.score import ScoringRequests, fill_store
from auditor.scoring.store import Store
from auditor.settings import make_options

Say = Callable[[str], None]


def run_batch(
    plan: BatchPlan,
    output: str | PathLike[str],
    *,
    cache_dir: str | None = None,
    command: str = "",
    progress: Progress | None = None,
    say: Say = lambda line: None,
) -> BatchResult:
    """Carry a batch out.

    The texts of all audits are scored first, model by model, each model loaded once; then the audits are run off the
    store. What cannot be foreseen an audit scores itself: the prompts of labelled tasks, and what models say that were
    changed in memory. An audit that breaks is reported as broken, and the others go on. Each result is kept as it is
    done: a batch that was interrupted or killed goes on where it stood, and an audit of which nothing has changed since
    an earlier run is not run again. Reports appear when all audits are done, as their verdicts depend on each other.

    Args:
        plan: What is asked.
        output: Folder to write; made where it is not there.
        cache_dir: Where scores are kept; the platform's cache folder by default.
        command: The command line that reproduces it.
        progress: Told how far scoring is; silent by default.
        say: Told in a line what comes next.

    Returns:
        What it came to; every file in the folder shows this and nothing else.

    Raises:
        UsageError: The folder cannot be used or is another configuration's, another batch holds it, or permutations
            are too few for the correction.
        RunError: The folder or the store cannot be written, or the store is damaged; there are no reports then.
    """
    progress = progress or Silent()
    if not os.fspath(output):
        raise UsageError("the output folder has an empty name, which would be the current one", hint="Name a folder.")
    folder = BatchFolder(Path(output), plan)
    folder.check()
    require_reach(plan)
    with folder.held():
        folder.withdraw()
        for name in folder.leftovers():
            say(f"{name}: left from an audit that is no longer in {plan.configuration}; not part of this batch")
        with Store.open(cache_dir) as store:
            batch = _Batch(plan, folder, store, cache_dir, command, progress, say)
            batch.score()
            batch.audit()
        with folder.all_or_nothing():
            result = batch.conclude()
            folder.conclude(result)
    return result


class _Batch:
    """A batch under way.

    Attributes:
        finished: What of each audit that is done enters the correction, by its name; its result is in the folder.
        broken: What broke an audit, in words, by its name.
    """

    def __init__(
        self,
        plan: BatchPlan,
        folder: BatchFolder,
        store: Store,
        cache_dir: str | None,
        command: str,
        progress: Progress,
        say: Say,
    ) -> None:
        self._plan, self._folder, self._store, self._cache_dir, self._command = plan, folder, store, cache_dir, command
        self._progress, self._say = progress, say
        self._cache = CorpusCache()
        self._inputs: dict[str, Inputs] = {}
        self.finished: dict[str, CorrectionEntry] = {}
        self.broken: dict[str, str] = {}

    def score(self) -> None:
        """Score for all audits that have to be run; those that cannot have their scores are broken."""
        filled = fill_store(self._needed(), store=self._store, progress=self._progress)
        for name, error in filled.broken.items():
            self._break(name, error)
        if self.finished:
            self._say(f"{len(self.finished)} of {len(self._plan.audits)} audits are as they were and are not run again")
        if filled.pairs:
            self._say(
                f"{filled.pairs:,} texts under a model, {filled.computed:,} of them scored now with {filled.loads} "
                f"{'load' if filled.loads == 1 else 'loads'} of models"
            )

    def _needed(self) -> Iterator[tuple[str, ScoringRequests]]:
        """What each audit needs that has to be run; results of which nothing has changed are taken over."""
        for planned in self._plan.audits:
            try:
                # Those of all audits wait until every audit is opened: the requests of a corpus hold no text.
                inputs, requests = open_one(planned.settings, self._store, self._cache)
                known = self._folder.recall(planned, inputs.fingerprint, self._store)
            except Exception as error:
                self._break(planned.name, error)
                continue
            if known is None or inputs.changed_inputs(known):
                self._inputs[planned.name] = inputs
                yield planned.name, requests
            else:
                self.finished[planned.name] = correction_entry(known)

    def audit(self) -> None:
        """Run the audits one by one, and keep each result as it is done."""
        for number, planned in enumerate(self._plan.audits, start=1):
            if planned.name in self.broken or planned.name in self.finished:
                continue
            self._say(f"audit {number} of {len(self._plan.audits)}: {planned.name}")
            try:
                options = make_options(
                    name=planned.name, command=self._command, cache_dir=self._cache_dir, gate=planned.gate
                )
                result = run_one(planned.settings, options, progress=self._progress, cache=self._cache)
                inputs = self._inputs[planned.name]
                changed_inputs = inputs.changed_inputs(result)
                if changed_inputs:
                    raise RunError(f"{' and '.join(changed_inputs)} changed while the batch ran", hint=UNTOUCHED)
            except Exception as error:
                self._break(planned.name, error)
                continue
            # A folder that cannot be written to is no fault of the audit.
            self._folder.keep(planned, inputs.fingerprint, result, self._store)
            self.finished[planned.name] = correction_entry(result)

    def conclude(self) -> BatchResult:
        """Correct the results for each other, write them, and say what the whole came to."""
        while (outcomes := self._publish()) is None:
            pass
        return BatchResult(
            name=self._plan.name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            auditor_version=VERSION,
            correction=self._plan.correction,
            configuration=self._plan.configuration,
            configuration_sha256=self._plan.configuration_sha256,
            audits=tuple(
                outcomes.get(planned.name) or outcome_of(planned, None, error=self.broken[planned.name])
                for planned in self._plan.audits
            ),
        )

    def _publish(self) -> dict[str, BatchEntry | PlanTestEntry] | None:
        """Write the results of the audits that finished; None where one of them cannot be shown, and so is broken.

        Those of the others have to be corrected and written again then, as they say how many broke.

        Raises:
            RunError: The folder cannot be written, which is no fault of an audit.
        """
        done = [planned for planned in self._plan.audits if planned.name in self.finished]
        all_looks = correct(
            [self.finished[planned.name] for planned in done],
            self._plan.correction,
            broken=len(self._plan.audits) - len(done),
        )
        outcomes: dict[str, BatchEntry | PlanTestEntry] = {}
        for planned, looks in zip(done, all_looks, strict=True):
            try:
                result = apply_correction(self._called(planned, self._folder.kept(planned)), looks)
                sha256 = self._folder.publish(planned, result)
                outcomes[planned.name] = outcome_of(planned, result, result_sha256=sha256)
            except RunError:
                raise
            except Exception as error:
                del self.finished[planned.name]
                self._break(planned.name, error)
                self._folder.withdraw()
                return None
        return outcomes

    def _called(self, planned: PlannedAudit, result: Result) -> Result:
        """A result under the name, the gate and the command it has now, which may be of an earlier run."""
        manifest = result.manifest.model_copy(update={"command": self._command or result.manifest.command})
        return result.model_copy(update={"name": planned.name, "gate": planned.gate, "manifest": manifest})

    def _break(self, name: str, error: Exception) -> None:
        if lacks_model_libraries(error):
            raise error
        self.broken[name] = error_text(error)
        self._say(f"{name} broke: {self.broken[name].splitlines()[0]}")
