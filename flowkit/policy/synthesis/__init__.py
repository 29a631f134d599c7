"""From the flow matrix to the policies that allow exactly it."""

from flowkit.policy.synthesis.options import Options
from flowkit.policy.synthesis.synthesising import synthesise

__all__ = ["Options", "synthesise"]
