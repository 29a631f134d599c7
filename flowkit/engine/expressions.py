"""Values and predicates as SQL expressions, built from nodes: the one text rule, the one number rule, no third truth value.

Names become quoted identifiers and values literals, both by sqlglot; nothing here joins text into SQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from flowkit.contract import FLAG_BITS
from flowkit.engine.dialects import Entries, Expression, FloatText, Numeral
from flowkit.engine.flagset import chosen, empty_passes
from flowkit.engine.kinds import FLOAT, INTEGER, TEXT, Kind
from flowkit.engine.query import (
    All,
    Comparison,
    Condition,
    Either,
    HasPart,
    Measurable,
    Not,
    Predicate,
    positive,
)


@dataclass(frozen=True)
class Operand:
    """A column or a part of one: how SQL names it and what it holds."""

    sql: Expression
    kind: Kind


# Finds the operand of a field; None where the table has no such column.
Scope = Callable[[str], Operand | None]

_COMPARISONS = {"<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE}
_CANONICAL = re.compile(r"0|-?[1-9][0-9]{0,17}")
_ITEM = "item"


def column(name: str) -> Expression:
    """A column by its name, quoted."""
    return exp.column(exp.to_identifier(name, quoted=True))


def text_literal(value: str) -> Expression:
    """A text as a literal."""
    return exp.Literal.string(value)


def number(value: float) -> Expression:
    """A number as a literal; a float stays a double, so that no engine reads it as a decimal."""
    if isinstance(value, int):
        return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))
    return exp.cast(text_literal(repr(value)), "double")


def is_null(sql: Expression) -> Expression:
    """``sql IS NULL``."""
    return exp.Is(this=sql.copy(), expression=exp.null())


def not_null(sql: Expression) -> Expression:
    """``sql IS NOT NULL``."""
    return exp.Not(this=is_null(sql))


def text(operand: Operand) -> Expression:
    """The text of a value as Go prints it; NULL stays NULL.

    Integers plain, floats shortest without an exponent, lists ``[SYN ACK]``, maps ``map[k:v]``.
    """
    sql, kind = operand.sql, operand.kind
    match kind.name:
        case "text" | "integer" | "boolean" | "other":
            return exp.cast(sql.copy(), "text")
        case "float":
            return FloatText(this=sql.copy())
        case "flags":
            return _guarded(sql, _bracketed(_joined(_present(_flag_words(operand)))))
        case "list":
            item = text(Operand(exp.to_identifier(_ITEM), kind.item or TEXT))
            words = exp.Coalesce(this=item, expressions=[text_literal("<nil>")])
            return _guarded(sql, _bracketed(_joined(transformed(sql, words))))
        case "struct":
            pairs = [_pair(sql, name, item) for name, item in sorted(kind.keys)]
            return _guarded(sql, _bracketed(_joined(_present(pairs)), "map["))
    return _guarded(sql, _bracketed(_joined(transformed(Entries(this=sql.copy()), _entry(kind.item or TEXT))), "map["))


def _entry(kind: Kind) -> Expression:
    """``key:value`` of a map's entry, which is called ``item``."""
    key, value = (exp.func("struct_extract", exp.to_identifier(_ITEM), text_literal(one)) for one in ("key", "value"))
    shown = exp.Coalesce(this=text(Operand(value, kind)), expressions=[text_literal("<nil>")])
    return exp.func("concat", exp.cast(key, "text"), text_literal(":"), shown)


def _guarded(sql: Expression, result: Expression) -> Expression:
    return exp.case().when(not_null(sql), result)


def _bracketed(sql: Expression, opening: str = "[") -> Expression:
    return exp.func("concat", text_literal(opening), sql, text_literal("]"))


def _joined(words: Expression) -> Expression:
    return exp.ArrayToString(this=words, expression=text_literal(" "))


def _present(words: list[Expression]) -> Expression:
    return filtered(exp.Array(expressions=words), not_null(exp.to_identifier(_ITEM)))


def flag_list(flags: Operand) -> Expression:
    """A bit set as the list of its names; NULL of NULL."""
    return _guarded(flags.sql, _present(_flag_words(flags)))


def _flag_words(flags: Operand) -> list[Expression]:
    return [
        exp.case().when(_is_set(flags, bit), text_literal(name))
        for name, bit in FLAG_BITS.items()
        if flags.kind.bits & bit
    ]


def _is_set(flags: Operand, mask: int) -> Expression:
    return exp.NEQ(this=masked(flags, mask), expression=number(0))


def _pair(struct: Expression, name: str, kind: Kind) -> Expression:
    value = member(Operand(struct, Kind("struct", keys=((name, kind),))), name)
    shown = text(value) if value else exp.null()
    return exp.case().when(not_null(shown), exp.func("concat", text_literal(f"{name}:"), shown))


def value(operand: Operand) -> Expression:
    """The number in a value, or NULL: integers exact, text parsed."""
    sql, kind = operand.sql.copy(), operand.kind
    if kind.name in ("integer", "float"):
        return sql
    if kind.name == "text":
        return Numeral(this=sql)
    if kind.name == "boolean":
        return exp.TryCast(this=sql, to=exp.DataType.build("double"))
    return exp.null()


