"""Spark, for flows that outgrow one machine: the same plans in Spark's dialect, in the user's own session.

The only file that imports pyspark (extra ``spark``). Nothing is set in the session and nothing stays in its catalog.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa
from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped,unused-ignore]
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 (pyspark's own convention)
from pyspark.sql import types as T  # noqa: N812

from flowkit.contract import Provenance, provenance, with_provenance
from flowkit.engine.dialects import for_spark
from flowkit.engine.frames import narrow, to_pandas
from flowkit.engine.kinds import BOOLEAN, FLAGS, FLOAT, INTEGER, NAMES, OTHER, TEXT, Kind, is_flags
from flowkit.engine.query import Filter, Flatten, Plan, Predicate, Scan, flattened
from flowkit.engine.sql import TABLE, spelling_of, statement
from flowkit.errors import ContractError, SourceError

Frame: TypeAlias = DataFrame
Source: TypeAlias = pd.DataFrame | pa.Table | str | Path | list[str | Path] | tuple[str | Path, ...]

_WHOLE = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)
_SIGNED = {pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64(), pa.uint64(): pa.decimal128(20, 0)}


@dataclass(frozen=True)
class Spark:
    """Runs plans in a Spark session on what is named to it, and collects the answer as pandas.

    A text is a table of the session's catalog if there is one of that name, otherwise Parquet: a path or URL that the
    session's own settings reach (``s3a://``, ``hdfs://``). Tables in memory are sent to the cluster first.
    """

    session: SparkSession

    def run(self, plan: Plan, flows: Source) -> pd.DataFrame:
        """Run a plan as it stands. Raises `SourceError` for what Spark cannot read."""
        if isinstance(flows, pd.DataFrame | pa.Table):
            found = collected(on_frame(plan, self._sent(flows, plan)))
            return with_provenance(found, provenance(flows)) if isinstance(flows, pd.DataFrame) else found
        paths = [str(path) for path in ([flows] if isinstance(flows, str | Path) else flows)]
        try:
            found = collected(on_frame(plan, self._named(paths)))
        except (PySparkException, Py4JJavaError) as error:
            raise SourceError(f"cannot read {', '.join(map(repr, paths))}: {_cause(error)}") from None
        return with_provenance(found, Provenance(tuple(paths)))

    def _named(self, paths: list[str]) -> Frame:
        if len(paths) == 1 and _is_name(paths[0]) and self.session.catalog.tableExists(paths[0]):
            return self.session.table(paths[0])
        # Columns may appear in later files only.
        return self.session.read.option("mergeSchema", "true").parquet(*paths)

    def _sent(self, flows: pd.DataFrame | pa.Table, plan: Plan) -> Frame:
        narrowed = narrow(flows, {name: name for name in spelling_of(plan)}, flattened(plan))
        table = pa.Table.from_pandas(narrowed, preserve_index=False) if isinstance(narrowed, pd.DataFrame) else narrowed
        columns = {name: table.column(name) for name in table.column_names}
        kept = {name: _signed(column) for name, column in columns.items() if column.type != pa.null()}
        spelled = {f"c{place}": column for place, column in enumerate(kept.values())}
        frame = self.session.createDataFrame(pa.table(spelled or {"rows": pa.nulls(len(table), pa.int8())}))
        return frame.toDF(*kept) if kept else frame


def on_frame(plan: Plan, flows: Frame) -> Frame:
    """Run a plan as it stands on a Spark DataFrame; the answer is one too, as lazy as any.

    Sums of integers are decimals of 38 digits, exact; `collected` makes Python's integers of them.
    """
    asked, schema = _asked(flows, spelling_of(plan))
    relation = statement(plan, schema)
    text, values = for_spark(relation.select, TABLE)
    found = flows.sparkSession.sql(text, args=values, **{TABLE: asked})
    return found.toDF(*relation.schema)


def rows_where(flows: Frame, test: Predicate) -> Frame:
    """The rows for which `test` holds, in all their columns as they are: the verb filter."""
    carried = {_carried(place): name for place, name in enumerate(flows.columns)}
    return _taken(on_frame(Filter(Scan(tuple(carried)), test), flows), list(carried.items()))


def rows_flattened(flows: Frame, fields: Sequence[str]) -> Frame:
    """One row a list item in its field's place, all other columns as they are: the verb flatten.

    A list of maps becomes columns ``Field>key`` at the end; which keys native maps have is asked of all rows first.
    """
    carried = {_carried(place): name for place, name in enumerate(flows.columns) if name not in fields}
    children = tuple(f"{name}>{key}" for name in fields for key in _keys(flows, name))
    parts = on_frame(Flatten(Scan(tuple(carried)), tuple(fields), children), flows)
    lacking = [name for name in fields if name not in flows.columns]
    stay = [(name, name) if name in fields else (_carried(place), name) for place, name in enumerate(flows.columns)]
    return _taken(parts, [*stay, *((name, name) for name in (*lacking, *children))])


def rows_renamed(flows: Frame, names: Mapping[str, str]) -> Frame:
    """The columns under other names, all at once, those a table lacks as missing: the verb remap."""
    lacking = [name for name in names if name not in flows.columns]
    whole = flows.select("*", *(F.lit(None).cast("string").alias(name) for name in lacking))
    return whole.toDF(*(names.get(name, name) for name in whole.columns))


def collected(flows: Frame) -> pd.DataFrame:
    """A Spark answer as pandas, exactly as DuckDB's would be: whole integers, text as ``str``."""
    return to_pandas(flows.toArrow(), flows.columns)


