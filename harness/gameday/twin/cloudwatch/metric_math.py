"""Metric math with + - * / and numbers, as far as the twin's CloudWatch evaluates it.

Source: CloudWatch User Guide, "Using math expressions with CloudWatch metrics", "Metric math syntax and functions".
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from operator import add, mul, sub, truediv

_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: add,
    ast.Sub: sub,
    ast.Mult: mul,
    ast.Div: truediv,
}
_KNOWN = (ast.BinOp, ast.UnaryOp, ast.Name, ast.Load, ast.USub, ast.UAdd, *_OPERATORS)


def parse_expression(text: str) -> ast.expr:
    """Parse an expression. Raises ValueError for what the twin does not evaluate."""
    try:
        parsed = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        msg = f"{text!r} is not metric math"
        raise ValueError(msg) from None
    for node in ast.walk(parsed):
        is_number = isinstance(node, ast.Constant) and type(node.value) in (int, float)
        if not is_number and not isinstance(node, _KNOWN):
            msg = f"the twin evaluates metric math with + - * / alone, not {text!r}"
            raise ValueError(msg)
    return parsed


def ids_of(expression: ast.expr) -> set[str]:
    """Return the ids that an expression names."""
    return {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}


def value_of(expression: ast.expr, values: Mapping[str, float | None]) -> float | None:
    """Return the expression's value in one period; None where an id has no value there, and for a division by zero."""
    match expression:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return values.get(name)
        case ast.UnaryOp(op=sign, operand=operand):
            value = value_of(operand, values)
            return -value if value is not None and isinstance(sign, ast.USub) else value
        case ast.BinOp(left=left, op=operator, right=right):
            first, second = value_of(left, values), value_of(right, values)
            if first is None or second is None or (isinstance(operator, ast.Div) and not second):
                return None
            return _OPERATORS[type(operator)](first, second)
    return None
