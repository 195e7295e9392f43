"""The folder of a batch: what lies where, who may write to it, and what is kept in it between runs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from auditor.batch.kinds import Result, parse_kept, sources_of
from auditor.batch.plan import BatchPlan, PlannedAudit
from auditor.batch.renderer import BatchRenderer, batch_renderers
from auditor.core.errors import UNTOUCHED, RunError, UsageError, cannot_read
from auditor.core.files import PARTIAL, read_paths, refuse_read, write_bytes, write_files
from auditor.models.digests import Memo
from auditor.report.renderer import render
from auditor.results.batch import BatchResult

REPORT, RESULT = "report.html", "result.json"
OWN = ".auditor"
"""Folder of what is kept between runs; that it is there says that the batch's folder is one."""


class BatchFolder:
    """The folder of a batch.

    Results of single audits, not corrected for the others yet, are kept in a folder of their own and are no report.
    Reports are written when the whole batch is known; until then there are none.

    Args:
        path: Where it is, or will be.
        plan: The batch.
    """

    def __init__(self, path: Path, plan: BatchPlan) -> None:
        self.path = path
        self._plan = plan
        self._own = path / OWN
        self._sha256: dict[str, str] = {}
        self._note, self._lock = self._own / "configuration", self._own / "lock"

    def check(self) -> None:
        """Refuse a folder that cannot be written to, that holds files of others under our names, or that is read.

        Raises:
            UsageError: It is one of these.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"output {str(self.path)!r} is no folder", hint="A batch writes a folder; name one.")
        read = read_paths([self._plan.configuration, *(s for p in self._plan.audits for s in sources_of(p.settings))])
        written = self._written()
        for path in (self.path, self._own, *written):
            refuse_read(path, read)
        for path in (*written, *map(self._kept, self._plan.audits), self._note, self._lock):
            self._refuse_links(path)
        if not self._own.is_dir():
            taken = next((path for path in written if path.exists()), None)
            if taken is not None:
                raise UsageError(
                    f"{str(taken)!r} is there and was not written by a batch",
                    hint=f"Name another folder, or move what is in {str(self.path)!r} away.",
                )

    def _refuse_links(self, path: Path) -> None:
        """Refuse a link below the folder, which would lead what is written out of it."""
        inside = [path, *path.parents][: len(path.relative_to(self.path).parts)]
        link = next((ancestor for ancestor in inside if ancestor.is_symlink()), None)
        if link is not None:
            raise UsageError(f"{str(link)!r} is a link, so what is written there lies elsewhere", hint="Remove it.")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder, so that no other batch writes to it. The system lets go of it when a process dies.

        Raises:
            UsageError: Another process holds it, it may not be written to, or it belongs to another configuration.
            RunError: It cannot be made.
        """
        from filelock import FileLock, Timeout

        try:
            self._own.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._lock, timeout=0)
            lock.acquire()
        except Timeout:
            raise UsageError(
                f"another batch is writing to {str(self.path)!r}", hint="Wait for it, or name another folder with -o."
            ) from None
        except PermissionError as error:
            raise UsageError(
                f"the folder {str(self.path)!r} cannot be written to", hint="Name another with -o."
            ) from error
        except (OSError, NotImplementedError) as error:
            why = getattr(error, "strerror", None) or error
            raise RunError(f"cannot write to the folder {str(self.path)!r}: {why}") from error
        try:
            self._claim()
            yield
        finally:
            lock.release()

    def _claim(self) -> None:
        """Note whose the folder is: another configuration would take away its reports and put its own there.

        Raises:
            UsageError: It is another's.
            RunError: It cannot be written to.
        """
        root, ours = os.path.realpath(self.path), os.path.realpath(self._plan.configuration)
        # As seen from the folder, so that both can be moved together; there is no such way between two drives.
        with contextlib.suppress(ValueError):
            ours = os.path.relpath(ours, root)
        try:
            theirs = os.fsdecode(self._note.read_bytes())
        except FileNotFoundError:
            write_bytes(self._note, os.fsencode(ours))
            return
        except OSError as error:
            raise cannot_read(self._note, error) from error
        if theirs != ours:
            whose = os.path.normpath(Path(root, theirs))
            raise UsageError(
                f"the folder {str(self.path)!r} holds the batch of {whose!r}",
                hint="Name another folder with -o, or remove this one.",
            )

    def withdraw(self) -> None:
        """Take away the reports of an earlier run, so that none is mistaken for one of this, and what is half-written.

        Only files are taken away that this batch will write again. Folders of audits that are no longer in the
        configuration stay as they are; see `leftovers`.

        Raises:
            RunError: One cannot be removed.
        """
        places = {path.parent for path in (*self._written(), *map(self._kept, self._plan.audits), self._note)}
        half_done = (path for ancestor in places for path in ancestor.glob(PARTIAL))
        for path in (*self._written(), *half_done):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise RunError(f"cannot remove the old {str(path)!r}: {error.strerror or error}") from error

    @contextlib.contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Take away what was written within where not all of it can be: results alone, or pages alone, would mislead.

        Whatever ends it early is raised on.
        """
        try:
            yield
        except BaseException:
            with contextlib.suppress(RunError):
                self.withdraw()
            raise

    def leftovers(self) -> list[str]:
        """Folders with the report of an audit that an earlier batch held and this one does not."""
        current = {planned.folder for planned in self._plan.audits}
        known = sorted(path.relative_to(self._own).with_suffix("").as_posix() for path in self._own.rglob("*.json"))
        return [name for name in known if name not in current and (self.path / name / RESULT).is_file()]

    def recall(self, planned: PlannedAudit, fingerprint: str, memo: Memo) -> Result | None:
        """The result of an earlier run that was asked the same of the same.

        Whoever can write to the folder could put a result there that nobody found. So one is believed only if the
        store, which scores are believed from as well, knows its digest.

        Args:
            planned: The audit.
            fingerprint: Digest of everything that its figures are made from.
            memo: The store.

        Returns:
            None where there is none, or it is not as it was kept.
        """
        try:
            data = self._kept(planned).read_bytes()
            sha256 = hashlib.sha256(data).hexdigest()
            if memo.recall(_fact(fingerprint, sha256)) is None:
                return None
            result = parse_kept(planned.settings, data)
        except (OSError, ValidationError):
            return None
        self._sha256[planned.folder] = sha256
        return result

    def kept(self, planned: PlannedAudit) -> Result:
        """The result that was recalled or kept in this run: many of them would fill the memory.

        Raises:
            RunError: It is no longer as it was.
        """
        path = self._kept(planned)
        try:
            data = path.read_bytes()
        except PermissionError as error:
            raise cannot_read(path, error) from error
        except OSError as error:
            raise RunError(f"cannot read {str(path)!r}: {error.strerror or error}", hint=UNTOUCHED) from error
        if hashlib.sha256(data).hexdigest() != self._sha256[planned.folder]:
            raise RunError(f"{str(path)!r} changed while the batch ran", hint=UNTOUCHED)
        return parse_kept(planned.settings, data)

    def keep(self, planned: PlannedAudit, fingerprint: str, result: Result, memo: Memo) -> None:
        """Keep a result by itself for the next run.

        Raises:
            RunError: It cannot be written.
        """
        data = result.model_dump_json().encode()
        sha256 = hashlib.sha256(data).hexdigest()
        write_bytes(self._kept(planned), data)
        memo.remember(_fact(fingerprint, sha256), "kept")
        self._sha256[planned.folder] = sha256

    def publish(self, planned: PlannedAudit, result: Result) -> str:
        """Write the report and the result of an audit, and give the digest of the latter.

        Both are rendered before either is written; what cannot be rendered raises what its renderer does.

        Raises:
            RunError: One cannot be written.
        """
        folder = self.path / planned.folder
        page, data = render(result, "html").encode(), render(result, "json").encode()
        write_files({folder / RESULT: data, folder / REPORT: page})
        return hashlib.sha256(data).hexdigest()

    def conclude(self, batch: BatchResult) -> None:
        """Write what is said of the whole batch.

        Raises:
            RunError: A file cannot be written.
        """
        write_files({self.path / renderer.filename: renderer.render(batch).encode() for renderer in _files()})

    def _kept(self, planned: PlannedAudit) -> Path:
        return self._own / f"{planned.folder}.json"

    def _written(self) -> list[Path]:
        """Every file that is written where people look."""
        own = [self.path / renderer.filename for renderer in _files()]
        return own + [self.path / planned.folder / name for planned in self._plan.audits for name in (RESULT, REPORT)]


def _fact(fingerprint: str, sha256: str) -> str:
    return json.dumps(["batch result", fingerprint, sha256])


def _files() -> list[BatchRenderer]:
    return [renderer for renderer in batch_renderers().values() if renderer.filename]
