"""Define the `sedsql serve` command, which makes a mirror a TAP service."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sedsql.cli.options import ModelFolders
from sedsql.cli.render import say
from sedsql.errors import Error
from sedsql.files.object_storage.addresses import absolute
from sedsql.processors import cores

if TYPE_CHECKING:
    from sedsql.service.explore.settings import ExploreSettings
    from sedsql.service.workers import Settings

app = typer.Typer()

_LIMITS = "Limits"
_GB = 1 << 30
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@app.command()
def serve(
    mirror: Annotated[
        Path | None, typer.Argument(envvar="SEDSQL_MIRROR", help="Folder of the mirror.", show_default=False)
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 is any free one.")] = 8080,
    host: Annotated[str, typer.Option(help="The address to listen at; 0.0.0.0 lets other machines ask.")] = "127.0.0.1",
    spool: Annotated[
        Path | None,
        typer.Option(help="A folder for jobs and their results, kept from run to run.", show_default="in your home"),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            help="The URL by which others reach the service, where a proxy stands before it.", show_default=False
        ),
    ] = None,
    auth: Annotated[
        Path | None,
        typer.Option(help="Let only the users in this file ask; it has hashes alone.", show_default=False),
    ] = None,
    add_user: Annotated[
        str | None,
        typer.Option(help="Add a user to the file of --auth, print a token, and end.", show_default=False),
    ] = None,
    allow_upload_from: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="Fetch tables that UPLOAD names by URL from this host.", show_default="none"),
    ] = None,
    frame: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Let pages of this origin show the page in a frame.", show_default="none"),
    ] = None,
    models: ModelFolders = None,
    workers: Annotated[int, typer.Option(min=1, help="Queries that run at once.", rich_help_panel=_LIMITS)] = 2,
    memory: Annotated[
        float, typer.Option(min=0.5, help="GB of memory for each of them.", rich_help_panel=_LIMITS)
    ] = 2.0,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, help="Threads of each of them.", show_default="all cores, two for each GB", rich_help_panel=_LIMITS
        ),
    ] = None,
    seconds: Annotated[
        int, typer.Option(min=1, help="Seconds that a query may take; jobs may take a day.", rich_help_panel=_LIMITS)
    ] = 300,
    maxrec: Annotated[
        int | None,
        typer.Option(min=0, help="Rows of an answer at most.", show_default="no limit", rich_help_panel=_LIMITS),
    ] = None,
    upload: Annotated[
        int, typer.Option("--upload-mb", min=1, help="MB of an uploaded table at most.", rich_help_panel=_LIMITS)
    ] = 100,
    pages: Annotated[
        int,
        typer.Option(
            min=0,
            help="Browsers that may explore at once, each with as much memory as a query; 0 serves no page.",
            rich_help_panel=_LIMITS,
        ),
    ] = 4,
    keep: Annotated[
        float, typer.Option("--keep-days", min=0.01, help="Days that a job is kept.", rich_help_panel=_LIMITS)
    ] = 7.0,
    spool_gb: Annotated[
        float,
        typer.Option(min=0.001, help="GB of jobs and results that are kept at most.", rich_help_panel=_LIMITS),
    ] = 100.0,
) -> None:
    """Serve a mirror by TAP, so that TOPCAT, pyvo and astroquery can ask it what its sources are.

    Example: `sedsql serve sky`, and then `stilts tapquery tapurl=http://127.0.0.1:8080/tap adql="SELECT ..."`

    Example: `sedsql serve --auth users.txt --add-user anna`, which asks for a password, and then
    `sedsql serve sky --host 0.0.0.0 --auth users.txt --workers 8 --maxrec 5000000`
    """
    try:
        from sedsql.service.errors import ServiceError
        from sedsql.service.settings import ServiceSettings
        from sedsql.service.start import start
    except ImportError as error:
        raise Error(f"`sedsql serve` needs {error.name}; install it with: pip install 'sedsql[serve]'") from None
    from sedsql.service.jobs import JobLimits
    from sedsql.service.users import SECURITY, Accounts
    from sedsql.service.workers import Settings
    from sedsql.service.workers.settings import UploadLimits

    try:
        if add_user is not None:
            _add_user(auth, add_user)
            return
        if mirror is None:
            raise typer.BadParameter("a mirror is missing, such as `sedsql serve sky`")
        folder = spool or _spool_of(mirror)
        worker = Settings(
            absolute(mirror),
            folder.absolute() / "temporary",
            tuple(path.absolute() for path in models or ()),
            memory=int(memory * _GB),
            threads=threads or _threads(memory),
            uploads=UploadLimits(bytes=upload << 20),
        )
        days = timedelta(days=keep)
        jobs = JobLimits(kept=days, most_kept=max(days, JobLimits.most_kept), bytes=int(spool_gb * _GB))
        security = SECURITY if auth else ()
        settings = ServiceSettings(
            worker,
            folder,
            workers,
            None,
            maxrec,
            seconds,
            jobs,
            _checked(url),
            tuple(allow_upload_from or ()),
            security,
            _page(worker, pages, seconds, frame, _checked(url), any_host=url is not None or host not in _LOOPBACK),
        )
        start(settings, host, port, Accounts(auth) if auth else None, say)
    except ServiceError as error:
        raise Error(error.message) from error


def _page(
    worker: Settings, pages: int, seconds: float, frame: list[str] | None, url: str | None, any_host: bool
) -> ExploreSettings | None:
    from sedsql.service.explore.settings import ExploreSettings, origins

    if not pages:
        return None
    return ExploreSettings(
        worker, sessions=pages, seconds=seconds, frames=origins(frame), tap=url or "/tap", any_host=any_host
    )


def _add_user(file: Path | None, name: str) -> None:
    from sedsql.service.users.accounts import add

    if file is None:
        raise typer.BadParameter("--add-user needs --auth FILE, the file that the user is added to")
    password = typer.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True)
    token = add(file, name, password)
    say(f"{name} is in {file}, and can log in with the password, or with this token, which is not shown again:")
    print(token)


def _spool_of(mirror: Path) -> Path:
    """The folder for the jobs of a mirror, of which each has one."""
    try:
        place = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    except RuntimeError:  # neither HOME nor the system says where it is
        raise Error("You have no home folder for jobs; name another one, such as --spool /var/lib/sedsql.") from None
    path = absolute(mirror)
    return place / "sedsql" / f"{path.name}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"


def _threads(memory: float) -> int:
    """Threads of a worker that has so many GB: other cores may be idle, and each thread takes memory."""
    return min(cores(), max(int(2 * memory), 1))


def _checked(url: str | None) -> str | None:
    if url is None:
        return None
    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter(f"--url is a URL such as https://example.org/tap, not {url!r}")
    return url.rstrip("/")