def is_whole(kind: Kind) -> bool:
    """Whether `value` of this kind is an exact integer."""
    return kind.name == "integer"


def masked(flags: Operand, mask: int) -> Expression:
    """``flags & mask``, in parentheses."""
    bits = flags.sql.copy()
    if flags.kind.item == FLOAT:
        bits = exp.TryCast(this=bits, to=exp.DataType.build("bigint"))
    return exp.paren(exp.BitwiseAnd(this=bits, expression=number(mask)))


def part(operand: Operand) -> Operand | None:
    """What stands in a list's place, one row a part (an absent or empty list has one empty part); None for no list."""
    if operand.kind.name == "flags":
        return Operand(_flag_part(operand), TEXT)
    if operand.kind.name != "list":
        return None
    filled = exp.GT(this=length(operand.sql), expression=number(0))
    return Operand(_unnested(filled, operand.sql.copy()), operand.kind.item or TEXT)


def _flag_part(flags: Operand) -> Expression:
    words = _flag_words(flags)
    if flags.kind.some and len(words) == 1:
        return next(text_literal(name) for name, bit in FLAG_BITS.items() if flags.kind.bits & bit)
    return _unnested(_is_set(flags, flags.kind.bits), _present(words))


def _unnested(filled: Expression, array: Expression) -> Expression:
    return exp.Explode(this=exp.case().when(filled, array).else_(exp.Array(expressions=[exp.null()])))


def filtered(array: Expression, test: Expression) -> Expression:
    """The items of an array that pass `test`, which names an item ``item``."""
    return exp.ArrayFilter(this=array.copy(), expression=_lambda(test))


def transformed(array: Expression, result: Expression) -> Expression:
    """The items of an array, each as `result`, which names an item ``item``."""
    return exp.Transform(this=array.copy(), expression=_lambda(result))


def _lambda(body: Expression) -> Expression:
    return exp.Lambda(this=body, expressions=[exp.to_identifier(_ITEM)])


def member(operand: Operand, key: str) -> Operand | None:
    """The value at `key` of a struct or a map; None where a struct has no such key."""
    if operand.kind.name == "map":
        return Operand(exp.Bracket(this=operand.sql.copy(), expressions=[text_literal(key)]), operand.kind.item or TEXT)
    kind = dict(operand.kind.keys).get(key)
    if kind is None:
        return None
    return Operand(exp.func("struct_extract", operand.sql.copy(), text_literal(key)), kind)


def part_scope(field: str, item: Kind) -> Scope:
    """The scope of one part of the flattened `field`: its item, or the values of a map as ``field>key``."""
    whole = Operand(exp.to_identifier(_ITEM), item)

    def find(name: str) -> Operand | None:
        if name == field:
            return None if item.is_nested else whole
        return member(whole, name.removeprefix(f"{field}>")) if item.is_nested else None

    return find


def predicate(test: Predicate, scope: Scope) -> Expression:
    """A predicate as SQL that is true where it holds, and false or NULL where not; never put it under NOT."""
    return _lowered(positive(test), scope)


def _lowered(test: Predicate, scope: Scope) -> Expression:
    match test:
        case All((Comparison(field, ">=", low), Comparison(other, "<=", high))) if (field, low) == (other, high):
            return _is_number(field, low, scope)
        case All(of):
            return _tree(exp.And, [_lowered(one, scope) for one in of]) if of else exp.true()
        case Either(of):
            return _tree(exp.Or, _alternatives(of, scope)) if of else exp.false()
        case Condition():
            return _condition(test, scope)
        case HasPart(field, inner):
            return _has_part(inner, field, scope(field))
        case Not(of):
            return exp.Not(this=exp.Coalesce(this=_lowered(of, scope), expressions=[exp.false()]))
        case Comparison() | Measurable():
            return _numeric(test, scope(test.field))


def _is_number(field: str, wanted: float, scope: Scope) -> Expression:
    operand = scope(field)
    if operand is not None and is_whole(operand.kind) and isinstance(wanted, int):
        return exp.EQ(this=operand.sql.copy(), expression=number(wanted))
    edges = [_numeric(Comparison(field, sign, wanted), operand) for sign in (">=", "<=")]
    return _tree(exp.And, edges)


def _tree(join: type[Expression], parts: list[Expression]) -> Expression:
    """Join from both halves: as a chain, a thousand of them would be a thousand deep, which engines refuse."""
    if len(parts) == 1:
        return exp.Paren(this=parts[0]) if isinstance(parts[0], exp.Connector) else parts[0]
    half = len(parts) // 2
    return exp.Paren(this=join(this=_tree(join, parts[:half]), expression=_tree(join, parts[half:])))


