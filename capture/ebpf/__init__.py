"""Flows straight from the kernel: a BPF program counts packets by flow, and its map becomes a flow table.

``program/`` holds the C programs and the committed object; `syscalls`, `elf`, `btf`, `relocating`, `maps`, `ring` and `objects`
load it without any library; `attaching` and `namespaces` say where it runs; `counting` swaps and drains; `table` makes flows.
"""

from capture.ebpf.capturing import EbpfCapture, ebpf
from capture.ebpf.ledger import Ledger

__all__ = ["EbpfCapture", "Ledger", "ebpf"]
