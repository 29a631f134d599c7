"""``%%promql`` in a real IPython shell is the public function with the cell as query."""

import pandas as pd
from IPython.core.interactiveshell import InteractiveShell

import flowkit as fk
from tests.sources.scripted import scripted

TABLE = pd.DataFrame({"__name__": "syn", "port": "443", "time": pd.to_datetime([0], utc=True), "value": [2.0]})


def test_a_cell_is_one_call():
    shell = InteractiveShell()
    fk.load_ipython_extension(shell)
    shell.user_ns["samples"] = TABLE
    found = shell.run_cell_magic("promql", "table=samples, rules=2", "sum by (port) (syn)\n")
    pd.testing.assert_frame_equal(found, fk.promql("sum by (port) (syn)", table=TABLE, rules=2))
    with scripted() as server:
        assert shell.run_cell_magic("promql", f"server='http://127.0.0.1:{server.server_port}'", "1").empty
    assert server.asked[0][2] == b"query=1"
