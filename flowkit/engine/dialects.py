"""What DuckDB and Spark spell differently beyond what sqlglot knows: a few nodes of our own, written once an engine.

`FloatText` is a float as Go prints it, `Numeral` the number in a text, `Total` a sum of integers that cannot overflow,
`Entries` a map as a list of its (key, value) in the order of keys.
"""

from __future__ import annotations

from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.dialects import DuckDB, Spark
from sqlglot.dialects.dialect import DialectType

from flowkit.engine.java_regex import java

Expression = Any  # sqlglot ships no types


class FloatText(exp.Expression, exp.Func):
    """The text of a double: shortest digits, no exponent, ``+Inf``; NULL of NULL."""

    arg_types = {"this": True}  # noqa: RUF012 (sqlglot's own form)


class Numeral(exp.Expression, exp.Func):
    """The number a text writes, NULL where it writes none."""

    arg_types = {"this": True}  # noqa: RUF012


class Total(exp.Expression, exp.AggFunc):
    """The exact sum of integers, however wide it gets."""

    arg_types = {"this": True}  # noqa: RUF012


class Entries(exp.Expression, exp.Func):
    """The entries of a map, sorted by key: a list of structs ``key``, ``value``."""

    arg_types = {"this": True}  # noqa: RUF012


# Grouping takes 0 and -0 for one, so they have one text. DuckDB prints shortest digits: only exponents are written out.
_DUCKDB_FLOAT = """
CASE
  WHEN :x IS NULL THEN NULL
  WHEN :x = 0 THEN '0'
  WHEN isnan(:x) THEN 'NaN'
  WHEN isinf(:x) THEN CASE WHEN :x > 0 THEN '+Inf' ELSE '-Inf' END
  WHEN contains(CAST(:x AS TEXT), 'e') THEN concat(
    CASE WHEN :x < 0 THEN '-' ELSE '' END,
    CASE WHEN contains(CAST(:x AS TEXT), 'e-')
      THEN concat('0.', repeat('0', -CAST(regexp_extract(CAST(:x AS TEXT), 'e(.*)$', 1) AS INT) - 1)) ELSE '' END,
    regexp_replace(regexp_replace(CAST(:x AS TEXT), 'e.*$', ''), '[-.]', '', 'g'),
    CASE WHEN contains(CAST(:x AS TEXT), 'e+')
      THEN repeat('0', CAST(regexp_extract(CAST(:x AS TEXT), 'e(.*)$', 1) AS INT) + 1
        - length(regexp_replace(regexp_replace(CAST(:x AS TEXT), 'e.*$', ''), '[-.]', '', 'g'))) ELSE '' END)
  ELSE regexp_replace(CAST(:x AS TEXT), '[.]0$', '')
END
"""

# Java before 19 sometimes prints a digit too many: the first of 15, 16, 17 digits that reads back as the same double is the
# shortest. A list of one item, transformed, is how SQL names a value: the scientific form, then its sign, digits and power.
_SPARK_FLOAT = """
CASE
  WHEN :x IS NULL THEN NULL
  WHEN :x = 0 THEN '0'
  WHEN isnan(:x) THEN 'NaN'
  WHEN abs(:x) = double('Infinity') THEN CASE WHEN :x > 0 THEN '+Inf' ELSE '-Inf' END
  ELSE element_at(transform(transform(
    array(CASE
      WHEN double(format_string('%.14e', :x)) = :x THEN format_string('%.14e', :x)
      WHEN double(format_string('%.15e', :x)) = :x THEN format_string('%.15e', :x)
      ELSE format_string('%.16e', :x) END),
    s -> struct(
      CASE WHEN s LIKE '-%' THEN '-' ELSE '' END AS m,
      replace(replace(rtrim('0', substring_index(s, 'e', 1)), '.', ''), '-', '') AS d,
      int(substring_index(s, 'e', -1)) AS p)),
    n -> concat(n.m, CASE
      WHEN n.p < 0 THEN concat('0.', repeat('0', -n.p - 1), n.d)
      WHEN n.p >= length(n.d) - 1 THEN concat(n.d, repeat('0', n.p + 1 - length(n.d)))
      ELSE concat(substr(n.d, 1, n.p + 1), '.', substr(n.d, n.p + 2)) END)), 1)
END
"""

