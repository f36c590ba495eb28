"""Which certificates HTTPS trusts."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import pytest

import outlit_pulumi as outlit
from outlit_pulumi.process import Process
from outlit_pulumi.settings import Settings
from outlit_pulumi.trust import context, in_background

ALL = len(ssl.create_default_context(cafile=certifi.where()).get_ca_certs())


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own settings do not count."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A file with one certificate."""
    end = "-----END CERTIFICATE-----\n"
    file = tmp_path / "one.pem"
    file.write_text(Path(certifi.where()).read_text(encoding="utf-8").partition(end)[0] + end, encoding="utf-8")
    return file


@pytest.mark.parametrize("environment", [True, False])
def test_certificates_and_host_names_are_verified(environment: bool) -> None:
    made = in_background(environment=environment).result(60)
    assert made.verify_mode is ssl.CERT_REQUIRED
    assert made.check_hostname
    assert len(made.get_ca_certs()) == ALL > 100


def test_a_file_of_the_environment_counts_alone(one: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(one))
    monkeypatch.setenv("SSL_CERT_DIR", str(one.parent))
    assert len(context(environment=True).get_ca_certs()) == 1
    assert len(context(environment=False).get_ca_certs()) == ALL


def test_a_folder_of_the_environment_counts_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    made = context(environment=True)
    assert made.verify_mode is ssl.CERT_REQUIRED
    assert made.get_ca_certs() == []  # they are read as they are needed


def test_a_file_that_cannot_be_read_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    process = Process()
    for _ in range(2):
        with pytest.raises(outlit.ConfigurationError, match="HTTPS cannot be set up.*SSL_CERT_FILE") as caught:
            process.workspace(Settings("ok_CANARY0123456789"))
        assert caught.value.__context__ is None
