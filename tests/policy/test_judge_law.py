"""The law of the judge: on every row it says what the plain-Python reference says."""

from __future__ import annotations

from random import Random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flowkit as fk
from flowkit.policy.profiles import PROFILES
from tests.policy import clusters, reference


def judged(policies, world, connections, profile):
    flows = pd.DataFrame(connections, columns=["SrcAddr", "DstAddr", "DstPort", "Proto"]).assign(
        SrcPort=range(20000, 20000 + len(connections))
    )
    return fk.judge(policies, flows, world, profile)["verdict"].tolist()


@pytest.mark.parametrize("profile", PROFILES)
@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_judge_is_the_reference(profile, seed):
    random = Random(seed)
    world, policies = clusters.world(random), clusters.policies(random)
    connections = clusters.connections(random, world, 40)
    assert_same(policies, world, connections, profile)


@settings(max_examples=8)
@given(seed=st.integers(0, 2**32))
def test_many_policies_on_one_pod(seed):
    random = Random(seed)
    world = clusters.world(random)
    assert_same(clusters.crowd(random), world, clusters.connections(random, world, 40), "generic")


def assert_same(policies, world, connections, profile):
    expected = [reference.verdict(policies, world, each, PROFILES[profile]) for each in connections]
    found = judged(policies, world, connections, profile)
    assert list(zip(connections, found, strict=True)) == list(zip(connections, expected, strict=True))
