"""``df.flow``, the one accessor: known to pandas as soon as flowkit loads pandas, made when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pandas as pd


def flow(flows: pd.DataFrame) -> Any:
    """The accessor of a flow table, see `flowkit.view.accessor`.

    The one door upwards that is opened by name only, so that the contract stays free of the room above it.
    """
    return import_module("flowkit.view.accessor").FlowAccessor(flows)


pd.api.extensions.register_dataframe_accessor("flow")(flow)  # type: ignore[type-var]
