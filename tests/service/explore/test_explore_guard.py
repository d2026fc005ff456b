"""Nobody but the page itself asks, each user their own session; what strangers send is refused in a sentence."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from exploring import HEADERS, SECONDS, Page, exploring, sentence
from serving import running

from sedsql.mirror.ingest import import_files
from sedsql.service.app import make_app
from sedsql.service.errors import ServiceError
from sedsql.service.explore import page_files
from sedsql.service.explore.settings import ExploreSettings, origins
from sedsql.service.service import Service
from sedsql.service.settings import ServiceSettings
from sedsql.service.users import SECURITY, Accounts
from sedsql.service.users.accounts import add
from sedsql.service.workers import Settings

pytestmark = pytest.mark.slow

WIDE = "SELECT TOP 20 * FROM sed.photometry"


@pytest.fixture(scope="module")
def wide(shown):
    """A page with a result of 20 rows."""
    page = Page(shown[0]).begin()
    page.query(WIDE)
    yield page
    page.end()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Sedsql": "other"},
        {**HEADERS, "Sec-Fetch-Site": "cross-site"},
        {**HEADERS, "Sec-Fetch-Site": "same-site"},
        {**HEADERS, "Sec-Fetch-Site": "none"},
        {**HEADERS, "Origin": "https://evil.example"},
        {**HEADERS, "Origin": "null"},
        {**HEADERS, "Origin": "http://127.0.0.1:1"},
        {**HEADERS, "Host": "evil.example"},
        {**HEADERS, "Host": "127.0.0.1.evil.example"},
        {**HEADERS, "Host": "localhost.evil.example:80"},
        {**HEADERS, "Host": ""},
    ],
)
def test_other_pages_are_refused(shown, wide, headers):
    url = f"{shown[0]}/explore"
    for method, path in [
        ("GET", "about"),
        ("POST", "check"),
        ("POST", "region"),
        ("POST", "sessions"),
        ("DELETE", f"sessions/{wide.id}"),
        *(("POST", f"sessions/{wide.id}/{name}") for name in ("query", "axes", "select", "rows", "pick", "cancel")),
    ]:
        answer = requests.request(method, f"{url}/{path}", headers=headers, data="{}", timeout=SECONDS)
        sentence(answer, 403)
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert wide.ask("rows").json()["total"] == 20


def test_the_page_itself_is_let_in(shown):
    port = shown[0].rpartition(":")[2]
    for headers in [
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": shown[0]},
        {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"},
        {"Host": f"[::1]:{port}"},
        {"Host": f"sky.localhost:{port}", "Sec-Fetch-Site": "same-origin"},
    ]:
        answer = requests.get(f"{shown[0]}/explore/about", headers={**HEADERS, **headers}, timeout=SECONDS)
        assert answer.status_code == 200, headers


def test_other_sites_may_not_read_what_the_page_may(shown):
    for path in ("explore/about", "explore/sessions"):
        asked = {"Origin": "https://evil.example", "Access-Control-Request-Headers": "x-sedsql"}
        answer = requests.options(
            f"{shown[0]}/{path}", headers={**asked, "Access-Control-Request-Method": "POST"}, timeout=SECONDS
        )
        assert not any(name.lower().startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize(
    "id", ["", "x", "..", "%2e%2e", "0" * 32, "' OR 1=1 --", "checker", "\u0000", "a" * 5_000, "../" * 20]
)
def test_another_id_is_no_session(shown, wide, id):
    other = Page(shown[0], requests.utils.quote(id, safe=""))
    answer = other.ask("rows")
    assert answer.status_code in (404, 405)
    assert wide.id not in answer.text
    assert wide.ask("rows").json()["total"] == 20


BODIES = [
    b"[]",
    b"3",
    b"null",
    b"{",
    b"\xff\xfe",
    b'{"filter": NaN}',
    b'{"filter": [{"probability": 1e999}]}',
    b'{"filter": [{"probability": ' + b"9" * 5_000 + b"}]}",
    b'{"filter": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"filter": [], "filter": []}',
    b'{"filter": [{"classes": ["\\u0000"]}]}',
    b'{"filter": [{"classes": ["\\ud800"]}]}',
    b'{"x": "' + b"x" * (5 << 20) + b'"}',
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_json_that_is_none_is_told(wide, body):
    for operation in ("select", "axes", "query"):
        answer = wide.post(f"sessions/{wide.id}/{operation}", data=body)
        assert answer.status_code in (400, 413), (operation, answer.text)
        sentence(answer, answer.status_code)


RA, DEC = {"column": "ra"}, {"column": "dec"}
PLANE = {"kind": "plane", "x": RA, "y": DEC, "size": [10, 10]}
LINE = {"kind": "line", "x": RA, "bins": 10}
NAMES = ["", "nope", "rowid", "RA", 'ra" FROM x; --', "ra::INTEGER", "<script>", "class", 3, None, [], {}, True]


@pytest.mark.parametrize(
    ("operation", "values"),
    [
        ("axes", {}),
        ("axes", {"views": []}),
        ("axes", {"views": {"a": None}}),
        ("axes", {"views": {"a": {}}}),
        ("axes", {"views": {"a": {**PLANE, "kind": "cube"}}}),
        *(("axes", {"views": {"a": {**PLANE, "x": {"column": name}}}}) for name in NAMES),
        *(("axes", {"views": {"a": {**PLANE, "x": {"minus": ["ra", name]}}}}) for name in NAMES),
        *(("axes", {"views": {"a": {**PLANE, "x": {"absolute": name}}}}) for name in NAMES),
        *(("axes", {"views": {"a": {**PLANE, "x": axis}}}) for axis in (3, [], {}, {"minus": ["ra"]}, {"minus": "ra"})),
        ("axes", {"views": {"a": {**PLANE, "x": {"column": "ra", "minus": ["ra", "dec"]}}}}),
        ("axes", {"views": {"a": {**PLANE, "x": {"column": "ra", "log": 1}}}}),
        ("axes", {"views": {"a": {**PLANE, "x": {"column": "ra", "sql": "1"}}}}),
        *(
            ("axes", {"views": {"a": {**PLANE, "size": size}}})
            for size in (
                [],
                [10],
                [0, 10],
                [10, -1],
                [10, 10, 10],
                [4097, 1],
                [4096, 4096],
                ["1", 1],
                [1.5, 2],
                [True, 1],
            )
        ),
        *(("axes", {"views": {"a": {**LINE, "bins": bins}}}) for bins in (0, -1, 1.0, "1", None, 10**60, 5_000)),
        *(
            ("axes", {"views": {"a": {**LINE, "domain": domain}}})
            for domain in ([], [1], [1, 1], [1, 2, 3], ["1", 2], [1e301, 2], [None, 1], "ab", [True, 2], {"0": 1})
        ),
        ("axes", {"views": {"a": {**LINE, "x": {"column": "ra", "log": True}, "domain": [0, 1]}}}),
        ("axes", {"views": {"a": {**LINE, "domain": [1.0, 1.0000000000000002], "more": 1}}}),
        ("axes", {"views": {str(k): LINE for k in range(13)}}),
        ("axes", {"views": {}, "points": 3}),
        ("axes", {"views": {}, "rows": 3}),
        *(("select", {"filter": filter}) for filter in (None, 3, {}, [3], [[]], [{}], [None])),
        ("select", {"filter": [{"view": "nope", "range": [1, 2]}]}),
        ("select", {"filter": [{"view": ["a"], "range": [1, 2]}]}),
        ("select", {"filter": [{"view": "a"}]}),
        ("select", {"filter": [{"view": "a", "range": [1, 2]}]}),
        ("select", {"filter": [{"view": "a", "range": [1, 2, 3, "4"]}]}),
        ("select", {"filter": [{"view": "a", "range": [1, 2, 3, 4], "classes": []}]}),
        ("select", {"filter": [{"view": "a", "range": [1, 2, 3, 4], "not": True}]}),
        ("select", {"filter": [{"classes": "yso"}]}),
        ("select", {"filter": [{"classes": ["nope"]}]}),
        ("select", {"filter": [{"classes": ["yso' OR '1'='1"]}]}),
        ("select", {"filter": [{"classes": [3]}]}),
        ("select", {"filter": [{"probability": "0.5"}]}),
        ("select", {"filter": [{"probability": True}]}),
        ("select", {"filter": [{"rows": ["1) OR (1=1"]}]}),
        ("select", {"filter": [{"rows": [-1]}]}),
        ("select", {"filter": [{"rows": [1.0]}]}),
        ("select", {"filter": [{"rows": [10**60]}]}),
        ("select", {"filter": [{"rows": list(range(200_001))}]}),
        ("select", {"filter": [{"rows": []}] * 33}),
        ("select", {}),
        ("rows", {"count": 501}),
        ("rows", {"count": -1}),
        ("rows", {"offset": -1}),
        ("rows", {"offset": "0; DROP TABLE explore.result"}),
        *(("rows", {"order": [{"column": name}]}) for name in NAMES if name != "class"),
        ("rows", {"order": [{"column": "ra", "descending": "DESC"}]}),
        ("rows", {"order": "ra"}),
        ("rows", {"limit": 1}),
        ("pick", {}),
        ("pick", {"view": "a", "at": [1], "within": [1, 1]}),
        ("pick", {"view": "a", "at": [1, 1], "within": [0, 1]}),
        ("pick", {"view": "a", "at": [1, 1], "within": [-1, 1]}),
        ("pick", {"view": "a", "at": [1, 1], "within": [1, "x"]}),
        ("query", {}),
        ("query", {"query": 3}),
        ("query", {"query": None}),
    ],
)
def test_requests_that_mean_nothing_are_told_and_change_nothing(wide, operation, values):
    if operation == "query":
        (line,) = wide.ask(operation, **values).text.splitlines()
        assert json.loads(line)["error"]["message"].endswith(".")
    else:
        wide.ask("axes", views={"a": PLANE})
        answer = wide.ask(operation, **values)
        assert answer.status_code in (400, 413), answer.text[:200]
        sentence(answer, answer.status_code)
    assert wide.ask("rows").json()["total"] == 20


ODD = [
    '<script>alert("x")</script>',
    "</script><img src=x onerror=alert(1)>",
    "quote ' and '' and \\",
    "semicolon; drop table explore.result; --",
    "σ λ \u202e",
    "a\nb",
]


def test_names_and_values_with_markup_and_quotes_stay_as_they_are(sky, tmp_path):
    """The table comes into a mirror that is shown, which is read anew."""
    shutil.copytree(sky, tmp_path / "sky")
    columns = {name: pa.array(np.arange(6) + 10.0 * k) for k, name in enumerate(ODD)}
    pq.write_table(pa.table({**columns, "class": ODD}), tmp_path / "odd.parquet")
    with exploring(tmp_path / "sky", tmp_path / "folder") as (url, _):
        odd = Page(url).begin()
        assert "There is no table" in odd.lines("SELECT * FROM mine.odd")[-1]["error"]["message"]
        import_files(tmp_path / "sky", [tmp_path / "odd.parquet"], "mine.odd")
        found = odd.query("SELECT * FROM mine.odd")
        names = [column["name"] for column in found["columns"]]
        assert names[: len(ODD)] == ODD
        assert {one["name"] for one in found["classes"]} == set(ODD)
        plane = {"kind": "plane", "x": {"column": ODD[0]}, "y": {"minus": [ODD[2], ODD[3]]}, "size": [4, 4]}
        answer = odd.ask("axes", views={ODD[0]: plane})
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        order = [{"column": ODD[3], "descending": True}]
        rows = odd.ask("rows", filter=[{"classes": [ODD[3], ODD[2]]}], order=order).json()
        assert [row[-1] for row in rows["rows"]] == [ODD[3], ODD[2]]
        assert odd.ask("pick", view=ODD[0], at=[3, -10], within=[1, 1]).json() == {"row": 3}


def test_headers_let_the_page_ask_no_other_host(shown, monkeypatch, tmp_path):
    monkeypatch.setattr(page_files, "FOLDER", tmp_path)
    missing = requests.get(f"{shown[0]}/", timeout=SECONDS)
    assert missing.status_code == 503
    assert "make page" in missing.text
    (tmp_path / "index.html").write_text("<!doctype html><p>page")
    (tmp_path / "page-1A2B3C4D.js").write_text("1")
    (tmp_path / "widget.js").write_text("1")
    (tmp_path / "secret.py").write_text("1")
    (tmp_path.parent / "outside.js").write_text("1")
    index, script = (requests.get(f"{shown[0]}/{path}", timeout=SECONDS) for path in ("", "page/page-1A2B3C4D.js"))
    assert index.text == "<!doctype html><p>page"
    assert index.headers["Content-Type"].startswith("text/html")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert "immutable" in script.headers["Cache-Control"]
    widget = requests.get(f"{shown[0]}/page/widget.js", timeout=SECONDS)
    assert index.headers["Cache-Control"] == widget.headers["Cache-Control"] == "no-store"
    for answer in (index, script, missing):
        policy = dict(one.split(" ", 1) for one in answer.headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == "'self'"
        assert "unsafe" not in str(policy)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for path in ("secret.py", "..%2foutside.js", "%2e%2e/outside.js", ".x.js", "none.js", "page-1A2B3C4D.js%00"):
        assert requests.get(f"{shown[0]}/page/{path}", timeout=SECONDS).status_code == 404, path


def test_frames_are_allowed_by_origin():
    settings = ExploreSettings(Settings(None, None), frames=origins(["https://datalabs.example"]))
    policy = page_files.page(settings).headers["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://datalabs.example" in policy
    for wrong in ("datalabs.example", "https://x/path", "*", "https://a b", "https://x; script-src *", "javascript:x"):
        with pytest.raises(ServiceError, match="is an origin"):
            origins([wrong])


def test_below_a_base_path_and_without_it(sky, tmp_path):
    with exploring(sky, tmp_path, base="/datalabs/7/") as (url, _):
        for base in ("/datalabs/7", ""):
            answer = requests.get(f"{url}{base}/explore/about", headers=HEADERS, timeout=SECONDS)
            assert answer.status_code == 200
        answer = requests.get(f"{url}/datalabs/7", allow_redirects=False, timeout=SECONDS)
        assert answer.status_code == 308
        assert requests.compat.urljoin(f"{url}/datalabs/7", answer.headers["Location"]) == f"{url}/datalabs/7/"
        assert requests.get(f"{url}/datalabs/78/explore/about", headers=HEADERS, timeout=SECONDS).status_code == 404


ANNA, BEN = ("anna", "correct horse"), ("ben", "battery staple")


def test_a_service_has_the_page_and_each_user_their_session(sky, tmp_path):
    for name, password in (ANNA, BEN):
        add(tmp_path / "users.txt", name, password)
    process = Settings(sky, tmp_path / "spool" / "temporary", threads=1)
    made = ServiceSettings(process, tmp_path / "spool", 1, security=SECURITY, explore=ExploreSettings(process))
    service = Service(made)
    with running(service, make_app(service, Accounts(tmp_path / "users.txt"))) as url:
        url = url.removesuffix("/tap")
        for path in ("", "page/x.js", "explore/about"):
            answer = requests.get(f"{url}/{path}", headers=HEADERS, timeout=SECONDS)
            assert answer.status_code == 401, path
            assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert requests.get(f"{url}/", auth=ANNA, timeout=SECONDS).status_code in (200, 503)
        anna = Page(url, auth=ANNA).begin()
        anna.query("SELECT TOP 3 ra, dec FROM gaiadr3.gaia_source")
        for other in (Page(url, anna.id, BEN), Page(url, anna.id)):
            for operation in ("rows", "cancel", "query", "end"):
                answer = other.ask(operation, query="SELECT TOP 1 ra FROM gaiadr3.gaia_source")
                assert answer.status_code == (404 if other.auth else 401)
            assert other.end().status_code == (404 if other.auth else 401)
        assert anna.ask("rows").json()["total"] == 3
        origin = {"Origin": "https://elsewhere.example"}
        tap = requests.get(f"{url}/tap/availability", headers=origin, timeout=SECONDS)
        assert tap.headers["Access-Control-Allow-Origin"] == "*"
        about = requests.get(f"{url}/explore/about", headers={**HEADERS, **origin}, auth=ANNA, timeout=SECONDS)
        assert about.status_code == 403
        assert "Access-Control-Allow-Origin" not in about.headers


def test_a_beacon_ends_a_session_and_one_of_another_page_does_not(shown, wide):
    end = f"{shown[0]}/explore/sessions/{wide.id}/end"
    sentence(requests.post(end, headers={"Origin": "https://evil.example"}, timeout=SECONDS), 403)
    assert wide.ask("rows").status_code == 200
    assert requests.post(end, headers={"Origin": shown[0]}, timeout=SECONDS).status_code == 204
    sentence(wide.ask("rows"), 404)
