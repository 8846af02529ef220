"""What routes ask for."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Path
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from .accounts import Account, Held, Kept, Run
from .broker import Broker
from .problems import ProblemAnswer

BEARER = HTTPBearer(auto_error=False, description="Checked before anything else is done.")
ERRORS: dict[int | str, dict[str, object]] = {
    status: {
        "description": words,
        "content": {
            "application/problem+json": {
                "schema": {"$ref": f"#/components/schemas/{ProblemAnswer.__name__}"}
            }
        },
    }
    for status, words in {
        400: "The request is none that can be read.",
        401: "No token, or none that is valid.",
        404: "There is no such thing, or it is another token's.",
        408: "The body did not come in time.",
        409: "Not in this state.",
        413: "The body is too large.",
        421: "The service is not called by that Host.",
        422: "A field does not fit; `errors` names it.",
        429: "A limit of the token is reached; see Retry-After.",
        500: "The service failed.",
        503: "It can't be done now.",
    }.items()
}


def broker_of(connection: HTTPConnection) -> Broker:
    """The broker of the app."""
    return cast("Broker", connection.app.state.broker)


def account_of(connection: HTTPConnection) -> Account:
    """Whose request it is."""
    return cast("Account", connection.state.account)


def held_of(
    sandbox: Annotated[str, Path(max_length=64)], account: Annotated[Account, Depends(account_of)]
) -> Held:
    """The sandbox that the path names. Raises `Problem`."""
    return account.held(sandbox)


def run_of(
    run: Annotated[str, Path(max_length=64)], held: Annotated[Held, Depends(held_of)]
) -> Run:
    """The run that the path names. Raises `Problem`."""
    return held.run(run)


def session_of(
    session: Annotated[str, Path(max_length=64)], held: Annotated[Held, Depends(held_of)]
) -> Kept:
    """The session that the path names. Raises `Problem`."""
    return held.session(session)


TheBroker = Annotated[Broker, Depends(broker_of)]
TheAccount = Annotated[Account, Depends(account_of)]
TheHeld = Annotated[Held, Depends(held_of)]
TheRun = Annotated[Run, Depends(run_of)]
TheSession = Annotated[Kept, Depends(session_of)]
