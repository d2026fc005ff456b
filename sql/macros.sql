-- sed_points, sed_alpha, sed_stage: an SED as fluxes, and its infrared slope. They need no model, no Python
-- and no extension. `s` is the alias of any table or subquery with the ten columns, or the ten magnitudes are
-- given one by one. NULL and NaN both mean a missing band. `inference/macros.py` puts CREATE OR REPLACE MACRO, or TEMP
-- MACRO, in the place of $create.
--
-- Zero points in Jy and effective wavelengths in micrometres, with their sources, are those of
-- sedsql/photometry/bands.py; a test holds the two together.

-- One point of an SED: flux density F_nu in Jy, lambda F_lambda = nu F_nu in W m^-2.
$create _sed_point(band, wavelength_um, zero_point_jy, magnitude) AS {
    'band': band,
    'wavelength_um': wavelength_um::DOUBLE,
    'flux_jy': zero_point_jy * 10 ** (-0.4 * magnitude::DOUBLE),
    'lambda_flux': zero_point_jy * 10 ** (-0.4 * magnitude::DOUBLE) * 1e-26 * 299792458e6 / wavelength_um
};

-- The points of the bands that are there, from G to W4.
$create _sed_points(g, bp, rp, j, h, ks, w1, w2, w3, w4) AS
    [point FOR point IN [
        _sed_point('phot_g_mean_mag', 0.62176, 3270.055607688258, g),
        _sed_point('phot_bp_mean_mag', 0.51097, 3579.817715195805, bp),
        _sed_point('phot_rp_mean_mag', 0.7769, 2615.7181969039193, rp),
        _sed_point('j_m', 1.235, 1594.0, j),
        _sed_point('h_m', 1.662, 1024.0, h),
        _sed_point('ks_m', 2.159, 666.7, ks),
        _sed_point('w1mpro', 3.3526, 309.54, w1),
        _sed_point('w2mpro', 4.6028, 171.787, w2),
        _sed_point('w3mpro', 11.5608, 31.674, w3),
        _sed_point('w4mpro', 22.0883, 8.363, w4)
    ] IF point.flux_jy > 0 AND isfinite(point.flux_jy)];

$create sed_points
    (g, bp, rp, j, h, ks, w1, w2, w3, w4) AS
        _sed_points(g, bp, rp, j, h, ks, w1, w2, w3, w4),
    (s) AS
        _sed_points(
            s.phot_g_mean_mag, s.phot_bp_mean_mag, s.phot_rp_mean_mag,
            s.j_m, s.h_m, s.ks_m,
            s.w1mpro, s.w2mpro, s.w3mpro, s.w4mpro
        );

-- log10(lambda F_lambda) up to a constant, which a slope does not see; NULL where the band is missing.
$create _sed_log(zero_point_jy, wavelength_um, magnitude) AS
    log10(zero_point_jy / wavelength_um) - 0.4 * nullif(magnitude::DOUBLE, 'nan'::DOUBLE);

$create _sed_log_wavelengths() AS
    [log10(2.159), log10(3.3526), log10(4.6028), log10(11.5608), log10(22.0883)];

-- The slope of a least-squares line is a sum of its values with weights that hang on where they are: for each of the
-- 32 sets of bands, the weights of the five, NaN where there are fewer than two. DuckDB computes them when it plans.
$create _sed_weights() AS [
    [
        if(len(xs) < 2, 'nan'::DOUBLE, if(list_contains(xs, x), len(xs) * x - list_sum(xs), 0)
            / (len(xs) * list_dot_product(xs, xs) - list_sum(xs) ** 2))
        FOR x IN _sed_log_wavelengths()
    ]
    FOR xs IN [[x FOR x, k IN _sed_log_wavelengths() IF (bands >> (k - 1)) & 1 = 1] FOR bands IN range(32)]
];

$create _sed_bit(magnitude, worth) AS if(nullif(magnitude::DOUBLE, 'nan'::DOUBLE) IS NULL, 0, worth);

-- A list of one slope, as nullif would have its argument bound twice: for each query, and when the macro is made.
$create _sed_alpha(ks, w1, w2, w3, w4) AS [if(isnan(slope), NULL, slope) FOR slope IN [list_dot_product(
    _sed_weights()[
        1 + _sed_bit(ks, 1) + _sed_bit(w1, 2) + _sed_bit(w2, 4) + _sed_bit(w3, 8) + _sed_bit(w4, 16)
    ],
    [
        coalesce(_sed_log(666.7, 2.159, ks), 0),
        coalesce(_sed_log(309.54, 3.3526, w1), 0),
        coalesce(_sed_log(171.787, 4.6028, w2), 0),
        coalesce(_sed_log(31.674, 11.5608, w3), 0),
        coalesce(_sed_log(8.363, 22.0883, w4), 0)
    ]
)]][1];

-- Infrared spectral index d log(lambda F_lambda) / d log(lambda) over those of Ks, W1 ... W4 that are there,
-- NULL where fewer than two are (Lada 1987; Greene et al. 1994).
$create sed_alpha
    (g, bp, rp, j, h, ks, w1, w2, w3, w4) AS _sed_alpha(ks, w1, w2, w3, w4),
    (s) AS _sed_alpha(s.ks_m, s.w1mpro, s.w2mpro, s.w3mpro, s.w4mpro);

-- Stage by that index (Greene et al. 1994, after Lada 1987).
-- A list of one index, so that the index is written, and so bound and computed, once.
$create _sed_stage(alpha) AS [
    CASE WHEN a >= 0.3 THEN 'I' WHEN a >= -0.3 THEN 'flat' WHEN a >= -1.6 THEN 'II' WHEN a < -1.6 THEN 'III' END
    FOR a IN [alpha]
][1];

$create sed_stage
    (g, bp, rp, j, h, ks, w1, w2, w3, w4) AS _sed_stage(sed_alpha(g, bp, rp, j, h, ks, w1, w2, w3, w4)),
    (s) AS _sed_stage(sed_alpha(s));
