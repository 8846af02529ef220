"""The HTTP connection that both SDKs speak through, and nothing but what we mean to send.

Left to themselves the SDKs add what they find in the environment (`*_CUSTOM_HEADERS`,
`OPENAI_ORG_ID`, `OPENAI_PROJECT_ID`) and a fingerprint of the machine (`X-Stainless-*`) to every
request, whoever the server is. So every request passes one hook that keeps an allow-list.
"""

from __future__ import annotations

import ipaddress
import json
import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import httpx2
from pydantic import BaseModel

from fixwright.models import errors
from fixwright.models.json_reading import as_object

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fixwright.models.errors import Endpoint
    from fixwright.models.types import Delta, Done, ModelError

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 120.0
"""The longest wait for the next bytes. There is no limit in total: that is the caller's to set."""

LOCAL_SILENCE_SECONDS = 600.0
"""The same for a server on this machine: it says nothing while it loads a model and reads a long
question, which takes minutes without a graphics card."""

_SENT_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "anthropic-version",
        "connection",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
    }
)

BROKEN_CONNECTION = (httpx2.RequestError, OSError, anyio.EndOfStream)
"""What the transport raises in the middle of a stream; EndOfStream is TLS cut without a goodbye."""

MALFORMED_EVENT = (json.JSONDecodeError, UnicodeDecodeError)


def open_client(
    url: str, headers: dict[str, str], transport: httpx2.AsyncBaseTransport | None = None
) -> httpx2.AsyncClient:
    """A client that sends exactly `headers` beside what HTTP and the protocol need.

    Proxies from the environment are used except for loopback addresses.
    """
    # Both print requests, bodies included, at DEBUG, which a user may well turn on for the root.
    for name in ("anthropic", "openai", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)

    async def keep_known_headers(request: httpx2.Request) -> None:
        for name in [n for n in request.headers if n.lower() not in _SENT_HEADERS]:
            del request.headers[name]
        request.headers.update(headers | {"user-agent": "fixwright"})

    return httpx2.AsyncClient(
        trust_env=not is_loopback(url),
        timeout=httpx2.Timeout(
            LOCAL_SILENCE_SECONDS if is_loopback(url) else SILENCE_SECONDS, connect=CONNECT_SECONDS
        ),
        event_hooks={"request": [keep_known_headers]},
        transport=transport,
    )


def is_loopback(url: str) -> bool:
    """Whether the URL names this very machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def event_object(event: object) -> dict[str, object]:
    """An SDK's event as the JSON object that it was parsed from.

    The SDKs build their models without validation, so that with servers that are only nearly
    compatible a typed attribute may hold anything or be missing.
    """
    if isinstance(event, BaseModel):
        return event.model_dump(by_alias=True, exclude_unset=True, warnings=False)
    return as_object(event)


def broken(endpoint: Endpoint, error: Exception) -> ModelError:
    """The error for one of `BROKEN_CONNECTION` or `MALFORMED_EVENT`."""
    if isinstance(error, MALFORMED_EVENT):
        return errors.malformed(endpoint)
    if isinstance(error, httpx2.TimeoutException):
        return errors.timed_out(endpoint)
    return errors.unreachable(endpoint, error)


def ended_early(endpoint: Endpoint, response: httpx2.Response, *, events: int) -> ModelError:
    """The error for a stream that ended without its end marker after so many events."""
    content_type = response.headers.get("content-type", "")
    if events == 0 and "event-stream" not in content_type:
        return errors.not_a_model(endpoint, content_type)
    return errors.truncated(endpoint)


async def drain(stream: AsyncGenerator[Delta | Done, None]) -> None:
    """Read a stream to its end, for its side effects (priming)."""
    async for _ in stream:
        pass
