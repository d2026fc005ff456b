"""Passwords go where they belong, and nowhere else."""

import base64
import logging
import shutil
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from servers import hostile
from servers.faulty import Fault

from sedsql.tap.errors import Refused, TapError
from sedsql.tap.origin import is_home, secured
from sedsql.tap.service import Service

COUNT = "SELECT COUNT(*) FROM gaiadr3.gaia_source"
SECRET = "s3cret-w0rd"


@pytest.fixture
def guarded(faulty):
    faulty.users = {"ada": SECRET}
    return faulty


def as_ada(monkeypatch, password=SECRET):
    monkeypatch.setenv("SEDSQL_TAP_USER", "ada")
    monkeypatch.setenv("SEDSQL_TAP_PASSWORD", password)


def asking(url, **more):
    return Service(url, timeout=2, attempts=3, delay=0.01, poll=0.01, **more)


def test_without_a_login_the_variables_are_named(guarded):
    with pytest.raises(Refused, match="SEDSQL_TAP_USER and SEDSQL_TAP_PASSWORD"):
        asking(guarded.url).count(COUNT)


def test_basic_from_the_environment(guarded, monkeypatch):
    as_ada(monkeypatch)
    assert asking(guarded.url).count(COUNT) == 3000
    assert not guarded.sessions


