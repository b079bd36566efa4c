"""Numbers in LLVM's hands: arithmetic on them writes instructions, for one number or for a vector of them alike.

A formula written with ``Number`` says each step once; the type of what it is given (float, double, or a vector of
either) decides which instructions it becomes. Constants take the type of the number they meet, so a float32 stays one,
and an int32 too, which numba's own arithmetic would widen.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from llvmlite import ir
from llvmlite.ir.instructions import Instruction

# numba gives the flags of the kernel ("contract", "reassoc") to the operations that have none; these allow nothing
EXACT = ("arcp",)
EXACT_DIVISION = ("contract",)


class Number:
    """A float, an int or a truth value, or a vector of them, that instructions will compute."""

    def __init__(self, builder: ir.IRBuilder, value: ir.Value) -> None:
        self.builder, self.value = builder, value

    @property
    def element(self) -> ir.Type:
        """The type of one number."""
        return getattr(self.value.type, "element", self.value.type)

    @property
    def double(self) -> bool:
        """Whether it is a float64."""
        return isinstance(self.element, ir.DoubleType)

    def typed(self, element: ir.Type) -> ir.Type:
        """As many numbers of another type."""
        whole = self.value.type
        return ir.VectorType(element, whole.count) if isinstance(whole, ir.VectorType) else element

    def like(self, other: Any) -> Number:
        """The other operand: a number as it is, a constant in this one's type."""
        if isinstance(other, Number):
            return other
        constant = ir.Constant(self.element, float(other) if _is_float(self.element) else int(other))
        whole = self.value.type
        if isinstance(whole, ir.VectorType):
            constant = ir.Constant(whole, [constant] * whole.count)
        return Number(self.builder, constant)

    def _float_or_int(self, name: str, other: Any, swap: bool = False) -> Number:
        a, b = self.value, self.like(other).value
        a, b = (b, a) if swap else (a, b)
        if _is_float(self.element):
            flags = EXACT_DIVISION if name == "div" else EXACT
            return Number(self.builder, getattr(self.builder, "f" + name)(a, b, flags=flags))
        return Number(self.builder, getattr(self.builder, name)(a, b))

    def __add__(self, other: Any) -> Number:
        return self._float_or_int("add", other)

    def __sub__(self, other: Any) -> Number:
        return self._float_or_int("sub", other)

    def __mul__(self, other: Any) -> Number:
        return self._float_or_int("mul", other)

    def __truediv__(self, other: Any) -> Number:
        return self._float_or_int("div", other)

    def __radd__(self, other: Any) -> Number:
        return self._float_or_int("add", other, swap=True)

    def __rsub__(self, other: Any) -> Number:
        return self._float_or_int("sub", other, swap=True)

    def __rmul__(self, other: Any) -> Number:
        return self._float_or_int("mul", other, swap=True)

    def __rtruediv__(self, other: Any) -> Number:
        return self._float_or_int("div", other, swap=True)

    def __neg__(self) -> Number:
        write = self.builder.fneg if _is_float(self.element) else self.builder.neg
        return Number(self.builder, write(self.value))

    def __abs__(self) -> Number:
        return _call("fabs", self)

    def __lshift__(self, places: int) -> Number:
        return Number(self.builder, self.builder.shl(self.value, self.like(places).value))

    def __rshift__(self, places: int) -> Number:
        return Number(self.builder, self.builder.ashr(self.value, self.like(places).value))

    def __and__(self, other: Any) -> Number:
        return Number(self.builder, self.builder.and_(self.value, self.like(other).value))

    def __or__(self, other: Any) -> Number:
        return Number(self.builder, self.builder.or_(self.value, self.like(other).value))

    def _compare(self, sign: str, other: Any) -> Number:
        if _is_float(self.element):
            write = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
            return Number(self.builder, write(sign, self.value, self.like(other).value, flags=EXACT))
        return Number(self.builder, self.builder.icmp_signed(sign, self.value, self.like(other).value))

    def __lt__(self, other: Any) -> Number:
        return self._compare("<", other)

    def __gt__(self, other: Any) -> Number:
        return self._compare(">", other)

    def equals(self, other: Any) -> Number:
        """Whether the two are equal (``==`` is left to Python)."""
        return self._compare("==", other)

    def differs(self, other: Any) -> Number:
        """Whether the two differ; NaN differs from itself."""
        return self._compare("!=", other)

    def bits(self) -> Number:
        """The bits of a float, as an int of the same width."""
        return Number(self.builder, self.builder.bitcast(self.value, self.typed(ir.IntType(64 if self.double else 32))))

    def from_bits(self) -> Number:
        """The float that has these bits."""
        element = ir.DoubleType() if self.element.width == 64 else ir.FloatType()
        return Number(self.builder, self.builder.bitcast(self.value, self.typed(element)))

    def to_int(self) -> Number:
        """A whole float as an int of the same width; of NaN and of what is too large, any int."""
        return frozen(self.builder, self.builder.fptosi(self.value, self.typed(ir.IntType(64 if self.double else 32))))

    def to_float(self) -> Number:
        """An int as a float of the same width."""
        element = ir.DoubleType() if self.element.width == 64 else ir.FloatType()
        return Number(self.builder, self.builder.sitofp(self.value, self.typed(element)))

    def wide(self) -> Number:
        """A float32 as a float64, an int32 as an int64."""
        if _is_float(self.element):
            return Number(self.builder, self.builder.fpext(self.value, self.typed(ir.DoubleType())))
        return Number(self.builder, self.builder.sext(self.value, self.typed(ir.IntType(64))))

    def narrow(self) -> Number:
        """A float64 rounded to float32, an int64 cut to int32."""
        if _is_float(self.element):
            return Number(self.builder, self.builder.fptrunc(self.value, self.typed(ir.FloatType())))
        return Number(self.builder, self.builder.trunc(self.value, self.typed(ir.IntType(32))))


