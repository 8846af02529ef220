"""How the service may be set up, who is let in, and how budgets fill up again."""

from __future__ import annotations

import http.client
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from fixwright_sandbox.service.buckets import Bucket
from fixwright_sandbox.service.settings import Allowance, ServiceError, ServiceSettings
from fixwright_sandbox.service.tokens import Tokens, generated, read_tokens
from support.needs import needs
from support.service import started


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "why"),
        [
            ({"host": "0.0.0.0"}, "--expose"),
            ({"host": "::", "tls_cert": "a", "tls_key": "b"}, "--expose"),
            ({"host": "0.0.0.0", "expose": True}, "--tls-cert"),
            ({"host": "0.0.0.0", "expose": True, "behind_proxy": True}, "--allow-host"),
            ({"host": "box.example.com", "behind_proxy": True}, "--expose"),
            ({"tls_cert": "a"}, "key"),
        ],
    )
    def test_that_are_not_safe_are_refused(self, settings: dict[str, object], why: str) -> None:
        with pytest.raises(ServiceError, match=why):
            ServiceSettings(**settings)  # type: ignore[arg-type]  # parametrised

    def test_name_the_hosts(self) -> None:
        assert "localhost" in ServiceSettings(host="::1").allowed_hosts
        outside = ServiceSettings("0.0.0.0", expose=True, behind_proxy=True, hosts=("A.example",))
        assert outside.allowed_hosts == {"a.example"}

    def test_an_allowance_of_nothing_is_refused(self) -> None:
        with pytest.raises(ServiceError, match="runs"):
            Allowance(runs=0)


class TestTokens:
    def test_are_told_by_name(self) -> None:
        first, second = generated(), generated()
        tokens = Tokens({"a": first, "b": second})
        assert (tokens.name_of(first), tokens.name_of(second)) == ("a", "b")
        assert tokens.name_of(first[:-1]) is None and tokens.name_of("\udcff") is None

    def test_come_from_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "tokens"
        file.write_text(f"# ours\nann {'a' * 20}  # the first\n\nbob {'b' * 20}\n")
        file.chmod(0o600)
        assert read_tokens(file).names == ("ann", "bob")

    def test_file_is_made_for_its_owner_alone(self, tmp_path: Path) -> None:
        file = tmp_path / "tokens"
        made = read_tokens(file)
        assert file.stat().st_mode & 0o777 == 0o600
        assert made.name_of(file.read_text().split()[1]) == "default"
        assert read_tokens(file).names == ("default",)

    @pytest.mark.parametrize(
        ("text", "mode", "why"),
        [
            (f"a {'a' * 20}\n", 0o644, "chmod 600"),
            ("", 0o600, "no token"),
            ("just-one\n", 0o600, "Line 1"),
            (f"a {'a' * 20}\na {'b' * 20}\n", 0o600, "Line 2"),
            (f"a {'a' * 20}\nb {'a' * 20}\n", 0o600, "same token"),
            ("a short\n", 0o600, "too short"),
            (f"a/b {'a' * 20}\n", 0o600, "name"),
        ],
    )
    def test_file_that_will_not_do(self, tmp_path: Path, text: str, mode: int, why: str) -> None:
        file = tmp_path / "tokens"
        file.write_text(text)
        file.chmod(mode)
        with pytest.raises(ServiceError, match=why):
            read_tokens(file)


def test_a_bucket_fills_up_with_time() -> None:
    now = 0.0
    bucket = Bucket(10, 2, lambda: now)
    bucket.spend(14)
    assert bucket.wait_for(1) == 2.5
    now = 2.0
    assert bucket.wait_for(1) == 0.5
    now = 100.0
    assert bucket.wait_for(10) == 0


def test_what_is_missing_is_said() -> None:
    code = (
        "import sys, importlib.util as u; found = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'fastapi' else found(name, *more)\n"
        "sys.argv[1:] = ['sandbox', 'serve']\nfrom fixwright.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 4 and "pip install 'fixwright[service]'" in done.stderr


@pytest.mark.bubblewrap
@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_tls(tmp_path: Path) -> None:
    needs("bubblewrap")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            "-out", str(cert), "-keyout", str(key),
        ],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    command = [
        sys.executable, "-m", "fixwright", "sandbox", "serve", "--port", "0", "--backend",
        "bubblewrap", "--tls-cert", str(cert), "--tls-key", str(key),
        "--token-file", str(tmp_path / "tokens"),
    ]  # fmt: skip
    with started(command) as service:
        context = ssl.create_default_context(cafile=str(cert))
        secure = http.client.HTTPSConnection("localhost", service.port, timeout=60, context=context)
        secure.request("GET", "/healthz")
        assert secure.getresponse().status == 200
        secure.close()
        assert service.stop() == 0
