"""The widget in JupyterLab: what is brushed is a table in the next cell, and the keys are the widget's own."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
from expected import QUERY, rows_of, selected
from playwright.sync_api import expect
from servers.datalabs import free_port, proxied, site
from tab import VIEWPORT, Tab

ENVIRONMENT = Path(sys.prefix)
LAB = ENVIRONMENT / "lab" / "bin" / "jupyter-lab"
EXTENSIONS = ("anywidget", "@jupyter-widgets")
NEWS = "@jupyterlab/apputils-extension:announcements"
"""Asks another host."""
SECONDS = 60
BASE = "/datalabs/lab"
CELLS = (
    "import sedsql\ncon = sedsql.connect({mirror!r})\nshown = sedsql.explore(con.execute({query!r}))\nshown",
    "import json\nfound = [int(one) for one in shown.selection()['source_id']]\n"
    "print(json.dumps({{'filter': shown.filter, 'found': found}}))",
)


@pytest.fixture(scope="module")
def lab(sky, tmp_path_factory):
    """The address of a notebook in JupyterLab, below a path, whose kernel has the sedsql that is tested."""
    tmp_path = tmp_path_factory.mktemp("lab")
    assert LAB.is_file(), "there is no JupyterLab: make .venv/lab/installed"
    data = tmp_path / "data"
    for name in EXTENSIONS:
        (data / "labextensions").mkdir(parents=True, exist_ok=True)
        (data / "labextensions" / name).symlink_to(ENVIRONMENT / "share" / "jupyter" / "labextensions" / name)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = {"argv": command, "display_name": "sedsql", "language": "python"}
    write(data / "kernels" / "sedsql" / "kernel.json", kernel)
    write(tmp_path / "config" / "labconfig" / "page_config.json", {"disabledExtensions": {NEWS: True}})
    written = [cell.format(mirror=str(sky), query=QUERY) for cell in CELLS]
    cells = [
        {"cell_type": "code", "id": f"cell-{k}", "metadata": {}, "outputs": [], "execution_count": None, "source": text}
        for k, text in enumerate(written)
    ]
    write(
        tmp_path / "root" / "explore.ipynb",
        {"cells": cells, "metadata": {"kernelspec": {"name": "sedsql"}}, "nbformat": 4, "nbformat_minor": 5},
    )
    port = free_port()
    folders = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "runtime", "PATH": "data"}
    environment = {f"JUPYTER_{name}": str(tmp_path / folder) for name, folder in folders.items()}
    options = {
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.base_url": f"{BASE}/",
        "ServerApp.tornado_settings": {
            "headers": {"Content-Security-Policy": "frame-ancestors 'self' http://127.0.0.1:*"}
        },
        "ServerApp.root_dir": tmp_path / "root",
        "IdentityProvider.token": "",
        "LabApp.user_settings_dir": tmp_path / "settings",
        "LabApp.workspaces_dir": tmp_path / "workspaces",
    }
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [LAB, "--no-browser", "--allow-root", *(f"--{name}={value}" for name, value in options.items())],
            env={**os.environ, **environment, "IPYTHONDIR": str(tmp_path)},
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}{BASE}/api", server)
        yield f"http://127.0.0.1:{port}{BASE}/lab/tree/explore.ipynb"
    finally:
        server.terminate()
        server.wait()


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def wait_for(url, server):
    until = time.monotonic() + SECONDS
    while True:
        try:
            with urlopen(url, timeout=SECONDS):
                return
        except OSError:
            assert server.poll() is None, "JupyterLab did not start"
            assert time.monotonic() < until, "JupyterLab does not answer"
            time.sleep(0.05)


def test_what_is_brushed_is_a_table_in_the_next_cell(chromium_of, lab, sql):
    context = chromium_of(["--disable-gpu", "--disable-3d-apis"]).new_context(viewport=VIEWPORT)
    tab = Tab(context.new_page(), lab.split("/")[2])
    page = tab.page
    page.goto(lab)
    first, second = (page.locator(".jp-CodeCell").nth(k) for k in (0, 1))
    first.locator(".cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".sedsql .selected strong")).to_have_text("2,000")
    tab.brush("Sky", (0.4, 0.3), (0.7, 0.6))
    # Two times D deletes a cell, where JupyterLab takes it for its own, and A makes one.
    for key in ("d", "d", "a", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    count = tab.count()
    assert page.locator(".jp-CodeCell").count() == 2
    page.locator(".sedsql .table tbody button").first.click()
    expect(page.locator(".sedsql .verdict strong")).to_be_visible()
    page.get_by_role("menuitem", name="Settings").click()
    page.get_by_text("Theme", exact=True).hover()
    page.get_by_text("JupyterLab Dark", exact=True).click()
    expect(page.locator(".sedsql")).to_have_css("background-color", "rgb(15, 20, 26)")
    tab.settle()
    plot, drawn = (page.locator(f".view-sky {name}").bounding_box() for name in (".plot", "canvas:not([hidden])"))
    assert plot["width"] - drawn["width"] < 100
    second.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    output = second.locator(".jp-OutputArea-output")
    expect(output).to_contain_text("found")
    told = json.loads(output.inner_text())
    context.close()
    table = rows_of(sql, QUERY)
    (brush,) = told["filter"]
    views = {"sky": {"x": {"column": "ra"}, "y": {"column": "dec"}}}
    chosen = selected(table, views, {brush["view"]: brush["range"]})
    assert sorted(told["found"]) == sorted(table.filter(chosen)["source_id"].to_pylist())
    assert len(told["found"]) == count > 0
    assert tab.wrong == []


def test_it_opens_behind_a_proxy_in_a_frame_of_another_origin(chromium_of, lab):
    """Of the same site, as where a platform shows it: in other sites' frames browsers keep storage from JupyterLab."""
    port, _, path = lab.removeprefix("http://127.0.0.1:").partition("/")
    with (
        proxied(int(port), BASE) as proxy,
        site(f'<iframe src="{proxy.removesuffix(f"{BASE}/")}/{path}" width=1400 height=800>', "127.0.0.1") as platform,
    ):
        context = chromium_of(["--disable-gpu", "--disable-3d-apis"]).new_context(viewport=VIEWPORT)
        page = context.new_page()
        page.goto(platform)
        shown = page.frame_locator("iframe")
        shown.locator(".jp-CodeCell .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        expect(shown.locator(".sedsql .selected strong")).to_have_text("2,000")
        context.close()
