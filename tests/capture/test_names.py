"""Names out of captures: what each source says, over segments and datagrams, and what hostile messages cannot do."""

from __future__ import annotations

import json
import sys
import warnings

import pytest

import capture
from capture.names import quic_keys
from capture.names import search as names_search
from capture.names.reading import find
from flowkit.contract import provenance
from flowkit.errors import CaptureError
from tests.capture.craft import A6, B6, NOON, A, B, Frame, cut, ether, ip4, pcap, save, udp
from tests.capture.messages import (
    CNAME,
    address,
    crypto,
    datagram,
    dns,
    dns_reply,
    hello,
    in_records,
    initial,
    record,
    request,
    segment,
    wire_name,
)
from tests.capture.test_cli import run

ASKED = b"\xc0\x0c"  # the question's name, by compression


def rows(folder, *frames, **options):
    """What the frames say: address, name, source, count; losses apart."""
    each = [frame if isinstance(frame, Frame) else Frame(frame) for frame in frames]
    table, _ = find(save(folder, "a.pcap", pcap(each)), **options)
    return [tuple(row) for row in table[["Addr", "Name", "Source", "Count"]].itertuples(index=False)], losses(table)


def losses(table):
    return dict(provenance(table).losses)


@pytest.mark.parametrize("port", [53, 5353])
def test_an_answer_names_its_addresses(tmp_path, port):
    message = dns("Shop.Example", [address(ASKED, "198.51.100.1"), address(ASKED, "2001:db8::1")])
    found, lost = rows(tmp_path, dns_reply(message, port))
    assert found == [("198.51.100.1", "shop.example", "dns", 1), ("2001:db8::1", "shop.example", "dns", 1)]
    assert lost == {}


def test_a_chain_of_aliases_gives_the_last_address_the_name_asked_for(tmp_path):
    chain = [
        record(ASKED, CNAME, wire_name("cdn.example")),
        record(wire_name("CDN.example"), CNAME, wire_name("e.example")),
    ]
    message = dns("www.shop.example", [*chain, address(wire_name("e.example"), "203.0.113.5")])
    assert rows(tmp_path, dns_reply(message))[0] == [("203.0.113.5", "www.shop.example", "dns", 1)]


def test_aliases_in_a_ring_end(tmp_path):
    ring = [record(ASKED, CNAME, wire_name("b")), record(wire_name("b"), CNAME, wire_name("a"))]
    message = dns("a", [*ring, address(wire_name("b"), "10.0.0.1")])
    assert rows(tmp_path, dns_reply(message))[0] == [("10.0.0.1", "a", "dns", 1)]


def test_an_address_outside_the_chain_has_its_own_name(tmp_path):
    message = dns("shop.example", [address(ASKED, "10.0.0.1")], more=[address(wire_name("ns.example"), "10.0.0.2")])
    multicast = dns(None, [address(wire_name("printer.local"), "10.0.0.3", group=0x8001)], flags=0x8400)
    found, _ = rows(tmp_path, dns_reply(message), dns_reply(multicast, 5353))
    assert [row[:2] for row in found] == [
        ("10.0.0.1", "shop.example"),
        ("10.0.0.2", "ns.example"),
        ("10.0.0.3", "printer.local"),
    ]


@pytest.mark.parametrize("flags", [0x0100, 0x8183, 0x8182, 0xA980])
def test_questions_errors_and_updates_name_nobody(tmp_path, flags):
    message = dns("shop.example", [address(ASKED, "10.0.0.1")], flags=flags)
    assert rows(tmp_path, dns_reply(message)) == ([], {})


def test_dns_over_tcp_in_one_segment_and_in_three(tmp_path):
    stream = len(message := dns("shop", [address(ASKED, "10.0.0.1")])).to_bytes(2, "big") + message
    there = {"sport": 53, "src": B, "dst": A}
    parts = [(stream[:2], 1), (stream[2:20], 3), (stream[20:], 21)]
    split = [segment(part, place, dport=40001, **there) for part, place in parts]
    found, lost = rows(tmp_path, segment(stream, dport=40000, **there), *split)
    assert (found, lost) == ([("10.0.0.1", "shop", "dns", 2)], {})


def test_a_message_cut_by_the_snap_length_is_read_as_far_as_it_goes(tmp_path):
    message = dns("shop", [address(ASKED, "10.0.0.1"), address(ASKED, "10.0.0.2")])
    whole = dns_reply(message)
    found, lost = rows(tmp_path, cut(whole, len(whole) - 3))
    assert found == [("10.0.0.1", "shop", "dns", 1)]
    assert lost == {names_search.CUT_DNS: 1}


