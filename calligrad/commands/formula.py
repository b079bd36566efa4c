"""A function of x that somebody typed: read with ``ast``, from a list of what is allowed, and never executed."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from calligrad.commands.errors import UserError

FUNCTIONS: dict[str, tuple[Callable, int]] = {
    **{
        name: (getattr(np, name), getattr(np, name).nin)
        for name in ["abs", "absolute", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "cbrt", "ceil", "cos", "cosh", "exp", "exp2", "expm1", "fabs", "floor", "heaviside", "hypot", "log", "log10", "log1p", "log2", "logaddexp", "maximum", "minimum", "mod", "power", "reciprocal", "rint", "sign", "sin", "sinh", "sqrt", "square", "tan", "tanh", "trunc"]
    },
    "clip": (np.clip, 3),
    "sinc": (np.sinc, 1),
    "where": (np.where, 3),
}
"""Name -> the NumPy function and how many arguments it takes."""

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
    calligrad.commands.errors.UserError: there is no function 'open' here
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
            start = max(0, (error.offset or 1) - 1)
            self._refuse_at(start, start + 1, f"this is not a formula: {error.msg}")
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

    def _build(self, node: ast.AST) -> Callable[[Any], Any]:
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return self._number(node, value)
            case ast.Name(id="x"):
                return lambda x: x
            case ast.Name() | ast.Attribute():
                value = CONSTANTS.get(self._name(node))
                if value is None:
                    self._refuse_name(node)
                return lambda x: value
            case ast.UnaryOp(op=op) if type(op) in OPERATORS:
                return self._apply(OPERATORS[type(op)], node.operand)
            case ast.BinOp(op=ast.BitXor()):
                self._refuse(node, "^ is not a power in Python: write x**2")
            case ast.BinOp(op=op) if type(op) in OPERATORS:
                return self._apply(OPERATORS[type(op)], node.left, node.right)
            case ast.Compare(ops=[op]) if type(op) in OPERATORS:
                holds = self._apply(OPERATORS[type(op)], node.left, *node.comparators)
                return lambda x: np.asarray(holds(x), np.float64)
            case ast.Call():
                return self._call(node)
        self._refuse(node, "only x, numbers, + - * / // % ** and NumPy functions such as np.sin may stand here")

    def _apply(self, f: Callable, *nodes: ast.AST) -> Callable:
        arguments = [self._build(node) for node in nodes]
        return lambda x: f(*(argument(x) for argument in arguments))

    def _number(self, node: ast.AST, value: float) -> Callable:
        try:
            number = np.float64(value)
        except OverflowError:
            self._refuse(node, "this number is too large for a float")
        return lambda x: number

    def _call(self, node: ast.Call) -> Callable:
        name = self._name(node.func)
        if name not in FUNCTIONS:
            self._refuse_name(node.func)
        f, count = FUNCTIONS[name]
        if node.keywords:
            self._refuse(node.keywords[0], f"{name} takes no named arguments here")
        if len(node.args) != count:
            self._refuse(node, f"{name} takes {count} argument{'s' * (count > 1)}, not {len(node.args)}")
        return self._apply(f, *node.args)

    def _name(self, node: ast.AST) -> str:
        """``sin`` for ``sin`` and for ``np.sin``."""
        match node:
            case ast.Name(id=name):
                return name
            case ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name):
                return name
            case ast.Attribute():
                self._refuse(node, "only np. may stand before a name")
        self._refuse(node, "this is not the name of a function")

    # ---- refusals

    def _refuse_name(self, node: ast.AST) -> NoReturn:
        name = self._name(node)
        if name == "x":
            self._refuse(node, "x is a number, not a function: write x * (…) to multiply")
        if name in FUNCTIONS:
            self._refuse(node, f"{name} is a function: write {name}(x)")
        from difflib import get_close_matches

        known = [*FUNCTIONS, *CONSTANTS, "x"]
        like = [guess for guess in get_close_matches(name, known, cutoff=0.6) if guess != name]
        self._refuse(node, f"there is no {name!r} here" + f"; did you mean {' or '.join(like)}?" * bool(like))

    def _refuse(self, node: ast.AST, why: str) -> NoReturn:
        characters = self.text.encode()  # ast counts the bytes of UTF-8
        start, stop = (len(characters[:at].decode()) for at in (node.col_offset, node.end_col_offset))
        self._refuse_at(start, stop, why)

    def _refuse_at(self, start: int, stop: int, why: str) -> NoReturn:
        raise UserError(f"{why}\n    {self.text}\n    {' ' * start}{'^' * max(1, stop - start)}") from None
