"""The calls of a Kubernetes cluster that are used: typed, errors in sentences. All block."""

from __future__ import annotations

import contextlib
import importlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from .base import BackendError, EngineGoneError, MissingImageError
from .labels import LABEL, OWNER_LABEL
from .pods import CONTAINER, POLICY

_START_SECONDS = 120.0
_REMOVAL_SECONDS = 60.0
_EVERY = 0.1
_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_NOT_FOUND, _CONFLICT = 404, 409
_NO_IMAGE = {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"}
T = TypeVar("T")


@dataclass(frozen=True)
class Pod:
    """A pod of ours: its name, and who owns it."""

    name: str
    owner: str


class Cluster:
    """One namespace of a cluster, as the user's kubeconfig or the pod around us tells it."""

    def __init__(self) -> None:
        """Raises `BackendError` where the client is missing or no cluster is told."""
        try:
            client, config = _module("client"), _module("config")
            stream = _module("stream.stream")
        except ImportError as error:
            message = "Kubernetes needs its Python client: pip install 'fixwright[kubernetes]'."
            raise BackendError(message) from error
        self._refused: Any = client.ApiException

        def connect(*arguments: Any, **options: Any) -> Any:
            # It would otherwise keep all that ever comes.
            return stream.ws_client.websocket_call(*arguments, **options, capture_all=False)

        self._stream: Any = partial(stream.stream.func, connect, None)
        try:
            api, self.namespace = self._connect()
        except (config.ConfigException, OSError) as error:
            message = (
                f"No Kubernetes cluster is told: {error}. See KUBECONFIG and `kubectl config`."
            )
            raise BackendError(message) from error
        self._api: Any = client.CoreV1Api(api)
        self._network: Any = client.NetworkingV1Api(api)
        # Attaching changes how a client asks, so it has one of its own.
        self._attaching: Any = client.CoreV1Api(self._connect()[0])

    def _connect(self) -> tuple[Any, str]:
        client, config = _module("client"), _module("config")
        told = os.environ.get("KUBECONFIG")  # which the client reads only once, when imported
        with contextlib.suppress(config.ConfigException):
            _, current = config.list_kube_config_contexts(config_file=told)
            space = current["context"].get("namespace") or "default"
            return config.new_client_from_config(config_file=told), str(space)
        config.load_incluster_config()
        return client.ApiClient(), _NAMESPACE.read_text(encoding="ascii").strip()

    def forbid_network(self, policy: dict[str, object]) -> None:
        """See to it that there is the policy."""

        def create() -> None:
            try:
                self._network.create_namespaced_network_policy(self.namespace, policy)
            except self._refused as error:
                if error.status != _CONFLICT:
                    raise

        self._call(f"the network policy {POLICY} can't be made", create)

    def create(self, manifest: dict[str, object]) -> None:
        """Create a pod."""
        self._call(
            "a pod can't be created",
            lambda: self._api.create_namespaced_pod(self.namespace, manifest),
        )

    def await_running(self, name: str) -> None:
        """Wait until its container runs. Raises `BackendError` with what keeps it from that."""
        end = time.monotonic() + _START_SECONDS
        while True:
            status = self._read(name).status
            if status.phase == "Running":
                return
            reason = _why_not(status)
            if status.phase in {"Failed", "Succeeded"} or time.monotonic() > end:
                message = f"The pod does not start: {reason or status.phase}."
                raise BackendError(message)
            for waiting in _waiting(status):
                if waiting.reason in _NO_IMAGE:
                    raise MissingImageError(str(waiting.message or waiting.reason))
            time.sleep(_EVERY)  # in a thread, between two looks

    def attach(self, name: str) -> Any:
        """The client's stream to a running pod."""
        wanted = {"stdin": True, "stdout": True, "stderr": True, "tty": False}

        def attach() -> Any:
            return self._stream(
                self._attaching.connect_get_namespaced_pod_attach,
                *(name, self.namespace),
                container=CONTAINER,
                _preload_content=False,
                binary=True,
                **wanted,
            )

        return self._call("the pod can't be attached to", attach)

    def remove(self, name: str) -> None:
        """Kill and remove a pod; returns when it is gone."""

        def remove() -> None:
            end = time.monotonic() + _REMOVAL_SECONDS
            try:
                self._api.delete_namespaced_pod(name, self.namespace, grace_period_seconds=0)
                while time.monotonic() < end:
                    self._api.read_namespaced_pod(name, self.namespace)
                    time.sleep(_EVERY)  # in a thread, between two looks
            except self._refused as error:
                if error.status != _NOT_FOUND:
                    raise

        self._call("a pod can't be removed", remove)

    def pods(self) -> list[Pod]:
        """Every pod of ours in the namespace."""

        def look() -> list[Pod]:
            listed = self._api.list_namespaced_pod(self.namespace, label_selector=f"{LABEL}=1")
            told: list[Any] = [each.metadata for each in listed.items]
            return [Pod(str(each.name), _owner(each.annotations)) for each in told]

        return self._call("pods can't be listed", look)

    def why_ended(self, name: str) -> str:
        """What the cluster says of a pod that ended: `OOMKilled`, `DeadlineExceeded`, `Evicted`."""
        try:
            return _why_not(self._read(name).status) or "it is not told why"
        except self._refused:
            return "it was removed"

    def _read(self, name: str) -> Any:
        return self._call(
            "a pod can't be read", lambda: self._api.read_namespaced_pod(name, self.namespace)
        )

    def _call(self, what: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except self._refused as error:
            if not error.status:  # what a stream's connection failed with
                raise EngineGoneError(
                    f"The Kubernetes API does not answer: {error.reason}."
                ) from error
            message = (
                f"Kubernetes: {what}: {error.status} {error.reason}: {str(error.body or '')[:300]}"
            )
            raise BackendError(message) from error
        except Exception as error:
            if not _of_the_connection(error):
                raise
            raise EngineGoneError(f"The Kubernetes API does not answer: {error}.") from error


def _module(name: str) -> Any:
    """A part of the client, which has no types."""
    return importlib.import_module(f"kubernetes.{name}")


def _of_the_connection(error: Exception) -> bool:
    from urllib3.exceptions import HTTPError

    return isinstance(error, OSError | HTTPError)


def _owner(annotations: dict[str, str] | None) -> str:
    return (annotations or {}).get(OWNER_LABEL, "")


def _waiting(status: Any) -> list[Any]:
    states = [each.state for each in status.container_statuses or ()]
    return [each.waiting for each in states if each is not None and each.waiting is not None]


def _why_not(status: Any) -> str:
    for each in status.container_statuses or ():
        ended = each.state.terminated if each.state is not None else None
        if ended is not None:
            return str(ended.reason or f"exit code {ended.exit_code}")
    if status.reason:
        return f"{status.reason} ({status.message})" if status.message else str(status.reason)
    told = [each.message for each in status.conditions or () if each.status == "False"]
    return " ".join(str(each) for each in told if each)
