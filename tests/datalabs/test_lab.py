"""JupyterLab as a datalab: kernel, notebooks and page through the proxy, and nothing for other sites."""

import json
from uuid import uuid4

import pytest
import requests
from servers.datalabs import COOKIE, free_port, proxied
from starting import RUN, started
from tornado.httpclient import HTTPRequest
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect

pytestmark = pytest.mark.skipif(not RUN, reason="JupyterLab is in an image, which `make datalabs-images` builds")

SECONDS = 120
CELL = """import os, sedsql
con = sedsql.connect(os.environ["SEDSQL_MIRROR"])
print(con.execute("SELECT COUNT(*) AS n FROM sed.photometry AS s WHERE sed_class(s) = 'giant'").fetchone()[0] > 0)
!sedsql --version"""


@pytest.fixture
def session():
    with requests.Session() as session:
        session.headers["Cookie"] = COOKIE
        yield session


async def printed(url, code):
    """What a kernel prints for a cell."""
    request = HTTPRequest(
        url.replace("http://", "ws://"), headers={"Cookie": COOKIE, "Origin": url.partition("/datalabs")[0]}
    )
    socket = await websocket_connect(request)
    header = {"msg_id": uuid4().hex, "msg_type": "execute_request", "session": "s", "username": "u", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    await socket.write_message(json.dumps(message))
    text = ""
    while True:
        told = json.loads(await socket.read_message())
        if told["msg_type"] == "stream":
            text += told["content"]["text"]
        elif told["msg_type"] == "error":
            text += "\n".join(told["content"]["traceback"])
        elif told["msg_type"] == "execute_reply":
            return text


def test_notebooks_and_the_page_work_and_other_sites_are_refused(media, session):
    port = free_port()
    mine = media / "home" / "sedsql" / "notebooks" / "star_forming_region.ipynb"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    for path in (mine.parent.parent, mine.parent):
        path.chmod(0o777)
    variables = {"MAIN_PORT": str(port), "MAIN_ID": "lab-8", "DATALABS_URL": "https://datalabs.example"}
    with (
        started(media, port, image="sedsql-lab", **variables),
        proxied(port, "/datalabs/lab-8", asks_login=True) as url,
    ):
        lab = session.get(f"{url}lab", timeout=SECONDS)
        assert lab.status_code == 200
        assert lab.headers["Content-Security-Policy"] == "frame-ancestors 'self' https://datalabs.example"
        notebooks = session.get(f"{url}api/contents/sedsql/notebooks", timeout=SECONDS).json()["content"]
        assert len(notebooks) == 4
        assert mine.read_text() == "mine"

        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
            answer = session.post(f"{url}api/kernels", json={}, headers=headers, timeout=SECONDS)
            assert answer.status_code in (403, 404), answer.text
            assert "Access-Control-Allow-Origin" not in answer.headers
        assert session.get(f"{url}api/kernels", timeout=SECONDS).json() == []
        kernel = session.post(f"{url}api/kernels", json={}, timeout=SECONDS).json()["id"]
        said = IOLoop().run_sync(lambda: printed(f"{url}api/kernels/{kernel}/channels", CELL), SECONDS)
        assert said.replace("\r", "").startswith("True\nsedsql "), said

        page = session.get(f"{url}sedsql/", timeout=SECONDS)
        assert "frame-ancestors 'self' https://datalabs.example" in page.headers["Content-Security-Policy"]
        about = session.get(f"{url}sedsql/explore/about", headers={"X-Sedsql": "explore"}, timeout=SECONDS)
        assert about.json()["mirror"] == "simulated_sky"
        launcher = session.get(f"{url}server-proxy/servers-info", timeout=SECONDS).json()["server_processes"]
        assert [one["launcher_entry"]["title"] for one in launcher] == ["sedsql explore"]
        evil = {"Origin": "https://evil.example", "X-Sedsql": "explore"}
        assert session.post(f"{url}sedsql/explore/sessions", headers=evil, timeout=SECONDS).status_code == 403
