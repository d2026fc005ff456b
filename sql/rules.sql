-- The quality rules of sed.photometry (sql/views.sql): each macro is true where a value is kept.
--
-- A rule is looked up when the view is read, so it is switched off for good in the mirror's database by
--     CREATE OR REPLACE MACRO sed.mates(number_of_mates) AS true;
-- and sed.rules, below, says what each rule is for, where it comes from, and whether it is applied now.

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
