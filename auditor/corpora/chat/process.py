"""The process in which templates are rendered; one serves a whole run, and another takes its place when it ends."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from typing import Any

from auditor.core.errors import RunError


class EndedError(Exception):
    """The process ended before it answered.

    Attributes:
        code: Its exit code; the negative number of a signal that ended it.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"exit code {code}")
        self.code = code


class _Process:
    """A running process that renders.

    Raises:
        RunError: It cannot be started.
    """

    def __init__(self) -> None:
        self.parent = os.getpid()
        # Without the folder of the run, where a module of a known name could lie.
        command = [sys.executable, "-P", "-m", "auditor.corpora.chat.sandbox"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise RunError(f"no process to render chat templates: {error.strerror or error}") from None

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        answer = b""
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.write(json.dumps(request).encode() + b"\n")
            self._child.stdin.flush()
            answer = self._child.stdout.readline()
        if not answer.endswith(b"\n"):
            raise EndedError(self._child.wait())
        return json.loads(answer)  # type: ignore[no-any-return]

    def end(self) -> None:
        """End it, whatever it does."""
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()


_LOCK = threading.Lock()
_running: list[_Process] = []


def ask(request: dict[str, Any]) -> dict[str, Any]:
    """The answer of the process, as `auditor.corpora.chat.sandbox.answer` gives it.

    Raises:
        EndedError: It ended, as it does where a request takes more time than it allows.
        RunError: It cannot be started.
    """
    with _LOCK:
        # A process that was forked off shares the pipes of its parent and needs some of its own.
        if _running and _running[0].parent != os.getpid():
            _running.clear()
        if not _running:
            _running.append(_Process())
        try:
            return _running[0].ask(request)
        except BaseException:
            _running.pop().end()
            raise


@atexit.register
def _end() -> None:
    if _running and _running[0].parent == os.getpid():
        _running.pop().end()
