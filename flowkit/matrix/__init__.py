"""The flow matrix: edges, endpoints and their evidence."""

from flowkit.matrix.building import matrix
from flowkit.matrix.flowmatrix import EDGE_COLUMNS, FlowMatrix

__all__ = ["EDGE_COLUMNS", "FlowMatrix", "matrix"]
