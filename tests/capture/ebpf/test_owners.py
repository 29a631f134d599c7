"""Who did it: processes that are gone, accepted sockets, older ones, containers by cgroup, and the kernel's own answers."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

import capture
from capture.ebpf.cgroups import root as cgroup_root
from flowkit.errors import CaptureError
from tests.capture.ebpf.lab import HERE, THERE, Lab, lab
from tests.capture.ebpf.needs import need

pytestmark = pytest.mark.privileged

NAME = "open('/proc/self/comm', 'w').write({name!r})\n"
SERVER = """
import socket, sys, threading
def answer(peer):
    with peer: peer.recv(10); peer.sendall(b"answer")
def serve(server):
    while True: threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()
def echo(server):
    while True: server.sendto(*server.recvfrom(100))
tcp = socket.create_server(("", PORT))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("", PORT))
threading.Thread(target=echo, args=(udp,), daemon=True).start()
threading.Thread(target=serve, args=(tcp,), daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""
CLIENT = """
import socket
with socket.create_connection(("192.0.2.2", PORT), 5) as peer: peer.sendall(b"ask"); peer.recv(10)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer: peer.settimeout(5); peer.sendto(b"ask", ("192.0.2.2", PORT)); peer.recv(10)
"""
OLDER = """
import socket, sys
peer = socket.create_connection(("192.0.2.2", 7001), 5)
print("ready", flush=True)
sys.stdin.read(1)
peer.sendall(b"ask"); peer.recv(10)
print("done", flush=True)
sys.stdin.read()
"""
CONTAINER = "0123456789abcdef" * 4


@pytest.fixture
def spaces():
    need("ip", "ping")
    with lab(ipv6=False) as each:
        yield each


@pytest.fixture
def cgroup():
    """A cgroup with the name that docker gives one."""
    need()
    folder = cgroup_root() / f"docker-{CONTAINER}.scope"
    folder.mkdir(exist_ok=True)
    yield folder
    for _ in range(50):
        try:
            folder.rmdir()
        except OSError:
            time.sleep(0.1)
        else:
            break


def started(
    spaces: Lab, space: str, code: str, name: str, port: int = 0, cgroup: Path | None = None
) -> subprocess.Popen:
    """A Python program under a name of its own, which has said that it is ready."""
    program = "import sys; sys.stdin.readline()\n" + NAME.format(name=name) + code.replace("PORT", str(port))
    process = spaces.python(space, program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if cgroup:
        (cgroup / "cgroup.procs").write_text(str(process.pid))
    process.stdin.write("go\n")
    process.stdin.flush()
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture
def workload(spaces, cgroup):
    """Servers older than the captures, one in a container; and the traffic of clients, most of which exit at once."""
    servers = [started(spaces, spaces.far, SERVER, "old-server", 7001)]
    servers.append(started(spaces, spaces.far, SERVER, "in-container", 7002, cgroup))
    older = started(spaces, spaces.near, OLDER, "old-client")

    def go() -> None:
        servers.append(started(spaces, spaces.far, SERVER, "new-server", 7003))
        clients = [
            spaces.python(spaces.near, NAME.format(name=f"client-{port}") + CLIENT.replace("PORT", str(port)))
            for port in (7001, 7002, 7003)
            for _ in range(4)
        ]
        assert [client.wait(20) for client in clients] == [0] * len(clients)
        older.stdin.write("x")
        older.stdin.flush()
        assert older.stdout.readline() == "done\n"
        spaces.run(spaces.near, "ping", "-q", "-c", "2", "-i", "0.1", THERE)
        refused = "import socket\ntry: socket.create_connection(('192.0.2.2', 9), 1)\nexcept OSError: pass"
        assert spaces.python(spaces.near, NAME.format(name="refused") + refused).wait(20) == 0
        unreachable = "import socket\nsocket.socket(2, 2).sendto(b'x', ('192.0.2.2', 9))"
        assert spaces.python(spaces.near, NAME.format(name="no-port") + unreachable).wait(20) == 0

    yield go
    for process in (*servers, older):
        process.kill()
        process.communicate()


def counted(flows: pd.DataFrame) -> pd.DataFrame:
    """The flows between the two ends, without what only the kernel says of neighbours."""
    ends = {HERE, THERE}
    return flows[flows["SrcAddr"].isin(ends) & flows["DstAddr"].isin(ends)].astype({"Comm": "str"})


def share(flows: pd.DataFrame) -> tuple[int, int]:
    """Of the flows that a process made, those whose process is known, and all; the kernel's own answers apart."""
    made = flows[flows["Comm"] != "(kernel)"]
    return int(made["Pid"].notna().sum()), len(made)


def test_flows_have_their_process_user_and_container(spaces, workload):
    with (
        capture.ebpf("veth0", netns=spaces.near, owners=True) as near,
        capture.ebpf("veth0", netns=spaces.far, owners=True) as far,
    ):
        workload()
        client, server = counted(near.drain()), counted(far.drain())
    known, all_ = share(client)
    assert all_ >= 50
    assert known / all_ >= 0.97, client[client["Pid"].isna()]
    known, all_ = share(server)
    assert all_ >= 50
    assert known / all_ >= 0.90, server[server["Pid"].isna()]
    names = {f"client-{port}" for port in (7001, 7002, 7003)} | {"old-client", "ping", "refused", "no-port"}
    assert names <= set(client["Comm"])
    for port, name in ((7001, "old-server"), (7002, "in-container"), (7003, "new-server")):
        at = server[(server["DstPort"] == port) | (server["SrcPort"] == port)]
        assert set(at["Comm"]) == {name}
        assert set(at["Uid"]) == {0}
    inside = server[server["Comm"] == "in-container"]
    assert set(inside["Container"]) == {CONTAINER[:12]}
    assert set(inside["Cgroup"]) == {f"/docker-{CONTAINER}.scope"}
    assert server.loc[server["Comm"] == "old-server", "Container"].isna().all()


def test_what_the_kernel_answers_by_itself_is_called_so(spaces, workload):
    with capture.ebpf("veth0", netns=spaces.far, owners=True) as far:
        workload()
        server = counted(far.drain())
    kernel = server[server["Comm"] == "(kernel)"]
    answers = kernel[kernel["IfDirections"].map(lambda each: each == [1])]
    # The refused connection's reset, the unreachable port, the echo replies.
    assert {(row.Proto, row.IcmpType if row.Proto == 1 else row.SrcPort) for row in answers.itertuples()} == {
        (6, 9),
        (1, 3),
        (1, 0),
    }
    assert kernel["Pid"].unique().tolist() == [0]


def test_a_cgroups_sockets_are_counted_in_every_namespace(spaces, workload, cgroup):
    with capture.ebpf(cgroup=cgroup, owners=True) as inside:
        workload()
        flows = inside.drain().astype({"Comm": "str"})
    sent = flows[flows["SrcPort"] == 7002]
    got = flows[flows["DstPort"] == 7002]
    assert len(sent) == len(got) == 8
    assert set(flows["Comm"]) == {"in-container"}
    assert flows["CaptureFile"].str.fullmatch(r"interface \d+").all()
    assert (sent["Proto"] == 6).sum() == 4
    assert set(flows["SrcPort"]) | set(flows["DstPort"]) >= {7002}
    assert not set(flows["SrcPort"].dropna()) & {7001, 7003}


def test_round_trips_are_the_sockets(spaces, workload):
    with capture.ebpf("veth0", netns=spaces.near, rtt=True) as near:
        workload()
        flows = counted(near.drain().assign(Comm=""))
    answered = flows[(flows["Proto"] == 6) & ((flows["DstPort"] == 7003) | (flows["SrcPort"] == 7003))]
    assert len(answered) == 8
    assert answered["TimeFlowRttNs"].notna().all()
    assert answered["TimeFlowRttNs"].between(1_000, 200_000_000).all()
    assert flows.loc[flows["Proto"] == 17, "TimeFlowRttNs"].isna().all()


def test_packet_sockets_know_no_owner():
    with pytest.raises(CaptureError, match="a packet socket's packets have no socket"):
        capture.ebpf("lo", hook="socket", owners=True)


def test_what_is_no_cgroup_is_refused(tmp_path):
    need()
    with pytest.raises(CaptureError, match="is no cgroup: give a folder of the cgroup2 file system"):
        capture.ebpf(cgroup=tmp_path)
