"""Mixed traffic between the namespaces of a lab, as programs: TCP with every ending, UDP, fragments, and frames put in by hand."""

from __future__ import annotations

SERVER = """
import socket, sys, threading
def answer(peer):
    with peer:
        peer.sendall(b"y" * int.from_bytes(peer.recv(4), "big"))
def tcp(family, address):
    with socket.create_server((address, 8080), family=family, backlog=500) as server:
        while True: threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()
def udp(family, address):
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.bind((address, 5353))
        while True:
            data, who = server.recvfrom(65536); server.sendto(data[::-1], who)
for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "2001:db8::2")):
    for serve in tcp, udp: threading.Thread(target=serve, args=(family, address), daemon=True).start()
sys.stdin.read()
"""

CLIENT = """
import random, socket, struct
random.seed(1)
for number in range(COUNT):
    family, address = random.choice(((socket.AF_INET, "192.0.2.2"), (socket.AF_INET6, "2001:db8::2")))
    with socket.create_connection((address, 8080), 5) as peer:
        peer.sendall(random.choice((0, 1, 100, 5000, 100000)).to_bytes(4, "big"))
        while peer.recv(65536): pass
        # No lingering: the connection ends with RST.
        if number % 7 == 0: peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with socket.socket(family, socket.SOCK_DGRAM) as peer:
        peer.settimeout(5)
        peer.setsockopt(*((0, 1) if family == socket.AF_INET else (41, 67)), random.choice((0, 46 << 2, 32)))
        peer.sendto(b"z" * random.choice((1, 100, 1400, 6000)), (address, 5353)); peer.recv(70000)
    try: socket.create_connection((address, 81 + number % 3), 1)
    except OSError: pass
"""

INJECTED = """
import socket, struct
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); out.bind(("veth0", 0))
macs = bytes.fromhex("0200000000020200000000fe")
def four(proto, above, options=b""):
    size = 20 + len(options) + len(above)
    ends = bytes([192, 0, 2, 77, 192, 0, 2, 78])
    return struct.pack(">BBHHHBBH", 64 + 5 + len(options) // 4, 0x28, size, 7, 0, 64, proto, 0) + ends + options + above
def six(proto, above):
    ends = bytes.fromhex("20010db80000000000000000000000aa20010db80000000000000000000000bb")
    return struct.pack(">IHBB", 6 << 28 | 0x2e << 20, len(above), proto, 64) + ends + above
udp = struct.pack(">HHHH", 1111, 2222, 13, 0) + b"hello"
sctp = struct.pack(">HHII", 3333, 4444, 1, 0) + bytes([0, 0, 0, 4])
hops = bytes([60, 0, 1, 4, 0, 0, 0, 0, 17, 1, 1, 12]) + bytes(12)
for _ in range(3):
    out.send(macs + struct.pack(">HHH", 0x8100, 100, 0x800) + four(17, udp))
    out.send(macs + struct.pack(">HHHHH", 0x88a8, 200, 0x8100, 300, 0x800) + four(17, udp))
    out.send(macs + struct.pack(">H", 0x800) + four(132, sctp))
    out.send(macs + struct.pack(">H", 0x800) + four(17, udp, bytes([7, 7, 4, 0, 0, 0, 0, 0])))
    out.send(macs + struct.pack(">H", 0x86dd) + six(0, hops + udp))
"""

PINGS = (
    ("ping", "-q", "-c", "5", "-i", "0.1", "-s", "3000", "192.0.2.2"),
    ("ping", "-q", "-c", "5", "-i", "0.1", "-R", "192.0.2.2"),
    ("ping", "-6", "-q", "-c", "5", "-i", "0.1", "-s", "3000", "2001:db8::2"),
)
