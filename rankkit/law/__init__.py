"""What theory predicts of sin(omega B A): spectra, ranks and frequencies without sampling, and bounds without an SVD.

With b and a drawn from a product law, S / sqrt(m n) is a sampled integral operator (Koltchinskii and Gine 2000): its
singular values tend to products of one-coordinate ones (limit), of which m rows and n columns show a part (finite).
"""

from __future__ import annotations

from rankkit.law.bounds import RankBounds, rank_bounds
from rankkit.law.decay import decay_power, strip_rate
from rankkit.law.error import Parts
from rankkit.law.exponents import POWERS, staircase_exponents
from rankkit.law.inverse import frequency_for_rank
from rankkit.law.limit.entry_laws import EntryLaw
from rankkit.law.measures import MEASURES
from rankkit.law.nufft import LargeSpectrum, leading_spectrum
from rankkit.law.predict import predict_curve, predict_rank, predict_spectrum, predict_stable_rank
from rankkit.law.prediction import Curve, Prediction, Step, Target

__all__ = [
    "MEASURES",
    "POWERS",
    "Curve",
    "EntryLaw",
    "LargeSpectrum",
    "Parts",
    "Prediction",
    "RankBounds",
    "Step",
    "Target",
    "decay_power",
    "frequency_for_rank",
    "leading_spectrum",
    "predict_curve",
    "predict_rank",
    "predict_spectrum",
    "predict_stable_rank",
    "rank_bounds",
    "staircase_exponents",
    "strip_rate",
]
