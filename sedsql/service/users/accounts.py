"""Keep the users of a service in a file of hashes, which tells no password and no token."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from sedsql.files.atomic import flush
from sedsql.service.errors import ServiceError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_COST = {"n": 1 << 14, "r": 8, "p": 1, "dklen": 32}
"""Of scrypt (RFC 7914): 16 MB and some 50 ms a password."""
LEAST = 8
"""Letters of a password."""


@dataclass(frozen=True)
class Account:
    """A user: hashes of the password, with its salt, and of the token."""

    name: str
    salt: str
    password: str
    token: str

    def line(self) -> str:
        """The account's line in the file."""
        return f"{self.name} scrypt {self.salt} {self.password} {self.token}"


class Accounts:
    """The accounts of a file, read again whenever it has changed."""

    def __init__(self, path: Path):
        """Read a file. ServiceError where it cannot be, or has a line that is no account."""
        self.path = path
        self._key = secrets.token_bytes(32)
        self._read()

    def _read(self) -> None:
        try:
            found = os.stat(self.path)
            self._state = (found.st_mtime_ns, found.st_ino, found.st_size)
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ServiceError(
                f"The file of users {self.path} cannot be read ({why}); `sedsql serve --auth FILE --add-user NAME` "
                "makes one.",
                503,
            ) from None
        self._accounts = {account.name: account for account in map(self._account, filter(str.strip, lines))}
        self._tokens = {account.token: account.name for account in self._accounts.values()}
        self._known: set[bytes] = set()

    def _account(self, line: str) -> Account:
        words = line.split()
        if len(words) != 5 or words[1] != "scrypt" or not _NAME.fullmatch(words[0]):
            raise ServiceError(
                f"The file of users {self.path} has a line that is no account: {line[:20]!r}; remove it, and add the "
                "user again with --add-user.",
                503,
            )
        return Account(words[0], *words[2:])

    def all(self) -> list[Account]:
        """All accounts."""
        return list(self._accounts.values())

    def follow(self) -> None:
        """Read the file again if it has changed; who it had stays known while it cannot be read."""
        try:
            found = os.stat(self.path)
        except OSError:
            return
        if (found.st_mtime_ns, found.st_ino, found.st_size) != self._state:
            try:
                self._read()
            except ServiceError as error:  # what is in the file is for who runs the service, and not for who asks it
                print(f"sedsql serve: {error}", file=sys.stderr)

    def of_token(self, token: str) -> str | None:
        """The user whose token it is."""
        return self._tokens.get(_hash_of(token))

    def is_known(self, name: str, password: str) -> bool:
        """Whether the password was right before, which takes no time."""
        return self._proof(name, password) in self._known

    def _proof(self, name: str, password: str) -> bytes:
        return hmac.digest(self._key, f"{len(name)} {name}{password}".encode(), "sha256")

    def of_password(self, name: str, password: str) -> str | None:
        """The user, if the password is theirs. It takes 50 ms once, and as long where there is no such user."""
        if self.is_known(name, password):
            return name
        known = self._known  # which is another once the file is read again, meanwhile perhaps
        account = self._accounts.get(name, Account("", "00" * 16, "", ""))
        if not hmac.compare_digest(_scrypt(password, account.salt), account.password):
            return None
        known.add(self._proof(name, password))
        return name


def add(path: Path, name: str, password: str) -> str:
    """Add a user to a file, which is made where it is not there, or give one another password; gives a new token."""
    if not _NAME.fullmatch(name):
        raise ServiceError(f"{name!r} cannot be a user's name; use up to 64 letters, digits and . _ @ -")
    if len(password) < LEAST:
        raise ServiceError(f"A password has {LEAST} letters or more.")
    salt, token = secrets.token_hex(16), secrets.token_urlsafe(32)
    account = Account(name, salt, _scrypt(password, salt), _hash_of(token))
    lines = [one.line() for one in Accounts(path).all() if one.name != name] if path.exists() else []
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in [*lines, account.line()]))
        flush(partial)
        partial.replace(path)
    except OSError as error:
        raise ServiceError(f"The file of users {path} cannot be written: {error.strerror}.") from None
    finally:
        partial.unlink(missing_ok=True)
    return token


def _scrypt(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), **_COST).hex()


def _hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
