"""A datalab keeps what the platform asks of it: port, path, frame, user, read-only tree, home, mounted mirror."""

import json
import shutil

import pytest
import requests
from servers.datalabs import COOKIE, proxied
from starting import free_port, needs_namespaces, ran, started

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("namespaces")]

HEADERS = {"X-Sedsql": "explore"}
LOGGED_IN = dict([COOKIE.split("=")])
SECONDS = 60
ENDLESS = "SELECT SUM(a.ra + b.ra * c.ra) AS s FROM sed.photometry AS a, sed.photometry AS b, sed.photometry AS c"


@pytest.fixture(scope="module")
def namespaces():
    needs_namespaces()


@pytest.fixture
def media(tmp_path):
    """What is mounted at /media: an empty home folder, and a volume."""
    for name in ("home", "volume"):
        (tmp_path / "media" / name).mkdir(parents=True)
    return tmp_path / "media"


def get(url):
    return requests.get(url, headers=HEADERS, cookies=LOGGED_IN, timeout=SECONDS)


def post(url, path, **values):
    how = {"headers": HEADERS, "cookies": LOGGED_IN, "timeout": SECONDS, "stream": True}
    return requests.post(f"{url}explore/{path}", json=values, **how)


@pytest.mark.parametrize("generation", ["new", "old"])
def test_the_page_is_shown_as_the_platform_asks(media, sky, generation):
    port = free_port()
    shutil.copytree(sky, media / "volume" / "sky")
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
        assert get(f"{url}explore/about").json()["mirror"] == "sky"
        session = f"sessions/{post(url, 'sessions').json()['id']}"
        with post(url, f"{session}/query", query=ENDLESS) as running:  # its lines come while it runs
            assert "progress" in json.loads(next(running.iter_lines()))
        answer = post(url, f"{session}/query", query="SELECT ra FROM gaiadr3.gaia_source ORDER BY source_id")
        assert json.loads(answer.text.splitlines()[-1])["result"]["rows"] == 2_000
        rows = post(url, f"{session}/export", filter=[], format="csv").text.split()
        assert len(rows) == 2_001
        assert not any(name.lower() == "set-cookie" for name in answer.headers)
    assert process.returncode == 0
    left = sorted(str(path.relative_to(media)) for path in media.rglob("*") if "sky" not in path.parts)
    assert left == ["home", "home/.cache", "home/.cache/sedsql", "home/.cache/sedsql/lab-7", "volume"]


def test_a_mirror_at_home_is_taken_first(media, sky):
    port = free_port()
    for place in ("volume/other", "home/mine"):
        shutil.copytree(sky, media / place)
    with started(media, port, MAIN_PORT=str(port)) as process:  # without an id it is asked for at /
        assert get(f"http://127.0.0.1:{port}/explore/about").json()["mirror"] == "mine"
    assert process.returncode == 0


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


def test_no_mirror_is_told(media):
    out, _ = ran(media).communicate(timeout=SECONDS)
    assert out == "Error: There is no mirror in /media/home, /data or /media: a folder with a file mirror.duckdb.\n"


def test_the_platform_is_played_well(media):
    """What the tests above are worth: a user whom the system does not know can write at home alone."""
    script = "id -u; for place in / /tmp /media/volume /media/home; do touch $place/x 2>/dev/null && echo $place; done"
    out, _ = ran(media, ["sh", "-c", script]).communicate(timeout=SECONDS)
    assert out.split() == ["54321", "/media/home"]
