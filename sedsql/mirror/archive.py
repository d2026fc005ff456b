"""List the archive's tables that an SED is made of, and their columns with the archive's units and UCDs.

Sources: Gaia DR3 documentation, chapter 20 (data model); Skrutskie et al. 2006 and Cutri et al. 2013 for
the columns of 2MASS and AllWISE. Descriptions are short ones of our own.
"""

from sedsql.catalogue import Column, Table, table_of

# Name, datatype, unit, UCD, description; '-' for none.
_GAIA_SOURCE = """
solution_id | BIGINT | - | meta.version | Solution that the row comes from
designation | VARCHAR | - | meta.id;meta.main | Name of the source, with the release
source_id | BIGINT | - | meta.id | Identifier; its upper bits are the HEALPix cell of level 12
random_index | BIGINT | - | meta.code | A permutation of the rows, to draw samples from
ref_epoch | DOUBLE | yr | meta.ref;time.epoch | Epoch of the position (Julian year)
ra | DOUBLE | deg | pos.eq.ra;meta.main | Right ascension, ICRS
ra_error | REAL | mas | stat.error;pos.eq.ra | Standard error of ra, times cos(dec)
dec | DOUBLE | deg | pos.eq.dec;meta.main | Declination, ICRS
dec_error | REAL | mas | stat.error;pos.eq.dec | Standard error of dec
parallax | DOUBLE | mas | pos.parallax.trig | Parallax
parallax_error | REAL | mas | stat.error;pos.parallax.trig | Standard error of parallax
parallax_over_error | REAL | - | stat.snr;pos.parallax.trig | Parallax over its standard error
pm | REAL | mas.yr**-1 | pos.pm;pos.eq | Total proper motion
pmra | DOUBLE | mas.yr**-1 | pos.pm;pos.eq.ra | Proper motion in right ascension, times cos(dec)
pmra_error | REAL | mas.yr**-1 | stat.error;pos.pm;pos.eq.ra | Standard error of pmra
pmdec | DOUBLE | mas.yr**-1 | pos.pm;pos.eq.dec | Proper motion in declination
pmdec_error | REAL | mas.yr**-1 | stat.error;pos.pm;pos.eq.dec | Standard error of pmdec
ruwe | REAL | - | stat.error | Renormalised unit weight error of the astrometry
phot_g_mean_flux | DOUBLE | electron.s**-1 | phot.flux;em.opt | Mean flux in G
phot_g_mean_flux_error | REAL | electron.s**-1 | stat.error;phot.flux;em.opt | Error of the mean flux in G
phot_g_mean_flux_over_error | REAL | - | stat.snr;phot.flux;em.opt | Mean flux in G over its error
phot_g_mean_mag | REAL | mag | phot.mag;em.opt | Mean magnitude in G, Vega
phot_bp_mean_flux | DOUBLE | electron.s**-1 | phot.flux;em.opt.B | Mean flux in BP
phot_bp_mean_flux_error | REAL | electron.s**-1 | stat.error;phot.flux;em.opt.B | Error of the mean flux in BP
phot_bp_mean_flux_over_error | REAL | - | stat.snr;phot.flux;em.opt.B | Mean flux in BP over its error
phot_bp_mean_mag | REAL | mag | phot.mag;em.opt.B | Mean magnitude in BP, Vega
phot_rp_mean_flux | DOUBLE | electron.s**-1 | phot.flux;em.opt.R | Mean flux in RP
phot_rp_mean_flux_error | REAL | electron.s**-1 | stat.error;phot.flux;em.opt.R | Error of the mean flux in RP
phot_rp_mean_flux_over_error | REAL | - | stat.snr;phot.flux;em.opt.R | Mean flux in RP over its error
phot_rp_mean_mag | REAL | mag | phot.mag;em.opt.R | Mean magnitude in RP, Vega
phot_bp_rp_excess_factor | REAL | - | arith.factor;phot.flux;em.opt | Flux in BP and RP over that in G
bp_rp | REAL | mag | phot.color;em.opt.B;em.opt.R | Colour BP - RP
bp_g | REAL | mag | phot.color;em.opt.B;em.opt | Colour BP - G
g_rp | REAL | mag | phot.color;em.opt;em.opt.R | Colour G - RP
radial_velocity | REAL | km.s**-1 | spect.dopplerVeloc.opt;em.opt.I | Radial velocity, barycentric
l | DOUBLE | deg | pos.galactic.lon | Galactic longitude
b | DOUBLE | deg | pos.galactic.lat | Galactic latitude
"""
_NEIGHBOUR = """
source_id | BIGINT | - | meta.id | Identifier of the Gaia source
original_ext_source_id | VARCHAR | - | meta.id | Name of the matched source in its own catalogue
angular_distance | REAL | arcsec | pos.angDistance | Distance between the two
xm_flag | SMALLINT | - | meta.code | How the match was made
{oid} | BIGINT | - | meta.id | Number of the matched source
number_of_neighbours | SMALLINT | - | meta.number | Sources of the other catalogue that match this one
number_of_mates | SMALLINT | - | meta.number | Other Gaia sources that match the same one
"""
_TMASS_JOIN = """
original_psc_source_id | VARCHAR | - | meta.id | Designation in the 2MASS point source catalogue
original_xsc_source_id | VARCHAR | - | meta.id | Designation in the 2MASS extended source catalogue
clean_tmass_psc_xsc_oid | BIGINT | - | meta.id | Number that the neighbour tables carry
"""
_TMASS = """
designation | VARCHAR | - | meta.id;meta.main | Name from the J2000 position, hhmmssss+ddmmsss
tmass_oid | BIGINT | - | meta.id | Running number
ra | DOUBLE | deg | pos.eq.ra;meta.main | Right ascension, J2000
dec | DOUBLE | deg | pos.eq.dec;meta.main | Declination, J2000
j_m | REAL | mag | phot.mag;em.IR.J | Magnitude in J, Vega; a limit where ph_qual says U
j_msigcom | REAL | mag | stat.error;phot.mag;em.IR.J | Error of j_m; NULL for a limit
h_m | REAL | mag | phot.mag;em.IR.H | Magnitude in H, Vega; a limit where ph_qual says U
h_msigcom | REAL | mag | stat.error;phot.mag;em.IR.H | Error of h_m; NULL for a limit
ks_m | REAL | mag | phot.mag;em.IR.K | Magnitude in Ks, Vega; a limit where ph_qual says U
ks_msigcom | REAL | mag | stat.error;phot.mag;em.IR.K | Error of ks_m; NULL for a limit
ph_qual | VARCHAR | - | meta.code.qual;phot | Quality of J, H, Ks: A to D measured, E F poor, U limit, X none
"""
_ALLWISE = """
designation | VARCHAR | - | meta.id;meta.main | Name from the position, Jhhmmss.ss+ddmmss.s
allwise_oid | BIGINT | - | meta.id | Running number
ra | DOUBLE | deg | pos.eq.ra;meta.main | Right ascension, J2000
dec | DOUBLE | deg | pos.eq.dec;meta.main | Declination, J2000
w1mpro | DOUBLE | mag | phot.mag;em.IR.3-4um | Magnitude in W1, Vega; a limit where ph_qual says U
w1mpro_error | DOUBLE | mag | stat.error;phot.mag;em.IR.3-4um | Error of w1mpro; NULL for a limit
w2mpro | DOUBLE | mag | phot.mag;em.IR.4-8um | Magnitude in W2, Vega; a limit where ph_qual says U
w2mpro_error | DOUBLE | mag | stat.error;phot.mag;em.IR.4-8um | Error of w2mpro; NULL for a limit
w3mpro | DOUBLE | mag | phot.mag;em.IR.8-15um | Magnitude in W3, Vega; a limit where ph_qual says U
w3mpro_error | DOUBLE | mag | stat.error;phot.mag;em.IR.8-15um | Error of w3mpro; NULL for a limit
w4mpro | DOUBLE | mag | phot.mag;em.IR.15-30um | Magnitude in W4, Vega; a limit where ph_qual says U
w4mpro_error | DOUBLE | mag | stat.error;phot.mag;em.IR.15-30um | Error of w4mpro; NULL for a limit
cc_flags | VARCHAR | - | meta.code;phot | Artefacts in W1 to W4: 0 none, upper case certain
ext_flag | SMALLINT | - | meta.code;phot | 0 for a point source, larger near or on an extended one
var_flag | VARCHAR | - | meta.code;src.var | Likelihood of variability in W1 to W4: n not tested, 0 to 9
ph_qual | VARCHAR | - | meta.code.qual;phot | Quality of W1 to W4: A B C measured, U limit, X Z none
"""


