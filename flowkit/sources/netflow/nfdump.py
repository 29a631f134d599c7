"""Files of nfdump: its own, which nfdump itself opens, and the JSON and CSV it prints.

Source: https://github.com/phaag/nfdump (1.6 and 1.7). nfdump prints times in the zone it runs in; here it runs in UTC, and
what others printed is taken for UTC.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.csv as csv

from flowkit.contract import conform, provenance, stack, with_provenance
from flowkit.contract.plain import plain as plain_text
from flowkit.errors import SourceError
from flowkit.sources.control_bits import with_flags
from flowkit.sources.foreign import Found, json_objects, left_out, pointed, texts
from flowkit.sources.lacks import with_lacks
from flowkit.sources.losses import EXAMPLES, Loss, example
from flowkit.sources.objects.unpacked import unpacked
from flowkit.sources.two_way import both_ways

NAME = "NetFlow of nfdump"

_MAGIC = (b"\x0c\xa5", b"\xa5\x0c")
_PROTO = {
    "TCP": 6,
    "UDP": 17,
    "ICMP": 1,
    "ICMP6": 58,
    "SCTP": 132,
    "IGMP": 2,
    "GRE": 47,
    "ESP": 50,
    "AH": 51,
    "IPv6": 41,
}
# nfdump writes flags as places: CWR ECE URG ACK PSH RST SYN FIN.
_LETTERS = {"C": 128, "E": 64, "U": 32, "A": 16, "P": 8, "R": 4, "S": 2, "F": 1}
_BITS = " + ".join(f"CASE WHEN contains(flags, '{letter}') THEN {bit} ELSE 0 END" for letter, bit in _LETTERS.items())
_NUMBERED = " ".join(f"WHEN '{name}' THEN {number}" for name, number in _PROTO.items())
_COLUMNS = (
    "TimeFlowStartMs", "TimeFlowEndMs", "SrcAddr", "DstAddr", "SrcPort", "DstPort", "Proto", "IcmpType", "IcmpCode",
    "Dscp", "TcpControlBits", "Bytes", "Packets", "SrcMac", "DstMac", "AgentIP", "BytesBack", "PacketsBack", "Sampled",
)  # fmt: skip
_PORTS = "Proto IN (6, 17, 132)"
_COMMON = f"""
    epoch_ms(TRY_CAST(replace(first, ' ', 'T') AS TIMESTAMP)) AS TimeFlowStartMs,
    epoch_ms(TRY_CAST(replace(last, ' ', 'T') AS TIMESTAMP)) AS TimeFlowEndMs,
    CASE WHEN {_PORTS} THEN src_port END AS SrcPort, CASE WHEN {_PORTS} THEN dst_port END AS DstPort,
    CASE WHEN Proto = 6 AND flags IS NOT NULL THEN {_BITS} END AS TcpControlBits,
    TRY_CAST(tos AS UTINYINT) // 4 AS Dscp,
    nullif(agent, '0.0.0.0') AS AgentIP, nullif(mac_in, '00:00:00:00:00:00') AS SrcMac,
    nullif(mac_out, '00:00:00:00:00:00') AS DstMac,
    nullif(bytes_back, '0') AS BytesBack, nullif(packets_back, '0') AS PacketsBack
"""
_POINTERS = {
    "first": "/first", "last": "/last", "t_first": "/t_first", "t_last": "/t_last", "proto": "/proto", "src4": "/src4_addr",
    "dst4": "/dst4_addr", "src6": "/src6_addr", "dst6": "/dst6_addr", "src_port": "/src_port", "dst_port": "/dst_port",
    "icmp_type": "/icmp_type", "icmp_code": "/icmp_code", "flags": "/tcp_flags", "tos": "/src_tos", "bytes": "/in_bytes",
    "packets": "/in_packets", "bytes_back": "/out_bytes", "packets_back": "/out_packets", "sampled": "/sampled",
    "mac_in": "/in_src_mac", "mac_out": "/out_dst_mac", "agent4": "/ip4_router", "agent6": "/ip6_router",
}  # fmt: skip
_JSON = f"""
    SELECT {_COMMON}, * FROM (
        SELECT found.* EXCLUDE (first, last), coalesce(first, t_first) AS first, coalesce(last, t_last) AS last,
            TRY_CAST(proto AS UTINYINT) AS Proto, coalesce(src4, src6) AS SrcAddr, coalesce(dst4, dst6) AS DstAddr,
            CASE WHEN Proto IN (1, 58) THEN icmp_type END AS IcmpType,
            CASE WHEN Proto IN (1, 58) THEN icmp_code END AS IcmpCode,
            bytes AS Bytes, packets AS Packets, coalesce(agent4, agent6) AS agent, sampled AS Sampled
        FROM ({{found}}) AS found
    ) ORDER BY row
