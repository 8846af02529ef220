"""Language models behind one small interface. Importing this imports no SDK; see `loading`."""

from fixwright.models.catalogue import cost_usd
from fixwright.models.factory import ModelSettings, ProviderName, open_provider
from fixwright.models.retry import Clock, Restart, RetryPolicy, stream_with_retries
from fixwright.models.tokens import estimate_tokens
from fixwright.models.types import (
    Call,
    Delta,
    Done,
    ErrorKind,
    Message,
    ModelError,
    Native,
    Provider,
    Request,
    Result,
    Role,
    StopReason,
    Tool,
    Usage,
)

__all__ = [
    "Call",
    "Clock",
    "Delta",
    "Done",
    "ErrorKind",
    "Message",
    "ModelError",
    "ModelSettings",
    "Native",
    "Provider",
    "ProviderName",
    "Request",
    "Restart",
    "Result",
    "RetryPolicy",
    "Role",
    "StopReason",
    "Tool",
    "Usage",
    "cost_usd",
    "estimate_tokens",
    "open_provider",
    "stream_with_retries",
]
