"""Readers of services' answers survive a few hundred mutated documents each; `fuzz` runs for hours."""

import warnings

import pytest

from . import fuzz


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_a_document_with_mistakes_is_read_or_one_of_our_errors(target):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrong = {number: fuzz.failure(target, fuzz.case(target, 0, number), memory=None) for number in range(300)}
    assert {number: what for number, what in wrong.items() if what} == {}
    assert fuzz.answered[target] > 20


def test_the_fuzzer_finds_what_is_to_be_found(monkeypatch):
    """A reader that takes a column's name for granted."""

    def read(text):
        fuzz.vosi.tables(fuzz.unpacked([text]), fuzz.LIMITS)
        return text.split(b"<name>")[1]

    monkeypatch.setitem(fuzz.TARGETS, "tables", (fuzz.corpus.vosi_tables, read))
    assert any("IndexError" in (fuzz.failure("tables", fuzz.case("tables", 0, i), None) or "") for i in range(500))