def test_a_hello_and_a_request_name_the_server_on_any_port(tmp_path):
    found, _ = rows(
        tmp_path,
        segment(in_records(hello(b"Shop.Example")), dport=5432),
        segment(request("cart.shop:8080"), dport=9999, src=A6, dst=B6),
        segment(request("cart.shop."), dport=80, src=A6, dst=B6),
    )
    assert found == [(B, "shop.example", "sni", 1), (B6, "cart.shop", "http-host", 2)]


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (0, 1, 1, 0, 2), (2, 0, 1)])
@pytest.mark.parametrize("first", [1, 2**32 - 700])
@pytest.mark.parametrize("chunk", [600, 4 << 20])
def test_a_hello_over_segments_in_any_order_and_twice(tmp_path, order, first, chunk):
    stream = in_records(hello(b"shop", padding=1400))
    parts = [segment(stream[place : place + 600], first + place) for place in (0, 600, 1200)]
    found, lost = rows(tmp_path, *(parts[number] for number in order), chunk=chunk)
    # A segment that came before the beginning, in an earlier batch, is gone.
    if order[0] == 2 and chunk == 600:
        assert (found, list(lost)) == ([], [names_search.NEVER_WHOLE])
    else:
        assert (found, lost) == ([(B, "shop", "sni", 1)], {})


def test_a_hello_over_several_tls_records(tmp_path):
    assert rows(tmp_path, segment(in_records(hello(b"shop"), 50)))[0] == [(B, "shop", "sni", 1)]


def test_a_request_over_two_segments(tmp_path):
    text = request("shop")
    found, lost = rows(tmp_path, segment(text[:30], 7, dport=80), segment(text[30:], 37, dport=80))
    assert (found, lost) == ([(B, "shop", "http-host", 1)], {})


def test_what_never_becomes_whole_is_counted(tmp_path):
    whole = segment(in_records(hello(b"shop")))
    found, lost = rows(tmp_path, segment(request("shop")[:20], sport=50000), cut(whole, len(whole) - 5))
    assert found == []
    assert lost == {names_search.NEVER_WHOLE: 1, names_search.CUT_BEGINNINGS: 1}


def test_a_request_to_a_proxy_says_nothing_of_its_address_nor_does_what_follows(tmp_path):
    ends = {"sport": 50000, "dport": 3128}
    found, lost = rows(
        tmp_path,
        segment(request("shop:443", "shop:443", "CONNECT"), **ends),
        segment(in_records(hello(b"shop")), 90, **ends),
        segment(request("cart", "http://cart/"), dport=3128),
    )
    assert (found, lost) == ([], {names_search.PROXY: 3})


@pytest.mark.parametrize("host", ["10.0.0.1", "10.0.0.1:80", "[fe80::1%eth0]:80", "[2001:db8::1]"])
def test_an_address_is_no_name(tmp_path, host):
    assert rows(tmp_path, segment(request(host))) == ([], {names_search.ADDRESS: 1})


@pytest.mark.parametrize("name", [b"", b".", b"a" * 256])
def test_what_cannot_be_a_name_is_none(tmp_path, name):
    assert rows(tmp_path, segment(in_records(hello(name))))[0] == []


def test_names_of_strangers_are_harmless(tmp_path):
    evil = "<b>\x1b[2J=1,\"'é"
    found, _ = rows(
        tmp_path,
        segment(request(evil)),
        segment(in_records(hello(evil.encode()))),
        dns_reply(dns(None, [address(bytes([5]) + b"a.b<\0" + b"\0", "10.0.0.1")])),
    )
    assert ("10.0.0.1", "a\\046b\\060\\000", "dns", 1) in found
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.\\") for _, name, _, _ in found)
    assert len(found) == 3


