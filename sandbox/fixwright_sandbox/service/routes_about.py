"""What the service is and how it goes; what can be run; what code would touch."""

from __future__ import annotations

import asyncio
import importlib.metadata

from fastapi import APIRouter, Response
from starlette.responses import JSONResponse

from fixwright_sandbox.metrics import CONTENT_TYPE
from fixwright_sandbox.runtimes import runtimes
from fixwright_sandbox.safety import UnknownLanguageError, look, summary

from .answers import (
    RuntimeAnswer,
    RuntimesAnswer,
    SafetyAnswer,
    StateAnswer,
    VersionAnswer,
    clean,
    finding_answer,
)
from .needed import TheBroker
from .problems import invalid
from .wire import CodeSent

API_VERSION = "1.0.0"
health = APIRouter(tags=["about"])
router = APIRouter(tags=["about"])


@health.get("/healthz")
async def get_health() -> StateAnswer:
    """The service answers. Needs no token."""
    return StateAnswer(status="ok")


@health.get("/readyz", responses={503: {"model": StateAnswer, "description": "It is stopping."}})
async def get_readiness(broker: TheBroker) -> Response:
    """The service takes work: 200, or 503 while it stops. Needs no token."""
    answer = StateAnswer(status="stopping" if broker.stopping else "ok")
    return JSONResponse(answer.model_dump(), 503 if broker.stopping else 200)


@router.get("/v1/version")
async def get_version(broker: TheBroker) -> VersionAnswer:
    """Of this interface and of the package."""
    try:
        package = importlib.metadata.version("fixwright")
    except importlib.metadata.PackageNotFoundError:
        package = "unknown"  # run from its sources
    return VersionAnswer(api=API_VERSION, package=package, backend=broker.sandbox.backend)


@router.get("/v1/runtimes")
async def list_runtimes() -> RuntimesAnswer:
    """What can be run, as far as the machine has its tools or images."""
    return RuntimesAnswer(
        runtimes=[
            RuntimeAnswer(
                name=each.name,
                title=each.title,
                languages=sorted(each.languages),
                extensions=sorted(each.extensions),
                tests=each.tests,
                sessions=each.sessions,
            )
            for each in runtimes().values()
        ]
    )


@router.post("/v1/safety")
async def look_at_code(sent: CodeSent) -> SafetyAnswer:
    """What code would touch, by its text. Nothing is run."""
    try:
        findings = await asyncio.to_thread(look, sent.code, sent.language)
    except UnknownLanguageError as error:
        raise invalid(str(error), "language") from error
    return SafetyAnswer(
        summary=clean(summary(findings)), findings=[finding_answer(each) for each in findings]
    )


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "For Prometheus."}},
)
async def get_metrics(broker: TheBroker) -> Response:
    """Counters, gauges and histograms of everything, not of one token."""
    return Response(broker.metrics(), media_type=CONTENT_TYPE)
