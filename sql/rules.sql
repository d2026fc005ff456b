-- The quality rules of sed.photometry (sql/views.sql): each macro is true where a value is kept.
--
-- A rule is looked up when the view is read, so it is switched off for good in the mirror's database by
--     CREATE OR REPLACE MACRO sed.mates(number_of_mates) AS true;
-- (then `sedsql mirror refresh`, where sed.photometry is stored), and sed.rules, below, says what each rule is for, where
-- it comes from, and whether it is applied now.

CREATE SCHEMA IF NOT EXISTS sed;

-- One letter of ph_qual, that of the band. Where there is no letter at all, nothing speaks against the value.
CREATE OR REPLACE MACRO sed.tmass_ph_qual(letter) AS coalesce(letter, 'A') IN ('A', 'B', 'C', 'D');

CREATE OR REPLACE MACRO sed.allwise_ph_qual(letter) AS coalesce(letter, 'A') IN ('A', 'B', 'C');

CREATE OR REPLACE MACRO sed.has_error(error) AS error IS NOT NULL;

-- One letter of cc_flags, that of the band.
CREATE OR REPLACE MACRO sed.cc_flags(letter) AS coalesce(letter, '0') NOT IN ('D', 'P', 'H', 'O');

CREATE OR REPLACE MACRO sed.ext_flag(flag) AS coalesce(flag, 0) < 2;

CREATE OR REPLACE MACRO sed.mates(number_of_mates) AS coalesce(number_of_mates, 0) = 0;

CREATE OR REPLACE MACRO sed.ruwe(ruwe) AS coalesce(ruwe, 1) <= 1.4;

-- The probe of each rule is a value that it refuses, so `applied` says what the view does, not what was meant.
CREATE OR REPLACE VIEW sed.rules AS
SELECT * FROM (VALUES
    (
        'tmass_ph_qual', NOT sed.tmass_ph_qual('U'),
        'A band of 2MASS is kept where ph_qual has A, B, C or D. U is an upper limit, E a poor fit, F has no '
        || 'reliable error and X no brightness.',
        '2MASS Explanatory Supplement, Section II.2.a; Skrutskie et al. 2006, AJ 131, 1163'
    ),
    (
        'allwise_ph_qual', NOT sed.allwise_ph_qual('U'),
        'A band of AllWISE is kept where ph_qual has A, B or C: more than 10, 3 and 2 sigma. U is an upper limit, '
        || 'X has no fit and Z no error.',
        'AllWISE Explanatory Supplement (Cutri et al. 2013), Section II.1.a'
    ),
    (
        'has_error', NOT sed.has_error(NULL),
        'An infrared magnitude without an error is a limit too, whatever its flag: both surveys leave the error out '
        || 'where they give a limit.',
        '2MASS Explanatory Supplement, Section II.2.a; AllWISE Explanatory Supplement, Section II.1.a'
    ),
    (
        'cc_flags', NOT sed.cc_flags('D'),
        'A band of AllWISE is dropped where cc_flags has D, P, H or O: it may be nothing but the spike, latent image, '
        || 'halo or ghost of a bright star. Small letters are kept: a source touched by one.',
        'AllWISE Explanatory Supplement (Cutri et al. 2013), Section II.1.a'
    ),
    (
        'ext_flag', NOT sed.ext_flag(5),
        'AllWISE is dropped where ext_flag is 2 or more: the source is, or lies upon, an extended source of 2MASS, and '
        || 'its magnitudes come from fits of a point source. 1, a poor fit alone, is kept.',
        'AllWISE Explanatory Supplement (Cutri et al. 2013), Section II.1.a'
    ),
    (
        'mates', NOT sed.mates(1),
        'A survey is dropped where another Gaia source has the same match in it (number_of_mates > 0): its light is '
        || 'that of both.',
        'Marrese et al. 2019, A&A 621, A144, Section 2; Gaia DR3 documentation, Section 20.4'
    ),
    (
        'ruwe', NOT sed.ruwe(1.5),
        'Parallax, its error and the proper motion are dropped where ruwe is above 1.4: a single star does not fit '
        || 'the astrometry. Magnitudes stay.',
        'Lindegren 2018, GAIA-C3-TN-LU-LL-124-01; Gaia DR3 documentation, Section 20.1.1'
    )
) AS rules(rule, applied, about, source);

COMMENT ON VIEW sed.rules IS 'Quality rules of sed.photometry: what each is for, and whether it is applied now';
COMMENT ON COLUMN sed.rules.rule IS 'Name of the rule, and of its macro in the schema sed';
COMMENT ON COLUMN sed.rules.applied IS 'Whether it is switched on in this mirror';
COMMENT ON COLUMN sed.rules.about IS 'What it keeps and drops, and why';
COMMENT ON COLUMN sed.rules.source IS 'Paper or documentation that it follows';
