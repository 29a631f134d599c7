"""A live topic: read to its end or for a while, nothing lost in silence, and no password anywhere."""

import gc
import json
import logging
import threading
import time
import traceback
import warnings

import pytest

import flowkit as fk
from flowkit.contract import provenance
from flowkit.errors import SourceError
from flowkit.sources import Kafka, read_kafka
from tests.sources.fake_kafka import cluster, gate
from tests.sources.fake_loki import certificates, tls

SECRET = "pass-w0rd-of-the-reader"
FLOWS = [
    {"SrcAddr": f"10.0.{n // 250}.{n % 250}", "DstPort": 443, "Proto": 6, "Flags": ["SYN"], "TimeFlowEndMs": n}
    for n in range(1200)
]
VALUES = [json.dumps(flow).encode() for flow in FLOWS]


@pytest.fixture(autouse=True)
def _left_open():
    """kafka-python leaves the sockets of attempts that failed to the garbage collector, which warns."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def at(broker, topic="flows", **more):
    # librdkafka's mock refuses the newest way to ask for a broker's version.
    return Kafka(f"kafka://{broker}/{topic}", version=(2, 3), **more)


def test_every_message_once_to_the_end():
    with cluster("flows", VALUES) as (broker, _):
        flows = read_kafka(at(broker))
    assert sorted(flows["TimeFlowEndMs"].tolist()) == list(range(1200))
    assert flows["Flags"].unique().tolist() == [2]
    assert provenance(flows).sources == (f"kafka://{broker}/flows",)
    assert not provenance(flows).losses


def test_what_is_no_flow_is_counted():
    pretty = json.dumps(FLOWS[0], indent=1).encode()
    with cluster("flows", [*VALUES[:3], b"", b"{cut", b'{"a":1}', b"\xff\x00", pretty]) as (broker, _):
        flows = read_kafka(at(broker))
    assert len(flows) == 5  # keys that are no field come along as text
    losses = provenance(flows).losses
    assert losses["Kafka messages without a value"] == 1
    assert losses["broken JSON lines"] == 2


def test_as_many_messages_as_asked():
    with cluster("flows", VALUES) as (broker, _):
        flows = read_kafka(at(broker), messages=700)
    assert len(flows) == 700
    assert "reading stopped after 700 messages, as asked" in provenance(flows).notes


def test_only_what_comes_from_now_on():
    with cluster("flows", VALUES[:5]) as (broker, add):
        late = threading.Thread(target=lambda: (time.sleep(1.5), add(VALUES[5:8])))
        late.start()
        flows = read_kafka(at(broker), start="latest", seconds=4)
        late.join()
    assert sorted(flows["TimeFlowEndMs"].tolist()) == [5, 6, 7]


def test_by_url(monkeypatch):
    monkeypatch.setattr(Kafka, "from_environment", lambda url: Kafka(url, version=(2, 3)))
    with cluster("flows", VALUES[:20]) as (broker, _):
        assert len(fk.read(f"kafka://{broker}/flows")) == 20
        assert len(fk.read(f"kafka://{broker}/flows?messages=7&seconds=20")) == 7


def test_a_topic_that_is_not_there_and_one_that_is_empty():
    with cluster("flows", []) as (broker, _), pytest.raises(SourceError, match="no topic 'none'|gave no message"):
        read_kafka(at(broker, "none"))


def test_protobuf_is_named():
    protobuf = [b"\x0a\x05\x08\x01"]
    raised = pytest.raises(SourceError, match="the agents' own topic holds protobuf")
    with cluster("flows", protobuf) as (broker, _), raised as error:
        read_kafka(at(broker))
    assert "messages.jsonl" not in str(error.value)


def test_nobody_there():
    with pytest.raises(SourceError, match="is this the address of a broker"):
        read_kafka(Kafka("kafka://127.0.0.1:1/flows", timeout=1))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("kafka://broker/", "must be like kafka://broker:9092/topic"),
        ("kafka://bro ker/t", "must be like"),
        ("kafka://broker:9092/a/b", "must be like"),
        (f"kafka://reader:{SECRET}@broker/flows", "holds a user or password"),
        ("kafka://broker/flows?messages=many", "is a number, not 'many'"),
        ("kafka://broker/flows?messages=0", "at least 1"),
        ("kafka://broker/flows?seconds=nan", "less than a day"),
        ("kafka://broker/flows?start=now", "'earliest' or 'latest'"),
    ],
)
def test_urls_that_cannot_be(url, says):
    with pytest.raises(SourceError) as error:
        fk.read(url)
    assert says in str(error.value)
    assert SECRET not in str(error.value)


def test_a_password_needs_tls():
    with pytest.raises(SourceError, match="over TLS only") as error:
        Kafka("kafka://broker/flows", user="reader", password=SECRET)
    assert SECRET not in str(error.value)


def test_settings_for_tls_and_login(tmp_path):
    (tmp_path / "ca.pem").write_text("x")
    (tmp_path / "password").write_text(SECRET + "\n")
    environment = {
        "KAFKA_USERNAME": "reader",
        "KAFKA_PASSWORD_FILE": str(tmp_path / "password"),
        "KAFKA_CA_CERT_PATH": str(tmp_path / "ca.pem"),
    }
    topic = Kafka.from_environment("kafka+tls://a:1,[::1]:2/flows", environment)
    assert topic.settings() == {
        "bootstrap_servers": ["a:1", "[::1]:2"],
        "security_protocol": "SASL_SSL",
        "bootstrap_timeout_ms": 30_000,
        "api_version": None,
        "ssl_cafile": str(tmp_path / "ca.pem"),
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "reader",
        "sasl_plain_password": SECRET,
    }
    assert SECRET not in repr(topic)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(SourceError, match="cannot read '.*none': No such file"):
        Kafka("kafka+tls://broker/flows", user="a", password_file=tmp_path / "none").settings()


def test_a_password_stands_in_no_log_and_no_error(tmp_path, caplog):
    pki = certificates(tmp_path)
    with gate(tls(pki)) as server, caplog.at_level(logging.DEBUG):
        topic = Kafka(
            f"kafka+tls://127.0.0.1:{server.server_address[1]}/flows",
            user="reader",
            password=SECRET,
            mechanism="PLAIN",
            ca=pki / "ca.pem",
            timeout=3,
            version=(2, 3),
        )
        with pytest.raises(SourceError) as error:
            read_kafka(topic)
    assert server.told
    assert set(server.told) == {SECRET.encode()}  # it was sent, and came back in the refusal
    written = "".join(traceback.format_exception(error.value)) + caplog.text + repr(topic)
    assert SECRET not in written
    assert SECRET[4:] not in written


def test_a_broker_that_cannot_be_trusted_gets_no_password(tmp_path):
    pki = certificates(tmp_path)
    with gate(tls(pki)) as server:
        topic = Kafka(f"kafka+tls://127.0.0.1:{server.server_address[1]}/flows", user="a", password=SECRET, timeout=2)
        with pytest.raises(SourceError):
            read_kafka(topic)
    assert server.told == []
