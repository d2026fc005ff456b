"""Boosting as scikit-learn's, tree for tree, that bins the columns of some rows once and quicker."""

import inspect
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper, _find_binning_thresholds
from sklearn.ensemble._hist_gradient_boosting.common import ALMOST_INF
from sklearn.utils.stats import _weighted_percentile
from threadpoolctl import threadpool_limits

FEW_ROWS = 20_000
"""With fewer rows the trees' threads wait for one another more than they compute, and on a busy machine much more."""

WEIGHTED = "sample_weight" in inspect.signature(_find_binning_thresholds).parameters
"""Whether bins depend on weights: from scikit-learn 1.9 on, which sorts a column again for each threshold."""


class QuickBoosting(HistGradientBoostingClassifier):
    """HistGradientBoostingClassifier, with a thread for few rows and quicker bins."""

    _bin_mapper: Any

    def fit(self, X, y, sample_weight=None):
        return self.fit_sharing(X, y, sample_weight, {})

    def fit_sharing(self, X, y, sample_weight, bins: dict[str, Any]):
        """Fit as `fit` does; fits to the same rows and weights keep in `bins` what they share."""
        self._bins = bins
        try:
            with threadpool_limits(1 if len(X) < FEW_ROWS else None):
                return super().fit(X, y, sample_weight)
        finally:
            del self._bins

    def _raw_predict(self, X, n_threads=None):
        return super()._raw_predict(X, 1 if len(X) < FEW_ROWS else n_threads)

    def _bin_data(self, X, *weights, is_training_data: bool):
        """Bin rows; scikit-learn calls it with weights where WEIGHTED."""
        few = len(X) <= self._bin_mapper.subsample  # of more rows it draws some, by its seed
        if not is_training_data or not few:
            return super()._bin_data(X, *weights, is_training_data=is_training_data)
        if self._bins:
            self._bin_mapper = self._bins["mapper"]
            return self._bins["binned"]
        if WEIGHTED:
            self._bin_mapper = _QuickMapper(**self._bin_mapper.get_params())
        binned = super()._bin_data(X, *weights, is_training_data=True)
        self._bins |= {"mapper": self._bin_mapper, "binned": binned}
        return binned


class _QuickMapper(_BinMapper):
    """A mapper of columns without categories that finds all thresholds of a column at once."""

    def fit(self, X, y=None, sample_weight=None):
        columns = [np.ascontiguousarray(X[:, k]) for k in range(X.shape[1])]
        if sample_weight is None or np.any(self.is_categorical):
            return super().fit(X, y, sample_weight=sample_weight)
        self.is_categorical_ = np.zeros(X.shape[1], dtype=np.uint8)
        self.missing_values_bin_idx_ = self.n_bins - 1
        self.bin_thresholds_ = [_thresholds(column, self.n_bins - 1, sample_weight) for column in columns]
        self.n_bins_non_missing_ = np.array([len(found) + 1 for found in self.bin_thresholds_], dtype=np.uint32)
        return self


def _thresholds(column: NDArray, most: int, weights: NDArray) -> NDArray:
    """Find the limits of at most so many bins of a column, as scikit-learn does."""
    there = ~np.isnan(column) & (weights != 0)
    order = np.argsort(column[there])
    values = column[there][order]
    if np.count_nonzero(np.diff(values)) < most:
        return _find_binning_thresholds(column, most, sample_weight=weights)
    ranks = np.linspace(0, 100, num=most + 1)[1:-1]
    found = np.unique(_weighted_percentile(values, weights[there][order], ranks, average=True))
    return np.clip(found, None, ALMOST_INF)
