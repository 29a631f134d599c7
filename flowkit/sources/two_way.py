"""Records of both ways of a connection, split into the one-way flows that NetObserv has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowkit.contract import conform, twin

Mask = npt.NDArray[np.bool_]


def both_ways(forth: pd.DataFrame, back: Mapping[str, Any], answered: Mask) -> pd.DataFrame:
    """Return each record as its flow forth and, where it was answered, the flow back right below it, conformed.

    `forth` has the flows from the client's end; the way back has its ends swapped, and of `back` what is its own (totals,
    flags, Initiator); the rest is shared. A way forth without packets is left out where there is one back.

    >>> forth = pd.DataFrame({"SrcAddr": ["10.0.0.1"], "DstAddr": ["10.0.0.2"], "Proto": [17], "Bytes": [60]})
    >>> both_ways(forth, {"Bytes": [90]}, np.array([True])).values.tolist()
    [['10.0.0.1', '10.0.0.2', 17, 60], ['10.0.0.2', '10.0.0.1', 17, 90]]
    """
    forth = forth.reset_index(drop=True)
    names = {name: other for name in forth.columns if (other := twin(str(name))) is not None}
    turned = forth.rename(columns=names).assign(**back)[list(forth.columns)]
    # A record may be written from the end that sent nothing.
    sent = forth["Packets"] if "Packets" in forth.columns else pd.Series(1, index=forth.index)
    silent = (sent == 0).fillna(value=False).to_numpy(dtype=bool)
    whole = pd.concat([forth[~(silent & answered)], turned[answered]])
    whole.attrs = forth.attrs
    return conform(whole.sort_index(kind="stable").reset_index(drop=True))
