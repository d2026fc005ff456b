"""Tables are fetched from hosts that were allowed, and from no private address, however its name is given."""

import io
from http.server import BaseHTTPRequestHandler

import pytest
import requests
from astropy.table import Table
from servers.local import answering
from serving import serving

from sedsql.service import fetch
from sedsql.service.errors import ServiceError

PRIVATE = """127.0.0.1 127.8.9.1 0.0.0.0 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 224.0.0.1
    255.255.255.255 192.0.2.1 ::1 :: fe80::1 fe80::1%eth0 fc00::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1
    64:ff9b::7f00:1 64:ff9b::a00:1 2002:7f00:1:: 2002:a00:1::1 2001:db8::1 fec0::1"""


@pytest.fixture(scope="module")
def elsewhere():
    """A server of tables; gives its port."""
    text = io.BytesIO()
    Table({"a": [1, 2, 3]}).write(text, format="votable")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path.startswith("/to/"):
                self.send_response(302)
                self.send_header("Location", self.path[4:])
                self.end_headers()
                return
            body = text.getvalue() if self.path == "/a.vot" else b"x" * (3 << 20)
            self.send_response(404 if self.path == "/none" else 200)
            self.send_header("Content-Length", str(len(body) + (self.path == "/short")))
            self.end_headers()
            self.wfile.write(body)

    with answering(Handler) as port:
        yield port


@pytest.fixture
def loopback_is_public(monkeypatch):
    """The server of the tests is on this machine, which is never fetched from."""
    monkeypatch.setattr(fetch, "is_public", lambda address: address == "127.0.0.1")


def refused(url, hosts=("localhost:1",), tmp=None):
    with pytest.raises(ServiceError) as error:
        fetch.fetch(url, tmp or "unused", hosts, 1 << 20)
    return error.value.message


@pytest.mark.parametrize("address", PRIVATE.split())
def test_addresses_that_are_not_public(address):
    assert not fetch.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "193.147.153.1", "2001:4860:4860::8888", "64:ff9b::808:808"])
def test_addresses_that_are_public(address):
    assert fetch.is_public(address)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://localhost/a", "from URLs of http and https"),
        ("file:///etc/passwd", "from URLs of http and https"),
        ("http:///a", "from URLs of http and https"),
        ("http://[::1/a", "is no URL"),
        ("http://localhost:99999/a", "is no URL"),
        ("http://localhost/a", "from localhost:1, and not from localhost, port 80"),
        ("http://localhost.evil.org:1/a", "and not from localhost.evil.org, port 1"),
        ("http://user:word@localhost:1/a", "has a name, a password or a character"),
        ("http://localhost:1/a b", "has a name, a password or a character"),
        ("http://localhost:1/a", "has the address"),
        ("http://LOCALHOST.:1/a", "has the address"),
    ],
)
def test_urls_that_are_refused(url, words):
    assert words in refused(url)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "[::ffff:127.0.0.1]"])
def test_other_spellings_of_this_machine_are_refused(host):
    """An operator who allows them would not know what they are."""
    assert "of a private network, and is not asked" in refused(f"http://{host}:1/a", [f"{host.strip('[]')}:1"])


def test_a_table_is_fetched(elsewhere, loopback_is_public, tmp_path):
    url, hosts = f"http://localhost:{elsewhere}", [f"LocalHost:{elsewhere}"]
    fetch.fetch(f"{url}/a.vot", tmp_path / "one", hosts, 1 << 20)
    fetch.fetch(f"{url}/to//a.vot", tmp_path / "two", hosts, 1 << 20)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert len(Table.read(tmp_path / "one", format="votable")) == 3


def test_what_is_answered_is_looked_at(elsewhere, loopback_is_public, tmp_path):
    url, hosts = f"http://localhost:{elsewhere}", [f"localhost:{elsewhere}"]
    assert "the answer is 404" in refused(f"{url}/none", hosts)
    assert "has more than 1 MB" in refused(f"{url}/large", hosts, tmp_path / "large")
    with pytest.raises(ServiceError, match="cannot be fetched"):
        fetch.fetch(f"{url}/short", tmp_path / "short", hosts, 1 << 30)
    assert "leads from one URL to another" in refused(f"{url}/to//to//to//to//to//a.vot", hosts)


def test_redirects_are_looked_at_again(elsewhere, loopback_is_public):
    url, hosts = f"http://localhost:{elsewhere}", [f"localhost:{elsewhere}", "127.0.0.2:1"]
    assert "and not from 169.254.169.254, port 80" in refused(f"{url}/to/http://169.254.169.254/", hosts)
    assert "127.0.0.2 has the address 127.0.0.2, of a private network" in refused(
        f"{url}/to/http://127.0.0.2:1/", hosts
    )
    assert "from URLs of http and https" in refused(f"{url}/to/file:///etc/passwd", hosts)


def test_a_name_that_changes_its_address_changes_nothing(elsewhere, monkeypatch, tmp_path):
    """The address that is looked at is the one that is asked; a name with one private address is not asked at all."""
    real, answers = fetch.socket.getaddrinfo, [["8.8.8.8", "127.0.0.1"]]

    def changing(host, port, *rest, **more):
        if host == "changing.org":
            return [found for address in answers[0] for found in real(address, port, *rest, **more)]
        return real(host, port, *rest, **more)

    monkeypatch.setattr(fetch.socket, "getaddrinfo", changing)
    assert "has the address 127.0.0.1" in refused(f"http://changing.org:{elsewhere}/a", [f"changing.org:{elsewhere}"])


def test_a_service_fetches_from_allowed_hosts(elsewhere, loopback_is_public, sky, tmp_path):
    query = {"LANG": "ADQL", "FORMAT": "csv", "QUERY": "SELECT SUM(a) AS s FROM TAP_UPLOAD.t"}
    with serving(sky, tmp_path, upload_hosts=(f"localhost:{elsewhere}",)) as url:
        assert "#upload-https" in requests.get(f"{url}/capabilities", timeout=60).text
        named = {**query, "UPLOAD": f"t,http://localhost:{elsewhere}/a.vot"}
        assert requests.get(f"{url}/sync", named, timeout=60).text.split() == ["s", "6"]
        answer = requests.post(f"{url}/async", {**named, "PHASE": "RUN"}, timeout=60)
        for _ in range(3):
            answer = requests.get(answer.url, {"WAIT": "9"}, timeout=60)
        assert ">COMPLETED<" in answer.text
        other = requests.get(f"{url}/sync", {**query, "UPLOAD": "t,http://example.org/a.vot"}, timeout=60)
        assert (other.status_code, "and not from example.org, port 80" in other.text) == (400, True)
        assert not list((tmp_path / "spool" / "incoming").iterdir())
