"""A service for its users asks who they are, and shows each their own jobs alone."""

import os
import re
import stat
from urllib.parse import urljoin

import pytest
import requests
from pyvo.dal import TAPService
from pyvo.io.vosi import parse_capabilities
from serving import serving

from sedsql.service.errors import ServiceError
from sedsql.service.users import SECURITY, Accounts
from sedsql.service.users.accounts import add

COUNT = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source"
ANNA, BEN = ("anna", "correct horse"), ("ben@x.org", "battery staple")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("users") / "users.txt"
    tokens = {name: add(path, name, password) for name, password in (ANNA, BEN)}
    return path, tokens


@pytest.fixture(scope="module")
def guarded(sky, file, tmp_path_factory):
    accounts = Accounts(file[0])
    with serving(sky, tmp_path_factory.mktemp("guarded"), accounts=accounts, security=SECURITY) as url:
        yield url


def ask(url, **how):
    return requests.get(f"{url}/sync", {"LANG": "ADQL", "FORMAT": "csv", "QUERY": COUNT}, timeout=60, **how)


def bearer(token):
    return {"headers": {"Authorization": f"Bearer {token}"}}


def test_who_says_nothing_is_told_how_to_log_in(guarded):
    answer = ask(guarded)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="sedsql", charset="UTF-8", Bearer realm="sedsql"'
    assert "log in with a name and a password, or a token" in answer.text
    for path in ("/async", "/tables", "/examples", "/../metrics", "/nothing"):
        assert requests.get(guarded + path, timeout=60).status_code == 401, path
    assert requests.get(f"{guarded}/availability", timeout=60).status_code == 200


def test_capabilities_say_so_to_all(guarded):
    (tap,) = [
        one
        for one in parse_capabilities(requests.get(f"{guarded}/capabilities", stream=True, timeout=60).raw.read)
        if one.standardid == "ivo://ivoa.net/std/TAP"
    ]
    assert [method.standardid for method in tap.interfaces[0].securitymethods] == list(SECURITY)


def test_users_are_let_in_by_password_or_token(guarded, file):
    for how in ({"auth": ANNA}, {"auth": BEN}, bearer(file[1]["anna"]), bearer(file[1]["ben@x.org"])):
        assert ask(guarded, **how).text.split() == ["n", "2000"]


@pytest.mark.parametrize(
    "how",
    [
        {"auth": ("anna", "battery staple")},
        {"auth": ("nobody", "correct horse")},
        {"auth": ("anna", "")},
        bearer("x"),
        bearer(""),
        {"headers": {"Authorization": "Basic !"}},
        {"headers": {"Authorization": "Digest x"}},
        {"headers": {"Authorization": "Basic /w=="}},
    ],
)
def test_who_is_not_who_they_say_is_not_let_in(guarded, how):
    assert ask(guarded, **how).status_code == 401
    assert requests.get(f"{guarded}/capabilities", timeout=60, **how).status_code == 401


def make(guarded, auth=ANNA, **parameters):
    """Make a job; gives its URL."""
    data = {"LANG": "ADQL", "QUERY": COUNT, "FORMAT": "csv", **parameters}
    return requests.post(f"{guarded}/async", data, auth=auth, allow_redirects=False, timeout=60).headers["Location"]


def document(job, auth=ANNA):
    """What a job's owner is told of it, but for the quote, which is another at each time."""
    answer = requests.get(job, auth=auth, timeout=60)
    assert answer.status_code == 200, answer.text
    return re.sub("<uws:quote>.*?</uws:quote>", "", answer.text)


def ended(job):
    for _ in range(3):  # QUEUED, EXECUTING, COMPLETED
        requests.get(job, {"WAIT": "9"}, auth=ANNA, timeout=60)
    return job


CHILDREN = ["phase", "executionduration", "destruction", "quote", "owner", "parameters", "results", "error"]
OTHER = {"QUERY": "SELECT 1 AS x FROM gaiadr3.gaia_source", "RUNID": "mine"}
ASKED = [
    *[(method, path, {}) for method in ("GET", "HEAD") for path in ("", "results/result", "nothing", *CHILDREN)],
    *[("POST", path, {**OTHER, path.upper(): "x"}) for path in ("nothing", *CHILDREN)],
    *[("POST", path, {**OTHER, "PHASE": phase}) for path in ("", "phase", "parameters") for phase in ("RUN", "ABORT")],
    ("POST", "", {"ACTION": "DELETE"}),
    ("POST", "executionduration", {"EXECUTIONDURATION": "1"}),
    ("POST", "destruction", {"DESTRUCTION": "2000-01-01T00:00:00Z"}),
    ("POST", "../../deletejobs", {"JOB_IDS": "{job}"}),
    ("POST", "../../deletejobs", {"JOB_IDS": "{own},{job}"}),
    ("DELETE", "", {}),
]
"""All that there is to ask of a job: (method, path, parameters)."""


