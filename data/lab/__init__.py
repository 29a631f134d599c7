"""A small cluster played on one Linux machine, recorded as its nodes' agents would see it.

The rooms, in the order data flows:

- `addresses`, `model`, `scenario`, `calls`: the definition. Frozen values; nothing executes.
- `derived`, `placement`: what follows from it: probes and name look-ups; the pods, their nodes and addresses.
- `truth`, `subnets`, `inventory` (with `metadata`, `endpoints`): what it says to the outside, as files.
- `network`, `nat`, `names`, `servers`, `duties`, `programs`: the machine that plays it.
- `merge`, `recording`: from the packets of the interfaces to one pcap a node.

`python -m data.lab --seconds 40 -o data/cluster` does it all (root).
"""