def test_two_hosts_in_a_request_name_nobody(tmp_path):
    assert rows(tmp_path, segment(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"))[0] == []


class TestQuic:
    """QUIC Initials; sealed with `cryptography`."""

    pytest.importorskip("cryptography", reason="cryptography is absent")

    @pytest.mark.parametrize("version", list(quic_keys.VERSIONS))
    def test_an_initial_names_the_server(self, tmp_path, version):
        packet = initial(crypto(0, hello(b"Shop.Example")), version=version)
        found, lost = rows(tmp_path, datagram(packet), datagram(packet, dport=8443, src=A6, dst=B6))
        assert (found, lost) == ([(B, "shop.example", "quic-sni", 1), (B6, "shop.example", "quic-sni", 1)], {})

    def test_a_hello_in_pieces_over_two_datagrams_with_a_new_connection_id(self, tmp_path):
        whole = hello(b"shop", padding=1200)
        first = initial(b"\1" + crypto(1000, whole[1000:]) + crypto(0, whole[:30]))
        second = initial(b"\2\0\0\0\0" + crypto(30, whole[30:1000]), dcid=b"chosen", original=b"12345678", number=1)
        found, lost = rows(tmp_path, datagram(first), datagram(second), datagram(second))
        assert (found, lost) == ([(B, "shop", "quic-sni", 1)], {})

    def test_the_servers_side_is_passed_over_and_what_no_key_opens_is_counted(self, tmp_path):
        ask, foreign = initial(crypto(0, hello(b"shop"))), initial(b"\1", original=b"other")
        answer = datagram(foreign, 443, 40000, B, A)
        found, lost = rows(tmp_path, datagram(ask), answer, datagram(foreign, 50000))
        assert found == [(B, "shop", "quic-sni", 1)]
        assert lost == {names_search.SEALED: 1}

    def test_without_cryptography_initials_are_counted(self, tmp_path, monkeypatch):
        monkeypatch.setattr(names_search, "available", lambda: False)
        assert rows(tmp_path, datagram(initial(b"\1"))) == ([], {"QUIC Initials not read: install cryptography": 1})

    def test_other_versions_are_counted(self, tmp_path):
        packet = b"\xc0\xff\0\0\x1d" + bytes(1200)
        assert rows(tmp_path, datagram(packet)) == ([], {names_search.OTHER_VERSION: 1})

    def test_version_2_has_its_own_keys(self):
        keys = quic_keys.client_keys(quic_keys.VERSIONS[0x6B3343CF], bytes.fromhex("8394c8f03e515708"))
        assert keys.key.hex() == "8b1a0bc121284290a29e0971b5cd045d"  # RFC 9369, appendix A.1


def test_counts_and_times_join_files(tmp_path):
    reply = dns_reply(dns("shop", [address(ASKED, "10.0.0.1")]))
    paths = [
        save(tmp_path, f"{number}.pcap", pcap([Frame(reply, time=NOON + number * 10**9)] * 2)) for number in (5, 1)
    ]
    table = capture.names(paths)
    assert table.iloc[0].tolist() == ["10.0.0.1", "shop", "dns", 4, NOON // 10**6 + 1000, NOON // 10**6 + 5000]
    assert provenance(table).sources == ("5.pcap", "1.pcap")
    assert [str(dtype) for dtype in table.dtypes] == ["str", "str", "category", "UInt64", "Int64", "Int64"]


def test_losses_are_one_warning_that_points_at_the_caller(tmp_path):
    path = save(tmp_path, "a.pcap", pcap([Frame(segment(request("shop")[:20]))])[:-1] + b"?")
    with pytest.warns(capture.CaptureWarning, match="whose rest never came") as caught:
        capture.names(path)
    assert caught[0].filename == __file__


def test_ordinary_captures_do_not_warn(tmp_path):
    path = save(tmp_path, "a.pcap", pcap([Frame(segment(request("10.0.0.1"))), Frame(ether(ip4(udp(), 17)))]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(capture.names(path)) == 0


def test_no_file_and_no_capture_are_errors(tmp_path):
    with pytest.raises(CaptureError, match="no capture file was given"):
        capture.names([])
    with pytest.raises(CaptureError, match="a text file, not a packet capture"):
        capture.names(save(tmp_path, "a.pcap", b"hello\n" * 9))


def test_an_unsupported_link_type_is_counted(tmp_path):
    table, _ = find(save(tmp_path, "a.pcap", pcap([Frame(bytes(60))], link=147)))
    assert losses(table) == {"frames of link type 147, which is not supported": 1}


def test_the_command_writes_json_lines_and_files(tmp_path):
    path = save(tmp_path, "a.pcap", pcap([Frame(segment(request("shop")))]))
    done = run("names", path)
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout)["Name"] == "shop"
    assert run("names", path, "-o", tmp_path / "names.csv").exit_code == 0
    assert (tmp_path / "names.csv").read_text().splitlines()[1].startswith(f"{B},shop,http-host,1,")


def test_the_command_shows_a_table_on_a_terminal(tmp_path, monkeypatch, capsys):
    from capture.cli import names as command

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(command, "_SHOWN", 1)
    command._show(capture.names(save(tmp_path, "a.pcap", pcap([Frame(segment(request(name))) for name in ("a", "b")]))))
    shown = capsys.readouterr().out
    assert "http-host" in shown
    assert "and 1 more" in shown


def test_globs_and_lists_name_files_as_read_pcap_does(tmp_path):
    one = save(tmp_path, "a.pcap", pcap([]))
    save(tmp_path, "b.pcap", pcap([]))
    assert list(capture.names(str(tmp_path / "*.pcap")).attrs["flowkit"]["sources"]) == ["a.pcap", "b.pcap"]
    with pytest.raises(CaptureError, match="given twice"):
        capture.names([one, one])
    with pytest.raises(CaptureError, match="no file has a name like this"):
        capture.names(str(tmp_path / "*.cap"))
