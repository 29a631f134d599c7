"""The flow contract: which fields a flow table has, what they mean and how they lie in memory."""

from flowkit.contract import accessor as accessor  # df.flow becomes known to pandas
from flowkit.contract.conform import conform, stack
from flowkit.contract.fields import FIELDS, Field, field, twin
from flowkit.contract.flags import FLAG_BITS, agent_flags, flag_bits, flag_names
from flowkit.contract.provenance import Provenance, provenance, with_provenance

__all__ = [
    "FIELDS",
    "FLAG_BITS",
    "Field",
    "Provenance",
    "agent_flags",
    "conform",
    "field",
    "flag_bits",
    "flag_names",
    "provenance",
    "stack",
    "twin",
    "with_provenance",
]