def test_netrc(guarded, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login ada password {SECRET}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert asking(guarded.url).count(COUNT) == 3000


def test_a_wrong_password_is_not_shown(guarded, monkeypatch, caplog):
    as_ada(monkeypatch, "wr0ng-w0rd")
    caplog.set_level(logging.DEBUG)
    service = asking(guarded.url)
    with pytest.raises(Refused, match="does not accept") as error:
        service.count(COUNT)
    shown = f"{error.value!r} {error.value} {service!r} {vars(service)} {caplog.text}"
    assert "wr0ng-w0rd" not in shown
    assert base64.b64encode(b"ada:wr0ng-w0rd").decode() not in shown


def test_one_of_two_variables_is_not_enough(monkeypatch):
    monkeypatch.setenv("SEDSQL_TAP_USER", "ada")
    with pytest.raises(Refused, match="SEDSQL_TAP_PASSWORD is not"):
        Service("gaia")


@pytest.mark.parametrize("url", ["https://ada:s3cret-w0rd@example.org/tap", "ada:s3cret-w0rd@example.org/tap"])
def test_a_password_in_the_url_is_refused_and_not_shown(url):
    with pytest.raises(Refused, match="not accepted") as error:
        Service(url)
    assert SECRET not in str(error.value)


class _Server(ThreadingHTTPServer):
    """Answers each path as `answers` says: (status, headers, body), and keeps what it was sent."""

    def __init__(self, answers):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.seen = answers, []
        self.url = f"http://127.0.0.1:{self.server_port}/tap"


class _Handler(BaseHTTPRequestHandler):
    def _any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.seen.append((self.path, dict(self.headers), body))
        status, headers, text = self.server.answers(self.path, dict(self.headers), body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_DELETE = _any  # noqa: N815

    def log_message(self, *_):
        pass


@contextmanager
def serving(answers, certificate=None):
    """certificate : the paths of one and of its key, for https"""
    server = _Server(answers)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.url = server.url.replace("http:", "https:")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


ONE = b"""<VOTABLE><RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/><TABLE>
<FIELD name="n" datatype="long"/>
<DATA><TABLEDATA><TR><TD>42</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""


def capabilities(method):
    security = f'<securityMethod standardID="{method}"/>' if method else ""
    return f"""<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0"
      xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:tr="http://www.ivoa.net/xml/TAPRegExt/v1.0"
      xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1">
      <capability standardID="ivo://ivoa.net/std/TAP" xsi:type="tr:TableAccess">
      <interface role="std" xsi:type="vs:ParamHTTP"><accessURL use="base">http://x/tap</accessURL>{security}</interface>
      <language><name>ADQL</name><version ivo-id="ivo://ivoa.net/std/ADQL#v2.0">2.0</version></language>
      <outputFormat><mime>application/x-votable+xml</mime></outputFormat>
      </capability></vosi:capabilities>""".encode()


def test_a_redirect_to_another_host_takes_no_password_along(monkeypatch):
    as_ada(monkeypatch)
    with serving(lambda *_: (200, {}, ONE)) as other:

        def answers(path, headers, body):
            if path == "/tap/capabilities":
                return 200, {}, capabilities("ivo://ivoa.net/sso#BasicAA")
            return 307, {"Location": f"{other.url}/sync"}, b""

        with serving(answers) as first:
            assert asking(first.url).count("SELECT 42") == 42
            assert any("Authorization" in headers for _, headers, _ in first.seen)
    assert other.seen
    for _, headers, body in other.seen:
        assert "Authorization" not in headers
        assert SECRET not in body


JOB = """<uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink">
<uws:phase>{phase}</uws:phase><uws:results><uws:result id="result" xlink:href="{result}"/></uws:results></uws:job>"""


def elsewhere(path, headers, body):
    """A service on another port that wants to know all, and sets a cookie of the first one's name."""
    cookie = {"Set-Cookie": "JSESSIONID=theirs; Path=/"}
    if path.endswith("capabilities"):
        return 200, cookie, capabilities("ivo://ivoa.net/sso#BasicAA")
    if "/async/" in path and not path.endswith(("/phase", "/result")):
        phase = "COMPLETED" if elsewhere.ran else "PENDING"
        return 200, cookie, JOB.format(phase=phase, result="results/result").encode()
    elsewhere.ran = path.endswith("/phase")
    return 200, cookie, ONE


def moved(status, part):
    """A service that leads all requests with `part` in their path to the other one."""

    def answers(other, path, headers, body):
        if part == "result" and "/async" in path:
            if path == "/tap/async":
                return 303, {"Location": "/tap/async/1"}, b""
            return 200, {}, JOB.format(phase="COMPLETED", result=f"{other}/result").encode()
        if part in path:
            number = "/1" if path == "/tap/async" else ""
            return status, {"Location": f"{other}{path.removeprefix('/tap')}{number}"}, b""
        if path == "/tap/sync":
            return 504, {}, b""  # jobs, please
        if path == "/tap/login":
            return 200, {"Set-Cookie": "JSESSIONID=ours; Path=/"}, b""
        return 200, {"Set-Cookie": "STICKY=node7; Path=/"}, capabilities(answers.told)

    return answers


@pytest.mark.parametrize("how", ["basic", "form", "netrc"])
@pytest.mark.parametrize(
    "status, part",
    [(307, "sync"), (308, "sync"), (303, "sync"), (303, "async"), (301, "capabilities"), (302, ""), (200, "result")],
)
def test_no_secret_goes_to_another_port(monkeypatch, tmp_path, how, status, part):
    """Neither by a redirect nor by a job's address; and no cookie comes from there."""
    if how == "netrc":
        (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login ada password {SECRET}\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    else:
        as_ada(monkeypatch)
    answers, elsewhere.ran = moved(status, part), False
    answers.told = "ivo://ivoa.net/sso#tls-with-password" if how == "form" else "ivo://ivoa.net/sso#BasicAA"
    with serving(elsewhere) as other, serving(lambda *asked: answers(other.url, *asked)) as first:
        assert asking(first.url).count("SELECT 42") == 42
        assert other.seen
        for _, headers, body in other.seen:
            assert "Authorization" not in headers
            assert "Cookie" not in headers
            assert SECRET not in body
        shown = "".join(f"{headers} {body}" for _, headers, body in first.seen)
        assert "theirs" not in shown
        assert SECRET in shown or base64.b64encode(f"ada:{SECRET}".encode()).decode() in shown


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """The paths of a certificate for this machine, which requests trusts, and of its key."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl to make a certificate")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(["openssl", *words.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    return certificate, key


@pytest.mark.parametrize("status", [301, 307, 308])
def test_no_secret_goes_from_https_to_http(monkeypatch, certificate, status):
    as_ada(monkeypatch)
    with serving(elsewhere) as other:

        def answers(path, headers, body):
            if path.endswith("capabilities"):
                return 200, {"Set-Cookie": "JSESSIONID=ours; Path=/"}, capabilities(None)
            return status, {"Location": f"{other.url}/sync"}, b""

        with serving(answers, certificate) as first:
            assert first.url.startswith("https:")
            assert asking(first.url).count("SELECT 42") == 42
            assert "Authorization" in first.seen[-1][1]
    assert other.seen
    for _, headers, body in other.seen:
        assert not {"Authorization", "Cookie"} & headers.keys()
        assert SECRET not in body


def test_a_login_is_for_scheme_host_and_port():
    home = "https://example.org/tap"
    assert is_home("https://EXAMPLE.org:443/tap/sync", home)
    for other in (
        "http://example.org/tap", "http://example.org:443/tap", "https://example.org:8443/tap",
        "https://example.org.evil.org/tap", "https://example.org@evil.org/tap", "https://evil.org/example.org", "", "https://[",
    ):  # fmt: skip
        assert not is_home(other, home)
    # In the clear before, encrypted now, at the ports that these have.
    assert is_home("https://example.org/tap", "http://example.org/tap")
    assert not is_home("https://example.org:8443/tap", "http://example.org/tap")
    assert not is_home("https://example.org/tap", "http://example.org:8080/tap")


def test_a_service_behind_a_proxy_that_names_itself_in_the_clear_is_asked_encrypted():
    assert (
        secured("http://example.org/tap/async/1?a=b", "https://example.org/tap")
        == "https://example.org/tap/async/1?a=b"
    )
    assert secured("http://[::1]:80/x", "https://[::1]/tap") == "https://[::1]/x"
    for other in ("http://example.org:8080/x", "http://evil.org/x", "https://example.org/x"):
        assert secured(other, "https://example.org/tap") == other
    assert secured("http://example.org/x", "http://example.org/tap") == "http://example.org/x"


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_service_that_repeats_what_it_was_told_shows_no_password(faulty, monkeypatch, status):
    as_ada(monkeypatch, "p w/0rd%")
    reasons = []
    faulty.faults.append(Fault("hostile", hostile.echo(status), on="/sync", times=9))
    with pytest.raises(TapError) as error:
        asking(faulty.url, on_retry=reasons.append).count(COUNT)
    shown = f"{error.value} {reasons}"
    assert status == 403 or "You sent" in shown
    for secret in ("p w/0rd%", "p+w%2F0rd%25", "p%20w/0rd%25", base64.b64encode(b"ada:p w/0rd%").decode()):
        assert secret not in shown
    assert "\x1b" not in shown


def test_cookies_are_few_and_small(monkeypatch):
    def answers(path, headers, body):
        number = len(server.seen)
        return 200, {"Set-Cookie": f"n{number}={'x' * (5000 if number % 2 else 9)}"}, ONE

    with serving(answers) as server:
        service = asking(server.url)
        for _ in range(150):
            assert service.count("SELECT 42") == 42
        assert 0 < server.seen[-1][1]["Cookie"].count("=") <= 50
        assert len(server.seen[-1][1]["Cookie"]) < 5000


@pytest.mark.parametrize("told", ["ivo://ivoa.net/sso#tls-with-password", "ivo://ivoa.net/sso#cookie", None])
def test_a_form_is_used_where_the_service_says_so_or_refuses_basic(monkeypatch, told):
    as_ada(monkeypatch)

    def answers(path, headers, body):
        if path == "/tap/capabilities":
            return 200, {}, capabilities(told)
        if path == "/tap/login":
            good = "username=ada" in body and f"password={SECRET}" in body
            return (200, {"Set-Cookie": "JSESSIONID=abc; Path=/"}, b"") if good else (403, {}, b"")
        if "JSESSIONID=abc" in headers.get("Cookie", ""):
            return 200, {}, ONE
        return 401, {}, b""

    with serving(answers) as server:
        assert asking(server.url).count("SELECT 42") == 42
        assert sum(path == "/tap/login" for path, _, _ in server.seen) == 1
        last = server.seen[-1]
        assert last[0] == "/tap/sync"
        assert "Authorization" not in last[1]

        as_ada(monkeypatch, "wr0ng-w0rd")
        with pytest.raises(TapError, match="does not accept") as error:
            asking(server.url).count("SELECT 42")
        assert "wr0ng-w0rd" not in str(error.value)


def test_a_session_that_ends_is_begun_again_and_threads_share_it(monkeypatch):
    as_ada(monkeypatch)
    good = []

    def answers(path, headers, body):
        if path == "/tap/capabilities":
            return 200, {}, capabilities(None)
        if path == "/tap/login":
            good.append(f"s{len(good)}")
            return 200, {"Set-Cookie": f"JSESSIONID={good[-1]}; Path=/"}, b""
        return (200, {}, ONE) if good and good[-1] in headers.get("Cookie", "") else (401, {}, b"")

    with serving(answers) as server:
        service = asking(server.url)
        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(service.count, ["SELECT 42"] * 12)) == [42] * 12
        assert len(good) == 1
        good.append("another")  # the server forgets the session
        with pytest.raises(Refused):
            service.count("SELECT 42")
        service._login._since -= 3600
        assert service.count("SELECT 42") == 42


def test_a_service_that_has_moved_to_another_address_of_its_host_gets_the_query():
    def answers(path, headers, body):
        if not path.startswith("/new/"):
            return 301, {"Location": path.replace("/tap/", "/new/tap/")}, b""
        if path.endswith("capabilities"):
            return 200, {}, capabilities(None)
        return (200, {}, ONE) if "QUERY=" in body else (400, {}, b"no query")

    with serving(answers) as server:
        service = asking(server.url)
        assert service.count("SELECT 42") == 42
        assert service.url == server.url
