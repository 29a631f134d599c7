"""Sessions of the tests: no UI, no logs, loopback only, nothing written beside the temporary folder."""

import os


def local(master, folder, **more):
    from pyspark.sql import SparkSession

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["SPARK_CONF_DIR"] = str(settings(folder))
    builder = SparkSession.builder.master(master).appName("flowkit")
    for key, value in {
        **_SETTINGS,
        "spark.local.dir": folder / "local",
        "spark.sql.warehouse.dir": folder / "warehouse",
        **more,
    }.items():
        builder = builder.config(key, str(value))
    return builder.getOrCreate()


def settings(folder):
    """A folder of configuration that holds nothing but the wish for silence."""
    conf = folder / "conf"
    conf.mkdir(exist_ok=True)
    (conf / "log4j2.properties").write_text(_SILENCE)
    return conf


# Without an appender, Spark would take its own loud configuration.
_SILENCE = """
rootLogger.level = off
rootLogger.appenderRef.none.ref = none
appender.none.type = Null
appender.none.name = none
"""
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    # Queries over ten rows: what these would save is less than what planning them costs.
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
