"""The same page in Firefox: query, brush, source."""

import shutil

import pytest
from expected import QUERY, rows_of
from firefox import running
from tab import is_elsewhere

CHOSEN = "document.querySelector('.selected strong').textContent"
IDLE = "document.querySelector('.sedsql main')?.getAttribute('aria-busy') === 'false'"


@pytest.fixture
def firefox(tmp_path):
    program = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
    if program is None:
        pytest.skip("there is no Firefox; tests/servers/install-browser installs it")
    with running(program, tmp_path) as firefox:
        yield firefox


def test_query_brush_and_source(firefox, url, sql):
    firefox.open(f"{url}#query={QUERY.replace(' ', '+')}")
    table = rows_of(sql, QUERY)
    firefox.until(f"{CHOSEN} === '{len(table):,}'")
    left, top, width, height = firefox.box(".view-sky .overlay")
    firefox.drag((left + 0.3 * width, top + 0.2 * height), (left + 0.7 * width, top + 0.7 * height))
    firefox.until(f"{CHOSEN} !== '{len(table):,}' && {IDLE}")
    ranges = firefox.evaluate("new URLSearchParams(location.hash.slice(1)).get('in.sky')")
    x0, x1, y0, y1 = map(float, ranges.split(","))
    ra, dec = (table[name].to_numpy(zero_copy_only=False) for name in ("ra", "dec"))
    count = ((ra >= x0) & (ra <= x1) & (dec >= y0) & (dec <= y1)).sum()
    assert firefox.evaluate(CHOSEN) == f"{count:,}"
    firefox.until(f"document.querySelector('.table .note').textContent.endsWith('of {count:,}')")
    left, top, width, height = firefox.box(".table tbody button")
    firefox.drag((left + width / 2, top + height / 2))
    firefox.until("document.querySelector('.verdict strong') && document.querySelector('.sed .point')")
    assert firefox.errors == []
    host = url.split("/")[2]
    assert [asked for asked in firefox.requests if is_elsewhere(asked, host)] == []
