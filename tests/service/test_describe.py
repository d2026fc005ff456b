"""The documents say what is so: each function that is declared can be called, each limit is told, each example runs."""

import re
from datetime import UTC, datetime
from io import BytesIO
from xml.etree import ElementTree

import duckdb
from pyvo.io.vosi import parse_availability, parse_capabilities

import sedsql
from sedsql.adql.functions.registry import USER_DEFINED
from sedsql.catalogue import Catalogue
from sedsql.inference.calls import FUNCTIONS
from sedsql.mirror.lock import writing
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.sample import write_sample
from sedsql.service.describe.availability import availability
from sedsql.service.describe.capabilities import Format, Offer, capabilities
from sedsql.service.describe.examples import examples, queries
from sedsql.service.describe.facts import Facts, MirrorFacts
from sedsql.service.describe.features import LANGUAGE_FEATURES, user_defined

URL = "http://localhost:8080/tap"
VALUES = {
    **{"DOUBLE": "1", "REAL": "12.5", "BIGINT": "3", "VARCHAR": "'a'", "TIMESTAMP": "'2026-01-01'", "ANY": "1"},
    **{"POINT": "POINT(1, 2)", "REGION": "CIRCLE(1, 2, 3)", "ARRAY": "t.list", "CONDITION": "1 = 1"},
}
"""A value of each type that is declared."""
OF_NAMES = {"label VARCHAR": "'yso'", "model VARCHAR": "'shape-2'", "least DOUBLE": "0.5", "level DOUBLE": "0.9"}


def arguments(form):
    inside = form[form.index("(") + 1 : form.index(")")]
    return inside.split(", ") if inside else []


def test_every_function_is_declared_once_for_each_number_of_arguments():
    found = [(form.partition("(")[0], len(arguments(form))) for form, _ in user_defined()]
    assert len(found) == len(set(found))
    assert {name for name, _ in found} == {name.lower() for name in USER_DEFINED} | set(FUNCTIONS)
    for name, function in FUNCTIONS.items():
        declared = {size for other, size in found if other == name}
        assert declared == {size for size in function.arity if size >= 10}, name


def test_every_declared_form_is_taken():
    """But for what takes constants of a kind that no type tells, such as a frame or a unit."""
    constants = ("ivo_geom_transform", "gavo_transform", "gavo_specconv", "esdc_trim", "to_char", "esdc_to_char")
    refused = {}
    with sedsql.connect(strict=True) as con:
        con.duckdb.execute("CREATE TABLE t (list DOUBLE[])")
        con.catalogue = Catalogue.of(con.duckdb)
        for form, _ in user_defined():
            name = form.partition("(")[0]
            values = [OF_NAMES.get(argument) or VALUES[argument.split()[1]] for argument in arguments(form)]
            try:
                con.translate(f"SELECT {name}({', '.join(values)}) AS y FROM t")
            except sedsql.AdqlError as error:
                if name not in constants:
                    refused[form] = str(error)
    assert not refused


def test_clients_can_parse_every_form():
    """AdqlLib, which TOPCAT checks queries by, has no arrays and no underscores in the names of arguments."""
    one = r"[A-Za-z][A-Za-z0-9]* [A-Z]+"
    for form, _ in user_defined():
        assert re.fullmatch(rf"[A-Za-z][A-Za-z0-9_]*\(({one}(, {one})*)?\) -> [A-Z]+", form), form


