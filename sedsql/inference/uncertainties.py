"""Carry errors of magnitudes through a model: average its answers over what the source may really be."""

import random
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from sedsql.inference.session import Prediction, Session
from sedsql.photometry.bands import COLUMNS

DRAWS = 16


def _deviates() -> NDArray[np.float32]:
    """Draw standard normal deviates, shape (DRAWS, bands): each band's are the DRAWS quantiles of the distribution.

    A Latin hypercube (McKay, Beckman & Conover 1979, Technometrics 21, 239), always the same.
    """
    shuffled = random.Random(0)
    quantiles = [NormalDist().inv_cdf((k + 0.5) / DRAWS) for k in range(DRAWS)]
    scale = np.std(quantiles)
    return np.array([shuffled.sample(quantiles, DRAWS) for _ in COLUMNS], np.float32).T / np.float32(scale)


DEVIATES = _deviates()
_MOST = np.finfo(np.float32).max


def predict_with_errors(session: Session, inputs: NDArray[np.float32], errors: NDArray[np.float32]) -> Prediction:
    """Average the probabilities over DRAWS draws of the magnitudes within their Gaussian errors, and give their class.

    inputs : as in `Session.predict`, n of them
    errors : of the magnitudes, in mag, shape (n, 10); missing or negative = 0
    """
    errors = np.where(errors > 0, errors, np.float32(0))
    drawn = np.repeat(inputs[:, None], DRAWS, axis=1)
    with np.errstate(over="ignore"):
        drawn[:, :, : len(COLUMNS)] += DEVIATES * errors[:, None]
    np.clip(drawn, -_MOST, _MOST, out=drawn)  # beyond it would be missing
    every = session.predict(drawn.reshape(-1, inputs.shape[1]))
    probabilities = every.probabilities.reshape(len(inputs), DRAWS, -1).mean(axis=1)
    n_bands = every.n_bands[::DRAWS]
    place = np.where(np.isnan(probabilities[:, 0]), -1, np.nan_to_num(probabilities, nan=-1).argmax(axis=1))
    outlier = None if every.outlier is None else every.outlier.reshape(-1, DRAWS).mean(axis=1)
    return Prediction(n_bands, place, probabilities, outlier)
