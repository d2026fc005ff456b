"""Fetch what sed.photometry needs of a region from one service: `mirror sed`.

Gaia sources and their best matches are asked for by source_id. The service finds the rows of 2MASS and AllWISE that
belong to them by a join, or by a list that it is sent.
"""

from collections.abc import Iterator, Mapping

from sedsql.catalogue import Table, table_of
from sedsql.mirror import Progress, silent
from sedsql.mirror.add import Download, named, partitioning_of
from sedsql.mirror.add.estimate import Estimate, Wanted, estimate
from sedsql.mirror.add.matched import Matched
from sedsql.mirror.add.partitioning import Partitioning
from sedsql.mirror.archive import GAIA, TABLES
from sedsql.mirror.ranges import SKY, Ranges, bridged, minus
from sedsql.mirror.regions import cells_of_region
from sedsql.mirror.table_state import TableState
from sedsql.tap.service import Service

TMASS_MATCH, TMASS_JOIN, TMASS = (
    "gaiadr3.tmass_psc_xsc_best_neighbour",
    "gaiadr3.tmass_psc_xsc_join",
    "gaiadr1.tmass_original_valid",
)
ALLWISE_MATCH, ALLWISE = "gaiadr3.allwise_best_neighbour", "gaiadr1.allwise_original_valid"

# Of the 2MASS sources under one number only the one that was matched, as in sql/views.sql.
_TO_TMASS_JOIN = (
    f"{TMASS_MATCH} AS m JOIN {TMASS_JOIN} AS {{j}} ON {{j}}.clean_tmass_psc_xsc_oid = m.clean_tmass_psc_xsc_oid "
    "AND {j}.original_psc_source_id = m.original_ext_source_id"
)
_MATCHED = {
    TMASS_JOIN: (_TO_TMASS_JOIN.format(j="t"), "original_psc_source_id", TMASS_MATCH, "original_ext_source_id"),
    TMASS: (
        f"{_TO_TMASS_JOIN.format(j='j')} JOIN {TMASS} AS t ON t.designation = j.original_psc_source_id",
        "designation",
        TMASS_MATCH,
        "original_ext_source_id",
    ),
    ALLWISE: (
        f"{ALLWISE_MATCH} AS m JOIN {ALLWISE} AS t ON t.allwise_oid = m.allwise_oid",
        "allwise_oid",
        ALLWISE_MATCH,
        "allwise_oid",
    ),
}
"""By a table whose rows belong to sources: the FROM of the question, the column that tells its rows apart, and the
table and column in which the mirror has the values of that column."""


def fetch_photometry(download: Download, service: Service, region: str | None, where: str | None, whole: bool) -> int:
    """Fetch all tables of sed.photometry for a region; gives the rows that came.

    where : ADQL that Gaia's rows must meet; the others follow the source_ids of the region
    whole : all columns of gaia_source, not only those that sed.photometry and its users need
    """
    cells = _cells(region)
    for table, partitioning in _tables(service, where, whole):
        download.want(table, service, partitioning, cells)
    # All that is wanted is saved before the first part is fetched: `resume` must know it, whatever happens.
    download.mirror.save()
    return sum(download.fetch(name, service) for name in TABLES)


def expect_photometry(
    service: Service,
    region: str | None,
    where: str | None,
    whole: bool,
    *,
    there: Mapping[str, TableState],
    parallel: int,
    progress: Progress = silent,
) -> Estimate:
    """Tell what `fetch_photometry` would bring, without storing anything.

    there : the tables that the mirror has already, by name
    """
    cells, wanted = _cells(region), []
    for name, (table, partitioning) in zip(TABLES, _tables(service, where, whole), strict=True):
        covered = there[name].covered if name in there else []
        wanted.append(Wanted(table, partitioning, minus(cells, covered)))
    return estimate(wanted, service, parallel, progress)


def _cells(region: str | None) -> Ranges:
    return bridged(cells_of_region(region)) if region else SKY


def _tables(service: Service, where: str | None, whole: bool) -> Iterator[tuple[Table, Partitioning]]:
    """All tables of sed.photometry, and how each is asked for."""
    for name in TABLES:
        yield _asked(service, name, where if name == GAIA else None, whole)


def _asked(service: Service, name: str, where: str | None, whole: bool) -> tuple[Table, Partitioning]:
    """The table with the wanted columns, and how it is asked for."""
    theirs = service.table(name)
    found = named(theirs)
    if not whole or name != GAIA:
        columns = [found.columns[column] for column in TABLES[name].columns if column in found.columns]
        found = table_of(found.name, found.description, columns)
    if name in _MATCHED:
        joins, *keys = _MATCHED[name]
        names = tuple(column.name for column in found.columns.values())
        return found, Matched(name, names, None, joins, *keys)
    return found, partitioning_of(found, theirs.name, service, where, None)[0]
