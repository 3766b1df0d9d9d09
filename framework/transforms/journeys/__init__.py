"""Journeys: which touches led to a conversion and what each is worth; funnels, cohorts, retention."""

from framework.transforms.journeys.cohorts import cohorts, retention
from framework.transforms.journeys.credit import attribute
from framework.transforms.journeys.funnels import funnel
from framework.transforms.journeys.paths import Lookback, find_journeys
from framework.transforms.journeys.removal import markov_credit
from framework.transforms.journeys.shapley import shapley_credit

__all__ = [
    "Lookback",
    "attribute",
    "cohorts",
    "find_journeys",
    "funnel",
    "markov_credit",
    "retention",
    "shapley_credit",
]
