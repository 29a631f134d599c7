"""NetObserv's JSON lines as a table that DuckDB streams: only the fields a plan mentions are taken out of a line.

The contract says each field's type. A name the contract does not know is text. Flags become the list of their names,
whichever form a line has them in.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from flowkit.contract import FIELDS, Field
from flowkit.engine.dialects import Expression, written
from flowkit.engine.expressions import Operand, flag_list, is_null, not_null, number, text_literal
from flowkit.engine.files import Files
from flowkit.engine.kinds import FLAGS
from flowkit.engine.query import ROW
from flowkit.errors import SourceError

_LINES = "lines"
_TYPES = {"u8": "utinyint", "u16": "usmallint", "u32": "uinteger", "u64": "ubigint", "i32": "integer", "i64": "bigint"}
_LISTS = {"texts": '["VARCHAR"]', "ints": '["BIGINT"]', "maps": '["MAP(VARCHAR,VARCHAR)"]', "flags": '["VARCHAR"]'}
# Whole numbers, which Go also writes with an empty fraction; a cast alone would round 443.5 to 444.
_NUMERAL = r"-?[0-9]+(\.0+)?"


def open_lines(connection: Any, files: Files, spelling: dict[str, str], name: str) -> dict[str, int]:
    """Make the view `name` over the lines, with the fields of `spelling`; return what it leaves out, by reason.

    Lines are read twice: once here, to count. Raises `SourceError` when no line at all is an object.
    """
    _open(connection, files, list(spelling))
    found = {field: _value(field, place) for place, field in enumerate(spelling, start=1)}
    losses = _losses(connection, files, found)
    fields = [exp.alias_(value, exp.to_identifier(spelling[field], quoted=True)) for field, value in found.items()]
    rows = [] if ROW in spelling.values() else [exp.alias_(exp.Literal.number(1), exp.to_identifier(ROW, quoted=True))]
    view = exp.select(*fields, *rows).from_(_LINES).where(_is_object())
    connection.sql(written(view, "duckdb")).create_view(name)
    return losses


def _open(connection: Any, files: Files, names: list[str]) -> None:
    """Make the view of lines: what each is, and its fields by place, as text and as JSON; each line is parsed thrice."""
    source = "SELECT json_type(json) AS kind, json_extract_string(json, $fields) AS texts, json_extract(json, $fields) AS parts"
    pointers = ["/" + name.replace("~", "~0").replace("/", "~1") for name in names]
    lines = f"{source} FROM read_ndjson_objects($files, ignore_errors = true)"
    connection.sql(lines, params={"files": files.patterns, "fields": pointers}).create_view(_LINES)


def _losses(connection: Any, files: Files, found: dict[str, Expression]) -> dict[str, int]:
    typed = {place: name for place, name in enumerate(found, start=1) if name in FIELDS and _is_scalar(FIELDS[name])}
    spoiled = (exp.and_(_is_object(), not_null(_text(place)), is_null(found[name])) for place, name in typed.items())
    counts = [_count(test) for test in (exp.true(), _is_object(), *spoiled)]
    total, objects, *lost = connection.sql(written(exp.select(*counts).from_(_LINES), "duckdb")).fetchall()[0]
    if not objects:
        raise SourceError(
            f"cannot read '{files.names[0]}': none of {total} lines is a JSON object, so there is no flow"
        )
    reasons = (f"values of {name} that are not its type" for name in typed.values())
    return {"broken JSON lines": total - objects, **dict(zip(reasons, lost, strict=True))}


def _count(test: Expression) -> Expression:
    return exp.Filter(this=exp.Count(this=exp.Star()), expression=exp.Where(this=test))


def _is_object() -> Expression:
    return exp.EQ(this=exp.column("kind"), expression=text_literal("OBJECT"))


def _is_scalar(field: Field) -> bool:
    return field.type in _TYPES or field.type == "bool"


def _text(place: int) -> Expression:
    return exp.Anonymous(this="list_extract", expressions=[exp.column("texts"), number(place)])


def _part(place: int) -> Expression:
    return exp.Anonymous(this="list_extract", expressions=[exp.column("parts"), number(place)])


def _value(name: str, place: int) -> Expression:
    """A field of a line in the contract's type; NULL where it is missing or not of it."""
    field = FIELDS.get(name)
    if field is None or field.is_text:
        return _text(place)
    if field.type in _TYPES:
        numeral = exp.Anonymous(this="regexp_full_match", expressions=[_text(place), text_literal(_NUMERAL)])
        return exp.case().when(numeral, _cast(place, _TYPES[field.type]))
    if field.type == "bool":
        return _cast(place, "boolean")
    return _flags(place) if field.type == "flags" else _list(place, field.type)


def _cast(place: int, type_: str) -> Expression:
    return exp.TryCast(this=_text(place), to=exp.DataType.build(type_, dialect="duckdb"))


def _list(place: int, type_: str) -> Expression:
    return exp.Anonymous(this="json_transform", expressions=[_part(place), text_literal(_LISTS[type_])])


def _flags(place: int) -> Expression:
    kind = exp.Anonymous(this="json_type", expressions=[_part(place)])
    names = flag_list(Operand(_cast(place, "usmallint"), FLAGS))
    return exp.case().when(exp.EQ(this=kind, expression=text_literal("ARRAY")), _list(place, "flags")).else_(names)
