"""Measure the cost of fetching gaiadr3.gaia_source from a TAP service: by sedsql, and by pyvo, astropy and Parquet.

The service is GAVO DaCHS on this machine over a simulated sky (tests/servers/dachs.py). It takes most of the time
itself; so both competitors are also timed against a recording of its answers, which costs nothing to give, as from a
fast archive over a fast network. Each competitor runs in a process of its own and asks for the same pieces; the rows
are compared, and the memory is the process's peak.
"""

import hashlib
import http.server
import json
import re  # noqa: F401 - of PEAK_MB
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

from sedsql.mirror.database import open_mirror
from sedsql.mirror.mirror import Mirror

from . import service
from .measure import PEAK_MB, Section, Setting, Times, child, figure, machine, versions

FULL, QUICK = 200_000, 20_000
ME = "benchmarks.download"
TABLE = "gaiadr3.gaia_source"


def ours(url: str, folder: Path) -> None:
    """Fetch the whole table into a mirror."""
    from sedsql.mirror.add import Download
    from sedsql.tap.service import Service

    with Download.to(folder / "mirror") as download:
        download.table(TABLE, Service(url))


def plain(url: str, folder: Path) -> None:
    """Fetch the same pieces one after the other, as one writes it in a notebook."""
    import pyvo

    service = pyvo.dal.TAPService(url)
    for number, (query, rows) in enumerate(json.loads((folder / "pieces.json").read_text())):
        table = service.search(query, maxrec=rows + 1).to_table()
        table.to_pandas().to_parquet(folder / f"plain-{number}.parquet")


def one_competitor(competitor: str, url: str, folder: Path) -> None:
    """Print the seconds and MB of a competitor, without its imports."""
    import pyvo  # noqa: F401 - both competitors need it, and its import is not counted

    start = time.perf_counter()
    (ours if competitor == "ours" else plain)(url, folder)
    print(json.dumps([time.perf_counter() - start, eval(PEAK_MB)]))


class Recording(http.server.BaseHTTPRequestHandler):
    """A server that repeats the service's answer to a request, and forwards a new request to the service."""

    protocol_version = "HTTP/1.1"
    upstream = ""
    folder = Path()

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        import requests

        kept = self.folder / hashlib.sha256(f"{self.command} {self.path} ".encode() + body).hexdigest()
        if not kept.exists():
            kind = {"Content-Type": self.headers["Content-Type"]} if body else {}
            answer = requests.request(self.command, self.upstream + self.path, data=body, headers=kind, timeout=600)
            head = f"{answer.status_code} {answer.headers.get('Content-Type', '')}\n".encode()
            kept.write_bytes(head + answer.content)
        head, _, content = kept.read_bytes().partition(b"\n")
        status, _, kind = head.decode().partition(" ")
        self.send_response(int(status))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_) -> None:
        pass


def replay(upstream: str, folder: Path) -> None:
    Recording.upstream, Recording.folder = upstream, folder
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recording)
    print(server.server_port, flush=True)
    server.serve_forever()


def compare(section: Section, what: str, url: str, folder: Path, mirror: Path, repeats: int) -> tuple[list[str], bool]:
    """Time both competitors in turns; return a line of the table, and whether the rows are those of the mirror."""
    runs: dict[str, list[tuple[float, float]]] = {"ours": [], "plain": []}
    same = True
    for _ in range(repeats):
        for competitor, had in runs.items():
            shutil.rmtree(folder / "mirror", ignore_errors=True)
            had.append(json.loads(child(ME, competitor, url, folder)))
            if competitor == "ours":
                same &= same_rows(folder / "mirror", mirror)
    rows = sum(pq.read_metadata(path).num_rows for path in folder.glob("plain-*.parquet"))
    with open_mirror(mirror) as con:
        same &= rows == con.execute(f"SELECT count(*) FROM {TABLE}").fetchone()[0]
    line, medians, spreads = [what], [], []
    for had in runs.values():
        times, peaks = zip(*had, strict=True)
        one = Times(times)
        medians.append(one.median)
        spreads.append(one.spread)
        line += [f"{rows / one.median:,.0f}", f"{max(peaks):.0f}"]
    section.figures.append({"service": what, "rows": rows, "runs": runs})
    return [*line, figure(medians[1] / medians[0]), f"{max(spreads):.0%}"], same


def same_rows(got: Path, source: Path) -> bool:
    query = f"SELECT * FROM {TABLE} ORDER BY source_id"
    with open_mirror(got) as a, open_mirror(source) as b:
        return a.sql(query).to_arrow_table().equals(b.sql(query).to_arrow_table())


def run(setting: Setting) -> Section:
    rows, repeats = (QUICK, 1) if setting.quick else (FULL, 3)
    mirror = setting.sample(rows)
    section = Section("Fetching a table from a TAP service", quick=setting.quick)
    section.say(f"{machine()}; {versions('pyvo', 'astropy')}.")
    try:
        dachs = service.dachs()
    except Exception as error:  # NoDachsError of the tests, which says what would help
        section.note(f"Not measured: {error}")
        return section
    lines, wrong = [], []
    with tempfile.TemporaryDirectory() as name, dachs.serve(mirror) as server:
        folder = Path(name)
        (folder / "record").mkdir()
        ours(server.url, folder)
        from sedsql.mirror.add import partitioning

        stored = Mirror.read(folder / "mirror").tables[TABLE]
        slicing = partitioning.of(stored.partitioning)
        pieces = [(slicing.select(piece.ranges), piece.remote_rows) for piece in stored.pieces.values()]
        (folder / "pieces.json").write_text(json.dumps(pieces))
        section.say(f"{rows:,} simulated rows of {len(stored.table.columns)} columns in {len(pieces)} pieces.")
        command = [sys.executable, "-m", ME, "replay", server.url.removesuffix("/tap"), str(folder / "record")]
        root = Path(__file__).parents[1]
        recording = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
        url = f"http://127.0.0.1:{int(recording.stdout.readline())}/tap"
        try:
            for what, address in (("DaCHS itself", server.url), ("a recording of it", url)):
                if address == url:  # the first time is recorded
                    for competitor in ("ours", "plain"):
                        shutil.rmtree(folder / "mirror", ignore_errors=True)
                        child(ME, competitor, url, folder)
                line, same = compare(section, what, address, folder, mirror, repeats)
                lines.append(line)
                wrong += [] if same else [f"the rows from {what} are not those of the mirror"]
        finally:
            recording.kill()
            recording.wait()
    names = ["service", "sedsql, rows/s", "MB", "pyvo + astropy, rows/s", "MB", "ratio", "spread"]
    section.table(names, lines)
    section.agree("Rows agree", wrong)
    return section


if __name__ == "__main__":
    word, address, place = sys.argv[1:]
    replay(address, Path(place)) if word == "replay" else one_competitor(word, address, Path(place))
