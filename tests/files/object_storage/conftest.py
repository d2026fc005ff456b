import os
import shutil

import pytest
from servers.storage import BUCKET, REGION, forget, s3_server

from sedsql.inference.model import find_model
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.stored.classify import classify
from sedsql.mirror.stored.refresh import refresh

ROWS = 100_000


@pytest.fixture(scope="session")
def s3():
    """The server, with a bucket."""
    pytest.importorskip("moto", reason="`make s3` installs moto")
    with s3_server() as server:
        server.make(BUCKET)
        yield server


@pytest.fixture(scope="session")
def joined_sky(sky_of):
    """A mirror on disk whose sed.photometry is a join."""
    return sky_of(ROWS, seed=9)


@pytest.fixture(scope="session")
def stored_sky(joined_sky, tmp_path_factory):
    """The same with sed.photometry and classes stored."""
    folder = tmp_path_factory.mktemp("stored") / "sky"
    shutil.copytree(joined_sky, folder)
    with Mirror.change(folder) as mirror:
        refresh(mirror)
        classify(mirror, find_model("sky-1"))
    return folder


@pytest.fixture(scope="session")
def joined(s3, joined_sky):
    """The address of joined_sky on the server."""
    s3.upload(joined_sky, BUCKET, "joined")
    return f"s3://{BUCKET}/joined"


@pytest.fixture(scope="session")
def stored(s3, stored_sky):
    """The address of stored_sky on the server."""
    s3.upload(stored_sky, BUCKET, "stored")
    return f"s3://{BUCKET}/stored"


@pytest.fixture
def sky(request):
    """A mirror's folder on disk and its address, by the test's parameter."""
    return request.getfixturevalue(f"{request.param}_sky"), request.getfixturevalue(request.param)


@pytest.fixture(autouse=True)
def access(request, tmp_path, monkeypatch):
    """The environment of a user of the server, with a cache of the test's own."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SEDSQL_CACHE", str(tmp_path / "cache"))
    if "s3" in request.fixturenames:
        server = request.getfixturevalue("s3")
        server.proxy.clear()
        keys = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": REGION}
        for name, value in (keys | {"AWS_ENDPOINT_URL": server.proxy.url}).items():
            monkeypatch.setenv(name, value)
    forget()
    yield
    forget()
