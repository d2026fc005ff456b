"""Who has a wrong bucket, name, profile or endpoint, or no packages, gets one sentence that says what to do."""

import subprocess
import sys

import pytest
from refusal import refused
from servers.storage import BUCKET, forget

from sedsql import connect
from sedsql.files.errors import StorageError
from sedsql.files.object_storage import store
from sedsql.mirror.manifest import MirrorError

pytestmark = pytest.mark.s3

COUNT = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source"


def without_keys(monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    forget()


def test_a_bucket_or_a_folder_that_is_not_there(s3, joined):
    with pytest.raises(StorageError, match=r"^There is no bucket s3://no-such-bucket at http://127.*; check its name$"):
        connect("s3://no-such-bucket/sky")
    with pytest.raises(MirrorError, match=r"^s3://sky-bucket/elsewhere is no mirror \(it has no mirror.duckdb\)"):
        connect(f"s3://{BUCKET}/elsewhere")
    with pytest.raises(StorageError, match=r"^s3:// names no bucket; write s3://BUCKET/FOLDER$"):
        connect("s3://")


def test_a_private_bucket_without_credentials(s3, joined, monkeypatch):
    without_keys(monkeypatch)
    told = r"^s3://sky-bucket/joined/mirror.duckdb may not be read without credentials; set AWS_PROFILE, or AWS_ACCESS"
    with pytest.raises(StorageError, match=told):
        connect(joined)
    monkeypatch.setenv("AWS_NO_SIGN_REQUEST", "true")
    forget()
    with pytest.raises(StorageError, match=told):
        connect(joined)


def test_a_public_bucket_needs_none(s3, sky_of, monkeypatch):
    s3.make("public-sky")
    s3.upload(sky_of(50, seed=3), "public-sky", "a folder", public=True)
    without_keys(monkeypatch)
    with connect("s3://public-sky/a folder/") as con:
        assert con.execute(COUNT).fetchone() == (50,)


def test_a_profile_has_keys_region_and_endpoint(s3, joined, tmp_path, monkeypatch):
    without_keys(monkeypatch)
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name)
    aws = tmp_path / ".aws"
    aws.mkdir()
    (aws / "credentials").write_text("[survey]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = secret\n")
    (aws / "config").write_text(f"[profile survey]\nregion = us-east-1\nendpoint_url = {s3.proxy.url}\n")
    monkeypatch.setenv("AWS_PROFILE", "survey")
    forget()
    with connect(joined) as con:
        assert con.execute(COUNT).fetchone()[0] > 0
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    forget()
    with pytest.raises(
        StorageError, match=r"^There is no profile nobody \(AWS_PROFILE\) in .*config or .*/credentials"
    ):
        connect(joined)


def test_credentials_that_do_not_allow_it(s3, joined):
    with (
        s3.proxy.going_wrong(lambda *_: ("status", 403, "AccessDenied")),
        pytest.raises(StorageError, match=r"may not be read with the credentials of the environment .AWS_ACCESS"),
    ):
        connect(joined)


def test_an_endpoint_that_is_none_or_does_not_answer(s3, monkeypatch):
    monkeypatch.setattr(store, "RETRIES", {"max_retries": 1})
    monkeypatch.setenv("AWS_ENDPOINT_URL", "storage.example.org")
    forget()
    with pytest.raises(
        StorageError, match=r"'storage.example.org' \(AWS_ENDPOINT_URL\) is no URL; write it as https://"
    ):
        connect("s3://sky/x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    forget()
    with pytest.raises(StorageError, match=r"http://127.0.0.1:9 gives no answer; check the network, and AWS_END"):
        connect("s3://sky/x")


def test_the_command_line(s3, joined, sedsql):
    ran = sedsql("query", COUNT, "-m", joined, "--csv")
    assert ran.code == 0
    assert ran.out.split()[0] == "n"
    assert refused(sedsql("query", COUNT, "-m", "s3://no-such-bucket/sky"), "There is no bucket s3://no-such")
    assert refused(sedsql("mirror", "sample", "s3://sky-bucket/new", "--rows", "10"), "only read")
    assert refused(sedsql("mirror", "refresh", joined), "only read")
    assert refused(sedsql("shell", joined, "-c", "SELECT 1"), "sedsql query")
    ran = sedsql("mirror", "info", joined)
    assert "gaiadr3.gaia_source" in ran.out


WITHOUT = """
import sys
sys.modules[{!r}] = None
import sedsql
try:
    sedsql.connect("s3://bucket/sky")
except sedsql.Error as error:
    print(error)
"""


@pytest.mark.parametrize("package", ["obstore", "fsspec"])
def test_without_the_packages(package):
    ran = subprocess.run([sys.executable, "-c", WITHOUT.format(package)], capture_output=True, text=True)
    assert ran.stdout.endswith(f", and {package} is not installed; `pip install 'sedsql[s3]'` installs them\n")
