"""Network policies: what they say, whom they admit, and why."""
