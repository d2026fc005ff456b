-- One row per Gaia source with its ten magnitudes: the input of every sed_* function. What a quality rule refuses is
-- NULL here, a band's magnitude together with its error; the rules are the macros of sql/rules.sql.

CREATE SCHEMA IF NOT EXISTS sed;

CREATE VIEW sed.photometry AS
-- ph_qual and cc_flags have a letter a band. The rules of AllWISE come before its join, where DuckDB looks at each
-- combination of letters once and not at each row; those of 2MASS after it, as before it DuckDB 1.5 would join all
-- of 2MASS for a small cone.
WITH allwise AS (
    SELECT
        *,
        sed.allwise_ph_qual(ph_qual[1]) AND sed.cc_flags(cc_flags[1]) AND sed.has_error(w1mpro_error)
            AND sed.ext_flag(ext_flag) AS w1_kept,
        sed.allwise_ph_qual(ph_qual[2]) AND sed.cc_flags(cc_flags[2]) AND sed.has_error(w2mpro_error)
            AND sed.ext_flag(ext_flag) AS w2_kept,
        sed.allwise_ph_qual(ph_qual[3]) AND sed.cc_flags(cc_flags[3]) AND sed.has_error(w3mpro_error)
            AND sed.ext_flag(ext_flag) AS w3_kept,
        sed.allwise_ph_qual(ph_qual[4]) AND sed.cc_flags(cc_flags[4]) AND sed.has_error(w4mpro_error)
            AND sed.ext_flag(ext_flag) AS w4_kept
    FROM gaiadr1.allwise_original_valid
)
SELECT
    gaia.source_id,
    gaia.ra, gaia.dec,
    CASE WHEN sed.ruwe(gaia.ruwe) THEN gaia.parallax END AS parallax,
    CASE WHEN sed.ruwe(gaia.ruwe) THEN gaia.parallax_error END AS parallax_error,
    CASE WHEN sed.ruwe(gaia.ruwe) THEN gaia.pmra END AS pmra,
    CASE WHEN sed.ruwe(gaia.ruwe) THEN gaia.pmdec END AS pmdec,
    gaia.ruwe,
    gaia.l, gaia.b,

    gaia.phot_g_mean_mag,
    gaia.phot_bp_mean_mag,
    gaia.phot_rp_mean_mag,
    CASE WHEN sed.tmass_ph_qual(tmass.ph_qual[1]) AND sed.has_error(tmass.j_msigcom)
        AND sed.mates(tmass_match.number_of_mates) THEN tmass.j_m END AS j_m,
    CASE WHEN sed.tmass_ph_qual(tmass.ph_qual[2]) AND sed.has_error(tmass.h_msigcom)
        AND sed.mates(tmass_match.number_of_mates) THEN tmass.h_m END AS h_m,
    CASE WHEN sed.tmass_ph_qual(tmass.ph_qual[3]) AND sed.has_error(tmass.ks_msigcom)
        AND sed.mates(tmass_match.number_of_mates) THEN tmass.ks_m END AS ks_m,
    CASE WHEN allwise.w1_kept AND sed.mates(allwise_match.number_of_mates) THEN allwise.w1mpro END AS w1mpro,
    CASE WHEN allwise.w2_kept AND sed.mates(allwise_match.number_of_mates) THEN allwise.w2mpro END AS w2mpro,
    CASE WHEN allwise.w3_kept AND sed.mates(allwise_match.number_of_mates) THEN allwise.w3mpro END AS w3mpro,
    CASE WHEN allwise.w4_kept AND sed.mates(allwise_match.number_of_mates) THEN allwise.w4mpro END AS w4mpro,

    -- Gaia gives errors of fluxes, 2MASS and AllWISE of magnitudes.
    2.5 / ln(10) / gaia.phot_g_mean_flux_over_error AS phot_g_mean_mag_error,
    2.5 / ln(10) / gaia.phot_bp_mean_flux_over_error AS phot_bp_mean_mag_error,
    2.5 / ln(10) / gaia.phot_rp_mean_flux_over_error AS phot_rp_mean_mag_error,
    CASE WHEN sed.tmass_ph_qual(tmass.ph_qual[1]) AND sed.has_error(tmass.j_msigcom)
        AND sed.mates(tmass_match.number_of_mates) THEN tmass.j_msigcom END AS j_msigcom,
    CASE WHEN sed.tmass_ph_qual(tmass.ph_qual[2]) AND sed.has_error(tmass.h_msigcom)
        AND sed.mates(tmass_match.number_of_mates) THEN tmass.h_msigcom END AS h_msigcom,
    CASE WHEN sed.tmass_ph_qual(tmass.ph_qual[3]) AND sed.has_error(tmass.ks_msigcom)
        AND sed.mates(tmass_match.number_of_mates) THEN tmass.ks_msigcom END AS ks_msigcom,
    CASE WHEN allwise.w1_kept AND sed.mates(allwise_match.number_of_mates) THEN allwise.w1mpro_error END AS w1mpro_error,
    CASE WHEN allwise.w2_kept AND sed.mates(allwise_match.number_of_mates) THEN allwise.w2mpro_error END AS w2mpro_error,
    CASE WHEN allwise.w3_kept AND sed.mates(allwise_match.number_of_mates) THEN allwise.w3mpro_error END AS w3mpro_error,
    CASE WHEN allwise.w4_kept AND sed.mates(allwise_match.number_of_mates) THEN allwise.w4mpro_error END AS w4mpro_error

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
LEFT JOIN allwise ON allwise.allwise_oid = allwise_match.allwise_oid;

COMMENT ON VIEW sed.photometry IS 'Gaia sources with their ten magnitudes from Gaia, 2MASS and AllWISE';