# Java reads "1f" and "0x1p3" as numbers too.
_SPARK_NUMERAL = """
CASE WHEN :x RLIKE '^ *[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)? *$' THEN try_cast(:x AS DOUBLE) END
"""


def _written(template: str, dialect: str) -> Any:
    """How a generator writes a node: `template` with the node's operand for ``:x``."""
    tree = sqlglot.parse_one(template, dialect=dialect)

    def write(generator: Any, node: Expression) -> str:
        return str(generator.sql(exp.replace_placeholders(tree.copy(), x=node.this.copy())))

    return write


class FlowDuckDB(DuckDB):  # type: ignore[misc]
    """DuckDB's SQL, our nodes included."""

    class Generator(DuckDB.Generator):  # type: ignore[misc] # noqa: D106
        TRANSFORMS = {  # noqa: RUF012
            **DuckDB.Generator.TRANSFORMS,
            FloatText: _written(_DUCKDB_FLOAT, "duckdb"),
            Numeral: lambda self, node: self.sql(exp.TryCast(this=node.this, to=exp.DataType.build("double"))),
            Total: lambda self, node: self.func("SUM", node.this),
            Entries: lambda self, node: self.func("LIST_SORT", exp.func("map_entries", node.this)),
        }


class FlowSpark(Spark):  # type: ignore[misc]
    """Spark's SQL, our nodes included."""

    class Generator(Spark.Generator):  # type: ignore[misc] # noqa: D106
        TRANSFORMS = {  # noqa: RUF012
            **Spark.Generator.TRANSFORMS,
            FloatText: _written(_SPARK_FLOAT, "spark"),
            Numeral: _written(_SPARK_NUMERAL, "spark"),
            Total: lambda self, node: self.func("SUM", exp.cast(node.this, "decimal(38, 0)")),
            Entries: lambda self, node: self.func("ARRAY_SORT", exp.func("map_entries", node.this)),
            exp.StructExtract: lambda self, node: f"{self.sql(node, 'this')}[{self.sql(node, 'expression')}]",
        }


_OWN: dict[str, DialectType] = {"duckdb": FlowDuckDB, "spark": FlowSpark}


def written(select: Expression, dialect: str, *, pretty: bool = False) -> str:
    """The text of a statement: in DuckDB's or Spark's words, our nodes included, or in any other dialect sqlglot writes.

    >>> written(exp.select(Numeral(this=exp.column("a"))), "duckdb")
    'SELECT TRY_CAST(a AS DOUBLE)'
    """
    tree = _with_java_patterns(select) if dialect == "spark" else select
    return str(tree.sql(dialect=_OWN.get(dialect, dialect), pretty=pretty))


def _with_java_patterns(select: Expression) -> Expression:
    """The statement with every RE2 pattern in Java's words, whose regular expressions Spark searches by."""

    def translated(node: Expression) -> Expression:
        if isinstance(node, exp.RegexpLike):
            return exp.RegexpLike(this=node.this, expression=exp.Literal.string(java(node.expression.this)))
        return node

    return select.transform(translated)


def for_spark(select: Expression, table: str) -> tuple[str, dict[str, str]]:
    """The text of a statement for ``SparkSession.sql``, and the values of its parameters; pyspark fills in `table`.

    Spark replaces ``${name}`` wherever it stands in a statement, quoted or not: no value of a definition may stand there.
    """
    values: dict[str, str] = {}

    def bound(node: Expression) -> Expression:
        if isinstance(node, exp.Literal) and node.is_string:
            name = f"p{len(values)}"
            values[name] = node.this
            return exp.Placeholder(this=name)
        if isinstance(node, exp.Identifier):
            return _braced(node, table)
        return node

    return str(_with_java_patterns(select).transform(bound).sql(dialect=FlowSpark)), values


def _braced(node: Expression, table: str) -> Expression:
    """pyspark formats the statement: the table's name is its field, and braces of other names are doubled."""
    if isinstance(node.parent, exp.Table) and node.this == table:
        return exp.Identifier(this=f"{{{table}}}", quoted=False)
    return exp.Identifier(this=node.this.replace("{", "{{").replace("}", "}}"), quoted=node.args.get("quoted"))