def frozen(builder: ir.IRBuilder, value: ir.Value) -> Number:
    """An int made of a float: of NaN and of what is too large some int, with which LLVM may not do as it likes."""
    made = Instruction(builder.block, value.type, "freeze", [value])
    builder._insert(made)
    return Number(builder, made)


def _is_float(element: ir.Type) -> bool:
    return isinstance(element, (ir.FloatType, ir.DoubleType))


def _call(name: str, *args: Number) -> Number:
    """LLVM's own function on numbers of one type."""
    first = args[0]
    builder, whole = first.builder, first.value.type
    suffix = f"i{first.element.width}" if isinstance(first.element, ir.IntType) else "f64" if first.double else "f32"
    if isinstance(whole, ir.VectorType):
        suffix = f"v{whole.count}{suffix}"
    name, kind = f"llvm.{name}.{suffix}", ir.FunctionType(whole, [whole] * len(args))
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    return Number(builder, builder.call(function, [first.like(arg).value for arg in args]))


def fma(a: Number, b: Any, c: Any) -> Number:
    """``a * b + c``, rounded once."""
    return _call("fma", a, a.like(b), a.like(c))


def rint(x: Number) -> Number:
    """The nearest whole number, of two the even one."""
    return _call("rint", x)


def copysign(x: Number, sign: Number) -> Number:
    """The magnitude of one with the sign of the other."""
    return _call("copysign", x, sign)


def where(condition: Number, a: Any, b: Any) -> Number:
    """One or the other, number by number; one of the two may be a constant."""
    like = a if isinstance(a, Number) else b
    values = (like.like(x).value for x in (a, b))
    return Number(condition.builder, condition.builder.select(condition.value, *values))


def power_of_two(n: Number) -> Number:
    """``2**n`` for an int, where that is a normal float of the same width."""
    mantissa, bias = (52, 1023) if n.element.width == 64 else (23, 127)
    return ((n + bias) << mantissa).from_bits()


def two_sum(a: Number, b: Number) -> tuple[Number, Number]:
    """The sum, and what rounding took from it (Knuth, "The Art of Computer Programming", 4.2.2)."""
    total = a + b
    of_b = total - a
    return total, (a - (total - of_b)) + (b - of_b)


def two_product(a: Number, b: Any) -> tuple[Number, Number]:
    """The product, and what rounding took from it."""
    product = a * b
    return product, fma(a, b, -product)


def shifted(high: Number, low: Number, places: Number) -> Number:
    """The upper half of two ints beside each other, shifted to the left by so many places, taken modulo their width."""
    return _call("fshl", high, low, places)


def take(name: str, table: Sequence[float], index: Number) -> Number:
    """The float64 numbers of a constant table that stand at these places (int64)."""
    builder = index.builder
    kind = ir.ArrayType(ir.DoubleType(), len(table))
    whole = builder.module.globals.get(name)
    if whole is None:
        whole = ir.GlobalVariable(builder.module, kind, name)
        whole.global_constant, whole.linkage, whole.unnamed_addr = True, "internal", True
        whole.initializer = ir.Constant(kind, list(table))
    if not isinstance(index.value.type, ir.VectorType):
        zero = ir.Constant(ir.IntType(64), 0)
        return Number(builder, builder.load(builder.gep(whole, [zero, index.value])))
    lanes = index.value.type.count
    values = ir.Constant(index.typed(ir.DoubleType()), ir.Undefined)
    for lane in range(lanes):
        place = ir.Constant(ir.IntType(32), lane)
        one = take(name, table, Number(builder, builder.extract_element(index.value, place)))
        values = builder.insert_element(values, one.value, place)
    return Number(builder, values)


def polynomial(x: Number, coefficients: Sequence[float | Fraction]) -> Number:
    """``coefficients[0] + coefficients[1] * x + ...``; long ones in two halves, which do not wait for each other."""
    if len(coefficients) > 8:
        square = x * x
        return fma(polynomial(square, coefficients[1::2]), x, polynomial(square, coefficients[::2]))
    *rest, last = map(float, coefficients)
    value = x.like(last)
    for coefficient in reversed(rest):  # Horner's rule
        value = fma(value, x, coefficient)
    return value
