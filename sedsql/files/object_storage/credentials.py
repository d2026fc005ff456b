"""Find the credentials, endpoint and region for S3 where Amazon's tools do: in the environment, then in profiles."""

import configparser
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from sedsql.files.errors import StorageError

_REGION_TIMEOUT = 5.0
"""Seconds to wait for Amazon's word on the region of a bucket."""

_UNSIGNED = ("AWS_NO_SIGN_REQUEST", "AWS_SKIP_SIGNATURE")
_ELSEWHERE = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""Where a container is told to get its credentials; obstore does so by itself."""

_SIGNED_IN_ELSEWHERE = ("sso_session", "sso_start_url", "role_arn", "credential_process", "login_session")
"""Keys of profiles whose credentials must be fetched from elsewhere, which botocore does."""


@dataclass(frozen=True)
class Access:
    """How a bucket is reached.

    config : for `obstore.store.S3Store`
    provider : gives credentials that expire; None where `config` has them, or there are none
    origin : where the credentials come from, in words; empty where requests are not signed
    endpoint : the URL of a storage that is not Amazon's; empty for Amazon's
    """

    config: dict[str, Any] = field(repr=False)
    provider: Callable[[], dict[str, Any]] | None
    origin: str
    endpoint: str


def access_to(bucket: str) -> Access:
    """Find how a bucket is reached; without credentials requests are not signed, as public buckets allow.

    Raises StorageError where the profile is not there or cannot be used, or the endpoint is no URL.
    """
    profile = _profile()
    environ = os.environ
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or profile.get("endpoint_url", "")
    if endpoint and not re.fullmatch(r"https?://[\w.:\[\]-]+(/[^\s?#]*)?", endpoint):
        raise StorageError(f"The endpoint {endpoint!r} (AWS_ENDPOINT_URL) is no URL; write it as https://HOST")
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or profile.get("region")
    config: dict[str, Any] = {"region": (None if endpoint else _region_of(bucket)) or region or "us-east-1"}
    if endpoint:
        config["endpoint"] = endpoint
    if any(environ.get(name, "").lower() in ("true", "1", "yes") for name in _UNSIGNED):
        return Access(config | {"skip_signature": True}, None, "", endpoint)
    if environ.get("AWS_ACCESS_KEY_ID") and environ.get("AWS_SECRET_ACCESS_KEY"):
        return Access(config, None, "the environment (AWS_ACCESS_KEY_ID)", endpoint)
    if "aws_access_key_id" in profile and "aws_secret_access_key" in profile:
        names = {"access_key_id": "aws_access_key_id", "secret_access_key": "aws_secret_access_key"}
        names |= {"token": "aws_session_token"} if "aws_session_token" in profile else {}
        keys = {name: profile[theirs] for name, theirs in names.items()}
        return Access(config | keys, None, f"the profile {_profile_name()}", endpoint)
    if any(environ.get(name) for name in _ELSEWHERE):
        return Access(config, None, "the container", endpoint)
    needed = [name for name in _SIGNED_IN_ELSEWHERE if name in profile]
    if provider := _from_botocore(needed):
        return Access(config, provider, f"the profile {_profile_name()}" if needed else "this machine", endpoint)
    return Access(config | {"skip_signature": True}, None, "", endpoint)


def _profile_name() -> str:
    return os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE") or "default"


def _profile() -> dict[str, str]:
    """What Amazon's files say of the profile that is chosen."""
    name, is_there = _profile_name(), False
    found: dict[str, str] = {}
    paths = []
    for variable, file, section in (
        ("AWS_CONFIG_FILE", "config", name if name == "default" else f"profile {name}"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials", name),
    ):
        paths.append(Path(os.environ.get(variable) or f"~/.aws/{file}").expanduser())
        parser = configparser.RawConfigParser(default_section="")
        try:
            parser.read(paths[-1], encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError) as error:
            raise StorageError(f"{paths[-1]} cannot be read: {' '.join(str(error).split())}") from None
        if parser.has_section(section):
            is_there = True
            found |= dict(parser[section])
    if not is_there and name != "default":
        raise StorageError(f"There is no profile {name} (AWS_PROFILE) in {' or '.join(map(str, paths))}")
    return found


def _from_botocore(needed: list[str]) -> Callable[[], dict[str, Any]] | None:
    """Have botocore fetch credentials: for a profile that has none itself, or of the machine's role.

    needed : keys of the profile that only botocore understands
    """
    try:
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session
    except ImportError:
        if needed:
            raise StorageError(
                f"The profile {_profile_name()} gets its credentials by {needed[0]}, which needs botocore; "
                "`pip install botocore` installs it"
            ) from None
        return None
    try:
        credentials = Session().get_credentials()
    except BotoCoreError as error:
        raise StorageError(f"The profile {_profile_name()} gives no credentials: {error}") from None
    if credentials is None:
        return None

    def provide() -> dict[str, Any]:
        from datetime import UTC, datetime, timedelta

        found = credentials.get_frozen_credentials()
        told = {"access_key_id": found.access_key, "secret_access_key": found.secret_key, "token": found.token}
        return told | {"expires_at": datetime.now(UTC) + timedelta(minutes=5)}

    return provide


@lru_cache(maxsize=64)
def _region_of(bucket: str) -> str | None:
    """Ask Amazon for the region of a bucket, which its requests must go to; None where it does not say."""
    import requests  # it takes a tenth of a second

    try:
        answer = requests.head(f"https://s3.amazonaws.com/{bucket}", timeout=_REGION_TIMEOUT, allow_redirects=False)
    except requests.RequestException:
        return None
    return answer.headers.get("x-amz-bucket-region")
