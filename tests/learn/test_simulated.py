import numpy as np
import pytest

from sedsql.files import TableError
from sedsql.learn.crossvalidation import out_of_fold, sky_folds
from sedsql.learn.simulated import MANY_BANDS, add_simulated


def test_simulated_rows_are_trained_on_and_never_tested_on(labelled, small_shape):
    more = add_simulated(labelled, {"yso": 300}, seed=1)
    extra = len(more) - len(labelled)
    assert 200 < extra <= 300
    assert more.simulated.sum() == extra
    assert set(more.labels[more.simulated]) == {"yso"}
    fit, test = next(sky_folds(more))
    tested = out_of_fold(small_shape, more, iter([(fit, test)]))
    assert more.simulated[test].any()
    assert not more.simulated[tested.rows].any()
    assert more.about["simulated_rows"] == {"yso": 300}


def test_a_class_that_cannot_be_simulated(labelled):
    with pytest.raises(TableError, match=r"'quasar' cannot be simulated for this table; .*yso.* can"):
        add_simulated(labelled, {"quasar": 5})


def test_half_of_the_simulated_sources_have_many_bands(labelled):
    """Of a thousand white dwarfs that Gaia sees, WISE sees thirty."""
    more = add_simulated(labelled, {"white_dwarf": 40})
    many = more.n_bands[more.simulated] >= MANY_BANDS
    assert many.sum() == pytest.approx(20, abs=3)
    near = more.parallax[more.simulated, 0]
    assert np.median(near[many]) > 3 * np.median(near[~many])