def _table(name: str, description: str, text: str) -> Table:
    columns = []
    for line in text.strip().splitlines():
        column, datatype, unit, ucd, about = (part.strip() for part in line.split("|"))
        columns.append(Column(column, datatype, None if unit == "-" else unit, ucd, about))
    return table_of(name, description, columns)


GAIA = "gaiadr3.gaia_source"

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        _table(GAIA, "Gaia DR3 sources: astrometry and mean photometry", _GAIA_SOURCE),
        _table(
            "gaiadr3.tmass_psc_xsc_best_neighbour",
            "Best match of Gaia DR3 sources in 2MASS",
            _NEIGHBOUR.format(oid="clean_tmass_psc_xsc_oid"),
        ),
        _table("gaiadr3.tmass_psc_xsc_join", "Numbers of the match tables to 2MASS designations", _TMASS_JOIN),
        _table("gaiadr1.tmass_original_valid", "2MASS point source catalogue", _TMASS),
        _table(
            "gaiadr3.allwise_best_neighbour",
            "Best match of Gaia DR3 sources in AllWISE",
            _NEIGHBOUR.format(oid="allwise_oid"),
        ),
        _table("gaiadr1.allwise_original_valid", "AllWISE source catalogue", _ALLWISE),
    )
}
"""By qualified name."""

COMPUTED: tuple[Column, ...] = tuple(
    Column(
        f"phot_{band}_mean_mag_error",
        "DOUBLE",
        "mag",
        f"stat.error;phot.mag;{ucd}",
        f"Error of phot_{band}_mean_mag",
    )
    for band, ucd in (("g", "em.opt"), ("bp", "em.opt.B"), ("rp", "em.opt.R"))
)
"""Columns that `sed.photometry` computes."""