def _carried(place: int) -> str:
    """The name under which a plan carries a column that it does not look at."""
    return f">column {place}"


def _taken(flows: Frame, names: Sequence[tuple[str, str]]) -> Frame:
    """Columns under new names, by place, since a name may hold anything; one that is not there is missing."""
    places = {name: place for place, name in enumerate(flows.columns)}
    numbered = flows.toDF(*(f"c{place}" for place in places.values()))
    nothing = F.lit(None).cast("string")
    return numbered.select(*((F.col(f"c{places[old]}") if old in places else nothing).alias(new) for old, new in names))


def _keys(flows: Frame, name: str) -> list[str]:
    """The keys of the maps in a column of lists of them."""
    type_ = next((field.dataType for field in flows.schema.fields if field.name == name), None)
    item = type_.elementType if isinstance(type_, T.ArrayType) else None
    if isinstance(item, T.StructType):
        return item.fieldNames()
    if not isinstance(item, T.MapType):
        return []
    maps = flows.toDF(*(f"c{place}" for place in range(len(flows.columns)))).select(
        F.explode(f"c{flows.columns.index(name)}").alias("m")
    )
    return sorted(row[0] for row in maps.select(F.explode(F.map_keys("m"))).distinct().collect())


def _is_name(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _cause(error: Exception) -> str:
    """What went wrong in one line: of a Java trace, the deepest cause."""
    lines = str(error).strip().splitlines()
    causes = [line.strip().removeprefix("Caused by: ") for line in lines if line.strip().startswith("Caused by: ")]
    return (causes or lines)[-1 if causes else 0]


def _signed(column: Any) -> Any:
    """Without dictionaries and unsigned types, which Spark has not."""
    target = _target(column.type)
    return column if target == column.type else column.cast(target)


def _target(kind: Any) -> Any:
    if pa.types.is_dictionary(kind):
        return _target(kind.value_type)
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_target(kind.value_type))
    return _SIGNED.get(kind, kind)


def _asked(flows: Frame, spelling: Mapping[str, str]) -> tuple[Frame, dict[str, Kind]]:
    """The columns a plan mentions, under their SQL names, and their kinds.

    Raises `ContractError` when one of the columns stands twice.
    """
    fields = list(flows.schema.fields)
    names = [field.name for field in fields]
    twice = [name for name in spelling if names.count(name) > 1]
    if twice:
        raise ContractError(f"column '{twice[0]}' stands twice in this table: rename or drop one")
    # By place: Spark tells names that differ only in case not apart.
    numbered = flows.toDF(*(f"c{place}" for place in range(len(fields))))
    columns, schema = [], {}
    for place, field in enumerate(fields):
        kind = _kind(field.dataType, field.name) if field.name in spelling else None
        if _carried(place) in spelling:
            columns.append(F.col(f"c{place}").alias(spelling[_carried(place)]))
            schema[_carried(place)] = OTHER
        if kind is not None:
            columns.append(_plain(F.col(f"c{place}"), field).alias(spelling[field.name]))
            schema[field.name] = kind
    return numbered.select(*columns or [F.lit(1).alias("rows")]), schema


def _plain(column: Any, field: T.StructField) -> Any:
    """A column in the one form of its kind: bits as a long, every float as a double with the float's own digits."""
    if is_flags(field.name) and isinstance(field.dataType, T.DecimalType):
        return column.cast("long")
    if isinstance(field.dataType, T.FloatType):
        return column.cast("string").cast("double")
    return column.cast("double") if _is_fraction(field.dataType) else column


def _is_fraction(type_: T.DataType) -> bool:
    return isinstance(type_, T.DecimalType) and type_.scale > 0


def _is_whole(type_: T.DataType) -> bool:
    return isinstance(type_, _WHOLE) or (isinstance(type_, T.DecimalType) and type_.scale == 0)


def _kind(type_: T.DataType, name: str) -> Kind | None:
    if is_flags(name):
        return _flags_kind(type_)
    match type_:
        case T.StringType() | T.VarcharType() | T.CharType():
            return TEXT
        case T.BooleanType():
            return BOOLEAN
        case T.FloatType() | T.DoubleType():
            return FLOAT
        case T.ArrayType():
            return Kind("list", _kind(type_.elementType, "") or TEXT)
        case T.StructType():
            keys = ((field.name, _kind(field.dataType, "")) for field in type_.fields)
            return Kind("struct", keys=tuple((key, kind) for key, kind in keys if kind))
        case T.MapType():
            return Kind("map", _kind(type_.valueType, "") or TEXT)
        case T.NullType():
            return None
    return INTEGER if _is_whole(type_) else FLOAT if _is_fraction(type_) else OTHER


def _flags_kind(type_: T.DataType) -> Kind | None:
    """A number is the bit set, a list the list of names; nothing else is a flag set."""
    if _is_whole(type_):
        return FLAGS
    if isinstance(type_, T.FloatType | T.DoubleType):
        return replace(FLAGS, item=FLOAT)
    return NAMES if isinstance(type_, T.ArrayType) else _kind(type_, "")
