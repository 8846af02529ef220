"""The service as an ASGI app."""

from __future__ import annotations

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from . import (
    routes_about,
    routes_events,
    routes_files,
    routes_runs,
    routes_sandboxes,
    routes_sessions,
)
from .broker import Broker
from .guard import Guard
from .needed import BEARER, ERRORS
from .problems import ProblemAnswer, tell_failure, tell_invalid, tell_problem
from .settings import ServiceSettings
from .tokens import Tokens

_ABOUT = (
    "Runs code that nobody has checked: create a sandbox with files, start runs in it, follow "
    "their events. Errors are problem+json, and name the field at fault."
)


def described() -> FastAPI:
    """The routes alone, with their OpenAPI document at `/openapi.json`."""
    app = FastAPI(
        title="fixwright_sandbox",
        version=routes_about.API_VERSION,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        responses=ERRORS,
        separate_input_output_schemas=False,
    )
    guarded = APIRouter(dependencies=[Depends(BEARER)])
    for router in (
        routes_sandboxes.router,
        routes_files.router,
        routes_runs.router,
        routes_events.router,
        routes_sessions.router,
        routes_about.router,
    ):
        guarded.include_router(router)
    app.include_router(guarded)
    app.include_router(routes_about.health)
    app.include_router(routes_events.sockets)
    app.add_exception_handler(HTTPException, tell_problem)
    app.add_exception_handler(RequestValidationError, tell_invalid)
    app.add_exception_handler(Exception, tell_failure)
    plain = app.openapi

    def document() -> dict[str, object]:
        schema = plain()
        schemas = schema["components"]["schemas"]
        if ProblemAnswer.__name__ not in schemas:
            told = ProblemAnswer.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(told.pop("$defs", {}))
            schemas[ProblemAnswer.__name__] = told
        for name in ("HTTPValidationError", "ValidationError"):  # told as problems instead
            schemas.pop(name, None)
        return schema

    app.openapi = document
    return app


def create_app(broker: Broker, settings: ServiceSettings, tokens: Tokens) -> ASGIApp:
    """The app with everything that stands before it."""
    app = described()
    app.state.broker = broker
    guarded = Guard(
        app,
        tokens=tokens,
        allowance=settings.allowance,
        hosts=settings.allowed_hosts,
        origins=frozenset(settings.origins),
        counts=broker.counts,
    )
    if not settings.origins:
        return guarded
    return CORSMiddleware(
        guarded,
        allow_origins=settings.origins,
        allow_methods=("GET", "POST", "PUT", "DELETE"),
        allow_headers=("Authorization", "Content-Type", "Last-Event-ID"),
        expose_headers=("Location", "Retry-After"),
    )
