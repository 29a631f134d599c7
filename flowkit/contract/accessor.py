"""``df.flow``, the one accessor: known to pandas as soon as flowkit loads pandas, made when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from flowkit.view.accessor import FlowAccessor


@pd.api.extensions.register_dataframe_accessor("flow")
def flow(flows: pd.DataFrame) -> FlowAccessor:
    """The accessor of a flow table, see `flowkit.view.accessor`; the room that it is in loads now and not before."""
    from flowkit.view.accessor import FlowAccessor

    return FlowAccessor(flows)
