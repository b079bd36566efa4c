"""A function of x that somebody typed: read with ``ast``, from a list of what is allowed, and never executed."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.commands.errors import UserError

ONE = """abs absolute arccos arccosh arcsin arcsinh arctan arctanh cbrt ceil cos cosh exp exp2 expm1 fabs floor
    log log10 log1p log2 reciprocal rint sign sin sinc sinh sqrt square tan tanh trunc"""
TWO = "arctan2 heaviside hypot logaddexp maximum minimum mod power remainder"
THREE = "clip where"

ARGUMENTS = {name: count for count, names in enumerate((ONE, TWO, THREE), 1) for name in names.split()}
"""The NumPy functions that may be called, and how many arguments each takes."""

CONSTANTS = {"pi": np.pi, "e": np.e}

OPERATORS: dict[type, Callable] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.remainder,
    ast.Pow: np.power,
    ast.UAdd: np.positive,
    ast.USub: np.negative,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}

LONGEST = 1000  # characters: far more than a person types, far less than what exhausts Python's parser


class Formula:
    """A function of ``x``: numbers, ``+ - * / // % **``, comparisons, and NumPy functions with or without ``np.``.

    Every number is a float64, so ``9**9**9`` is infinite at once and no computation is long. Raises
    ``UserError``, with a mark under the offending part, for anything else that Python may express.

    >>> import numpy as np
    >>> Formula("np.sin(x) * x")(np.array([0.0, np.pi / 2]))
    array([0.        , 1.57079633])
    >>> Formula("x + open('secrets')")
    Traceback (most recent call last):
    calligrad.commands.errors.UserError: there is no 'open' here
        x + open('secrets')
            ^^^^
    """

    def __init__(self, text: str) -> None:
        self.text = "".join(c if c.isprintable() else " " for c in text).strip()
        if not self.text:
            raise UserError("the function is empty; write one of x, such as np.sin(x) * x")
        if len(self.text) > LONGEST:
            raise UserError(f"the function has {len(self.text)} characters; at most {LONGEST} are read")
        try:
            tree = ast.parse(self.text, mode="eval").body
            self._f = self._build(tree)
        except SyntaxError as error:
            start = error.offset - 1 if error.offset else len(self.text)  # no place given: it stops too early
            raise self._marked(start, start + 1, f"this is not a formula: {error.msg}") from None
        except (RecursionError, MemoryError):
            raise UserError("the function is nested too deeply") from None
        if not any(isinstance(node, ast.Name) and node.id == "x" for node in ast.walk(tree)):
            raise UserError(f"the function {self.text} does not use x")

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Its values, as float64; NaN and infinity where it has none."""
        x = np.asarray(x, np.float64)
        with np.errstate(all="ignore"):
            return np.array(np.broadcast_to(self._f(x), x.shape), np.float64)

    def __str__(self) -> str:
        return self.text

    # ---- from the tree to a function of x

    def _build(self, node: ast.expr) -> Callable[[Any], Any]:
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return self._number(node, value)
            case ast.Name(id="x"):
                return lambda x: x
            case ast.Name() | ast.Attribute():
                name = self._name(node)
                if name not in CONSTANTS:
                    raise self._no_such(name, node)
                return lambda x: CONSTANTS[name]
            case ast.UnaryOp(op=op) if type(op) in OPERATORS:
                return self._apply(OPERATORS[type(op)], node.operand)
            case ast.BinOp(op=op) if type(op) in OPERATORS:
                return self._apply(OPERATORS[type(op)], node.left, node.right)
            case ast.BinOp(op=ast.BitXor()):
                raise self._error(node, "^ is not a power in Python: write x**2")
            case ast.Compare(ops=[op]) if type(op) in OPERATORS:
                holds = self._apply(OPERATORS[type(op)], node.left, *node.comparators)
                return lambda x: np.asarray(holds(x), np.float64)
            case ast.Call():
                return self._call(node)
        raise self._error(node, "only x, numbers, + - * / // % ** and NumPy functions such as np.sin may stand here")

    def _apply(self, f: Callable, *nodes: ast.expr) -> Callable:
        arguments = [self._build(node) for node in nodes]
        return lambda x: f(*(argument(x) for argument in arguments))

    def _number(self, node: ast.expr, value: float) -> Callable:
        try:
            number = np.float64(value)
        except OverflowError:
            raise self._error(node, "this number is too large for a float") from None
        return lambda x: number

    def _call(self, node: ast.Call) -> Callable:
        name = self._name(node.func)
        if name not in ARGUMENTS:
            raise self._no_such(name, node.func)
        count = ARGUMENTS[name]
        if node.keywords:
            raise self._error(node.keywords[0], f"{name} takes no named arguments here")
        if len(node.args) != count:
            raise self._error(node, f"{name} takes {count} argument{'s' * (count > 1)}, not {len(node.args)}")
        return self._apply(getattr(np, name), *node.args)

    def _name(self, node: ast.expr) -> str:
        """``sin`` for ``sin`` and for ``np.sin``."""
        match node:
            case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name):
                return name
            case ast.Attribute():
                raise self._error(node, "only np. may stand before a name")
        raise self._error(node, "this is not the name of a function")

    # ---- refusals

    def _no_such(self, name: str, node: ast.expr) -> UserError:
        if name == "x":
            return self._error(node, "x is a number, not a function: write x * (…) to multiply")
        if name in ARGUMENTS:
            return self._error(node, f"{name} is a function: write {name}(x)")
        from difflib import get_close_matches

        like = get_close_matches(name, [*ARGUMENTS, *CONSTANTS, "x"])
        return self._error(node, f"there is no {name!r} here" + f"; did you mean {' or '.join(like)}?" * bool(like))

    def _error(self, node: ast.expr | ast.keyword, why: str) -> UserError:
        characters = self.text.encode()  # ast counts the bytes of UTF-8
        start = len(characters[: node.col_offset].decode())
        stop = len(characters[: node.end_col_offset].decode())
        return self._marked(start, stop, why)

    def _marked(self, start: int, stop: int, why: str) -> UserError:
        return UserError(f"{why}\n    {self.text}\n    {' ' * start}{'^' * max(1, stop - start)}")
