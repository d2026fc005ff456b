"""What it costs to fetch gaiadr3.gaia_source from a TAP service: sedsql, and pyvo into astropy into Parquet.

The service is GAVO DaCHS on this machine over a simulated sky (tests/tap/dachs.py). Asked itself, it takes most of the
time; so both sides are also timed against a recording of its answers, which costs nothing to give, as a quick archive
behind a quick network would. Each side runs in a process of its own, asks for the same pieces, and the rows are
compared; the memory is the process's peak.

    python benchmarks/download.py [--rows 300000] [--repeats 3]
"""

import argparse
import hashlib
import http.server
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

from sedsql.mirror.sample import write_sample
from sedsql.mirror.store import load, open_mirror

TABLE = "gaiadr3.gaia_source"


def peak_mb() -> float:
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def ours(url: str, folder: Path) -> None:
    """All of the table into a mirror."""
    from sedsql.mirror.add import Adding
    from sedsql.tap.service import Service

    with Adding(folder / "mirror") as adding:
        adding.table(TABLE, Service(url))


def plain(url: str, folder: Path) -> None:
    """The same pieces, one after the other, as one writes it in a notebook."""
    import pyvo

    service = pyvo.dal.TAPService(url)
    for number, (query, rows) in enumerate(json.loads((folder / "pieces.json").read_text())):
        table = service.search(query, maxrec=rows + 1).to_table()
        table.to_pandas().to_parquet(folder / f"plain-{number}.parquet")


def timed(side: str, url: str, folder: Path) -> tuple[float, float]:
    """Seconds and MB of one side in a process of its own; importing is not counted."""
    done = subprocess.run(
        [sys.executable, __file__, "--side", side, "--url", url, "--folder", folder],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, memory = done.stdout.split()
    return float(seconds), float(memory)


def one_side(side: str, url: str, folder: Path) -> None:
    import pyvo  # noqa: F401 - both sides need it, and neither is to be charged for its import

    import sedsql.mirror.add  # noqa: F401

    start = time.perf_counter()
    (ours if side == "ours" else plain)(url, folder)
    print(time.perf_counter() - start, peak_mb())


class Recording(http.server.BaseHTTPRequestHandler):
    """Gives what the service gave to the same request before; asks it where there was none."""

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


def compare(what: str, url: str, folder: Path, mirror: Path, rows: int, repeats: int) -> bool:
    """A line of the table: both sides in turns."""
    times: dict[str, list[tuple[float, float]]] = {"ours": [], "plain": []}
    for _ in range(repeats):
        for side in times:
            subprocess.run(["rm", "-rf", folder / "mirror"], check=True)
            times[side].append(timed(side, url, folder))
            if side == "ours":
                same = same_rows(folder / "mirror", mirror)
    came = sum(pq.read_metadata(path).num_rows for path in folder.glob("plain-*.parquet"))
    (a, ours_mb), (b, plain_mb) = (tuple(map(statistics.median, zip(*pairs, strict=True))) for pairs in times.values())
    spread = max((max(t) - min(t)) / statistics.median(t) for t in ([s for s, _ in p] for p in times.values()))
    print(
        f"| {what} | {rows / a:,.0f} | {ours_mb:.0f} | {rows / b:,.0f} | {plain_mb:.0f} | {b / a:.1f} | {spread:.0%} |",
        flush=True,
    )
    return same and came == rows


def same_rows(got: Path, source: Path) -> bool:
    query = f"SELECT * FROM {TABLE} ORDER BY source_id"
    with open_mirror(got) as a, open_mirror(source) as b:
        return a.sql(query).to_arrow_table().equals(b.sql(query).to_arrow_table())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--repeats", type=int, default=3)
    for hidden in ("--side", "--url", "--folder", "--replay"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        return one_side(given.side, given.url, Path(given.folder))
    if given.replay:
        return replay(given.replay, Path(given.folder))
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from tap import dachs

    dachs.check_installed()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "record").mkdir()
        write_sample(folder / "sky", given.rows)
        with dachs.serve(folder / "sky") as server:
            ours(server.url, folder)
            from sedsql.mirror.add import slices

            stored = load(folder / "mirror")[TABLE]
            slicing = slices.of(stored.slicing)
            pieces = [(slicing.select(piece.ranges), piece.remote_rows) for piece in stored.pieces.values()]
            (folder / "pieces.json").write_text(json.dumps(pieces))
            print("## Fetching a table from a TAP service\n")
            print(
                f"{given.rows:,} simulated rows of 37 columns in {len(pieces)} pieces; Python "
                f"{platform.python_version()}, {os.cpu_count()} cores. Median of {given.repeats}.\n"
            )
            print("| service | sedsql, rows/s | MB | pyvo + astropy, rows/s | MB | ratio | spread |")
            print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
            upstream = server.url.removesuffix("/tap")
            command = [sys.executable, __file__, "--replay", upstream, "--folder", folder / "record"]
            recording = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            url = f"http://127.0.0.1:{int(recording.stdout.readline())}/tap"
            try:
                same = compare("DaCHS itself", server.url, folder, folder / "sky", given.rows, given.repeats)
                for side in ("ours", "plain"):  # the first time is recorded
                    subprocess.run(["rm", "-rf", folder / "mirror"], check=True)
                    timed(side, url, folder)
                same &= compare("a recording of it", url, folder, folder / "sky", given.rows, given.repeats)
            finally:
                recording.kill()
    print(f"\nRows agree: {'yes' if same else 'NO'}.")
    return None


if __name__ == "__main__":
    main()
