"""What an environment's pod is made of, and the policy that keeps it from every network."""

from __future__ import annotations

import time
from collections.abc import Sequence

from . import inside
from .base import Shape
from .labels import LABEL, OWNER_LABEL, STARTED_LABEL

POLICY = "fixwright-sandbox-no-network"
CONTAINER = "runner"
_RUNNER_BYTES = 64 << 20
_MOST_SECONDS = 6 * 3600
"""A pod ends after so long, whoever is left to end it."""


def pod(
    name: str, image: str, argv: Sequence[str], shape: Shape, *, cpus: float, owner: str
) -> dict[str, object]:
    """The manifest: nothing to gain from the cluster, nothing to write to but memory."""
    files = shape.tree + 2 * shape.disk + shape.cache + inside.SHM_BYTES
    memory = shape.memory + files + _RUNNER_BYTES
    places = {
        "workspace": (inside.WORKSPACE, shape.tree + shape.disk),
        "tmp": (inside.TMP, shape.disk),
        "shm": (inside.SHM, inside.SHM_BYTES),
    }
    if shape.cache:
        places["cache"] = (inside.CACHE, shape.cache)
    limits = {"memory": str(memory), "cpu": f"{int(cpus * 1000)}m"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {LABEL: "1"},
            "annotations": {OWNER_LABEL: owner, STARTED_LABEL: f"{time.time():.3f}"},
        },
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": _MOST_SECONDS,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "hostname": "sandbox",
            "dnsPolicy": "None",
            "dnsConfig": {"nameservers": ["127.0.0.1"]},
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": inside.UID,
                "runAsGroup": inside.UID,
                "fsGroup": inside.UID,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": CONTAINER,
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": list(argv),
                    "workingDir": "/",
                    "stdin": True,
                    "stdinOnce": True,
                    "tty": False,
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "privileged": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "resources": {
                        "limits": {**limits, "ephemeral-storage": "64Mi"},
                        "requests": {"memory": str(_RUNNER_BYTES), "cpu": "50m"},
                    },
                    "volumeMounts": [
                        {"name": key, "mountPath": path} for key, (path, _) in places.items()
                    ],
                }
            ],
            "volumes": [
                {"name": key, "emptyDir": {"medium": "Memory", "sizeLimit": str(size)}}
                for key, (_, size) in places.items()
            ],
        },
    }


def policy() -> dict[str, object]:
    """No pod of ours speaks to anybody. The cluster's network has to heed such policies."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": POLICY, "labels": {LABEL: "1"}},
        "spec": {
            "podSelector": {"matchLabels": {LABEL: "1"}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [],
            "egress": [],
        },
    }
