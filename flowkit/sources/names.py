"""Names of addresses that logs of other tools tell, as the table that `fk.external` takes."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import pandas as pd

from flowkit.contract import Provenance, with_provenance
from flowkit.errors import SourceError
from flowkit.sources import hubble
from flowkit.sources.foreign import json_objects
from flowkit.sources.losses import Loss, losing
from flowkit.sources.reading import head_of
from flowkit.sources.zeek.log import is_log, read_log

_WANTED = ("ts", "id.resp_h", "query", "answers", "server_name", "host")
_HUBBLE = """
    SELECT moment, 'dns' AS Source, trim(query, '.') AS Name, unnest(TRY_CAST(ips AS VARCHAR[])) AS Addr FROM told
    UNION ALL SELECT moment, 'hubble', unnest(TRY_CAST(of_source AS VARCHAR[])), source FROM told
    UNION ALL SELECT moment, 'hubble', unnest(TRY_CAST(of_destination AS VARCHAR[])), destination FROM told
"""
_TOLD = """
    CREATE TEMP TABLE told AS SELECT
        epoch_us(TRY_CAST(flow ->> '/time' AS TIMESTAMP)) / 1e6 AS moment,
        flow ->> '/l7/dns/query' AS query, flow ->> '/l7/dns/ips' AS ips,
        flow ->> '/source_names' AS of_source, flow ->> '/IP/source' AS source,
        flow ->> '/destination_names' AS of_destination, flow ->> '/IP/destination' AS destination
    FROM (SELECT coalesce(json -> '/flow', json) AS flow FROM given)
"""


def names_in(path: Path) -> pd.DataFrame | None:
    """Read who was called what from Zeek's dns.log, ssl.log or http.log, or from Hubble's events; None for any other file.

    Columns as `capture.names` has them: ``Addr``, ``Name``, ``Source`` (``dns``: an answer; ``sni``: a TLS client asked for
    it; ``http-host``: a Host header; ``hubble``: Cilium's own cache), ``Count``, ``First`` and ``Last`` (ms since the
    epoch); the most frequent name of an address last, where it decides. Raises `SourceError` where such a log tells no name.
    """
    head = head_of(path)
    if is_log(head):
        told, losses = _zeek(path)
    elif hubble.recognises(head, path.name):
        told, losses = _hubble(path)
    else:
        return None
    told = told.assign(Name=told["Name"].astype("str").str.lower().str.rstrip("."))
    is_name = told["Name"].notna() & (told["Name"] != "") & ~told["Name"].map(_is_address).astype(bool)
    told = told[is_name & told["Addr"].map(_is_address).astype(bool)]
    if told.empty:
        raise SourceError(f"cannot read names from '{path}': it tells no address a name")
    counted = told.groupby(["Addr", "Name", "Source"], sort=True)["at"].agg(Count="size", First="min", Last="max")
    table = counted.reset_index().sort_values(["Count", "Addr", "Name"], kind="stable", ignore_index=True)
    times = {name: table[name].mul(1000).round().astype("Int64") for name in ("First", "Last")}
    return with_provenance(table.assign(**times), losing(Provenance((path.name,)), losses))


def _zeek(path: Path) -> tuple[pd.DataFrame, list[Loss]]:
    table, losses = read_log(path, _WANTED)
    log = table.to_pandas().astype(object)
    log = log.assign(at=pd.to_numeric(log["ts"], errors="coerce"))
    answers = log[log["answers"].notna()]
    parts = [
        answers.assign(Addr=answers["answers"].str.split(","), Name=answers["query"], Source="dns").explode("Addr"),
        log[log["server_name"].notna()].assign(Addr=log["id.resp_h"], Name=log["server_name"], Source="sni"),
        log[log["host"].notna()].assign(Addr=log["id.resp_h"], Name=log["host"].map(_without_port), Source="http-host"),
    ]
    return pd.concat([part[["at", "Addr", "Name", "Source"]] for part in parts], ignore_index=True), losses


def _hubble(path: Path) -> tuple[pd.DataFrame, list[Loss]]:
    with json_objects(path) as (connection, losses):
        connection.execute(_TOLD)
        told = connection.sql(f"SELECT moment AS at, Addr, Name, Source FROM ({_HUBBLE})").df()  # noqa: S608 - fixed texts
    return told.astype(dict.fromkeys(("Addr", "Name", "Source"), object)), losses


def _without_port(host: Any) -> Any:
    return host.rpartition(":")[0] if isinstance(host, str) and host.count(":") == 1 else host


def _is_address(text: Any) -> bool:
    try:
        ipaddress.ip_address(str(text).strip("[]"))
    except ValueError:
        return False
    return True
