"""`mirror sed`: what sed.photometry needs of a region, from one service.

The Gaia sources and their best matches are asked for by source_id. The rows of 2MASS and AllWISE are those
that belong to them, which the service finds by a join, or by a list that it is sent.
"""

from ...catalogue import Table, table_of
from ...tap.service import Service
from .. import cells
from ..archive import TABLES
from ..store import save
from . import Adding, named, slicing_of
from .matched import Matched
from .slices import Slicing

GAIA = "gaiadr3.gaia_source"
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
"""For a table whose rows belong to sources: the FROM of the question, the column that tells its rows apart, and the
table and column in which the mirror has the values of that one."""


def fetch_photometry(adding: Adding, service: Service, region: str | None, where: str | None, whole: bool) -> int:
    """Fetch all tables of sed.photometry for a region; gives the rows that came.

    where : ADQL that Gaia's rows must meet; the others follow the source_ids of the region
    whole : all columns of gaia_source, not only those that sed.photometry and its users need
    """
    wanted = cells.bridged(cells.of_region(region)) if region else cells.SKY
    for name in TABLES:
        table, slicing = _asked(service, name, where if name == GAIA else None, whole)
        adding.want(table, service, slicing, wanted)
    # All that is wanted, before the first of it is fetched: `resume` must know it, whatever happens.
    save(adding.mirror, adding.manifest)
    return sum(adding.fetch(name, service) for name in TABLES)


def _asked(service: Service, name: str, where: str | None, whole: bool) -> tuple[Table, Slicing]:
    """The table with the columns that are wanted, and how it is asked for."""
    theirs = service.table(name)
    found = named(theirs)
    if not whole or name != GAIA:
        columns = [found.columns[column] for column in TABLES[name].columns if column in found.columns]
        found = table_of(found.name, found.description, columns)
    if name in _MATCHED:
        joins, *keys = _MATCHED[name]
        names = tuple(column.name for column in found.columns.values())
        return found, Matched(name, names, None, joins, *keys)
    return found, slicing_of(found, theirs.name, service, where, None)[0]