"""  # noqa: S608 - fixed texts
_CSV = f"""
    SELECT {_COMMON}, * FROM (
        SELECT *, ts AS first, te AS last, coalesce(CASE pr {_NUMBERED} END, TRY_CAST(pr AS UTINYINT)) AS Proto,
            sa AS SrcAddr, da AS DstAddr, sp AS src_port, dp AS dst_port,
            CASE WHEN Proto IN (1, 58) THEN CASE WHEN contains(dp, '.') THEN split_part(dp, '.', 1)
                ELSE CAST(TRY_CAST(dp AS USMALLINT) // 256 AS VARCHAR) END END AS IcmpType,
            CASE WHEN Proto IN (1, 58) THEN CASE WHEN contains(dp, '.') THEN split_part(dp, '.', 2)
                ELSE CAST(TRY_CAST(dp AS USMALLINT) % 256 AS VARCHAR) END END AS IcmpCode,
            flg AS flags, stos AS tos, ibyt AS Bytes, ipkt AS Packets, obyt AS bytes_back, opkt AS packets_back, ra AS agent,
            ismc AS mac_in, odmc AS mac_out, NULL AS Sampled
        FROM given
    )
"""  # noqa: S608 - fixed texts
_CSV_NAMES = (
    "ts",
    "te",
    "sa",
    "da",
    "sp",
    "dp",
    "pr",
    "flg",
    "stos",
    "ipkt",
    "ibyt",
    "opkt",
    "obyt",
    "ra",
    "ismc",
    "odmc",
)
_SAMPLED = (
    "flows were sampled, and nfdump multiplied their totals by the rate it was told: an absent edge proves nothing"
)
_BACK_AND_FORTH = "of both ways have the TCP flags of both OR-ed together: nothing follows from them"
_ZONE = "times of nfdump's text are taken as UTC: print it with TZ=UTC"


def recognises(head: bytes, name: str) -> bool:  # noqa: ARG001 - every source is asked the same way
    """nfdump's own magic number, the columns of its CSV, or its JSON.

    >>> recognises(bytes.fromhex("0ca50200"), "nfcapd.202601120800"), recognises(b"ts,te,td,sa,da,sp,dp,pr,flg", "x.csv")
    (True, True)
    """
    told = head.replace(b" ", b"").replace(b"\t", b"")
    is_json = told.lstrip(b"\n[{").startswith(b'"type":"FLOW"') or (b'"in_packets":' in told and b'"proto":' in told)
    return head.startswith(_MAGIC) or head.startswith(b"ts,te,td,sa,da,") or (told[:1] in (b"[", b"{") and is_json)


def read(paths: list[Path]) -> pd.DataFrame:
    """Read nfdump's files into one conformed flow table; ``TcpControlBits`` keeps the OR-ed flags, ``Flags`` what follows.

    Raises `SourceError` for a file without a flow, and where nfdump is needed and not installed.
    """
    return with_lacks(with_flags(stack([_read(path) for path in paths])))


def _read(path: Path) -> pd.DataFrame:
    with path.open("rb") as stream:
        head = stream.read(16)
    if head.startswith(_MAGIC):
        return _own(path)
    with unpacked(path) as (plain, _), plain.open("rb") as stream:
        is_csv = stream.read(3) == b"ts,"
    flows = _flows(_of_csv(path) if is_csv else _of_json(path), path)
    return with_provenance(flows, provenance(flows).noting(_ZONE))


def _own(path: Path) -> pd.DataFrame:
    program = shutil.which("nfdump")
    if program is None:
        raise SourceError(f"cannot read '{path}': nfdump, which alone knows its own files, is not installed")
    with tempfile.TemporaryDirectory(prefix="flowkit-") as folder:
        out = Path(folder, path.name)
        with out.open("wb") as stream:
            done = subprocess.run(  # noqa: S603 - a program of that name, no shell
                [program, "-r", str(path.resolve()), "-o", "json"],
                stdout=stream,
                stderr=subprocess.PIPE,
                env={**os.environ, "TZ": "UTC"},
                check=False,
                timeout=3600,
            )
        said = plain_text(done.stderr.decode("utf-8", "replace").strip())[:200]
        if done.returncode or out.stat().st_size < len("[\nNo matching flows\n]\n") + 3:
            raise SourceError(f"cannot read '{path}': nfdump finds no flow in it{': ' + said if said else ''}")
        found = _of_json(out)
    flows = _flows(found, path)
    return with_provenance(flows, provenance(flows).noting(*([f"nfdump says: {said}"] if said else [])))


def _of_json(path: Path) -> Found:
    with json_objects(path) as (connection, losses):
        losses = [*losses, *left_out(connection, "json_exists(json, '/proto')", _NO_FLOW, path.name)]
        query = _JSON.format(found=pointed("json", _POINTERS, "given"))
        return Found(texts(connection, query, _COLUMNS), tuple(losses))


_NO_FLOW = "JSON values that are no flow of nfdump"


def _of_csv(path: Path) -> Found:
    bad: list[str] = []

    def refused(row: Any) -> str:
        bad.append(row.text or "")
        return "skip"

    with unpacked(path) as (plain, damage):
        content = plain.read_bytes().decode("utf-8", "replace").partition("\nSummary")[0]
    try:
        table = csv.read_csv(
            pa.BufferReader(content.encode()),
            parse_options=csv.ParseOptions(invalid_row_handler=refused, quote_char=False),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(_CSV_NAMES, pa.string()),
                include_columns=_CSV_NAMES,
                include_missing_columns=True,
            ),
        )
    except (pa.ArrowException, ValueError) as error:
        raise SourceError(f"cannot read '{path}': {plain_text(str(error).splitlines()[0])}") from error
    lost = Loss(_BAD_ROWS, len(bad), tuple(example(path.name, one) for one in bad[:EXAMPLES]))
    with duckdb.connect() as connection:
        connection.register("given", table)
        return Found(texts(connection, _CSV, _COLUMNS), (*damage, lost))


_BAD_ROWS = "CSV rows of nfdump that have other columns than the header"


def _flows(found: Found, path: Path) -> pd.DataFrame:
    if not len(found.texts):
        raise SourceError(f"cannot read '{path}': it holds no flow of nfdump")
    flows = found.conformed(path.name)
    sampled = int((flows["Sampled"].astype("str") == "1").sum()) if "Sampled" in flows.columns else 0
    flows = flows.drop(columns="Sampled", errors="ignore")
    notes = [f"{sampled:,} {_SAMPLED}"] if sampled else []
    return _split(with_provenance(flows, provenance(flows).noting(*notes)))


def _split(flows: pd.DataFrame) -> pd.DataFrame:
    """Records of both ways as a flow each: what they have of flags belongs to either."""
    back = {name: flows[f"{name}Back"] for name in ("Bytes", "Packets") if f"{name}Back" in flows.columns}
    if "Packets" not in back:
        return flows.drop(columns=["BytesBack"], errors="ignore")
    counts = conform(pd.DataFrame({name: column.astype(object) for name, column in back.items()}))
    answered = (counts["Packets"].fillna(0) > 0).to_numpy(dtype=bool)
    forth = flows.drop(columns=[f"{name}Back" for name in back])
    if "TcpControlBits" in forth.columns:
        forth = forth.assign(TcpControlBits=forth["TcpControlBits"].where(~answered))
    known = provenance(flows).noting(f"{int(answered.sum()):,} records {_BACK_AND_FORTH}")
    return with_provenance(both_ways(forth, {str(name): counts[name] for name in counts.columns}, answered), known)
