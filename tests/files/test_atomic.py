"""Files and folders appear whole or not at all."""

import os

import pytest

from sedsql.files.atomic import new_file, new_folder


def write_and_fail(new, error, name=None):
    with new as partial:
        (partial / name if name else partial).write_text("half")
        raise error


def test_a_file_takes_its_name_at_the_end(tmp_path):
    target = tmp_path / "a.fits.gz"
    with new_file(target) as partial:
        partial.write_text("half")
        assert not target.exists()
        assert partial.name.endswith(".fits.gz")  # the ending says the format
    assert target.read_text() == "half"
    assert os.listdir(tmp_path) == ["a.fits.gz"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_of_a_file_that_failed(tmp_path, error):
    target = tmp_path / "a.csv"
    with pytest.raises(error):
        write_and_fail(new_file(target), error)
    assert os.listdir(tmp_path) == []


def test_a_file_there_is_kept_without_force_and_when_the_work_fails(tmp_path):
    target = tmp_path / "a.csv"
    target.write_text("old")
    with pytest.raises(FileExistsError, match="--force"), new_file(target):
        pytest.fail("the block must not run")
    with pytest.raises(ZeroDivisionError):
        write_and_fail(new_file(target, force=True), ZeroDivisionError)
    assert target.read_text() == "old"
    with new_file(target, force=True) as partial:
        partial.write_text("new")
    assert target.read_text() == "new"


def test_a_dangling_link_is_not_overwritten(tmp_path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError), new_file(tmp_path / "link.csv"):
        pytest.fail("the block must not run")


def test_no_file_where_there_is_no_folder_or_a_folder_has_its_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"), new_file(tmp_path / "none" / "a.csv"):
        pytest.fail("the block must not run")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(IsADirectoryError), new_file(tmp_path / "d.csv", force=True):
        pytest.fail("the block must not run")
    assert os.listdir(tmp_path) == ["d.csv"]


def test_a_folder_is_replaced_only_if_it_is_one_of_the_kind(tmp_path):
    target = tmp_path / "m"
    with new_folder(target, what="model", mark="card.json") as folder:
        (folder / "card.json").write_text("1")
    with pytest.raises(FileExistsError, match="--force"), new_folder(target, what="model", mark="card.json"):
        pytest.fail("the block must not run")
    with pytest.raises(ZeroDivisionError):
        write_and_fail(new_folder(target, what="model", mark="card.json", force=True), ZeroDivisionError, "card.json")
    assert (target / "card.json").read_text() == "1"
    with new_folder(target, what="model", mark="card.json", force=True) as folder:
        (folder / "card.json").write_text("2")
    assert (target / "card.json").read_text() == "2"
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("years")
    with (
        pytest.raises(FileExistsError, match="is not a model"),
        new_folder(tmp_path / "home", what="model", mark="card.json", force=True),
    ):
        pytest.fail("the block must not run")
    assert sorted(os.listdir(tmp_path)) == ["home", "m"]
