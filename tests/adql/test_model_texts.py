"""What models can never say is told before a query runs; NULLs of models come last."""

import math

import pytest

from sedsql.adql import AdqlError, translate
from sedsql.inference.answering import Answering
from sedsql.inference.calls import functions
from sedsql.inference.model import find_models
from sedsql.inference.necessary_conditions import Bounds

from .test_rows import CATALOGUE

ANSWERING = Answering.of(find_models())
FUNCTIONS = functions(Bounds({}, ANSWERING.default, {}, math.inf), ANSWERING)
FROM = "FROM sed.photometry AS s"


def translated(query, **rest):
    return translate(query, CATALOGUE, FUNCTIONS, **rest)


REFUSED = [
    (f"SELECT s.ra {FROM} WHERE sed_class(s) = 'YSO'", "'YSO'", "sed_class is never 'YSO'", "did you mean 'yso'"),
    (f"SELECT s.ra {FROM} WHERE 'giants' <> sed_class(s)", "'giants'", "sed_class is never", "did you mean 'giant' or"),
    (f"SELECT s.ra {FROM} WHERE NOT (sed_class(s) IN ('yso', 'YSO '))", "'YSO '", "sed_class is never", "'yso'"),
    (f"SELECT s.ra {FROM} WHERE sed_class(s) = 'evolved'", "'evolved'", "sed_class is never", "it is one of"),
    (f"SELECT s.ra {FROM} WHERE sed_node(s, 0.9) = 'Evolved'", "'Evolved'", "sed_node is never", "'evolved'"),
    (f"SELECT s.ra {FROM} WHERE sed_class(s, 'lite-2') = 'Giant'", "'Giant'", "sed_class is never", "'giant'"),
    (f"SELECT s.ra {FROM} WHERE sed_stage(s) = '2'", "'2'", "sed_stage is never '2'", "it is one of I, flat, II, III"),
    ("SELECT ra FROM sed.classified WHERE class = 'YSO'", "'YSO'", "class is never 'YSO'", "did you mean 'yso'"),
    ("SELECT ra FROM sed.classified WHERE class_path = 'yso'", "'yso'", "class_path is never 'yso'", "young/yso"),
    (f"SELECT ra FROM (SELECT ra, sed_class(s) AS c {FROM}) AS q WHERE c = 'AGN'", "'AGN'", "c is never", "'agn'"),
    (f"WITH q AS (SELECT sed_class(s) AS c {FROM}) SELECT c FROM q WHERE q.c = 'AGN'", "'AGN'", "c is never", "'agn'"),
    (f"SELECT sed_class(s) AS c {FROM} GROUP BY c HAVING c = 'AGN'", "'AGN'", "c is never", "'agn'"),
    (f"SELECT sed_proba(s, 'YSO') {FROM}", "'YSO'", "Model sky-1 has no class 'YSO'", "did you mean 'yso'"),
    (f"SELECT s.ra {FROM} WHERE sed_proba(s, 'agb') > 0.5", "'agb'", "Model sky-1 has no class", "agb_carbon"),
    (f"SELECT sed_class(s, 'shape') {FROM}", "'shape'", "No model 'shape'; there are", "'shape-2'"),
    (f"SELECT sed_node(s, 0.3) {FROM}", "0.3", "sed_node takes a probability from 0.5 to 1, not 0.3", None),
    (f"SELECT s.ra {FROM} WHERE sed_class(s) LIKE 'YSO%'", "'YSO%'", "sed_class is never like 'YSO%'", "mean 'yso' or"),
    (f"SELECT s.ra {FROM} WHERE sed_stage(s) NOT LIKE '_x'", "'_x'", "sed_stage is never like '_x'", "it is one of I,"),
    (f"SELECT s.ra {FROM} WHERE sed_proba(s, 'yso') > 90", "90", "sed_proba lies between 0 and 1, never at 90", "0.9"),
    (f"SELECT s.ra {FROM} WHERE -1 < sed_outlier(s)", "-1", "sed_outlier lies between 0 and 1, never at -1", None),
    (f"SELECT s.ra {FROM} WHERE sed_probability(s) BETWEEN 0.5 AND 100", "100", "sed_probability lies between", "1"),
    (f"SELECT p FROM (SELECT sed_proba(s, 'yso') AS p {FROM}) AS q WHERE p > 5", "5", "p lies between 0 and 1", "0.05"),
    (
        f"SELECT s.ra {FROM} WHERE sed_set(s, 0.9) = 'yso'",
        "sed_set",
        "A list is compared with another value",
        "ARRAY_POSITION(..., 'yso')",
    ),
    (f"SELECT s.ra {FROM} WHERE 'yso' IN (sed_set(s, 0.9))", "sed_set", "A list is compared", "ARRAY_POSITION"),
    (f"SELECT s.ra {FROM} WHERE sed_predict(s) = 'yso'", "sed_predict", "A record is compared", None),
    (f"SELECT ARRAY_LENGTH(sed_predict(s)) AS n {FROM}", "ARRAY_LENGTH", "ARRAY_LENGTH does not take columns of", None),
    (f"SELECT sed_set(s, 1.5) {FROM}", "1.5", "sed_set takes a level above 0 and at most", None),
]


