"""Policies from manifests, checked and filled in as the API server does: one file a kind."""

from flowkit.policy.reading.kinds import is_policy, parse

__all__ = ["is_policy", "parse"]
