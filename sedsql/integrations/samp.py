"""Send tables to TOPCAT, Aladin and other programs by SAMP (IVOA SAMP 1.3)."""

from __future__ import annotations

import os
import xmlrpc.client
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sedsql import files
from sedsql.errors import Error
from sedsql.files.place import at_home

if TYPE_CHECKING:
    from sedsql.files import Rows

VOTABLE, FITS = "table.load.votable", "table.load.fits"
_MTYPES = {"votable": VOTABLE, "fits": FITS}
_SECONDS = "120"
"""How long a program may take to load a table."""


class SampError(Error):
    """A table cannot be sent: no program listens, or one could not load it."""


def library() -> Any:
    """Import what speaks SAMP: pyvo's module, or astropy's, which pyvo has taken over."""
    found = import_module("pyvo.samp")
    return found if hasattr(found, "SAMPHubProxy") else import_module("astropy.samp")


def send(rows: Rows, to: str | None = None, *, name: str | None = None) -> list[str]:
    """Send a table to the programs that listen, such as TOPCAT and Aladin; return their names when they have loaded it.

    Parameters
    ----------
    rows : a cursor, an astropy or Arrow table, a DataFrame, pyvo's results or the path of a file
    to : a program by its name, such as 'topcat'; all that take tables unless told
    name : what the table is called there; the file's name unless told

    Raises
    ------
    SampError
        Where no program takes tables, or one could not load it.

    Examples
    --------
    >>> import sedsql
    >>> con = sedsql.connect("sky")
    >>> young = con.execute("SELECT s.* FROM sed.photometry AS s WHERE sed_class(s) = 'yso'")
    >>> sedsql.send(young, "topcat", name="young stars")  # doctest: +SKIP
    ['topcat']
    >>> con.close()
    """
    title = name or (Path(rows).name if isinstance(rows, str | os.PathLike) else "sedsql")
    with _Hub() as hub, TemporaryDirectory(prefix="sedsql-") as folder:
        file, mtype = _file(rows, Path(folder))
        listening = chosen(hub.listening(mtype), to)
        message = table_message(file, mtype, title, f"sedsql-{os.getpid()}-{title}")
        for identity, program in listening.items():
            wait_for(hub.call_and_wait, identity, message, program, title)
    return list(listening.values())


def table_message(file: Path, mtype: str, title: str, table: str) -> dict[str, Any]:
    """Ask a program to load a file; `table` is its identity, by which programs tell what is selected in it."""
    params = {"url": file.absolute().as_uri(), "name": title, "table-id": table}
    return {"samp.mtype": mtype, "samp.params": params}


def wait_for(
    call: Callable[[str, dict[str, Any], str], dict[str, Any]],
    identity: str,
    message: dict[str, Any],
    program: str,
    title: str,
) -> None:
    """Send a message to a program, and wait for its answer. Raises SampError where it could not load the table."""
    try:
        answer = call(identity, message, _SECONDS)
    except xmlrpc.client.Fault as fault:
        raise SampError(f"The table was sent, and {_SECONDS} seconds brought no answer: {fault.faultString}") from None
    if answer.get("samp.status") == "samp.error":
        why = answer.get("samp.error", {}).get("samp.errortxt", "it does not say why")
        raise SampError(f"{program} could not load {title}: {why}")


def _file(rows: Any, folder: Path) -> tuple[Path, str]:
    """The table as a file that programs can load, and the type of message for it."""
    if isinstance(rows, str | os.PathLike):
        path = at_home(rows)
        mtype = _MTYPES.get(files.file_format(path))
        if mtype and path.is_file() and path.suffix != ".gz":
            return path, mtype
        rows = path
    written = folder / "table.vot"
    files.write_table(written, files.from_arrow(files.arrow_of(rows)))
    return written, VOTABLE


class _Hub:
    """A registration at the hub that runs. It takes no calls, so nothing listens on a port and no address is sought."""

    def __init__(self) -> None:
        samp = library()
        self._proxy = samp.SAMPHubProxy()
        try:
            self._proxy.connect()
        except (samp.SAMPHubError, OSError):
            raise SampError("No SAMP hub is running; start TOPCAT or Aladin, and send again") from None
        self._key = self._proxy.register(self._proxy.lockfile["samp.secret"])["samp.private-key"]
        about = {"samp.name": "sedsql", "samp.description.text": "Classes of sources from the shape of their SEDs"}
        self._proxy.declare_metadata(self._key, about)

    def listening(self, mtype: str) -> dict[str, str]:
        """Names of the programs that take such a message, by SAMP's identities."""
        found = self._proxy.get_subscribed_clients(self._key, mtype)
        return {one: self._proxy.get_metadata(self._key, one).get("samp.name", one) for one in found}

    def call_and_wait(self, identity: str, message: dict[str, Any], seconds: str) -> dict[str, Any]:
        """Send a message, and wait for the answer."""
        answer: dict[str, Any] = self._proxy.call_and_wait(self._key, identity, message, seconds)
        return answer

    def __enter__(self) -> _Hub:
        return self

    def __exit__(self, *_: object) -> None:
        self._proxy.unregister(self._key)
        self._proxy.disconnect()


def chosen(found: dict[str, str], to: str | None) -> dict[str, str]:
    """Choose the programs to send to. Raises SampError where there is none."""
    if to is None:
        chosen = found
    else:
        chosen = {identity: name for identity, name in found.items() if to.lower() in (name.lower(), identity.lower())}
    if not chosen:
        which = f"{to} does not listen" if to else "No program that takes tables is connected to the SAMP hub"
        there = f"; {', '.join(found.values())} would take it" if found else "; start TOPCAT or Aladin"
        raise SampError(which + there)
    return chosen
