"""The judge: verdicts of flows and of cells under a policy set, vectorised, each with its reason."""

from flowkit.policy.judge.judging import judge
from flowkit.policy.judge.ruling import Cells, Judgement, Ruling, Side

__all__ = ["Cells", "Judgement", "Ruling", "Side", "judge"]
