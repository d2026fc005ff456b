"""A card is taken by both of its readers, Python's and the C extension's, or refused by both."""

import copy
import json
import secrets

import duckdb
import pytest

from sedsql import native
from sedsql.inference.card import _CHECKS, EXTRA, Card
from sedsql.inference.model import find_models

pytestmark = pytest.mark.skipif(not native.path(), reason="no C extension")

ODD = [
    *(None, True, 0, 1, -1, 2.0, 0.5, -0.0, 1e-300, 3.39e38, 3.4e38, 3.401e38, -3.402e38, 3.5e38, 2**63, 10**40),
    *("", "a", "a\x1f", "a\x7f", "é", "..", ".", "a..b", "../a", "a\\b", "/", "'; DROP", "n" * 127, "é" * 64),
    *([], [0.5], [0.5, 0.5], [1], ["a"], ["a", "b"], ["a", "a"], [None], [[]], ["j_m", "h_m"], [True, 0.5]),
    *({}, {"a": "b"}, {"a": "a"}, {"a": 1}, {"a": 1.0}, {"a": -1}, {"a": ""}, {"a": [0.5]}, {"a": None}),
    *({"source": "a"}, {"a": "source"}, {"j_m": "x"}, {"j_m": "h_m"}, {"x": "y"}, {"y": "y"}),
]
"""Values of all kinds. `"é" * 64` has 128 bytes, one more than a name may have."""


def in_order(n: int) -> dict[str, str]:
    """A chain of branches, each below the next; no class hangs from it."""
    return {f"b{k}": f"b{k + 1}" for k in range(n)}


def with_value(card: dict, way: str, value) -> dict:
    changed = copy.deepcopy(card)
    *above, last = way.split(".")
    holder = changed
    for key in above:
        holder = holder.setdefault(key, {})
    if value is not ...:
        holder[last] = value
    elif last in holder:
        del holder[last]
    return changed


