"""Test diagrams and maps: the places, colours and numbers of points."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from mocpy import MOC

import sedsql
from sedsql import plot
from sedsql.photometry.bands import BANDS
from sedsql.photometry.looks import CLASSES
from sedsql.plot import PlotError, sky_cells
from sedsql.plot.diagrams import MOST_POINTS


@pytest.fixture(scope="module")
def table(sky_of):
    with sedsql.connect(sky_of(3_000)) as con:
        yield con.execute("SELECT s.*, sed_class(s) AS class FROM sed.photometry AS s").table()


def points(axes):
    return {
        c.get_label().split(" (")[0]: np.ma.filled(c.get_offsets(), np.nan)
        for c in axes.collections
        if len(c.get_offsets())
    }


def test_an_absolute_magnitude_is_that_at_ten_parsecs(table):
    (axes,) = plot.hertzsprung_russell(table, parallax_over_error=0).axes
    drawn = np.concatenate(list(points(axes).values()))
    parallax = np.ma.filled(table["parallax"].astype(float), np.nan)
    colour = np.ma.filled((table["phot_bp_mean_mag"] - table["phot_rp_mean_mag"]).astype(float), np.nan)
    positive = (parallax > 0) & np.isfinite(colour)
    expected = np.asarray(table["phot_g_mean_mag"])[positive] - 5 * np.log10(1000 / parallax[positive] / 10)
    assert np.sort(drawn[:, 1]) == pytest.approx(np.sort(expected), abs=1e-4)
    assert axes.yaxis_inverted()
    assert axes.get_ylabel() == "$M_{G}$ [mag]"


def test_poor_parallaxes_are_left_out_and_counted(table):
    (axes,) = plot.hertzsprung_russell(table).axes
    ratio = np.ma.filled(table["parallax"] / table["parallax_error"], np.nan)
    colour = np.ma.filled((table["phot_bp_mean_mag"] - table["phot_rp_mean_mag"]).astype(float), np.nan)
    kept = int(((ratio >= 5) & np.isfinite(colour)).sum())
    assert 0 < kept < len(table)
    assert sum(map(len, points(axes).values())) == kept
    title = axes.get_title(loc="left")
    assert title.startswith(f"{kept:,} sources; {len(table) - kept:,} left out: parallax / error < 5 or none")


def test_each_class_has_its_colour_and_its_number(table):
    (axes,) = plot.colour_colour(table, "BP-RP", "phot_g_mean_mag - RPmag").axes
    both = ~np.ma.getmaskarray(table["phot_bp_mean_mag"]) & ~np.ma.getmaskarray(table["phot_rp_mean_mag"])
    names, counts = np.unique(
        np.asarray(table["class"])[both & ~np.ma.getmaskarray(table["class"])], return_counts=True
    )
    labels = {text.get_text() for text in axes.get_legend().get_texts()}
    assert {f"{name} ({count:,})" for name, count in zip(names, counts, strict=True)} <= labels
    for collection in axes.collections:
        name = collection.get_label().split(" (")[0]
        if name in CLASSES:
            assert plt.matplotlib.colors.same_color(collection.get_facecolor()[0][:3], CLASSES[name][0])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("BP − RP [mag]", "G − RP [mag]")


def test_the_marks_of_a_small_table_are_whole(table):
    few = table[:300]
    few["phot_bp_mean_mag"][7] = np.ma.filled(few["phot_rp_mean_mag"], 15.0)[7] + 9  # far from all others
    few["phot_rp_mean_mag"][7] = few["phot_bp_mean_mag"][7] - 9
    (axes,) = plot.colour_colour(few, "BP-RP", "phot_g_mean_mag - RPmag").axes
    points = np.concatenate([collection.get_offsets() for collection in axes.collections])
    left, right = axes.get_xlim()
    assert points[:, 0].max() == pytest.approx(9, abs=1e-4)
    assert (right - points[:, 0].max()) / (right - left) > 0.04
    assert (points[:, 0].min() - left) / (right - left) > 0.04


def test_the_colours_of_classes_differ_for_all_eyes():
    """Return distances of colours in Oklab, as seen and without one of the three cones (Viénot et al. 1999)."""
    from matplotlib.colors import to_rgb

    rgb = np.array([to_rgb(colour) for colour, _ in CLASSES.values()])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    blind = {
        "all": np.eye(3),
        "no red cones": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
        "no green cones": np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
    }
    to_lms = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]])
    to_lab = np.array([[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])
    marks = [mark for _, mark in CLASSES.values()]
    for matrix in blind.values():
        lab = np.cbrt(np.clip(linear @ matrix.T, 0, 1) @ to_lms.T) @ to_lab.T
        apart = np.linalg.norm(lab[:, None] - lab[None], axis=2)
        for i, j in np.argwhere(apart < 0.06):
            assert i == j or marks[i] != marks[j], (list(CLASSES)[i], list(CLASSES)[j])


def test_millions_are_a_picture_below_the_points_of_rare_classes(table):
    rng = np.random.default_rng(0)
    many = Table({name: rng.normal(12, 1, MOST_POINTS + 1) for name in ("j_m", "h_m", "ks_m")})
    many["class"] = np.where(many["j_m"] > 12, "yso", "giant").astype("U11")
    many["class"][:7] = "white_dwarf"
    (axes,) = plot.colour_colour(many).axes
    assert {name: len(places) for name, places in points(axes).items()} == {"white_dwarf": 7}
    (image,) = axes.images
    alpha = image.get_array()[..., 3]
    assert 0.02 < (alpha > 0).mean() < 0.9


def test_the_arrow_is_the_extinction_of_the_bands(table):
    (axes,) = plot.colour_colour(table, "J-H", "H-Ks").axes
    (arrow,) = (text for text in axes.texts if text.arrow_patch is not None)
    a = {band.short: band.extinction for band in BANDS}
    moved = np.array(arrow.xy) - np.array(arrow.xyann)
    assert moved == pytest.approx([2 * (a["J"] - a["H"]), 2 * (a["H"] - a["Ks"])])


@pytest.mark.parametrize(("ra", "dec"), [(-1, -1), (-1, 1), (1, -1), (1, 1)])
def test_the_arrow_stands_in_an_empty_corner(ra, dec):
    """Only one corner of the diagram has no points."""
    side = np.linspace(-1, 1, 60)
    x, y = (values.ravel() for values in np.meshgrid(side, side))
    x, y = x[(x * ra < 0.2) | (y * dec < 0.2)], y[(x * ra < 0.2) | (y * dec < 0.2)]
    (axes,) = plot.colour_colour(Table({"j_m": x, "h_m": np.zeros_like(x), "ks_m": -y})).axes
    for text in axes.texts:
        place = text.xyann if text.arrow_patch is not None else text.xy
        assert np.sign(place).tolist() == [ra, dec]


def test_cells_that_the_frame_cuts_count_what_lies_beyond():
    rng = np.random.default_rng(2)
    around = Table({"ra": rng.uniform(60, 120, 40_000), "dec": rng.uniform(-30, 30, 40_000)})
    axes, _ = plot.sky(around, region="CIRCLE ICRS 90 0 10", order=4).axes
    density = axes.collections[0].get_array()
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    boxes = np.array(
        [[*path.vertices.min(axis=0), *path.vertices.max(axis=0)] for path in axes.collections[0].get_paths()]
    )
    seen = (boxes[:, 0] < right) & (boxes[:, 2] > left) & (boxes[:, 1] < top) & (boxes[:, 3] > bottom)
    expected = len(around) / (60 * 60)  # near the equator
    assert seen.sum() > 20
    assert density[seen].min() > 0.7 * expected


def test_a_wide_region_lies_within_the_frame(table):
    axes, *_ = plot.sky(table, region="CIRCLE ICRS 0 10 35").axes
    (outline,) = axes.patches
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    path = outline.get_path()
    x, y = path.vertices[path.codes != path.CLOSEPOLY].T
    assert left < x.min() < x.max() < right
    assert bottom < y.min() < y.max() < top


def test_a_map_of_the_whole_sky_has_no_holes_at_its_edge():
    rng = np.random.default_rng(1)
    sky = Table({"ra": rng.uniform(0, 360, 20_000), "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, 20_000)))})
    axes, _ = plot.sky(sky, order=3).axes
    cells = axes.collections[0].get_paths()
    for ra in (0.1, 90, 179.5, 180.5):
        for dec in (-75, -60, -41.5, -20, 0.7, 30, 42, 75):
            place = axes.wcs.world_to_pixel_values(ra, dec)
            assert any(cell.contains_point(place) for cell in cells), (ra, dec)


@pytest.mark.parametrize(
    "region",
    [
        "CIRCLE ICRS 83.8 -5.4 5",
        "CIRCLE('ICRS', 83.8, -5.4, 5)",
        "Orion Nebula Cluster, 5",
        "05:35:12 -05:24:00, 5",
        "moc.fits",
    ],
)
def test_a_region_is_what_the_map_shows(table, region, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    MOC.from_cone(83.8 * u.deg, -5.4 * u.deg, radius=5 * u.deg, max_depth=12).save("moc.fits", format="fits")
    axes, *_ = plot.sky(table, region=region).axes
    ra, dec = axes.wcs.pixel_to_world_values(*np.transpose([axes.get_xlim(), axes.get_ylim()]))
    corner = SkyCoord(ra, dec, unit="deg").separation(SkyCoord("83.8d", "-5.4d")).deg
    assert (corner > 5 * np.sqrt(2)).all()
    assert (corner < 6 * np.sqrt(2)).all()


def test_right_ascensions_are_written_above_the_points(table):
    axes, _ = plot.sky(table, classes="giant").axes
    written = {text.get_text(): text.get_zorder() for text in axes.texts}
    assert set(written) == {"0°", "60°", "120°", "180°", "240°", "300°"}
    assert min(written.values()) > max(points.get_zorder() for points in axes.collections)


@pytest.mark.parametrize("whole", [True, False])
def test_a_map_counts_every_source_once(table, whole):
    if not whole:
        centre = SkyCoord(table["ra"][0], table["dec"][0], unit="deg")
        table = table[SkyCoord(table["ra"], table["dec"], unit="deg").separation(centre).deg < 20]
    axes, _ = plot.sky(table, order=4).axes
    density = axes.collections[0].get_array()
    area = 4 * np.pi * np.degrees(1) ** 2 / (12 * 4**4)
    total = (density * area).sum()
    assert total == pytest.approx(len(table), rel=0.05 if whole else 1e-6)


def test_a_map_has_the_region_and_chosen_classes(table):
    nearby = table[SkyCoord(table["ra"], table["dec"], unit="deg").separation(SkyCoord("83.8d", "-5.4d")).deg < 60]
    (axes,) = plot.sky(nearby, region="CIRCLE ICRS 83.8 -5.4 25", classes=["main_sequence"]).axes
    x, y = axes.wcs.world_to_pixel_values(nearby["ra"], nearby["dec"])
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    shown = (left <= x) & (x <= right) & (bottom <= y) & (y <= top)
    n = int(((nearby["class"] == "main_sequence") & shown).sum())
    assert n > 0
    assert axes.get_legend().get_texts()[0].get_text() == f"main_sequence ({n:,})"
    assert len(axes.collections[1].get_offsets()) == n
    every, _ = (collection.get_offsets() for collection in axes.collections)
    assert len(every) == int(shown.sum()) < 1_000  # so few are dots
    assert axes.figure.get_suptitle() == f"{shown.sum()} sources"
    (outline,) = axes.patches
    path = outline.get_path()
    ra, dec = axes.wcs.pixel_to_world_values(*path.vertices[path.codes != path.CLOSEPOLY].T)
    apart = SkyCoord(ra, dec, unit="deg").separation(SkyCoord("83.8d", "-5.4d")).deg
    assert apart == pytest.approx(25, abs=0.4)  # in cells as small as a pixel


@pytest.mark.parametrize(
    ("draw", "sentence"),
    [
        (lambda t: plot.colour_colour(t, "J-X"), "There is no band 'X'; there are G, BP, RP, J, H, Ks"),
        (lambda t: plot.colour_colour(t, "J"), "A colour is two bands with a - between them, such as J-H, not 'J'"),
        (lambda t: plot.hertzsprung_russell(t["j_m", "h_m"]), "have no column parallax; they have j_m, h_m"),
        (lambda t: plot.sky(t["j_m", "h_m"]), "have no column ra"),
        (lambda t: plot.sky(t["ra", "dec"], classes=["yso"]), "no column class or sed_class"),
        (lambda t: plot.sky(t, classes=["YSO"]), "There is no class 'YSO'; did you mean yso"),
        (lambda t: plot.sky(t[t["dec"] > 0], region="CIRCLE 10 -60 1"), "No source lies in the region or near it"),
        (lambda t: plot.sky(t, region="a circle"), "'a circle' is no region; 'CIRCLE ICRS 83.8 -5.4 1' is one"),
        (lambda t: plot.sky(t, order=20), "order is from 0 to 13, not 20"),
        (lambda t: plot.draw(t, "pie"), "There is no plot 'pie'; there are sed, hr, colours, sky"),
        (lambda t: plot.draw(t["l", "b"]), "No picture suits the columns l, b. It would take: hr:"),
    ],
)
def test_what_cannot_be_drawn_is_told(table, draw, sentence):
    with pytest.raises(PlotError, match=sentence):
        draw(table)


def test_the_picture_that_suits(table):
    assert plot.draw(table[:3]).axes[0].get_xscale() == "log"
    assert plot.draw(table).axes[0].yaxis_inverted()
    assert plot.draw(table["j_m", "h_m", "ks_m"]).axes[0].get_xlabel() == "J − H [mag]"
    assert len(plot.draw(table["ra", "dec"]).axes) == 2


def test_cells_are_chosen_so_that_they_have_some_sources(table):
    axes, _ = plot.sky(table).axes
    cells = len(axes.collections[0].get_array())
    assert len(table) / cells >= sky_cells._IN_A_CELL
