"""What a stranger sends on purpose: documents stay well-formed, files and workers are let go, and nobody else waits."""

import base64
import threading
import time
from xml.etree import ElementTree

import pytest
import requests
from serving import incoming, serving, until

from sedsql.service import log
from sedsql.service.multipart import ALL_IN_MEMORY, Parts
from sedsql.service.users import SECURITY, Accounts, accounts
from sedsql.service.users.accounts import add

QUERY = "SELECT TOP 3 ra FROM gaiadr3.gaia_source"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def alone(sky, folder):
    """The URL of a service of one worker, whose spool is in `folder`."""
    with serving(sky, folder) as url:
        yield url


@pytest.mark.parametrize("name", ["a\x01", "\x00", "\ufffe", '<&>"\x1b'])
def test_documents_of_jobs_are_xml_whatever_parameters_are_called(alone, name):
    job = requests.post(f"{alone}/async", {name: "\x02", "RUNID": "\x1b<"}, allow_redirects=False, timeout=60)
    for path in ("", "/parameters"):
        ElementTree.fromstring(requests.get(job.headers["Location"] + path, timeout=60).content)
    ElementTree.fromstring(requests.get(f"{alone}/async", timeout=60).content)


def test_parts_of_one_name_leave_no_file(alone, folder):
    for first, second in [("; filename=t", ""), ("", "; filename=t"), ("; filename=t", "; filename=t")]:
        body = "".join(
            f'--b\r\nContent-Disposition: form-data; name="t"{file}\r\n\r\nabc\r\n' for file in (first, second)
        )
        header = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = requests.post(f"{alone}/sync", f"{body}--b--\r\n", headers=header, timeout=60)
        assert answer.status_code == 400
        assert not incoming(folder)


def test_a_part_has_a_short_header(alone, folder):
    for header in (b"Content-Disposition: form-data; name=" + b"t" * 20_000, b"X" * 20_000 + b": t"):
        body = b"--b\r\n" + header + b"\r\n\r\nabc\r\n--b--\r\n"
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = requests.post(f"{alone}/sync", body, headers=kind, timeout=60)
        assert answer.status_code in (400, 413)
        assert "header" in answer.text
    assert not incoming(folder)


def test_a_query_that_is_too_long_is_not_called_missing(alone, folder):
    for length, words in ((2_000_000, "line 1, column 1"), (5_000_000, "The query has more than 4 MB; upload a table")):
        data = {"LANG": (None, "ADQL"), "QUERY": (None, "-" + " " * length)}
        answer = requests.post(f"{alone}/sync", files=data, timeout=60)
        assert answer.status_code in (400, 413)
        assert words in answer.text
    assert not incoming(folder)


def test_a_disk_that_fails_is_told_in_a_sentence(sky, tmp_path, capfd):
    table = {"t": ("t.vot", b"<VOTABLE/>")}
    with serving(sky, tmp_path) as url:
        (tmp_path / "spool" / "incoming").rename(tmp_path / "elsewhere")
        for path in ("sync", "async"):
            answer = requests.post(f"{url}/{path}", {"QUERY": QUERY, "UPLOAD": "t,param:t"}, files=table, timeout=60)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
            assert 'value="ERROR">The service can keep no files at present; its log has' in answer.text
        (tmp_path / "spool" / "jobs").rename(tmp_path / "jobs")
        job = requests.post(f"{url}/async", {"LANG": "ADQL", "QUERY": QUERY, "PHASE": "RUN"}, timeout=60).url
        assert until(lambda: requests.get(f"{job}/phase", timeout=60).text == "ERROR")
        assert "can keep no files at present" in requests.get(f"{job}/error", timeout=60).text
        assert requests.get(f"{url}/sync", {"LANG": "ADQL", "QUERY": QUERY}, timeout=60).status_code == 200
    told = capfd.readouterr().err
    assert "No such file or directory" in told
    assert "Traceback" not in told


def test_many_short_parts_are_not_kept_in_memory(tmp_path):
    paths = (tmp_path / str(number) for number in range(1000))
    parts = Parts("b", lambda: next(paths))
    text = b"a" * 1_000_000
    for _ in range(100):
        parts.take(b'--b\r\nContent-Disposition: form-data; name="t"\r\n\r\n' + text + b"\r\n")
    assert sum(len(part.content) for part in parts.parts) <= ALL_IN_MEMORY
    parts.close()


def test_a_result_that_is_gone_is_no_fault_of_the_service(alone, folder):
    job = requests.post(f"{alone}/async", {"LANG": "ADQL", "QUERY": QUERY, "PHASE": "RUN"}, timeout=60).url
    assert until(lambda: requests.get(f"{job}/phase", timeout=60).text == "COMPLETED")
    (folder / "spool" / "jobs" / job.rpartition("/")[2] / "result").unlink()
    assert requests.get(f"{job}/results/result", timeout=60).status_code == 404


@pytest.mark.slow
def test_users_do_not_wait_for_those_who_try_passwords(sky, tmp_path):
    add(tmp_path / "users.txt", "anna", "correct horse")
    with serving(sky, tmp_path, accounts=Accounts(tmp_path / "users.txt"), security=SECURITY) as url:
        ask = f"{url}/async"
        assert requests.get(ask, auth=("anna", "correct horse"), timeout=60).status_code == 200
        guesses = [
            threading.Thread(target=requests.get, args=(ask,), kwargs={"auth": ("anna", f"{number}"), "timeout": 60})
            for number in range(60)
        ]
        for guess in guesses:
            guess.start()
        time.sleep(0.2)
        requests.get(ask, auth=("anna", "correct horse"), timeout=60)
        waiting = sum(guess.is_alive() for guess in guesses)
        for guess in guesses:
            guess.join()
    assert waiting > 10


