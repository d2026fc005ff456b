"""`%adql` in a real IPython shell."""

import matplotlib.pyplot as plt
import pytest
from astropy.table import Table
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.figure import Figure

COUNT = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source"


@pytest.fixture
def shell(sky):
    shell = InteractiveShell.instance()
    shell.reset()
    shell.run_line_magic("load_ext", "sedsql")
    shell.run_line_magic("adql", f"-m {sky}")
    yield shell
    plt.close("all")
    shell.run_line_magic("unload_ext", "sedsql")
    InteractiveShell.clear_instance()


def said(shell, capsys, magic, line, cell=None):
    """What a magic that fails says: a line, and no traceback."""
    code = f"%{magic} {line}" if cell is None else f"%%{magic} {line}\n{cell}"
    result = shell.run_cell(code)
    assert not result.success
    printed = capsys.readouterr()
    assert "Traceback" not in printed.out + printed.err
    return printed.out + printed.err


def test_a_line_and_a_cell_are_asked(shell):
    found = shell.run_line_magic("adql", COUNT)
    assert isinstance(found, Table)
    assert found["n"].tolist() == [2000]
    found = shell.run_cell_magic("adql", "", "SELECT TOP 3 ra\nFROM gaiadr3.gaia_source -- 'quoted'\nORDER BY ra")
    assert str(found["ra"].unit) == "deg"
    assert found["ra"].tolist() == sorted(found["ra"])


def test_quotes_and_blanks_stay(shell):
    found = shell.run_line_magic("adql", 'SELECT TOP 1 \'a  "b\' AS t, "ra" FROM gaiadr3.gaia_source')
    assert found["t"].tolist() == ['a  "b']


def test_an_answer_goes_into_a_variable(shell):
    assert shell.run_line_magic("adql", f"--to found {COUNT}") is None
    assert shell.user_ns["found"]["n"].tolist() == [2000]


def test_variables_are_bound(shell):
    shell.user_ns.update(least=14.5, text="x' OR 1 = 1 --")
    query = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source WHERE phot_g_mean_mag < "
    found = shell.run_line_magic("adql", query + ":least")
    assert found["n"].tolist() == shell.run_line_magic("adql", query + "14.5")["n"].tolist() != [0]
    found = shell.run_line_magic("adql", "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source WHERE designation = :text")
    assert found["n"].tolist() == [0]


def test_sql_is_asked_too(shell):
    assert shell.run_line_magic("adql", "--sql SELECT 1 + 1 AS two")["two"].tolist() == [2]


@pytest.mark.parametrize("option", ["--plot", "--plot=hr", "-p"])
def test_an_answer_is_drawn(shell, option):
    figure = shell.run_line_magic("adql", f"{option} SELECT s.* FROM sed.photometry AS s")
    assert isinstance(figure, Figure)
    assert figure.axes[0].get_ylabel() == "$M_{G}$ [mag]"
    figure = shell.run_cell_magic("adql", f"{option} --to kept", "SELECT s.* FROM sed.photometry AS s")
    assert isinstance(figure, Figure)
    assert len(shell.user_ns["kept"]) == 2000


def test_mistakes_are_a_line(shell, capsys):
    assert "did you mean" in (text := said(shell, capsys, "adql", "SELECT phot_g_mean_mg FROM gaiadr3.gaia_source"))
    assert "^^^" in text
    assert "no value for ':unheard_of'" in said(
        shell, capsys, "adql", "SELECT :unheard_of AS x FROM gaiadr3.gaia_source"
    )
    assert "There is no plot 'pie'" in said(shell, capsys, "adql", "--plot=pie", "SELECT s.ra FROM sed.photometry AS s")
    for option in ("--plot=pie", "--plot pie", "-p pie"):
        line = f"{option} SELECT TOP 3 * FROM sed.photometry"
        assert "There is no plot 'pie'; there are sed, hr" in said(shell, capsys, "adql", line)
    assert "does not exist" in said(shell, capsys, "adql", "-m /nowhere")
    assert "nonesuch" in said(shell, capsys, "adql", "--sql SELECT nonesuch")
    assert shell.run_line_magic("adql", COUNT)["n"].tolist() == [2000]


def test_without_a_mirror_it_says_how_to_open_one(capsys):
    shell = InteractiveShell.instance()
    try:
        shell.run_line_magic("load_ext", "sedsql")
        assert "open one with %adql -m DIR" in said(shell, capsys, "adql", COUNT)
    finally:
        shell.run_line_magic("unload_ext", "sedsql")
        InteractiveShell.clear_instance()
