"""Deep fields: Wireshark's dissectors in bulk by tshark, packet objects by pyshark, and from a flow back to its packets."""

from capture.dissect.fields import dissect
from capture.dissect.flow import display_filter, packet_tree, packets_of
from capture.dissect.objects import pyshark_packets

__all__ = ["display_filter", "dissect", "packet_tree", "packets_of", "pyshark_packets"]