def text(card: dict, **values: str) -> bytes:
    """A card in which the values of some keys are written as here, which json.dumps would not do."""
    written = json.dumps(card | dict.fromkeys(values, "*"))
    for key, value in values.items():
        written = written.replace(f'"{key}": "*"', f'"{key}": {value}')
    return written.encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def card() -> dict:
    """A card that has every key that is checked."""
    whole = find_models()["sky-1"].card.as_object()
    whole |= {
        "name": "mine-1",
        "missing": -99.0,
        "input": "magnitudes",
        "inputs": {},
        "outputs": {"probabilities": "p"},
    }
    return whole | {"metrics": {"all": {"macro_f1": 0.5, "calibration_error": 0.01}}}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Give what each reader says of the bytes of a card; None where it takes it."""
    folder = tmp_path_factory.mktemp("mine-1")
    with duckdb.connect(config={"allow_unsigned_extensions": True, "threads": 1}) as con:
        con.execute(f"LOAD '{native.path()}'")

        def both(data: bytes) -> tuple[str | None, str | None]:
            (folder / "card.json").write_bytes(data)
            python = extension = None
            try:
                name = Card.parsed(data).name
            except ValueError as error:
                python, name = str(error), "mine-1"
            try:
                con.execute("SELECT sed_models(?, ?, [?])", [secrets.token_hex(8), name, str(folder)])
            except duckdb.Error as error:
                extension = str(error)
            return python, extension

        yield both


def agree(verdicts, data: bytes, told: str) -> bool:
    """Whether both take it; it fails where one does and the other does not."""
    python, extension = verdicts(data)
    assert (python is None) == (extension is None), f"{told}: Python {python!r}, C {extension!r}"
    return python is None


@pytest.mark.slow
def test_every_key_with_values_of_all_kinds(card, verdicts):
    assert set(card) | {"training"} >= {way.split(".")[0] for way in _CHECKS}
    taken = refused = 0
    for way in _CHECKS:
        for value in (*ODD, ...):
            if agree(verdicts, json.dumps(with_value(card, way, value)).encode(), f"{way} = {value!r}"):
                taken += 1
            else:
                refused += 1
    assert taken > 200
    assert refused > 1_000


def test_keys_that_need_each_other_and_names_that_go_together(card, verdicts):
    classes, good = card["classes"], {"classes": ["a", "b"], "parents": {}}
    plain = {key: card[key] for key in ("name", "bands", "min_bands", "sha256")} | good
    names = {str(k): str(k + 1) for k in range(15)}
    shares = dict.fromkeys(classes, 0.5)
    cases = [
        (True, plain),
        (True, plain | {"classes": ["a", "source"]}),
        (False, plain | {"classes": ["a", "a"]}),
        (True, plain | {"classes": [f"c{k}" for k in range(1_024)]}),
        (False, plain | {"classes": [f"c{k}" for k in range(1_025)]}),
        (True, plain | {"parents": in_order(14)}),
        (False, plain | {"parents": in_order(15)}),
        (False, plain | {"parents": {"x": "y", "y": "x"}}),
        (True, plain | {"parents": {"a": "0", **{str(k): str(k + 1) for k in range(13)}}}),
        (False, plain | {"parents": {"a": "0", **{str(k): str(k + 1) for k in range(14)}}}),
        (False, plain | {"parents": {"a": "0", **names}}),
        (True, plain | {"parents": {f"x{k}": "y" for k in range(16_384)}}),
        (False, plain | {"parents": {f"x{k}": "y" for k in range(16_385)}}),
        (False, plain | {"bands": [*card["bands"], "j_m"]}),
        (True, plain | {"bands": card["bands"][::-1]}),
        (False, plain | {"bands": []}),
        (True, plain | {"extra": ["parallax", "parallax_error"]}),
        (True, plain | {"extra": list(EXTRA)}),
        (False, plain | {"extra": ["parallax_error", "parallax"]}),
        (False, plain | {"extra": ["ra", "dec"]}),
        (False, plain | {"inputs": {"ra": "x"}}),
        (True, plain | {"extra": list(EXTRA), "inputs": {"ra": "x"}}),
        (False, plain | {"extra": list(EXTRA), "inputs": {"ra": "dec"}}),
        (True, plain | {"inputs": {"j_m": "h_m", "h_m": "j_m"}}),
        (True, card),
        (False, {key: card[key] for key in card if key != "algorithm"}),
        (False, with_value(card, "prior.class_shares", shares | {"more": 0.5})),
        (False, with_value(card, "prior.class_shares", dict(list(shares.items())[1:]))),
        (False, with_value(card, "prior.corrections", dict.fromkeys(classes[1:], 0.5) | {"more": 0.5})),
        (True, with_value(card, "prior.corrections", dict.fromkeys(classes, -0.5))),
        (False, with_value(card, "conformal.levels", [0.5, 0.5])),
        (False, with_value(card, "conformal.levels", [0.5, 1])),
        (False, with_value(card, "conformal.levels", [0])),
        (False, with_value(card, "conformal.thresholds", dict.fromkeys(classes, [0.5] * 99))),
        (True, with_value(card, "outlier.quantiles", [2**53] * 101)),
        (False, with_value(card, "outlier.quantiles", [*range(1, 101), 0])),
        (False, with_value(card, "outlier.quantiles", list(range(102)))),
    ]
    for wanted, changed in cases:
        told = str({key: value for key, value in changed.items() if value != card.get(key)})[:300]
        assert agree(verdicts, json.dumps(changed).encode(), told) == wanted, told


@pytest.mark.parametrize(
    ("taken", "written"),
    [
        (True, {"min_bands": "3"}),
        (True, {"min_bands": "-0"}),
        (False, {"min_bands": "3.0"}),
        (False, {"min_bands": "3e0"}),
        (False, {"min_bands": "03"}),
        (True, {"min_bands": "9" * 63}),
        (False, {"min_bands": "9" * 64}),
        (False, {"missing": "1."}),
        (False, {"missing": ".5"}),
        (False, {"missing": "+1"}),
        (False, {"missing": "0x1"}),
        (True, {"missing": "1E+1"}),
        (True, {"missing": "1e-400"}),
        (False, {"missing": "1e400"}),
        (False, {"missing": "NaN"}),
        (False, {"missing": "Infinity"}),
        (True, {"missing": "34" + "0" * 37}),
        (False, {"missing": "3402" + "0" * 35}),
        (True, {"more": "1" + "0" * 62}),
        (False, {"more": "1" + "0" * 63}),
        (True, {"more": "[" * 63 + "]" * 63}),
        (False, {"more": "[" * 64 + "]" * 64}),
        (True, {"more": r'"😀"'}),
        (False, {"more": r'"\ude00\ud83d"'}),
        (False, {"more": r'"\ud83d"'}),
        (False, {"more": '"\ud83d"'}),
        (False, {"more": r'"\u0000"'}),
        (False, {"more": '"\t"'}),
        (True, {"more": '"\x7f\u2028"'}),
        (False, {"more": r'"\x41"'}),
        (False, {"more": '{"a": 1, "\\u0061": 2}'}),
        (True, {"more": '{"a": 1, "A": 2}'}),
        (False, {"more": "[1,]"}),
        (False, {"more": "[1] // one"}),
        (True, {"more": "\r\n[ 1 ,\t2 ]"}),
        (False, {"more": "\xa01"}),
        (False, {"more": "tru"}),
        (False, {"more": "'a'"}),
    ],
)
def test_what_is_written_otherwise_than_json_dumps_does(card, verdicts, taken, written):
    assert agree(verdicts, text(card, **written), str(written)) == taken


@pytest.mark.parametrize(
    ("taken", "before", "after"),
    [
        (True, "", ""),
        (False, "\ufeff", ""),
        (True, " \n", "\n "),
        (False, "", "x"),
        (False, "", "\0"),
        (False, "[", "]"),
    ],
)
def test_what_stands_before_and_after_the_object(card, verdicts, taken, before, after):
    assert agree(verdicts, before.encode() + text(card) + after.encode(), repr((before, after))) == taken


def test_whole_numbers_that_a_float_cannot_tell_apart(card, verdicts):
    """Both readers compare numbers as doubles: the second is the less one, but not as a double."""
    quantiles = [*range(99), 2**53 + 1, 2**53]
    assert agree(verdicts, json.dumps(with_value(card, "outlier.quantiles", quantiles)).encode(), "quantiles")
