import numpy as np
import pytest

from sedsql.learn.cleaning import RULES, Labels, cleaned
from sedsql.learn.training import read_labelled

STAR = [12.0, 12.5, 11.2, 10.3, 9.8, 9.7, 9.6, 9.6, 9.5, 9.4]


def row(label, magnitudes=STAR, parallax=np.nan, error=np.nan, spectral_type="", sublabel="", name=""):
    return label, magnitudes, (parallax, error), spectral_type, sublabel, name


def becomes(*rows):
    labels, magnitudes, parallax, *words = zip(*rows, strict=True)
    table = Labels.of(
        np.array(labels), np.array(magnitudes), np.array(parallax, float), *(np.array(some, "U20") for some in words)
    )
    return list(cleaned(table)[0])


def changed(band, by):
    return [value + by if place == band else value for place, value in enumerate(STAR)]


def test_a_giant_by_its_luminosity():
    """M_G is 2 at 1 mas, and 7 at 10 mas, of a star with BP - RP = 1.3."""
    assert becomes(row("main_sequence", parallax=1.0, error=0.05)) == ["giant"]
    assert becomes(row("main_sequence", parallax=10.0, error=0.05)) == ["main_sequence"]
    assert becomes(row("main_sequence", parallax=1.0, error=0.5)) == ["main_sequence"]
    assert becomes(row("main_sequence", changed(1, -0.8), parallax=1.0, error=0.05)) == ["main_sequence"]


@pytest.mark.parametrize(
    ("given", "result"),
    [
        (row("massive", spectral_type="WN5"), "wolf_rayet"),
        (row("massive", spectral_type="B1V"), "massive"),
        (row("agb_carbon", changed(3, -0.3)), "agb_carbon"),
        (row("agb_carbon", [12, 12.3, 11.5, 11.0, 10.7, 10.6, 10.5, 10.5, 10.4, 10.3]), ""),
        (row("giant", name="V* RS Oph"), ""),
        (row("supergiant", parallax=2.0, error=0.1), ""),
        (row("supergiant", parallax=0.1, error=0.01), "supergiant"),
        (row("yso", spectral_type="B2V", sublabel="D"), ""),
        (row("yso"), "yso_discless"),
        (row("yso", sublabel="full"), "yso"),
        (row("yso", [*STAR[:6], 8.5, 7.5, 5.0, 3.0]), "yso"),
        (row("yso", [*STAR[:6], *[np.nan] * 4]), ""),
        (row("yso", [*STAR[:6], *[np.nan] * 4], sublabel="D"), "yso"),
    ],
)
def test_a_rule(given, result):
    assert becomes(given) == [result]


def test_every_rule_has_a_reason_and_is_counted(labelled_file):
    table = read_labelled(labelled_file, "kind", clean=True, least_rows=0)
    told = table.about["cleaned"]
    assert [(one["of"], one["reason"]) for one in told] == [(rule.of, rule.reason) for rule in RULES]
    raw = read_labelled(labelled_file, "kind")
    moved = next(one["rows"] for one in told if one["becomes"] == "yso_discless")
    assert (table.labels == "yso_discless").sum() == moved
    assert (table.labels == "yso").sum() < (raw.labels == "yso").sum()


def test_several_tables_are_one(labelled_file):
    one, two = read_labelled(labelled_file, "kind"), read_labelled([labelled_file, labelled_file], "kind")
    assert len(two) == 2 * len(one)
    assert list(two.about["files"]) == [labelled_file.name]