@pytest.mark.parametrize("phase", ["PENDING", "COMPLETED", "ERROR"])
def test_nobody_sees_or_changes_the_job_of_another(guarded, phase):
    query = "SELECT nothing FROM gaiadr3.gaia_source" if phase == "ERROR" else COUNT
    job = make(guarded, QUERY=query) if phase == "PENDING" else ended(make(guarded, QUERY=query, PHASE="RUN"))
    own, before = make(guarded, BEN), document(job)
    assert f"<uws:phase>{phase}</uws:phase>" in before
    assert "<uws:ownerId>anna</uws:ownerId>" in before
    names = {"job": job.rpartition("/")[2], "own": own.rpartition("/")[2]}
    for method, path, parameters in ASKED:
        data = {name: value.format(**names) for name, value in parameters.items()}
        target = urljoin(f"{job}/", path) if path else job
        for auth, status in ((BEN, 403), (None, 401)):
            answer = requests.request(method, target, data=data, auth=auth, allow_redirects=False, timeout=60)
            assert answer.status_code == status, (method, path, data)
            assert not any(word in answer.text for word in (COUNT, "anna", phase)), (method, path)
    assert document(job) == before
    assert "<uws:phase>PENDING</uws:phase>" in document(own, BEN)
    found = requests.get(f"{job}/results/result", auth=ANNA, timeout=60)
    assert (found.status_code, found.text.split() == ["n", "2000"]) == (
        (200, True) if phase == "COMPLETED" else (404, False)
    )
    assert requests.delete(job, auth=ANNA, allow_redirects=False, timeout=60).status_code == 303


def test_an_upload_to_the_job_of_another_is_refused(guarded):
    job = make(guarded, QUERY="SELECT * FROM TAP_UPLOAD.mine")
    table = {"t": ("t.vot", b"<VOTABLE/>" * 100_000)}
    answer = requests.post(f"{job}/parameters", {"UPLOAD": "mine,param:t"}, files=table, auth=BEN, timeout=60)
    assert answer.status_code == 403
    assert "mine" not in re.sub("TAP_UPLOAD.mine", "", document(job))


def test_lists_have_the_jobs_of_their_user_alone(guarded, file):
    def listed(auth, **parameters):
        text = requests.get(f"{guarded}/async", parameters, auth=auth, timeout=60).text
        return {f"{guarded}/async/{name}" for name in re.findall(r'<uws:jobref id="(\w+)"', text)}

    began = "2000-01-01T00:00:00Z"
    own, pending, done = make(guarded, BEN), make(guarded), ended(make(guarded, PHASE="RUN"))
    assert {pending, done} <= listed(ANNA)
    assert listed(ANNA, LAST="1") == {done}
    assert own in listed(BEN)
    assert listed(BEN, LAST="1") == {own}  # others have later ones
    for parameters in ({}, {"PHASE": "PENDING"}, {"PHASE": "COMPLETED"}, {"LAST": "99"}, {"AFTER": began}):
        assert not {pending, done} & listed(BEN, **parameters), parameters
        assert own not in listed(ANNA, **parameters)
    assert listed(BEN, PHASE="COMPLETED", AFTER=began, LAST="99") == set()
    text = requests.get(f"{guarded}/async", timeout=60, **bearer(file[1]["anna"])).text
    assert done.rpartition("/")[2] in text


def test_pyvo_logs_in(guarded, file):
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {file[1]['anna']}"
    assert TAPService(guarded, session=session).run_async(COUNT)["n"].tolist() == [2000]


def test_scripts_may_ask_whether_they_may_ask(guarded):
    asked = {"Origin": "https://x.org", "Access-Control-Request-Method": "GET"}
    asked["Access-Control-Request-Headers"] = "authorization"
    assert requests.options(f"{guarded}/sync", headers=asked, timeout=60).status_code == 200


def test_users_are_added_and_changed_while_a_service_runs(guarded, file):
    path, _ = file
    assert ask(guarded, auth=("carl", "first password")).status_code == 401
    first = add(path, "carl", "first password")
    assert ask(guarded, auth=("carl", "first password")).status_code == 200
    second = add(path, "carl", "second password")
    assert ask(guarded, auth=("carl", "first password")).status_code == 401
    assert ask(guarded, **bearer(first)).status_code == 401
    assert ask(guarded, **bearer(second)).status_code == 200
    assert ask(guarded, auth=ANNA).status_code == 200


def test_the_file_has_hashes_alone(file):
    path, tokens = file
    text = path.read_text()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert not any(word in text for word in (ANNA[1], BEN[1], *tokens.values()))


def test_bad_files_and_names_are_told(tmp_path):
    with pytest.raises(ServiceError, match=r"users.txt cannot be read \(No such file or directory\); `sedsql serve"):
        Accounts(tmp_path / "users.txt")
    (tmp_path / "users.txt").write_text("anna:secret\n")
    with pytest.raises(ServiceError, match="has a line that is no account: 'anna:secret'"):
        Accounts(tmp_path / "users.txt")
    with pytest.raises(ServiceError, match="'a b' cannot be a user's name"):
        add(tmp_path / "new.txt", "a b", "long enough")
    with pytest.raises(ServiceError, match="A password has 8 letters or more"):
        add(tmp_path / "new.txt", "a", "short")


def test_metrics(url):
    before = requests.get(url.removesuffix("tap") + "metrics", timeout=60)
    assert before.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert ask(url).status_code == 200

    def count(text):
        line = next(line for line in text.splitlines() if line.startswith('sedsql_queries_total{kind="query"}'))
        return int(line.split()[1])

    assert count(requests.get(before.url, timeout=60).text) == count(before.text) + 1
    for line in before.text.splitlines():
        assert line.startswith("# ") or len(line.split()) == 2