def test_who_tries_passwords_waits_alone(guarded):
    """Another client, at another address, is let in by a password that was not known yet."""
    guesses = [
        threading.Thread(target=requests.get, args=(f"{guarded}/async",), kwargs={"auth": ("x", f"{n}"), "timeout": 60})
        for n in range(40)
    ]
    for guess in guesses:
        guess.start()
    time.sleep(0.2)
    with requests.Session() as session:
        adapter = requests.adapters.HTTPAdapter()
        adapter.init_poolmanager(1, 1, source_address=("127.0.0.2", 0))
        session.mount("http://", adapter)
        assert session.get(f"{guarded}/async", auth=("anna", "correct horse"), timeout=60).status_code == 200
    waiting = sum(guess.is_alive() for guess in guesses)
    for guess in guesses:
        guess.join()
    assert waiting > 10


def test_what_is_wrong_in_the_file_of_users_is_told_to_nobody_who_asks(sky, tmp_path, capfd):
    path = tmp_path / "users.txt"
    add(path, "anna", "correct horse")
    with serving(sky, tmp_path, accounts=Accounts(path), security=SECURITY) as url:
        path.write_text("ben:secret\n")
        answers = [requests.get(f"{url}/async", auth=("anna", word), timeout=60) for word in ("correct horse", "x")]
    assert [answer.status_code for answer in answers] == [200, 401]
    assert not any("users.txt" in answer.text or "ben" in answer.text for answer in answers)
    told = capfd.readouterr().err
    assert told.count("has a line that is no account: 'ben:secret'") == 1
    assert "Traceback" not in told


def test_a_password_that_is_changed_while_it_is_checked_is_not_remembered(tmp_path, monkeypatch):
    path = tmp_path / "users.txt"
    add(path, "anna", "first password")
    users = Accounts(path)
    scrypt = accounts._scrypt

    def slow(password, salt):
        monkeypatch.setattr(accounts, "_scrypt", scrypt)
        add(path, "anna", "second password")
        users.follow()
        return scrypt(password, salt)

    monkeypatch.setattr(accounts, "_scrypt", slow)
    users.of_password("anna", "first password")
    assert not users.is_known("anna", "first password")
    assert users.of_password("anna", "first password") is None
    assert users.of_password("anna", "second password") == "anna"


def test_nul_in_a_password_makes_no_other_user(tmp_path):
    add(tmp_path / "users.txt", "anna", "long\0enough")
    accounts = Accounts(tmp_path / "users.txt")
    assert accounts.of_password("anna", "long\0enough") == "anna"
    assert accounts.of_password("anna\0long", "enough") is None


@pytest.mark.parametrize("client", ["1.2.3.4 anna GET /tap 200", "a\nb", ""])
def test_no_client_writes_words_of_the_log(alone, client):
    lines = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def nothing(message):
        pass

    scope = {"type": "http", "raw_path": b"/tap/\n200 x", "client": (client, 1), "method": "GET"}
    logged = log.Log(app, lines.append)(scope, None, nothing)
    with pytest.raises(StopIteration):
        logged.send(None)
    assert lines[0].split()[2:6] == ["-", "GET", "/tap/?200?x", "200"]


@pytest.mark.parametrize(
    ("path", "status", "lines"),
    [
        ("/explore/sessions/0123abc/select", 200, 0),
        ("/explore/sessions/0123abc/select", 400, 1),
        ("/explore/sessions/0123abc/query", 200, 1),
        ("/explore/check", 200, 0),
        ("/tap/sync", 200, 1),
    ],
)
def test_a_page_that_somebody_drags_across_fills_no_log(path, status, lines):
    told = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def nothing(message):
        pass

    scope = {"type": "http", "raw_path": path.encode(), "client": ("::1", 1), "method": "POST"}
    with pytest.raises(StopIteration):
        log.Log(app, told.append)(scope, None, nothing).send(None)
    assert len(told) == lines


@pytest.mark.parametrize("header", ["", "Basic", "Basic Og==", b"Basic \xff", "Bearer " + "x" * 50_000])
def test_headers_that_log_nobody_in(sky, tmp_path_factory, header, guarded):
    answer = requests.get(f"{guarded}/async", headers={"Authorization": header}, timeout=60)
    assert answer.status_code == 401


@pytest.fixture(scope="module")
def guarded(sky, tmp_path_factory):
    path = tmp_path_factory.mktemp("guarded")
    add(path / "users.txt", "anna", "correct horse")
    with serving(sky, path, accounts=Accounts(path / "users.txt"), security=SECURITY) as url:
        yield url


def test_nul_and_empty_names_log_nobody_in(guarded):
    for text in (b"anna\0:correct horse", b":", b"anna:\xed\xa0\x80", b"anna", b"anna:" + b"x" * 30_000):
        header = {"Authorization": f"Basic {base64.b64encode(text).decode()}"}
        assert requests.get(f"{guarded}/async", headers=header, timeout=60).status_code == 401