def test_capabilities_as_pyvo_reads_them():
    offer = Offer(
        (Format("text/csv", ("csv",)), Format("application/x-votable+xml", ("votable",))),
        maxrec=(1000, 5000),
        seconds=(60, 600),
        days=(1, 2),
        upload_bytes=10_000,
        by_url=True,
        security=("ivo://ivoa.net/sso#BasicAA",),
    )
    found = parse_capabilities(BytesIO(capabilities(URL, offer)).read)
    tap = next(one for one in found if one.standardid == "ivo://ivoa.net/std/TAP")
    (interface,) = tap.interfaces
    assert (interface.version, interface.role, interface.accessurls[0].content) == ("1.1", "std", URL)
    assert interface.securitymethods[0].standardid == "ivo://ivoa.net/sso#BasicAA"
    adql = tap.get_adql()
    assert [version.content for version in adql.versions] == ["2.0", "2.1"]
    assert adql.get_udf("sed_class")
    for kind, forms in LANGUAGE_FEATURES.items():
        declared = adql.get_feature_list(f"ivo://ivoa.net/std/TAPRegExt#features-{kind}")
        assert {feature.form for feature in declared} == set(forms)
    assert [one.mime for one in tap.outputformats] == ["text/csv", "application/x-votable+xml"]
    assert (tap.outputlimit.default.content, tap.outputlimit.hard.content) == (1000, 5000)
    assert (tap.uploadlimit.hard.content, tap.uploadlimit.hard.unit) == (10_000, "byte")
    assert (tap.executionduration.hard, tap.retentionperiod.default) == (600, 86_400)
    assert {method.ivo_id.rpartition("-")[2] for method in tap.uploadmethods} == {"inline", "http", "https"}
    others = {one.standardid: one.interfaces[0].accessurls[0].content for one in found if one is not tap}
    assert others == {
        "ivo://ivoa.net/std/VOSI#capabilities": f"{URL}/capabilities",
        "ivo://ivoa.net/std/VOSI#availability": f"{URL}/availability",
        "ivo://ivoa.net/std/VOSI#tables-1.1": f"{URL}/tables",
        "ivo://ivoa.net/std/DALI#examples": f"{URL}/examples",
    }


def test_what_has_no_limit_has_none_told():
    text = capabilities(URL, Offer((Format("text/csv"),))).decode()
    assert "outputLimit" not in text
    assert "uploadLimit" not in text
    assert "securityMethod" not in text
    assert "upload-https" not in text


def test_availability():
    since = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    found = parse_availability(BytesIO(availability(since, "a note")).read)
    assert (found.available, found.notes) == (True, ["a note"])
    assert b"<vosi:upSince>2026-01-02T03:04:05Z</vosi:upSince>" in availability(since)


def test_every_example_runs(sky):
    facts = Facts.read(sky)
    page = ElementTree.fromstring(examples(facts))
    told = [one for one in page.iter() if one.get("typeof") == "example"]
    assert [one.get("id") for one in told] == list(queries(facts))
    with sedsql.connect(sky) as con:
        for one in told:
            query = next(part.text for part in one if part.get("property") == "query")
            assert next(part.text for part in one if part.get("property") == "name")
            assert con.execute(query).arrow().num_columns
    assert len(told) == 6
    assert list(queries(Facts(Catalogue()))) == ["tables"]


def test_facts_follow_changes_of_the_mirror(tmp_path):
    write_sample(tmp_path / "sky", 200, seed=1, stores=False)
    facts = MirrorFacts(tmp_path / "sky")
    before = facts.now()
    assert before.rows["gaiadr3.gaia_source"] == 200
    assert before.table('"GaiaDR3".gaia_source').name == "gaiadr3.gaia_source"
    assert before.table("tap_schema.columns")
    assert before.table("manifest.files") is None
    assert facts.now() is before
    with writing(tmp_path / "sky"):
        mirror = Mirror.read(tmp_path / "sky")
        del mirror.tables["sample.truth"]
        mirror.save()
    assert "sample.truth" in before.rows
    assert "sample.truth" not in facts.now().rows


def test_a_schema_of_an_earlier_sedsql_is_told_and_mended(sedsql, tmp_path):
    path = tmp_path / "sky"
    write_sample(path, 100, seed=1, stores=False)
    assert MirrorFacts(path).old_schema() is None
    with duckdb.connect(path / "mirror.duckdb") as con:
        con.execute("DELETE FROM tap_schema.tables WHERE schema_name = 'tap_schema'")
    told = MirrorFacts(path).old_schema()
    assert told.startswith("TAP_SCHEMA of this mirror is an earlier sedsql's")
    assert told.endswith(f"`sedsql mirror repair {path}` renews it")
    assert sedsql("mirror", "repair", path).code == 0
    assert MirrorFacts(path).old_schema() is None
