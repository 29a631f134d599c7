"""Network policies: what they say, whom they admit, and why; policies made of flows, and proven."""

from flowkit.policy.judge import judge
from flowkit.policy.policyset import PolicySet

__all__ = ["PolicySet", "judge"]
