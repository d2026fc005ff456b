-- sed_class, sed_proba, sed_predict: what a model says of a source. `s` is the alias of any table or subquery
-- with the ten columns, or the ten magnitudes are given one by one. NULL and NaN both mean a missing band.
--
-- They call _sed_class, _sed_proba and _sed_predict, which `sedsql.register(con)` registers under these names and
-- a key of the models; a NULL model is the connection's default. FLOAT, because models compare float32 values.

CREATE OR REPLACE TEMP MACRO sed_class
    (s) AS
        _sed_class(
            s.phot_g_mean_mag::FLOAT, s.phot_bp_mean_mag::FLOAT, s.phot_rp_mean_mag::FLOAT,
            s.j_m::FLOAT, s.h_m::FLOAT, s.ks_m::FLOAT,
            s.w1mpro::FLOAT, s.w2mpro::FLOAT, s.w3mpro::FLOAT, s.w4mpro::FLOAT, NULL
        ),
    (s, model) AS
        _sed_class(
            s.phot_g_mean_mag::FLOAT, s.phot_bp_mean_mag::FLOAT, s.phot_rp_mean_mag::FLOAT,
            s.j_m::FLOAT, s.h_m::FLOAT, s.ks_m::FLOAT,
            s.w1mpro::FLOAT, s.w2mpro::FLOAT, s.w3mpro::FLOAT, s.w4mpro::FLOAT, model
        ),
    (g, bp, rp, j, h, ks, w1, w2, w3, w4) AS
        _sed_class(
            g::FLOAT, bp::FLOAT, rp::FLOAT,
            j::FLOAT, h::FLOAT, ks::FLOAT,
            w1::FLOAT, w2::FLOAT, w3::FLOAT, w4::FLOAT, NULL
        ),
    (g, bp, rp, j, h, ks, w1, w2, w3, w4, model) AS
        _sed_class(
            g::FLOAT, bp::FLOAT, rp::FLOAT,
            j::FLOAT, h::FLOAT, ks::FLOAT,
            w1::FLOAT, w2::FLOAT, w3::FLOAT, w4::FLOAT, model
        );

CREATE OR REPLACE TEMP MACRO sed_proba
    (s, label) AS
        _sed_proba(
            s.phot_g_mean_mag::FLOAT, s.phot_bp_mean_mag::FLOAT, s.phot_rp_mean_mag::FLOAT,
            s.j_m::FLOAT, s.h_m::FLOAT, s.ks_m::FLOAT,
            s.w1mpro::FLOAT, s.w2mpro::FLOAT, s.w3mpro::FLOAT, s.w4mpro::FLOAT, label, NULL
        ),
    (s, label, model) AS
        _sed_proba(
            s.phot_g_mean_mag::FLOAT, s.phot_bp_mean_mag::FLOAT, s.phot_rp_mean_mag::FLOAT,
            s.j_m::FLOAT, s.h_m::FLOAT, s.ks_m::FLOAT,
            s.w1mpro::FLOAT, s.w2mpro::FLOAT, s.w3mpro::FLOAT, s.w4mpro::FLOAT, label, model
        ),
    (g, bp, rp, j, h, ks, w1, w2, w3, w4, label) AS
        _sed_proba(
            g::FLOAT, bp::FLOAT, rp::FLOAT,
            j::FLOAT, h::FLOAT, ks::FLOAT,
            w1::FLOAT, w2::FLOAT, w3::FLOAT, w4::FLOAT, label, NULL
        ),
    (g, bp, rp, j, h, ks, w1, w2, w3, w4, label, model) AS
        _sed_proba(
            g::FLOAT, bp::FLOAT, rp::FLOAT,
            j::FLOAT, h::FLOAT, ks::FLOAT,
            w1::FLOAT, w2::FLOAT, w3::FLOAT, w4::FLOAT, label, model
        );

CREATE OR REPLACE TEMP MACRO sed_predict
    (s) AS
        _sed_predict(
            s.phot_g_mean_mag::FLOAT, s.phot_bp_mean_mag::FLOAT, s.phot_rp_mean_mag::FLOAT,
            s.j_m::FLOAT, s.h_m::FLOAT, s.ks_m::FLOAT,
            s.w1mpro::FLOAT, s.w2mpro::FLOAT, s.w3mpro::FLOAT, s.w4mpro::FLOAT, NULL
        ),
    (s, model) AS
        _sed_predict(
            s.phot_g_mean_mag::FLOAT, s.phot_bp_mean_mag::FLOAT, s.phot_rp_mean_mag::FLOAT,
            s.j_m::FLOAT, s.h_m::FLOAT, s.ks_m::FLOAT,
            s.w1mpro::FLOAT, s.w2mpro::FLOAT, s.w3mpro::FLOAT, s.w4mpro::FLOAT, model
        ),
    (g, bp, rp, j, h, ks, w1, w2, w3, w4) AS
        _sed_predict(
            g::FLOAT, bp::FLOAT, rp::FLOAT,
            j::FLOAT, h::FLOAT, ks::FLOAT,
            w1::FLOAT, w2::FLOAT, w3::FLOAT, w4::FLOAT, NULL
        ),
    (g, bp, rp, j, h, ks, w1, w2, w3, w4, model) AS
        _sed_predict(
            g::FLOAT, bp::FLOAT, rp::FLOAT,
            j::FLOAT, h::FLOAT, ks::FLOAT,
            w1::FLOAT, w2::FLOAT, w3::FLOAT, w4::FLOAT, model
        );

-- For translated queries, in which one inference serves all functions of a row: the whole answer, and the place of
-- a label in its probabilities.
CREATE OR REPLACE TEMP MACRO sed_answer
    (s, model) AS
        _sed_answer(
            s.phot_g_mean_mag::FLOAT, s.phot_bp_mean_mag::FLOAT, s.phot_rp_mean_mag::FLOAT,
            s.j_m::FLOAT, s.h_m::FLOAT, s.ks_m::FLOAT,
            s.w1mpro::FLOAT, s.w2mpro::FLOAT, s.w3mpro::FLOAT, s.w4mpro::FLOAT, model
        ),
    (g, bp, rp, j, h, ks, w1, w2, w3, w4, model) AS
        _sed_answer(
            g::FLOAT, bp::FLOAT, rp::FLOAT,
            j::FLOAT, h::FLOAT, ks::FLOAT,
            w1::FLOAT, w2::FLOAT, w3::FLOAT, w4::FLOAT, model
        );

CREATE OR REPLACE TEMP MACRO sed_place(label, model) AS _sed_place(label, model);
