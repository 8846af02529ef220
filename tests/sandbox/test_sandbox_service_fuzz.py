"""The service keeps to its own OpenAPI document, whatever is sent that fits it or does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.needs import needs
from support.service import Setup, serving

DOCUMENT = Path(__file__).parents[2] / "docs" / "sandbox-openapi.json"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


@pytest.mark.bubblewrap
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_is_answered_is_what_the_document_says(tmp_path: Path) -> None:
    needs("bubblewrap")
    pytest.importorskip("schemathesis")
    with serving(Setup(allowance={"sandboxes": 4, "requests": 1000})) as service:
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")), "run", str(DOCUMENT),
                "--url", f"http://{service.authority}", "--max-examples", "10", "--seed", "1",
                "--header", f"Authorization: Bearer {service.token}",
                "--checks", ",".join(CHECKS), "--generation-database", "none",
            ],
            capture_output=True, text=True, timeout=500, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        assert service.stop() == 0
