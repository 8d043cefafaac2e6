"""The requests that a service had, compared with the baseline of its model."""

from scaffold.traffic._baseline import read_baseline
from scaffold.traffic._compare import PSI_THRESHOLD
from scaffold.traffic._measure import Traffic, measure_drift

__all__ = ["PSI_THRESHOLD", "Traffic", "measure_drift", "read_baseline"]
