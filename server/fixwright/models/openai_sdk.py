"""The OpenAI SDK's client, and what it raises as our errors: shared by both of its protocols."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import openai

from fixwright.models import errors
from fixwright.models.connection import broken, open_client
from fixwright.models.json_reading import as_object, as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

    from fixwright.models.errors import Endpoint
    from fixwright.models.types import ModelError, Request

DEFAULT_URL = "https://api.openai.com/v1"

MARK: dict[str, object] = {"prompt_cache_breakpoint": {"mode": "explicit"}}
"""The end of what OpenAI's cache is to keep; a request may write four of them."""


def client_of(
    endpoint: Endpoint, api_key: str, transport: httpx2.AsyncBaseTransport | None
) -> openai.AsyncOpenAI:
    """A client that asks nobody but the endpoint, and each time once; no request is made."""
    headers = {"authorization": f"Bearer {api_key}"}
    return openai.AsyncOpenAI(
        api_key=api_key,
        base_url=endpoint.url,
        max_retries=0,
        http_client=open_client(endpoint.url, headers, transport),
    )


def cache_key(request: Request) -> str:
    """The same for all requests of a conversation: OpenAI sends equal ones to the same machine."""
    first = request.messages[0].text if request.messages else ""
    front = [*(tool.name for tool in request.tools), *request.system, first]
    return hashlib.sha256("\0".join(front).encode("utf-8", "replace")).hexdigest()[:32]


def translated(endpoint: Endpoint, secret: str, error: Exception) -> ModelError:
    """The error for one that the SDK or its transport raised."""
    match error:
        case openai.APITimeoutError():
            return errors.timed_out(endpoint)
        case openai.APIConnectionError():
            return errors.unreachable(endpoint, error)
        case openai.APIStatusError():
            body = as_object(error.body) or {"message": error.message}
            return refused_with(
                endpoint, secret, body, status=error.status_code, headers=error.response.headers
            )
        case openai.APIError():
            return refused_with(
                endpoint, secret, as_object(error.body) or {"message": error.message}
            )
        case _:
            return broken(endpoint, error)


def refused_with(
    endpoint: Endpoint,
    secret: str,
    body: Mapping[str, object],
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> ModelError:
    """The error for what the server itself said; `body` is its error object."""
    detail = errors.hidden(secret, as_text(body.get("message")))
    codes = (body.get("code"), body.get("type"))
    return errors.refused(endpoint, status, codes, detail, headers or {})
