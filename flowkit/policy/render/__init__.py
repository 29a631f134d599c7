"""Policies as text: NetworkPolicy and CiliumNetworkPolicy YAML with its evidence, and a Baseline default-deny."""

from flowkit.policy.render.baseline import baseline_deny
from flowkit.policy.render.rendering import save, yaml_of

__all__ = ["baseline_deny", "save", "yaml_of"]
