"""Deep links, the browser's buttons, and a server that is lost and comes back."""

import socket

from expected import QUERY
from exploring import exploring
from playwright.sync_api import expect


def test_a_link_holds_query_axes_and_selection(tab, open_tab, url):
    tab.show(QUERY)
    tab.page.get_by_role("button", name="Colour–colour: axes").click()
    tab.page.get_by_label("Horizontal axis").select_option(label="H − Ks")
    tab.page.keyboard.press("Escape")
    tab.settle()
    tab.brush("Colour–colour", (0.2, 0.2), (0.7, 0.8))
    tab.page.get_by_role("button", name="Only giant", exact=True).click()
    count = tab.count()
    assert 0 < count < 2000
    other = open_tab(tab.page.url.removeprefix(url))
    assert other.count() == count
    assert other.page.url == tab.page.url
    expect(other.page.locator(".view-cc text.label").first).to_have_text("H − Ks [mag]")
    assert {name: n for name, n in other.class_counts().items() if n} == {"giant": count}


def test_back_and_forward_go_through_what_was_selected(tab):
    tab.show(QUERY)
    counts = [tab.count()]
    tab.brush("Sky", (0.2, 0.2), (0.6, 0.8))
    counts.append(tab.count())
    tab.run("SELECT TOP 9 * FROM sed.photometry")
    counts.append(tab.count())
    for way, expected in [("go_back", 1), ("go_back", 0), ("go_forward", 1), ("go_forward", 2)]:
        getattr(tab.page, way)()
        expect(tab.page.locator(".selected strong")).to_have_text(f"{counts[expected]:,}")
        tab.settle()


def test_a_lost_server_leaves_what_was_on_the_screen(open_tab, sky, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with exploring(sky, tmp_path / "first", port=port) as (at, _):
        tab = open_tab(at=f"{at}/", may_fail=["net::ERR_"])
        tab.run(QUERY)
        tab.brush("Sky", (0.2, 0.2), (0.6, 0.8))
        count = tab.count()
    tab.page.get_by_role("button", name="Only giant", exact=True).click()
    lost = tab.page.get_by_role("alert").filter(has_text="The server does not answer.")
    expect(lost).to_be_visible()
    expect(tab.page.locator(".selected strong")).to_have_text(f"{count:,}")
    with exploring(sky, tmp_path / "second", port=port):
        expect(lost).to_be_hidden()
        expect(tab.page.locator(".selected strong")).not_to_have_text(f"{count:,}")
        tab.settle()
        counts = tab.class_counts()
        assert 0 < tab.count() == counts["giant"] < count
