"""When a text is a number of a field's type, as SQL: the rule by which damaged numbers are told from good ones."""

from __future__ import annotations

SQL_TYPES = {
    "u8": "UTINYINT",
    "u16": "USMALLINT",
    "u32": "UINTEGER",
    "u64": "UBIGINT",
    "i32": "INTEGER",
    "i64": "BIGINT",
    "bool": "BOOLEAN",
}
# Whole numbers, which Go also writes with an empty fraction; DuckDB alone would round 443.5 to 444.
_WHOLE = "-?[0-9]+(\\.0+)?"
# Other ways to write one that a parser of JSON or DuckDB knows: 1.7e12 is whole as well.
_REAL = "-?[0-9.]+([eE][-+]?[0-9]+)?"


def number_sql(text: str, type_: str) -> tuple[str, str]:
    """SQL of the value of `text`, NULL where it is none of this type, and SQL of the text where it is not.

    >>> number_sql("t", "bool")[0]
    "CASE WHEN t SIMILAR TO 'true|false|-?[0-9]+(\\\\.0+)?' THEN TRY_CAST(t AS BOOLEAN) END"
    """
    sql_type = SQL_TYPES[type_]
    if type_ == "bool":
        value = f"CASE WHEN {text} SIMILAR TO 'true|false|{_WHOLE}' THEN TRY_CAST({text} AS BOOLEAN) END"
    else:
        real = f"TRY_CAST({text} AS DOUBLE)"
        value = (
            f"CASE WHEN {text} SIMILAR TO '{_WHOLE}' THEN TRY_CAST({text} AS {sql_type}) "
            f"WHEN {text} SIMILAR TO '{_REAL}' AND {real} = floor({real}) AND abs({real}) < 9007199254740992 "
            f"THEN TRY_CAST({real} AS {sql_type}) END"
        )
    return value, f"CASE WHEN ({value}) IS NULL THEN {text} END"