@pytest.mark.parametrize(("query", "word", "sentence", "hint"), REFUSED)
def test_what_no_row_can_give_is_told_with_its_place(query, word, sentence, hint):
    with pytest.raises(AdqlError) as caught:
        translated(query)
    text, underline = str(caught.value).splitlines()[1:]
    assert text[underline.index("^") : underline.rindex("^") + 1] == word
    assert caught.value.message.startswith(sentence)
    assert hint is None or hint in caught.value.hint


@pytest.mark.parametrize("values", [["YSO"], {"label": "YSO"}])
def test_a_parameter_is_checked_as_well(values):
    mark = "?" if isinstance(values, list) else ":label"
    with pytest.raises(AdqlError, match="sed_class is never 'YSO'"):
        translated(f"SELECT ra {FROM} WHERE sed_class(s) = {mark}", values=values)
    assert translated(f"SELECT ra {FROM} WHERE sed_class(s) = {mark}")


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT s.ra {FROM} WHERE sed_class(s) = 'yso' OR sed_class(s) IN ('agn', 'giant')",
        f"SELECT s.ra {FROM} WHERE sed_node(s, 0.5) IN ('source', 'young', 'yso')",
        "SELECT ra FROM sed.classified WHERE class = 'evolved' AND class_path <> 'young/yso'",
        f"SELECT s.ra {FROM} WHERE sed_class(s) || 'x' = 'YSO'",
        f"SELECT s.ra {FROM} WHERE sed_class(s) LIKE 'y%' OR sed_class(s) LIKE '%\\%' OR sed_class(s) ILIKE 'YS_'",
        f"SELECT s.ra {FROM} WHERE sed_proba(s, 'yso') BETWEEN 0 AND 1 AND sed_alpha(s) > 2",
        f"SELECT s.ra {FROM} WHERE ARRAY_POSITION(sed_set(s, 0.9), 'yso') > 0",
        f"SELECT c FROM (SELECT sed_class(s) AS c {FROM} UNION SELECT label FROM own.labels) AS q WHERE c = 'YSO'",
        f"SELECT c FROM (SELECT MAX(sed_class(s)) AS c {FROM}) AS q WHERE c <> 'AGN'",
        f"SELECT l.id {FROM} JOIN own.labels AS l ON sed_class(s) = l.label WHERE l.label = 'YSO'",
    ],
)
def test_what_may_be_passes(query):
    assert translated(query)


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT ra {FROM} ORDER BY sed_proba(s, 'yso') DESC",
        f"SELECT sed_proba(s, 'yso') AS p {FROM} ORDER BY p DESC",
        f"SELECT ra {FROM} ORDER BY sed_proba(s, 'yso') + sed_proba(s, 'agn') DESC",
        f"SELECT p FROM (SELECT sed_outlier(s) AS p {FROM}) AS q ORDER BY q.p DESC",
        "SELECT ra FROM sed.classified ORDER BY class_probability DESC",
        "SELECT MAX(outlier) AS o FROM sed.classified GROUP BY FLOOR(ra) ORDER BY o DESC",
        f"SELECT sed_proba(s, 'yso') AS p {FROM} UNION SELECT sed_proba(s, 'agn') {FROM} ORDER BY p DESC",
        f"SELECT ra {FROM} ORDER BY sed_alpha(s) DESC",
    ],
)
@pytest.mark.parametrize("rewrites", [(), ("models",)])
def test_null_of_models_comes_last(query, rewrites):
    written = translated(query, rewrites=rewrites)
    assert written.endswith(" DESC NULLS LAST") or written.endswith(" DESC")
    assert "FIRST" not in written


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT ra {FROM} ORDER BY parallax DESC",
        f"SELECT ra {FROM} ORDER BY sed_proba(s, 'yso') * parallax DESC",
        "SELECT parallax FROM sed.classified ORDER BY parallax DESC",
        f"SELECT parallax AS p {FROM} ORDER BY p DESC",
        f"SELECT sed_proba(s, 'yso') AS p {FROM} UNION SELECT parallax {FROM} ORDER BY p DESC",
    ],
)
def test_null_of_columns_comes_first_as_in_the_archive(query):
    assert translated(query).endswith(" DESC NULLS FIRST")
