"""Language models behind one small interface. Importing this imports no SDK; see `loading`."""

from fixwright.models.context import Context
from fixwright.models.factory import ModelSettings, ProviderName, open_model, small_settings
from fixwright.models.fallback import Fallback, Switched
from fixwright.models.gauge import TokenGauge
from fixwright.models.model import Model, Reserve
from fixwright.models.prices import Price
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
    "Context",
    "Delta",
    "Done",
    "ErrorKind",
    "Fallback",
    "Message",
    "Model",
    "ModelError",
    "ModelSettings",
    "Native",
    "Price",
    "Provider",
    "ProviderName",
    "Request",
    "Reserve",
    "Restart",
    "Result",
    "RetryPolicy",
    "Role",
    "StopReason",
    "Switched",
    "TokenGauge",
    "Tool",
    "Usage",
    "estimate_tokens",
    "open_model",
    "small_settings",
    "stream_with_retries",
]
