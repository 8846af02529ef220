"""Every error as one JSON object: problem+json, RFC 9457."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from http import HTTPStatus

from fastapi import Request, WebSocket
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="Dotted path: `limits.memory_bytes`, `header.Authorization`.")
    message: str


class ProblemAnswer(BaseModel):
    """An error: what happened, and which fields are at fault."""

    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What happened, to what, and what to do.")
    errors: list[FieldError] = Field(description="Empty where no field is at fault.")


class Problem(HTTPException):
    """An error to answer with."""

    def __init__(
        self, status: int, detail: str, *fields: str, retry_after: float | None = None
    ) -> None:
        headers: dict[str, str] = {}
        if retry_after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
        if status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        super().__init__(status, detail, headers)
        self.errors = [FieldError(field=name, message=detail) for name in fields]

    @property
    def response(self) -> Response:
        """The error as an answer."""
        return _response(self.status_code, self.detail, self.errors, dict(self.headers or {}))


def not_found(what: str, field: str) -> Problem:
    """There is no such thing, or it is another token's."""
    return Problem(HTTPStatus.NOT_FOUND, f"There is no such {what}.", field)


def too_many(detail: str, field: str, retry_after: float = 1.0) -> Problem:
    """A limit of the token is reached."""
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, field, retry_after=retry_after)


def invalid(detail: str, field: str) -> Problem:
    """A field has a value that can't be."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, field)


async def tell_problem(_request: Request | WebSocket, error: Exception) -> Response:
    """Answer with a `Problem`, or with what the framework found."""
    assert isinstance(error, HTTPException)
    if isinstance(error, Problem):
        return error.response
    return _response(error.status_code, error.detail, [], dict(error.headers or {}))


async def tell_invalid(_request: Request | WebSocket, error: Exception) -> Response:
    """Answer with the fields that did not fit."""
    assert isinstance(error, RequestValidationError)
    errors = [
        FieldError(field=_field(each["loc"]), message=str(each["msg"])) for each in error.errors()
    ]
    named = ", ".join(dict.fromkeys(each.field for each in errors))
    detail = f"The request does not fit: {named}."
    return _response(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors, {})


async def tell_failure(_request: Request | WebSocket, _error: Exception) -> Response:
    """Answer for an error of ours, without telling its insides; the log has them."""
    detail = "The service failed; its log says where."
    return _response(HTTPStatus.INTERNAL_SERVER_ERROR, detail, [], {})


def _field(location: Iterable[object]) -> str:
    """`body.limits.memory_bytes` as the caller knows it: without the `body`."""
    first, *rest = (str(part) for part in location)
    parts = rest if first == "body" and rest else [first, *rest]
    return ".".join(parts)


def _response(
    status: int, detail: str, errors: list[FieldError], headers: dict[str, str]
) -> Response:
    title = HTTPStatus(status).phrase
    answer = ProblemAnswer(title=title, status=status, detail=detail, errors=errors)
    # As ASCII: names that were sent may have what UTF-8 can't tell.
    body = json.dumps(answer.model_dump()).encode()
    return Response(body, status, headers, MEDIA_TYPE)
