"""Step 1: a selector for every workload that selects exactly its pods, by labels that outlive a pod and a revision.

Workloads that no label tells apart become one subject, with the label to add named; a workload without any lasting label is
not selectable. Nothing is ever selected by per-pod labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import combinations

from flowkit.policy.model import Selector
from flowkit.policy.synthesis.workloads import Key, Workload

Label = tuple[str, str]

PASSING = frozenset(
    {
        "app.kubernetes.io/version",
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "batch.kubernetes.io/job-name",
        "controller-revision-hash",
        "controller-uid",
        "helm.sh/chart",
        "istio.io/rev",
        "job-name",
        "pod-template-generation",
        "pod-template-hash",
        "rollouts-pod-template-hash",
        "service.istio.io/canonical-revision",
        "statefulset.kubernetes.io/pod-name",
    }
)
"""Labels of one pod or one revision."""
_PLACES = ("topology.kubernetes.io/", "failure-domain.beta.kubernetes.io/", "topology.istio.io/")
_PREFERRED = (
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/component",
    "app",
    "k8s-app",
    "component",
)
# Above this many labels a selector is made smaller label by label instead of by trying every subset.
_TRIED = 10


@dataclass(frozen=True)
class Subject:
    """The pods that one policy is about: a workload, or several that no label tells apart (a label clash)."""

    namespace: str
    workloads: tuple[Key, ...]
    selector: Selector

    @property
    def name(self) -> str:
        """Its first workload's name, which its policy is called by."""
        return self.workloads[0][2]


@dataclass(frozen=True)
class Clash:
    """Workloads that share a subject because their labels do not tell them apart, and what would."""

    subject: Subject
    remedy: str


@dataclass(frozen=True)
class Subjects:
    """The subject of every selectable workload, the clashes among them, and who is not selectable at all."""

    of: Mapping[Key, Subject]
    clashes: tuple[Clash, ...]
    unselectable: tuple[Key, ...]


def subjects(workloads: Mapping[Key, Workload]) -> Subjects:
    """Find a subject for every workload; the result depends on names and labels alone, not on their order."""
    by_namespace: dict[str, list[Workload]] = {}
    for key in sorted(workloads):
        by_namespace.setdefault(key[0], []).append(workloads[key])
    of: dict[Key, Subject] = {}
    unselectable: list[Key] = []
    for namespace, listed in by_namespace.items():
        pods = _Pods(listed)
        for members in _merged(pods, unselectable):
            subject = Subject(namespace, tuple(each.key for each in members), pods.selector(members))
            of.update(dict.fromkeys(subject.workloads, subject))
    shared = dict.fromkeys(subject for subject in of.values() if len(subject.workloads) > 1)
    return Subjects(of, tuple(Clash(each, _remedy(each)) for each in shared), tuple(unselectable))


def _remedy(subject: Subject) -> str:
    names = ", ".join(f"{kind} {name}" for _, kind, name in subject.workloads)
    return f"give the pods of each of {names} a label of its own, such as app.kubernetes.io/instance"


class _Pods:
    """The pods of one namespace as bits, so that what labels select is an AND of integers."""

    def __init__(self, workloads: list[Workload]) -> None:
        self.workloads = workloads
        self._bits: dict[Label, int] = {}
        self._own: dict[Key, int] = {}
        self._lasting: dict[Key, frozenset[Label]] = {}
        at = 0
        for workload in workloads:
            for pod in workload.pods:
                for label in pod.labels.items():
                    self._bits[label] = self._bits.get(label, 0) | 1 << at
                self._own[workload.key] = self._own.get(workload.key, 0) | 1 << at
                at += 1
            shared = reduce(frozenset.intersection, (frozenset(pod.labels.items()) for pod in workload.pods))
            self._lasting[workload.key] = frozenset(label for label in shared if _lasts(label[0]))

    def own(self, members: Iterable[Workload]) -> int:
        """The pods of these workloads."""
        return reduce(int.__or__, (self._own[each.key] for each in members))

    def hit(self, labels: Iterable[Label]) -> int:
        """The pods that at least one label selects together with the others."""
        return reduce(int.__and__, (self._bits.get(label, 0) for label in labels))

    def lasting(self, members: Iterable[Workload]) -> list[Label]:
        """The lasting labels that all pods of these workloads share, the preferred ones first."""
        shared = reduce(frozenset.intersection, (self._lasting[each.key] for each in members))
        return sorted(shared, key=_preference)

    def touched(self, bits: int) -> list[Workload]:
        """The workloads that any of these pods belong to."""
        return [each for each in self.workloads if self._own[each.key] & bits]

    def selector(self, members: list[Workload]) -> Selector:
        """What selects exactly the pods of these workloads: the owner's own choice, else the fewest lasting labels."""
        wanted = self.own(members)
        chosen = members[0].chosen
        if chosen and all(_lasts(key) for key, _ in chosen) and self.hit(chosen) == wanted:
            return Selector(chosen)
        return Selector(tuple(sorted(self._fewest(self.lasting(members), wanted))))

    def _fewest(self, labels: list[Label], wanted: int) -> tuple[Label, ...]:
        if len(labels) > _TRIED:
            return self._fewer(labels, wanted)
        subsets = (each for size in range(1, len(labels) + 1) for each in combinations(labels, size))
        return next(each for each in subsets if self.hit(each) == wanted)

    def _fewer(self, labels: list[Label], wanted: int) -> tuple[Label, ...]:
        """Give up labels one by one, the least preferred first, while the rest selects the same."""
        kept = list(labels)
        for label in reversed(labels):
            rest = [each for each in kept if each != label]
            if rest and self.hit(rest) == wanted:
                kept = rest
        return tuple(kept)


def _merged(pods: _Pods, unselectable: list[Key]) -> list[list[Workload]]:
    """Groups of workloads that can be selected exactly: alone, or with those that the same labels hit.

    A group whose common labels would hit others takes them in, until nobody else is hit or no common label is left.
    """
    group = {each.key: [each] for each in pods.workloads if pods.lasting([each])}
    unselectable += [each.key for each in pods.workloads if each.key not in group]
    for workload in pods.workloads:
        if workload.key not in group:
            continue
        members = group[workload.key]
        while members and (others := _others(pods, members)):
            members = _united(members, others, group)
            if not pods.lasting(members):
                unselectable += [each.key for each in members if group.pop(each.key, None)]
                members = []
        group.update((each.key, members) for each in members)
    return list({tuple(each.key for each in members): members for members in group.values()}.values())


def _others(pods: _Pods, members: list[Workload]) -> list[Workload]:
    """Who else the common labels of these hit."""
    hit = pods.hit(pods.lasting(members))
    return [] if hit == pods.own(members) else [each for each in pods.touched(hit) if each not in members]


def _united(members: list[Workload], others: list[Workload], group: dict[Key, list[Workload]]) -> list[Workload]:
    every = {each.key: each for part in [members, *(group.get(o.key, [o]) for o in others)] for each in part}
    return [every[key] for key in sorted(every)]


def _lasts(key: str) -> bool:
    return key not in PASSING and not key.startswith(_PLACES)


def _preference(label: Label) -> tuple[int, str, str]:
    key, value = label
    return (_PREFERRED.index(key) if key in _PREFERRED else len(_PREFERRED), key, value)
