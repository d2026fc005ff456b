-- One row per Gaia source with its ten magnitudes: the input of every sed_* function.

CREATE SCHEMA IF NOT EXISTS sed;

CREATE VIEW sed.photometry AS
SELECT
    gaia.source_id,
    gaia.ra, gaia.dec,
    gaia.parallax, gaia.parallax_error,
    gaia.pmra, gaia.pmdec,
    gaia.ruwe,
    gaia.l, gaia.b,

    gaia.phot_g_mean_mag,
    gaia.phot_bp_mean_mag,
    gaia.phot_rp_mean_mag,

    -- ph_qual has a letter a band. A to D are measurements; U is an upper limit and X, E, F have no
    -- usable brightness: as a magnitude each would be wrong, so the band counts as missing. No letter
    -- at all keeps it.
    CASE WHEN coalesce(tmass.ph_qual[1], 'A') IN ('A', 'B', 'C', 'D') THEN tmass.j_m END AS j_m,
    CASE WHEN coalesce(tmass.ph_qual[2], 'A') IN ('A', 'B', 'C', 'D') THEN tmass.h_m END AS h_m,
    CASE WHEN coalesce(tmass.ph_qual[3], 'A') IN ('A', 'B', 'C', 'D') THEN tmass.ks_m END AS ks_m,

    -- The same in AllWISE, where A, B and C are measurements of more than 10, 3 and 2 sigma.
    CASE WHEN coalesce(allwise.ph_qual[1], 'A') IN ('A', 'B', 'C') THEN allwise.w1mpro END AS w1mpro,
    CASE WHEN coalesce(allwise.ph_qual[2], 'A') IN ('A', 'B', 'C') THEN allwise.w2mpro END AS w2mpro,
    CASE WHEN coalesce(allwise.ph_qual[3], 'A') IN ('A', 'B', 'C') THEN allwise.w3mpro END AS w3mpro,
    CASE WHEN coalesce(allwise.ph_qual[4], 'A') IN ('A', 'B', 'C') THEN allwise.w4mpro END AS w4mpro,

    -- Gaia gives errors of fluxes, 2MASS and AllWISE of magnitudes.
    2.5 / ln(10) / gaia.phot_g_mean_flux_over_error AS phot_g_mean_mag_error,
    2.5 / ln(10) / gaia.phot_bp_mean_flux_over_error AS phot_bp_mean_mag_error,
    2.5 / ln(10) / gaia.phot_rp_mean_flux_over_error AS phot_rp_mean_mag_error,
    tmass.j_msigcom, tmass.h_msigcom, tmass.ks_msigcom,
    allwise.w1mpro_error, allwise.w2mpro_error, allwise.w3mpro_error, allwise.w4mpro_error

FROM gaiadr3.gaia_source AS gaia
-- 2MASS is reached through the join table, as the archive's documentation says: the neighbour table
-- carries a number under which suspected duplicates are gathered.
LEFT JOIN gaiadr3.tmass_psc_xsc_best_neighbour AS tmass_match USING (source_id)
LEFT JOIN gaiadr3.tmass_psc_xsc_join AS tmass_join
    ON tmass_join.clean_tmass_psc_xsc_oid = tmass_match.clean_tmass_psc_xsc_oid
    -- Of the duplicates only the one that was matched, so that a source stays one row.
    AND tmass_join.original_psc_source_id = tmass_match.original_ext_source_id
LEFT JOIN gaiadr1.tmass_original_valid AS tmass
    ON tmass.designation = tmass_join.original_psc_source_id
LEFT JOIN gaiadr3.allwise_best_neighbour AS allwise_match USING (source_id)
LEFT JOIN gaiadr1.allwise_original_valid AS allwise
    ON allwise.allwise_oid = allwise_match.allwise_oid;

COMMENT ON VIEW sed.photometry IS 'Gaia sources with their ten magnitudes from Gaia, 2MASS and AllWISE';
