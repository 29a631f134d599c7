"""A policy set: NetworkPolicies, cluster-wide policies of the tiers around them, and the evidence of their rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from flowkit.errors import PolicyError
from flowkit.manifests.documents import Manifest, load_objects
from flowkit.manifests.node import hint
from flowkit.policy.model import ClusterPolicy, NetworkPolicy
from flowkit.policy.reading import is_policy, parse


@dataclass(frozen=True)
class PolicySet:
    """Policies in their order; `evidence` has a row a rule and edge where flows are known, `notes` say what was left out.

    A synthesised set also has `findings`, a row for everything left out, widened or guessed, and its workloads' `coverage`.
    """

    policies: tuple[NetworkPolicy, ...] = ()
    tiers: tuple[ClusterPolicy, ...] = ()
    evidence: pd.DataFrame | None = field(default=None, compare=False, repr=False)
    notes: tuple[str, ...] = ()
    findings: pd.DataFrame | None = field(default=None, compare=False, repr=False)
    coverage: pd.DataFrame | None = field(default=None, compare=False, repr=False)

    @classmethod
    def load(cls, source: str | Path | Mapping[str, Any] | PolicySet) -> PolicySet:
        """Load policies from a file (YAML, JSON, what ``kubectl get networkpolicy -A -o json`` prints), a folder or a dict.

        Kinds: NetworkPolicy (v1), AdminNetworkPolicy and BaselineAdminNetworkPolicy (v1alpha1), ClusterNetworkPolicy
        (v1alpha2). Objects of other kinds are counted in the notes. Raises `SpecError` with file, object and path for what
        the API server would refuse: a set that is only half read would say that too much is allowed.

        >>> policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        ...           "metadata": {"name": "default-deny", "namespace": "shop"}, "spec": {"policyTypes": ["Ingress", "Egress"]}}
        >>> PolicySet.load(policy)
        PolicySet: 1 NetworkPolicy
        """
        return source if isinstance(source, PolicySet) else cls.of(load_objects(source))

    @classmethod
    def of(cls, manifests: Iterable[Manifest]) -> PolicySet:
        """Make a policy set of objects, as `load` does; of two of the same kind and name the last counts, as when applied."""
        listed = list(manifests)
        read = [parse(found) for found in listed if is_policy(found)]
        latest = {_name(policy): policy for policy in read}
        return cls(
            tuple(policy for policy in latest.values() if isinstance(policy, NetworkPolicy)),
            tuple(policy for policy in latest.values() if isinstance(policy, ClusterPolicy)),
            notes=(*_others(listed), *_twice(Counter(map(_name, read)))),
        )

    def without(self, *names: str) -> PolicySet:
        """The set less some policies, named as verdicts name them: ``shop/web``, or kind and name of a cluster-wide one.

        Raises `PolicyError`, with a hint, for one that is not in it.
        """
        known = [*map(title, self.policies), *map(title, self.tiers)]
        for name in names:
            if name not in known:
                raise PolicyError(f"no policy '{name}' in this set.{hint(name, known)}")
        return replace(
            self,
            policies=tuple(each for each in self.policies if title(each) not in names),
            tiers=tuple(each for each in self.tiers if title(each) not in names),
        )

    def having(self, source: str | Path | Mapping[str, Any] | PolicySet) -> PolicySet:
        """The set and some more policies, as `load` takes them; one of the same kind and name is replaced."""
        more = PolicySet.load(source)
        policies = {_name(each): each for each in (*self.policies, *more.policies)}
        tiers = {_name(each): each for each in (*self.tiers, *more.tiers)}
        notes = (*self.notes, *more.notes)
        return replace(self, policies=tuple(policies.values()), tiers=tuple(tiers.values()), notes=notes)

    def yaml(self, form: str = "networkpolicy", names: Mapping[str, Iterable[str]] | None = None) -> str:
        """The set as one YAML stream, every rule under a comment with its evidence; `form` is networkpolicy or cilium.

        `names` are DNS names by address, for Cilium's ``toFQDNs``. Raises `PolicyError` for what the form cannot say.

        >>> from flowkit.policy.model import Selector
        >>> print(PolicySet((NetworkPolicy("shop", "default-deny", Selector(), ("Ingress",)),)).yaml())
        # made by flowkit: policies of namespace shop
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata:
          name: default-deny
          namespace: shop
        spec:
          podSelector: {}
          policyTypes:
          - Ingress
        <BLANKLINE>
        """
        from flowkit.policy.render import yaml_of

        return yaml_of(self, form, names)

    def save(self, folder: str | Path, form: str = "networkpolicy", *, force: bool = False) -> Path:
        """Write the set to a folder, one file a namespace, all or nothing.

        A folder that holds anything is refused, unless `force`: then its policies made by flowkit are replaced, and other files
        stay. Raises `FlowkitError` for a place that cannot be written.
        """
        from flowkit.policy.render import save

        return save(self, Path(folder), form, force=force)

    def __len__(self) -> int:
        return len(self.policies) + len(self.tiers)

    def __repr__(self) -> str:
        kinds = Counter([*("NetworkPolicy" for _ in self.policies), *(policy.kind for policy in self.tiers)])
        return "PolicySet: " + (", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "no policies")

    def _repr_html_(self) -> str:
        from flowkit.view.displays import policies_html

        return policies_html(self)


def title(policy: NetworkPolicy | ClusterPolicy) -> str:
    """What results call a policy: its namespace and name, or the kind and name of a cluster-wide one."""
    first = policy.namespace if isinstance(policy, NetworkPolicy) else policy.kind
    return f"{first}/{policy.name}"


def _name(policy: NetworkPolicy | ClusterPolicy) -> tuple[str, str, str]:
    if isinstance(policy, NetworkPolicy):
        return "NetworkPolicy", policy.namespace, policy.name
    return policy.kind, "", policy.name


def _others(listed: Iterable[Manifest]) -> Iterator[str]:
    kinds = Counter(
        f"{found.kind or 'object without a kind'} ({found.body.get('apiVersion', 'no version')})"
        for found in listed
        if not is_policy(found)
    )
    for kind, count in kinds.items():
        yield f"{count} × {kind}: not read, no policy of a kind judged here"


def _twice(counts: Mapping[tuple[str, str, str], int]) -> Iterator[str]:
    for (kind, namespace, name), count in counts.items():
        if count > 1:
            yield f"{kind} {'/'.join(filter(None, (namespace, name)))} is there {count} times: the last counts"
