"""The widget in a real kernel of Jupyter: what the page asks over the channel is answered while the kernel is idle."""

import queue
import time

import pytest
from jupyter_client.manager import start_new_kernel

CODE = """
import pathlib, sedsql
from sedsql.service.explore import widget
widget.PAGE = pathlib.Path({page!r})
con = sedsql.connect({mirror!r})
shown = sedsql.explore(con.execute("SELECT * FROM sed.photometry"))
"""


@pytest.fixture
def kernel(tmp_path, sky):
    """The client of a kernel, and the channel of a widget that is shown in it."""
    (tmp_path / "widget.js").write_text("export default {}")
    (tmp_path / "widget.css").write_text("")
    manager, client = start_new_kernel()
    client.execute(CODE.format(page=str(tmp_path), mirror=str(sky)))
    opened = (one for one in messages(client) if one["msg_type"] == "comm_open")
    comm = next(one["content"]["comm_id"] for one in opened if "_esm" in one["content"]["data"]["state"])
    yield client, comm
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def messages(client, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            message = client.get_iopub_msg(timeout=1)
        except queue.Empty:
            continue
        assert message["msg_type"] != "error", message["content"]["traceback"]
        yield message
    raise AssertionError("the kernel did not answer")


def send(kernel, data):
    client, comm = kernel
    client.shell_channel.send(client.session.msg("comm_msg", {"comm_id": comm, "data": data}))


def ask(kernel, number, path, body):
    """The answer to a message of the page, with its buffers."""
    send(kernel, {"method": "custom", "content": {"id": number, "method": "POST", "path": path, "body": body}})
    for message in messages(kernel[0]):
        content = message["content"].get("data", {})
        if message["msg_type"] == "comm_msg" and content.get("method") == "custom" and "status" in content["content"]:
            return content["content"], message["buffers"]


@pytest.mark.slow
def test_a_page_asks_a_kernel(kernel):
    ended, _ = ask(kernel, 1, "sessions/notebook/query", {"query": "SELECT * FROM sed.photometry"})
    assert ended == {"id": 1, "status": 200, "end": True}
    sky = {"kind": "plane", "x": {"column": "ra"}, "y": {"column": "dec"}, "size": [9, 9]}
    drawn, (buffer,) = ask(kernel, 2, "sessions/notebook/axes", {"views": {"sky": sky}})
    assert drawn["status"] == 200
    assert len(buffer) > 2_000 * 9  # x, y and class of each row
    source, _ = ask(kernel, 3, "sessions/notebook/source", {"row": 3})
    assert len(source["json"]["bands"]) == 10
    send(kernel, {"method": "update", "state": {"filter": [{"view": "sky", "range": [0, 100, -50, 50]}]}})
    kernel[0].execute("print(len(shown.selection()))")
    printed = next(one["content"]["text"] for one in messages(kernel[0]) if one["msg_type"] == "stream")
    assert 0 < int(printed) < 2_000
