"""A way through SSH to an engine's socket on another machine, by the user's own SSH client.

The client's settings and keys, agents and jump hosts count as they do for the user. One
connection carries everything, so that a call costs a round trip and no handshake.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from urllib.parse import SplitResult, unquote

from fixwright_sandbox.owner import Owner

from .base import EngineGoneError

_SOCKET = "/var/run/docker.sock"
_PREFIX = "fixwright-ssh-"
_PATIENCE = 30.0
_READY = b"ready\n"
_OPTIONS = (
    *("-o", "BatchMode=yes"),
    *("-o", "ExitOnForwardFailure=yes"),
    *("-o", "StreamLocalBindUnlink=yes"),
    *("-o", "ConnectTimeout=20"),
    *("-o", "ServerAliveInterval=15"),
    *("-o", "ControlMaster=no"),
    *("-o", "ControlPath=none"),
)


class Tunnel:
    """Made when first needed, and again after it broke. Blocks; any thread may use it."""

    def __init__(self, url: SplitResult) -> None:
        self._name = url.hostname or ""
        self._shown = url.geturl()
        self._remote = url.path if url.path.strip("/") else _SOCKET
        self._target: list[str] = []
        if url.username:
            self._target += ["-l", unquote(url.username)]
        if url.port:
            self._target += ["-p", str(url.port)]
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None

    def socket(self) -> Path:
        """The socket on this machine that leads there, always the same one.

        Raises `EngineGoneError`.
        """
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._end()
                self._make()
            assert self._folder is not None
            return self._folder / "engine.sock"

    def close(self) -> None:
        """End it; nothing of it is left."""
        with self._lock:
            self._end()
            folder, self._folder = self._folder, None
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

    def _make(self) -> None:
        program = shutil.which("ssh")
        if program is None:
            message = f"{self._shown} needs an SSH client (say, apt install openssh-client)."
            raise EngineGoneError(message)
        if self._folder is None:
            _clear_those_of_the_dead()
            self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            (self._folder / "owner").write_text(str(Owner.current()), encoding="ascii")
        forward = f"{self._folder / 'engine.sock'}:{self._remote}"
        # What it runs there ends with its input, which ends with us, and SSH ends with that.
        argv = [program, *_OPTIONS, *self._target, "-T", "-L", forward, "--", self._name]
        errors = self._folder / "errors"
        with errors.open("wb") as file:
            self._process = subprocess.Popen(  # noqa: S603 (the user's SSH, to where they said)
                [*argv, "echo ready; exec cat >/dev/null"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                start_new_session=True,
            )
        self._await(self._process, errors)

    def _await(self, process: subprocess.Popen[bytes], errors: Path) -> None:
        assert process.stdout is not None
        timer = threading.Timer(_PATIENCE, process.kill)
        timer.start()
        try:
            ready = process.stdout.readline() == _READY
        finally:
            timer.cancel()
        if ready:
            return
        self._end()
        said = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        reason = said[-1].rstrip(".") if said else "it said nothing"
        message = (
            f"No Docker Engine answers: SSH does not get to {self._shown} ({reason}). "
            f"`ssh {' '.join((*self._target, self._name))}` has to work without a question."
        )
        raise EngineGoneError(message)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            process.wait()


def _clear_those_of_the_dead() -> None:
    """Remove the sockets of processes that were killed; the tunnels ended with them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            owner = Owner.parse((folder / "owner").read_text(encoding="ascii"))
            if owner is not None and owner.is_dead():
                shutil.rmtree(folder, ignore_errors=True)