def _alternatives(of: tuple[Predicate, ...], scope: Scope) -> list[Expression]:
    """Each alternative; plain values of one column as one list, which an engine looks up at once."""
    values: dict[str, list[Expression]] = {}
    rest: list[Expression] = []
    for test in of:
        lowered = _lowered(test, scope)
        if isinstance(lowered, exp.EQ) and isinstance(lowered.this, exp.Column):
            values.setdefault(lowered.this.name, []).append(lowered)
        else:
            rest.append(lowered)
    lists = [
        same[0] if len(same) == 1 else exp.In(this=same[0].this, expressions=[one.expression for one in same])
        for same in values.values()
    ]
    return [*lists, *rest]


def _condition(test: Condition, scope: Scope) -> Expression:
    operand = scope(test.field)
    if operand is None:
        return exp.convert(test.match in ("NotEqual", "Absence", "NotMatchRegex"))
    match test.match:
        case "Equal":
            return _equal(test, operand, scope)
        case "NotEqual":
            return exp.NullSafeNEQ(this=text(operand), expression=_wanted(test, scope))
        case "Presence":
            return not_null(operand.sql)
        case "Absence":
            return is_null(operand.sql)
        case "MatchRegex":
            return exp.RegexpLike(this=text(operand), expression=text_literal(test.value))
        case "NotMatchRegex":
            found = exp.RegexpLike(this=text(operand), expression=text_literal(test.value))
            return exp.paren(exp.or_(is_null(operand.sql), exp.Not(this=found)))


def _equal(test: Condition, operand: Operand, scope: Scope) -> Expression:
    """Compare as text; where both sides are plain, as what the column holds, which files can skip blocks by."""
    if len(test.pieces) == 1 and operand.kind == TEXT:
        return exp.EQ(this=operand.sql.copy(), expression=text_literal(test.value))
    if len(test.pieces) == 1 and operand.kind == INTEGER:
        canonical = _CANONICAL.fullmatch(test.value)
        return exp.EQ(this=operand.sql.copy(), expression=number(int(test.value))) if canonical else exp.false()
    return exp.EQ(this=text(operand), expression=_wanted(test, scope))


def _wanted(test: Condition, scope: Scope) -> Expression:
    """The value to compare with: its pieces of text, and in place of references those fields' texts ("" if missing)."""
    words = [
        text_literal(piece) if place % 2 == 0 else _filled(scope(piece)) for place, piece in enumerate(test.pieces)
    ]
    return words[0] if len(words) == 1 else exp.func("concat", *words)


def _filled(operand: Operand | None) -> Expression:
    if operand is None:
        return text_literal("")
    return exp.Coalesce(this=text(operand), expressions=[text_literal("")])


def label(operand: Operand | None) -> Expression:
    """A label's value: the text, "" where missing."""
    return _filled(operand)


def _numeric(test: Comparison | Measurable, operand: Operand | None) -> Expression:
    if operand is None:
        return exp.false()
    found = value(operand)
    finite = not_null(found) if is_whole(operand.kind) else _finite(found)
    if isinstance(test, Measurable):
        return finite
    return exp.and_(finite, _COMPARISONS[test.operator](this=found.copy(), expression=number(test.number)))


def _finite(sql: Expression) -> Expression:
    """Between the infinities; NaN, which SQL engines sort above them, falls out as well."""
    low = exp.GT(this=sql.copy(), expression=number(float("-inf")))
    return exp.and_(low, exp.LT(this=sql.copy(), expression=number(float("inf"))))


def _has_part(test: Predicate, field: str, operand: Operand | None) -> Expression:
    empty = empty_passes(test)
    if operand is None or not operand.kind.is_list:
        return exp.convert(empty)
    if operand.kind.name == "flags":
        some = _is_set(operand, chosen(field, test))
        bare = exp.EQ(this=masked(operand, operand.kind.bits), expression=number(0))
    else:
        some = _some_item(test, field, operand)
        bare = exp.EQ(this=length(operand.sql), expression=number(0))
    return exp.paren(exp.or_(some, is_null(operand.sql), bare)) if empty else some


def _some_item(test: Predicate, field: str, operand: Operand) -> Expression:
    plain = test.of[0] if isinstance(test, All) and len(test.of) == 1 else test
    if isinstance(plain, Condition) and plain.match == "Equal" and operand.kind.item == TEXT and len(plain.pieces) == 1:
        return exp.ArrayContains(this=operand.sql.copy(), expression=text_literal(plain.value))
    return exp.GT(this=length(narrowed(test, field, operand).sql), expression=number(0))


def narrowed(test: Predicate, field: str, operand: Operand) -> Operand:
    """The list or bit set `operand` with only the items whose parts pass `test`, in rows of which some part does."""
    if operand.kind.name == "flags":
        mask = chosen(field, test) & operand.kind.bits
        return Operand(masked(operand, mask), Kind("flags", bits=mask, some=not empty_passes(test)))
    kept = filtered(operand.sql, predicate(test, part_scope(field, operand.kind.item or TEXT)))
    return Operand(kept, operand.kind)


def length(array: Expression) -> Expression:
    """How many items an array has."""
    return exp.ArraySize(this=array.copy())
