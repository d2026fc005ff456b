"""The documents of a running service, and what is told where there is nothing."""

import time
from xml.etree import ElementTree

import pytest
import requests
import urllib3
from pyvo.dal import TAPService


def test_documents_name_the_url_that_was_asked(url):
    port = url.split(":")[2].split("/")[0]
    answer = requests.get(f"http://localhost:{port}/tap/capabilities", timeout=60)
    assert answer.headers["Content-Type"] == "text/xml"
    assert f"http://localhost:{port}/tap</accessURL>" in answer.text
    assert "http://127.0.0.1" not in answer.text


def test_pyvo_reads_them(url):
    service = TAPService(url)
    assert "gaiadr3.gaia_source" in service.tables
    assert service.tables["sed.classified"].columns
    assert len(service.examples) == 6


def test_tables(url):
    whole, short = (requests.get(f"{url}/tables", {"detail": detail}, timeout=60).text for detail in ("max", "min"))
    assert "<column" in whole
    assert "<column" not in short
    assert "tap_schema.key_columns" in short
    assert requests.get(f"{url}/tables?detail=some", timeout=60).status_code == 400
    assert "esatapplus" not in whole
    astroquery = {"User-Agent": urllib3.util.SKIP_HEADER}
    flagged = requests.get(f"{url}/tables", headers=astroquery, timeout=60).text
    columns = list(ElementTree.fromstring(flagged).iter("column"))
    assert all("{http://esa.int/xml/EsaTapPlus}flags" in one.attrib for one in columns)
    assert len(columns) == whole.count("<column ")
    one = requests.get(f"{url}/tables/TAP_SCHEMA.columns", timeout=60)
    assert "<name>tap_schema.columns</name>" in one.text
    missing = requests.get(f"{url}/tables/gaiadr3.sources", timeout=60)
    assert (missing.status_code, missing.text) == (
        404,
        "There is no table 'gaiadr3.sources'; /tap/tables lists them.\n",
    )


@pytest.mark.parametrize("path", ["/tap/nothing", "/other", "/tap/sync/more"])
def test_paths_that_are_not_there(url, path):
    answer = requests.get(url.removesuffix("/tap") + path, timeout=60)
    assert answer.status_code == 404
    assert answer.text.startswith(f"There is no '{path}' here; a TAP service has /tap/sync, /tap/async,")


def test_methods_that_are_not_there(url):
    answer = requests.put(f"{url}/sync", timeout=60)
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert "/tap/sync does not take PUT." in answer.text


def test_the_first_page_says_what_there_is(url):
    assert f"A TAP service of sedsql: {url}" in requests.get(url, timeout=60).text
    assert requests.get(url.removesuffix("/tap"), timeout=60).status_code == 200


def test_scripts_of_other_sites_may_ask_and_follow_jobs(url):
    origin = {"Origin": "https://example.org"}
    answer = requests.get(f"{url}/availability", headers=origin, timeout=60)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Location" in answer.headers["Access-Control-Expose-Headers"]
    asked = {**origin, "Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "authorization"}
    assert requests.options(f"{url}/async/17", headers=asked, timeout=60).status_code == 200


def test_short_answers_do_not_wait_for_the_client(url):
    """With Nagle's algorithm, each answer waits 40 ms on a connection that has had some."""
    seconds = []
    with requests.Session() as session:
        for _ in range(60):
            began = time.perf_counter()
            session.get(f"{url}/availability", timeout=60)
            seconds.append(time.perf_counter() - began)
    assert min(seconds[30:]) < 0.03
