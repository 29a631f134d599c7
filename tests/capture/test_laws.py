"""Laws of the reader: nothing is lost, chunks do not matter, the slow reference agrees, mutated files never crash."""

from __future__ import annotations

import gzip
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import capture
from capture.pcap import fragments, keys, meter
from capture.pcap.plan import Plan
from flowkit.contract import provenance
from flowkit.errors import CaptureError
from tests.capture import fuzz, slow
from tests.capture.craft import pcap, random_frames, save
from tests.capture.fuzz import mutated
from tests.capture.tables import as_dict, in_ms, read_quietly

SETTINGS = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
captures = st.builds(
    lambda seed, count, order, nano: pcap(random_frames(Random(seed), count), order=order, nano=nano),
    st.integers(0, 10**6),
    st.integers(0, 120),
    st.sampled_from("<>"),
    st.booleans(),
)


@SETTINGS
@given(data=captures, lost=st.integers(0, 40))
def test_the_slow_reference_agrees(tmp_path, data, lost):
    data = data[: max(24, len(data) - lost)]
    flows = read_quietly(save(tmp_path, "a.pcap", data))
    expected = slow.read(data)
    assert as_dict(flows) == in_ms(expected.flows)
    account = capture.report(flows).files["a.pcap"]
    assert {name: getattr(account, name) for name in expected.account} == dict(expected.account)


@SETTINGS
@given(data=captures, lost=st.integers(0, 40))
def test_bytes_in_are_flow_bytes_and_counted_losses(tmp_path, data, lost):
    flows = read_quietly(save(tmp_path, "a.pcap", data[: max(24, len(data) - lost)]))
    found = capture.report(flows).files["a.pcap"]
    assert found.packets == int(flows["Packets"].sum()) + found.not_ip_packets + found.undecoded_packets
    assert found.bytes == int(flows["Bytes"].sum()) + found.not_ip_bytes + found.undecoded_bytes
    assert found.reasons == provenance(flows).losses


@SETTINGS
@given(data=captures, chunk=st.integers(1, 5000), packed=st.booleans())
def test_chunks_and_packing_change_nothing(tmp_path, data, chunk, packed):
    whole = read_quietly(save(tmp_path, "a.pcap", data))
    parts = read_quietly(save(tmp_path, "a.pcap", gzip.compress(data, 1, mtime=0) if packed else data), chunk=chunk)
    pd.testing.assert_frame_equal(parts, whole)
    assert parts.attrs == whole.attrs


@SETTINGS
@given(data=captures)
def test_small_heaps_and_colliding_hashes_change_nothing(tmp_path, data):
    path = save(tmp_path, "a.pcap", data)
    whole = read_quietly(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "hashed", lambda key: key.word & np.uint64(1))
        patch.setattr(meter, "_MERGE_ABOVE", 3)
        pd.testing.assert_frame_equal(read_quietly(path, chunk=300, plan=Plan(heap=4)), whole)


@SETTINGS
@given(data=captures)
def test_a_flow_table_is_conformed_and_sorted(tmp_path, data):
    from flowkit.contract import conform

    flows = read_quietly(save(tmp_path, "a.pcap", data))
    assert conform(flows).dtypes.equals(flows.dtypes)
    assert flows["TimeFlowStartMs"].is_monotonic_increasing


@SETTINGS
@given(data=captures)
def test_bounded_fragment_memory_loses_no_packet(tmp_path, data):
    path = save(tmp_path, "a.pcap", data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fragments, "MOST_REMEMBERED", 1)
        patch.setattr(fragments, "MOST_WAITING", 1)
        flows = read_quietly(path)
    assert int(flows["Packets"].sum()) == capture.report(flows).total("ip_packets")


def _read_or_refused(path, chunk):
    try:
        return read_quietly(path, chunk=chunk)
    except CaptureError as error:
        if "\n" in str(error):
            raise
        return None


@pytest.mark.parametrize("packed", [False, True])
def test_mutated_files_give_rows_and_reasons_or_one_error(tmp_path, packed):
    random = Random(11 + packed)
    bases = [pcap(random_frames(random, 25), order=order, nano=nano) for order in "<>" for nano in (False, True)]
    read = 0
    for number in range(1000):
        base = random.choice(bases)
        data = mutated(random, gzip.compress(base, 1, mtime=0) if packed else base)
        path = save(tmp_path, "a.pcap", data)
        flows = _read_or_refused(path, random.choice((64, 1000, 1 << 22)))
        if flows is None:
            continue
        read += 1
        found = capture.report(flows).files["a.pcap"]
        assert found.packets == int(flows["Packets"].sum()) + found.not_ip_packets + found.undecoded_packets, number
        if not packed and data[20:24] in (b"\x01\0\0\0", b"\0\0\0\x01") and data[:4] == base[:4]:
            assert as_dict(flows) == in_ms(slow.read(data).flows), number
    assert read > 500


def test_a_slice_of_the_fuzz_over_every_container_link_layer_and_tunnel(tmp_path):
    done = fuzz.run(600, 77, tmp_path)
    assert done["read"] > 300
