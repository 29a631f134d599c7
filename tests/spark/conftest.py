"""One quiet Spark session on two threads, on loopback, with all it writes in a temporary folder."""

import shutil

import pytest

from tests.spark.sessions import local

JAVA = shutil.which("java")


def pytest_collection_modifyitems(items):
    """Everything here needs Spark, which warns of any pandas from 3.0 on."""
    for item in items:
        if "tests/spark/" in item.path.as_posix():
            item.add_marker(pytest.mark.spark)
            item.add_marker(
                pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
            )


@pytest.fixture(scope="session", autouse=True)
def _needed():
    pytest.importorskip("pyspark", reason="pyspark is absent (extra: spark)")
    if JAVA is None:
        pytest.skip("Java is absent (Debian: openjdk-17-jre-headless)")


@pytest.fixture(scope="session")
def spark(_needed, tmp_path_factory):
    """A session on ``local[2]``."""
    session = local("local[2]", tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()
