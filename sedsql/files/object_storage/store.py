"""Ask an object storage: versions of objects, byte ranges, names in a folder. All comes whole, or is an error."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from sedsql.files.errors import StorageError
from sedsql.files.object_storage.addresses import root_and_key
from sedsql.files.object_storage.credentials import Access, access_to

T = TypeVar("T")

RETRIES = {
    "max_retries": 12,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=5), "base": 2},
}
"""Of a request that is throttled (503 SlowDown, 429), fails at the storage (5xx) or is dropped, with longer and longer
pauses between."""
_BODIES = 5
"""Times that the body of an answer is asked for, which breaks off."""


@dataclass(frozen=True)
class Version:
    """A version of an object, whose bytes never change.

    etag : what the storage calls the version
    """

    address: str
    etag: str
    size: int
    modified: datetime


class NoObjectError(StorageError):
    """There is no object of that name, in a bucket that is there."""


class ChangedError(StorageError):
    """An object is no longer the one that was being read."""


@dataclass(frozen=True)
class _Storage:
    """A bucket, or a host of the web.

    store : of obstore's
    access : how a bucket of S3 is reached; None for others
    """

    root: str
    store: Any
    access: Access | None


_opening = threading.Lock()


def head(address: str) -> Version:
    """Ask for the version of an object that is there now. Raises StorageError where there is none."""
    return _asked(address, lambda store, key: _version(address, check_packages().head(store, key)))


def read(version: Version, start: int, stop: int) -> bytes:
    """Read the bytes `start` to `stop`, without the last, of a version.

    Raises ChangedError where the object is another version now, StorageError where the bytes cannot be had.
    """
    is_strong = version.etag and not version.etag.startswith("W/")  # of a weak one If-Match is never true
    options: Any = {"range": (start, stop)} | ({"if_match": version.etag} if is_strong else {})

    def ask(store: Any, key: str) -> bytes:
        answer = check_packages().get(store, key, options=options)
        if version.etag and answer.meta["e_tag"] != version.etag:  # the storage knows no If-Match
            raise ChangedError(f"{version.address} changed while it was read; run it again")
        return answer.bytes().to_bytes()

    if start >= stop:
        return b""
    found = _asked(version.address, ask)
    if len(found) != stop - start:
        raise StorageError(f"{version.address} gives {len(found):,} bytes where {stop - start:,} were asked for")
    return found


def read_text(address: str) -> str | None:
    """Read a small text object; None where there is none."""
    try:
        version = head(address)
    except NoObjectError:
        return None
    return read(version, 0, version.size).decode("utf-8", "replace")


def objects_in(folder: str) -> Iterator[Version]:
    """All objects below a folder, with those in its folders, by name."""
    root, _ = root_and_key(folder)

    def ask(store: Any, key: str) -> list[Version]:
        pages = check_packages().list(store, prefix=f"{key}/" if key else None)
        return [_version(f"{root}/{meta['path']}", meta) for page in pages for meta in page]

    return iter(sorted(_asked(folder, ask), key=lambda version: version.address))


def _version(address: str, meta: Any) -> Version:
    return Version(address, meta["e_tag"] or "", meta["size"], meta["last_modified"])


def _asked(address: str, ask: Callable[[Any, str], T]) -> T:
    """Ask a storage; errors become StorageError in one sentence."""
    failure = check_packages().exceptions.BaseError
    root, key = root_and_key(address)
    with _opening:
        storage = _storage(root)
    for attempt in range(_BODIES):
        try:
            return ask(storage.store, key)
        except (failure, FileNotFoundError) as error:
            # The others obstore has tried again itself.
            is_cut_off = "body error" in str(error) or "decoding response body" in str(error)
            if not is_cut_off or attempt == _BODIES - 1:
                raise _told(error, address, storage) from error
            time.sleep(0.1 * 2**attempt)
    raise AssertionError


@cache
def check_packages() -> Any:
    """Find the packages that object storage is read by; gives obstore. StorageError where one is not installed."""
    try:
        import fsspec  # noqa: F401  # DuckDB needs it
        import obstore.exceptions
        import obstore.store
    except ImportError as error:
        lacking = str(error.name).partition(".")[0]
        raise StorageError(
            f"Object storage is read by the packages obstore and fsspec, and {lacking} is not installed; "
            "`pip install 'sedsql[s3]'` installs them"
        ) from None
    return obstore


@cache
def _storage(root: str) -> _Storage:
    """Open a bucket, or a host."""
    scheme, _, bucket = root.partition("://")
    if not re.fullmatch(r"[\w.:@\[\]-]+", bucket):
        raise StorageError(f"{root} names no bucket; write {scheme}://BUCKET/FOLDER")
    options: Any = {"allow_http": True, "connect_timeout": timedelta(seconds=10), "timeout": timedelta(seconds=120)}
    retries, opener = RETRIES, check_packages().store
    if scheme != "s3":
        return _Storage(root, opener.from_url(root, client_options=options, retry_config=retries), None)
    access = access_to(bucket)
    provider: Any = access.provider
    store = opener.S3Store(
        bucket, config=access.config, client_options=options, retry_config=retries, credential_provider=provider
    )
    return _Storage(root, store, access)


def _told(error: Exception, address: str, storage: _Storage) -> StorageError:
    """Say in one sentence what is wrong, and what would work."""
    kinds = check_packages().exceptions
    if isinstance(error, kinds.PreconditionError):
        return ChangedError(f"{address} changed while it was read; run it again")
    text = str(error).partition("\n\nDebug source")[0]
    code = re.search(r"<Code>(\w+)</Code>", text)
    status = re.search(r"status code: (\d+)", text)
    if (code and code[1] == "NoSuchBucket") or (isinstance(error, FileNotFoundError) and _lacks_bucket(address)):
        return StorageError(f"There is no bucket {storage.root}{_at(storage)}; check its name")
    if isinstance(error, FileNotFoundError):
        return NoObjectError(f"There is no object {address}; check its name")
    is_refused = isinstance(error, kinds.PermissionDeniedError | kinds.UnauthenticatedError)
    if is_refused or (status and status[1] in ("401", "403")):
        return StorageError(_not_allowed(address, storage, code[1] if code else ""))
    if status and status[1] in ("301", "307", "400"):
        said = f" ({code[1]})" if code else ""
        return StorageError(f"{storage.root} answers {status[1]}{said}; set AWS_REGION to its region")
    if status:
        what = f"answers {status[1]}{f' ({code[1]})' if code else ''}"
        return StorageError(f"{address} cannot be read: the storage {what}, again and again; try later")
    if "error sending request" in text:
        return StorageError(
            f"{address} cannot be read: {_where(storage)} gives no answer; check the network"
            f"{', and AWS_ENDPOINT_URL' if storage.access else ''}"
        )
    if "HTTP error" in text:
        return StorageError(f"{address} cannot be read: the connection breaks off again and again; try later")
    return StorageError(f"{address} cannot be read: {' '.join(text.split())[:300]}")


def _not_allowed(address: str, storage: _Storage, code: str) -> str:
    if storage.access is None:
        return f"{address} may not be read: the storage does not allow it"
    if not storage.access.origin:
        return (
            f"{address} may not be read without credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, and AWS_ENDPOINT_URL if the storage is not Amazon's"
        )
    said = f" ({code})" if code else ""
    return (
        f"{address} may not be read with the credentials of {storage.access.origin}{said}: they do not allow it, or "
        "there is no such object; AWS_NO_SIGN_REQUEST=true reads a public bucket without any"
    )


def _at(storage: _Storage) -> str:
    return f" at {storage.access.endpoint}" if storage.access and storage.access.endpoint else ""


def _where(storage: _Storage) -> str:
    if storage.access is None:
        return storage.root
    return storage.access.endpoint or "Amazon S3"


def _lacks_bucket(address: str) -> bool:
    """Whether the storage says that there is no such bucket; an answer about an object does not tell."""
    root, _ = root_and_key(address)
    if root.startswith("http"):
        return False
    try:
        next(iter(check_packages().list(_storage(root).store, chunk_size=1)), None)
    except Exception as error:  # another error says nothing of that
        return "NoSuchBucket" in str(error)
    return False
