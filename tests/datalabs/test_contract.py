"""A datalab keeps what the platform asks of it: port, path, frame, user, read-only tree, home, mounted mirror."""

import json
import shutil

import pytest
import requests
from servers.datalabs import COOKIE, free_port, proxied
from starting import RUN, needs_namespaces, ran, started

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("played")]

HEADERS = {"X-Sedsql": "explore"}
LOGGED_IN = dict([COOKIE.split("=")])
SECONDS = 60
ENDLESS = "SELECT SUM(a.ra + b.ra * c.ra) AS s FROM sed.photometry AS a, sed.photometry AS b, sed.photometry AS c"


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    media = tmp_path_factory.mktemp("media")
    (media / "home").mkdir()
    needs_namespaces(media)


def get(url):
    return requests.get(url, headers=HEADERS, cookies=LOGGED_IN, timeout=SECONDS)


def post(url, path, **values):
    how = {"headers": HEADERS, "cookies": LOGGED_IN, "timeout": SECONDS, "stream": True}
    return requests.post(f"{url}explore/{path}", json=values, **how)


@pytest.mark.parametrize(
    ("generation", "mirrors", "shown"),
    [("new", ["volume/sky"], "sky"), ("old", ["volume/other", "home/mine"], "mine")],
    ids=["new", "old"],
)
def test_the_page_is_shown_as_the_platform_asks(media, sky, generation, mirrors, shown):
    port = free_port()
    for mirror in mirrors:
        shutil.copytree(sky, media / mirror)
    names = {"new": ("MAIN_PORT", "MAIN_ID"), "old": ("IF_main_port", "IF_main_id")}[generation]
    told = dict(zip(names, (str(port), "lab-7"), strict=True))
    with (
        started(media, port, DATALABS_URL="https://datalabs.example/some/page", **told) as process,
        proxied(port, "/datalabs/lab-7", strips=generation == "old", asks_login=True) as url,
    ):
        assert requests.get(url, timeout=SECONDS).status_code == 401
        if generation == "new":  # the page's own URLs are relative to this one
            assert get(url.rstrip("/")).url == url
        page = get(url)
        assert "frame-ancestors 'self' https://datalabs.example" in page.headers["Content-Security-Policy"].split("; ")
        assert "X-Frame-Options" not in page.headers
        assert get(f"{url}explore/about").json()["mirror"] == shown
        session = f"sessions/{post(url, 'sessions').json()['id']}"
        with post(url, f"{session}/query", query=ENDLESS) as running:  # its lines come while it runs
            assert "progress" in json.loads(next(running.iter_lines()))
        answer = post(url, f"{session}/query", query="SELECT ra FROM gaiadr3.gaia_source ORDER BY source_id")
        assert json.loads(answer.text.splitlines()[-1])["result"]["rows"] == 2_000
        rows = post(url, f"{session}/export", filter=[], format="csv").text.split()
        assert len(rows) == 2_001
        assert not any(name.lower() == "set-cookie" for name in answer.headers)
    assert process.returncode == 0
    left = [str(path.relative_to(media / "home")) for path in (media / "home").rglob(".*/**")]
    assert sorted(left) == [".cache", ".cache/sedsql", ".cache/sedsql/lab-7"]


@pytest.mark.parametrize(
    ("variables", "home", "said"),
    [
        ({"MAIN_ID": "../7"}, 0o700, "MAIN_ID is a name of letters and digits, not '../7'."),
        ({}, 0o500, "/media/home cannot be written"),
    ],
)
def test_mistakes_are_told_in_one_sentence(media, variables, home, said):
    (media / "home").chmod(home)
    process = ran(media, **variables)
    out, _ = process.communicate(timeout=SECONDS)
    assert (process.returncode, out.count("\n")) == (1, 1), out
    assert out.startswith("Error: ")
    assert said in out


@pytest.mark.skipif(bool(RUN), reason="images have simulated sources")
def test_no_mirror_is_told(media):
    out, _ = ran(media).communicate(timeout=SECONDS)
    assert out == "Error: There is no mirror in /media/home, /data or /media: a folder with a file mirror.duckdb.\n"


@pytest.mark.skipif(bool(RUN), reason="start.sh of images sees to both")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            ["env", "-u", "HOME", "sedsql", "serve"],
            "You have no home folder for jobs; name another one, such as --spool",
        ),
        (["sedsql", "explore"], "No folder for temporary files can be written, such as /tmp; TMPDIR"),
    ],
)
def test_without_a_home_or_a_temporary_folder_the_command_says_so(media, sky, command, said):
    out, _ = ran(media, [*command, str(sky)]).communicate(timeout=SECONDS)
    assert out.startswith(f"Error: {said}")
    assert out.count("\n") == 1


def test_the_platform_is_played_well(media):
    """What the tests above are worth: a user whom the system does not know can write at home alone."""
    script = "id -u; for place in / /tmp /media/volume /media/home; do touch $place/x 2>/dev/null && echo $place; done"
    out, _ = ran(media, ["sh", "-c", script]).communicate(timeout=SECONDS)
    assert out.split() == ["54321", "/media/home"]
