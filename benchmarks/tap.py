"""Measure the same queries in a mirror, in a TAP service through pyvo, and in MyGaiaDB's SQLite.

The queries are sql/examples/*.adql and benchmarks/queries/*.adql, like those of archives' help pages. Unless --url
names a service, it is GAVO DaCHS on this machine over the same rows (benchmarks/service.py). NAME.tap is the query for
the service, if that differs: no service has `sed.photometry`, so the archive's tables are joined, and none has the
sed_* functions, so the magnitudes are fetched and classified in Python, as users do. NAME.sqlite is the query for
MyGaiaDB; without one, MyGaiaDB cannot express it.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

import sedsql
from sedsql.catalogue import Catalogue
from sedsql.dbapi.connection import Connection
from sedsql.files.resources import folder

from . import mygaiadb, service
from .measure import Section, Setting, figure, in_turns, machine, versions
from .photometry import spelled_out

FULL, QUICK = 1_000_000, 20_000
HERE = Path(__file__).parent / "queries"
TOLERANCE = 1e-5
"""The relative difference that is allowed for numbers, which are float32 in one system and float64 in another."""
MOST_ROWS = 100_000_000

Rows = list[tuple]
Ask = Callable[[], Rows | pa.Table]


@dataclass(frozen=True)
class Question:
    """A query, and its forms for others.

    Attributes
    ----------
    name : the name of its file
    adql : for the mirror
    service : ADQL for another service
    sqlite : for MyGaiaDB
    """

    name: str
    adql: str
    service: str
    sqlite: str | None

    @property
    def classified(self) -> bool:
        """Tell whether competitors return rows, on which `adql` then runs in Python."""
        return "sed_" in self.adql


def questions(source_id: int) -> list[Question]:
    """Read all queries; a query for one source gets this source_id."""
    found = []
    for path in (*sorted((folder("sql") / "examples").glob("*.adql")), *sorted(HERE.glob("*.adql"))):
        texts = {}
        for form in ("adql", "tap", "sqlite"):
            file = path if form == "adql" else HERE / f"{path.stem}.{form}"
            if file.exists():
                text = file.read_text(encoding="utf-8").replace("{source_id}", str(source_id))
                texts[form] = spelled_out(text, sqlite=form == "sqlite")
        adql = texts["adql"]
        found.append(Question(path.stem, adql, texts.get("tap", adql), texts.get("sqlite")))
    return found


def run(setting: Setting) -> Section:
    section = Section("Queries, against a TAP service and SQLite", quick=setting.quick)
    rows = QUICK if setting.quick else FULL
    mirror = setting.mirror or setting.sample(rows)
    with ExitStack() as stack:
        con = stack.enter_context(sedsql.connect(mirror))
        service_name, ask_service = _service(setting, section, stack, mirror)
        ask_sqlite = _sqlite(setting, section, stack, mirror)
        total, source_id = con.duckdb.execute("SELECT count(*), min(source_id) FROM gaiadr3.gaia_source").fetchone()
        section.say(
            f"{machine()}; {versions('pyvo', 'mygaiadb')}.",
            f"Every competitor has the same {total:,} sources. {service_name}; a query's time is that of "
            "`pyvo.dal.TAPService.search(...).to_table()`. Where the mirror has `sed.photometry`, others join the "
            "archive's tables. (*) their rows are fetched and classified in Python, because only sedsql has the "
            "functions.",
        )
        lines, measured = [], []
        for question in questions(source_id):
            competitors: dict[str, Ask] = {"mirror": partial(_ask_mirror, con, question)}
            if ask_service:
                competitors["service"] = partial(from_service, ask_service, question)
            if ask_sqlite and question.sqlite:
                competitors["sqlite"] = partial(_ask_sqlite, ask_sqlite, question)
            line, times = race(section, question, competitors, setting)
            lines.append(line)
            measured.append(times)
        names = ["query", "rows", "mirror, ms", "TAP, ms", "ratio", "SQLite, ms", "ratio", "same rows"]
        section.table(names, lines)
    _conclude(section, measured)
    return section


def race(
    section: Section,
    question: Question,
    competitors: dict[str, Ask],
    setting: Setting,
    shown: Sequence[str] = ("service", "sqlite"),
) -> tuple[list[str], dict[str, float]]:
    """Compare and time the competitors on one query; return a line of the table, and their median seconds.

    shown : competitors whose times are divided by that of the first
    """
    first = next(iter(competitors))
    answers = _answers(section, question, competitors)
    competitors = {name: competitors[name] for name in answers}
    found = in_turns(competitors, 3, patience=20, enough=0.1 if setting.quick else 1.0)
    times = {name: one.median for name, one in found.items()}
    same = _compare(section, question, answers, other_rows=bool(setting.url and not setting.mirror))
    section.figures.append({"query": question.name, "seconds": times})
    line = [
        question.name + (" (*)" if question.classified else ""),
        f"{len(_rows(answers[first])):,}",
        figure(times[first] * 1e3),
    ]
    for name in shown:
        line += (figure(times[name] * 1e3), figure(times[name] / times[first])) if name in times else ("", "")
    return [*line, same], times


def _conclude(section: Section, measured: list[dict[str, float]]) -> None:
    """State the ratios of the competitors' times to the mirror's."""
    ratios = {
        name: [times[name] / times["mirror"] for times in measured if name in times] for name in ("service", "sqlite")
    }
    if ratios["service"]:
        section.aim("TAP against the mirror, median ratio", statistics.median(ratios["service"]), least=10)
        section.aim("TAP against the mirror, least ratio", min(ratios["service"]), least=3)
    if ratios["sqlite"]:
        section.note(
            f"MyGaiaDB against the mirror: median ratio {figure(statistics.median(ratios['sqlite']))}, least "
            f"{figure(min(ratios['sqlite']))}"
        )


def _service(
    setting: Setting, section: Section, stack: ExitStack, mirror: Path
) -> tuple[str, Callable[[str], pa.Table] | None]:
    """Start or name the service; return a description, and a function that runs a query there."""
    import pyvo

    if setting.url:
        url, name = setting.url, f"The TAP service is {setting.url}"
    else:
        try:
            url = stack.enter_context(service.serve(mirror))
        except Exception as error:  # NoDachsError of the tests, which are not imported here, or a failed start
            section.note(f"TAP: not measured: {error}")
            return "No TAP service was asked", None
        name = (
            "The TAP service is GAVO DaCHS with PostgreSQL on this machine, with q3c's indexes of positions and others "
            "of identifiers, magnitudes, parallax and proper motion"
        )
    tap = pyvo.dal.TAPService(url)

    def ask(query: str) -> pa.Table:
        return tap.search(query, maxrec=MOST_ROWS).to_table()

    return name, ask


def _sqlite(setting: Setting, section: Section, stack: ExitStack, mirror: Path) -> Callable | None:
    place = setting.folder / f"mygaiadb-{mirror.name}"
    try:
        mygaiadb.load(mirror, place)
        return stack.enter_context(mygaiadb.opened(place))
    except ImportError as error:
        section.note(f"MyGaiaDB: not measured, because `{error.name}` is not installed")
    return None


def _ask_mirror(con: Connection, question: Question) -> pa.Table:
    return con.execute(question.adql).arrow()


def from_service(ask: Callable[[str], Any], question: Question) -> Any:
    table = ask(question.service)
    return _classified(table.to_pandas(), question) if question.classified else table


def _ask_sqlite(ask: Callable[[str], Any], question: Question) -> Any:
    frame = ask(question.sqlite)
    return _classified(frame, question) if question.classified else frame


def _classified(frame, question: Question) -> pa.Table:
    """Run the query on the fetched rows."""
    with sedsql.connect() as con:
        con.duckdb.register("fetched", pa.Table.from_pandas(frame, preserve_index=False))  # NaN becomes NULL
        con.duckdb.execute("CREATE SCHEMA sed; CREATE TABLE sed.photometry AS FROM fetched")
        con.catalogue = Catalogue.of(con.duckdb)
        return con.execute(question.adql).arrow()


def _answers(section: Section, question: Question, competitors: dict[str, Ask]) -> dict[str, Any]:
    """Return the answer of each competitor; a service that cannot answer is noted and left out."""
    from pyvo.dal import DALAccessError

    found = {}
    for name, ask in competitors.items():
        try:
            found[name] = ask()
        except DALAccessError as error:
            section.note(f"{question.name}: the service does not answer it: {' '.join(str(error).split())[:200]}")
    return found


def _compare(section: Section, question: Question, answers: dict[str, Any], *, other_rows: bool) -> str:
    first = next(iter(answers))
    expected = _rows(answers[first])
    for name, answer in answers.items():
        problem = _difference(expected, _rows(answer))
        if problem and other_rows and name == "service":
            return "no: it has rows of its own"
        if problem:
            section.differ.append(f"{question.name}: the answers of {first} and {name} differ: {problem}")
            return f"NO ({name})"
    return "yes" if len(answers) > 1 else ""


def _rows(answer: Any) -> Rows:
    """Return the rows of an Arrow table, an astropy table or a DataFrame, sorted."""
    if not isinstance(answer, pa.Table):
        frame = answer.to_pandas() if hasattr(answer, "to_pandas") else answer
        answer = pa.Table.from_pandas(frame, preserve_index=False)
    rows = zip(*(column.to_pylist() for column in answer.columns), strict=True)
    return sorted((tuple(map(_plain, row)) for row in rows), key=_key)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return None
    value = value.decode() if isinstance(value, bytes) else value
    return None if value == "" else value  # astropy reads a text that is missing in a VOTable as an empty one


def _key(row: tuple) -> list[str]:
    """Sort by texts and whole numbers first, which all systems return alike; some return a whole number as a float."""
    exact, rough = [], []
    for value in row:
        if isinstance(value, float) and not value.is_integer():
            rough.append(f"{value:.3g}")
        else:
            exact.append(str(int(value)) if isinstance(value, float) else str(value))
    return exact + rough


def _difference(expected: Sequence[tuple], found: Sequence[tuple]) -> str | None:
    if len(expected) != len(found):
        return f"{len(expected):,} and {len(found):,} rows"
    for one, other in zip(expected, found, strict=True):
        if len(one) != len(other) or not all(map(_alike, one, other)):
            return f"{one} and {other}"
    return None


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return one == other
