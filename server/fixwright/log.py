"""Logging: structured records to a rotating file and to standard error, without secrets."""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import queue
import sys
import time
from pathlib import Path

import platformdirs

from fixwright.secrets import Redactor, redactor_for

_redactors = [redactor_for(os.environ)]
"""The process's one: what it knows, no record shows."""


def redact(text: str) -> str:
    """The text with marks in place of all that is secret, as far as this process knows."""
    return _redactors[-1].redact(text)


def keep_out_of_logs(redactor: Redactor) -> None:
    """Let records be redacted by this from now on: once settings and keys are known."""
    _redactors[:] = [redactor]


def state_folder() -> Path:
    """Where Fixwright keeps what is the user's and no setting."""
    return Path(platformdirs.user_state_dir("fixwright", appauthor=False))


def log_file() -> Path:
    """Where the log is kept."""
    return Path(platformdirs.user_log_dir("fixwright", appauthor=False)) / "fixwright.log"


class JsonFormatter(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        """Render and redact."""
        entry = {  # redacted before JSON escapes quotes and line ends
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            "process": record.process,
        }
        if record.exc_info:
            entry["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


class _RedactingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def start_logging(level: str = "info", *, file: bool = True) -> None:
    """Send Fixwright's records to standard error (warnings) and to the log file (all).

    Records are written by a thread of their own: logging never blocks the caller. When the log
    file can't be opened, one warning on standard error says so.
    """
    console = logging.StreamHandler(sys.stderr)
    console.setLevel(logging.WARNING)
    console.setFormatter(_RedactingFormatter("fixwright: %(levelname)s: %(message)s"))
    handlers: list[logging.Handler] = [console]
    failure: OSError | None = None
    if file:
        try:
            handlers.append(_file_handler())
        except OSError as error:
            failure = error
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(records, *handlers, respect_handler_level=True)
    listener.start()
    stop_logging()
    _listeners.append(listener)
    for name in ("fixwright", "fixwright_sandbox"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.handlers.QueueHandler(records)]
        logger.setLevel(level.upper())
        logger.propagate = False
    for name in ("pygls", "anthropic", "openai", "httpx2", "docker", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    if failure is not None:
        logging.getLogger("fixwright").warning("no log file is written: %s", failure)


def stop_logging() -> None:
    """Write what waits, and stop."""
    while _listeners:
        _listeners.pop().stop()


_listeners: list[logging.handlers.QueueListener] = []
"""The process's one writer of records, as `logging` itself is one for the process."""


def _file_handler() -> logging.Handler:
    path = log_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=4 << 20, backupCount=3, encoding="utf-8", delay=True
    )
    handler.setFormatter(JsonFormatter())
    return handler
