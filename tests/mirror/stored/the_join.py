"""Compare the stored sed.photometry with the join of sql/views.sql that DuckDB makes anew."""

from sedsql.catalogue import PHOTOMETRY
from sedsql.mirror.database import open_mirror
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.stored import joined, photometry

ROWS = 800


def is_stored(mirror):
    with open_mirror(mirror) as con:
        return joined.is_stored(con)


def is_the_join(mirror, rows=ROWS):
    """Compare the view with the join of this moment, both ways."""
    with open_mirror(mirror) as con:
        view, fresh = f"FROM {PHOTOMETRY}", f"FROM ({joined.select()})"
        for one, other in ((view, fresh), (fresh, view)):
            assert con.execute(f"SELECT count(*) FROM ({one} EXCEPT ALL {other})").fetchone() == (0,)
        assert con.execute(f"SELECT count(*) {view}").fetchone() == (rows,)
        assert con.execute(f"DESCRIBE {view}").fetchall() == con.execute(f"DESCRIBE {fresh}").fetchall()


def changed(mirror, work):
    with Mirror.change(mirror) as held:
        return work(held)


def files(mirror):
    return set(photometry(Mirror.read(mirror).tables).files)
