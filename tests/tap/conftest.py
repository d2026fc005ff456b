"""Give tests a Service that asks the faulty server, and asks again at once."""

import pytest

from sedsql.tap.service import Service


@pytest.fixture(autouse=True)
def nobody(monkeypatch, tmp_path):
    """No login of whoever runs the tests."""
    monkeypatch.delenv("SEDSQL_TAP_USER", raising=False)
    monkeypatch.delenv("SEDSQL_TAP_PASSWORD", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))


@pytest.fixture
def reasons():
    """Why `service` asked again."""
    return []


@pytest.fixture
def service(faulty, reasons):
    return Service(faulty.url, timeout=20, longest=20, attempts=3, delay=0.01, poll=0.01, on_retry=reasons.append)
