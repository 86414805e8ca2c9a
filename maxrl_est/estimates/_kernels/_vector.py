"""Eight float64 side by side: a number type for compiled code, and how to read and write it.

LLVM makes vector code of a loop only after it has checked, whenever the loop is entered, that no array in it
overlaps another one, and does what is left over of the loop one number at a time. For loops of eight to a
hundred turns that costs more than the loop. Here nothing has to be checked or left over: arrays are padded to
whole vectors, and LLVM splits a vector into as many registers as the processor needs.
"""

from __future__ import annotations

import operator

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

WIDTH = 8
LLVM = ir.VectorType(ir.DoubleType(), WIDTH)


class _Vector(types.Type):
    pass


_vector = _Vector(name="maxrl_est vector of float64")


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, numba_type):
        super().__init__(manager, numba_type, LLVM)


def pointer(context, builder, table_type, table, row, column):
    """Address of the vector that starts at table[row, column]."""
    array = context.make_array(table_type)(context, builder, table)
    columns = builder.extract_value(array.shape, 1)
    offset = builder.add(builder.mul(row, columns), column)
    return builder.bitcast(builder.gep(array.data, [offset]), LLVM.as_pointer())


def is_table(table, dtype=types.float64):
    """Whether a type is that of a two-dimensional array, row by row."""
    return isinstance(table, types.Array) and (table.ndim, table.layout, table.dtype) == (2, "C", dtype)


@intrinsic
def load(typing_context, table, row, column):
    """The eight numbers from table[row, column] on; nothing checks that the table holds them."""
    if not is_table(table):
        return None

    def build(context, builder, signature, arguments):
        return builder.load(pointer(context, builder, signature.args[0], *arguments), align=8)

    return _vector(table, types.intp, types.intp), build


@intrinsic
def store(typing_context, table, row, column, vector):
    """Write eight numbers from table[row, column] on; nothing checks that the table has room for them."""
    if not (is_table(table) and vector == _vector):
        return None

    def build(context, builder, signature, arguments):
        *place, value = arguments
        builder.store(value, pointer(context, builder, signature.args[0], *place), align=8)
        return context.get_dummy_value()

    return types.none(table, types.intp, types.intp, _vector), build


@intrinsic
def spread(typing_context, x):
    """Eight times the same number."""
    if x != types.float64:
        return None

    def build(context, builder, signature, arguments):
        vector = ir.Constant(LLVM, ir.Undefined)
        for lane in range(WIDTH):
            vector = builder.insert_element(vector, arguments[0], ir.Constant(ir.IntType(32), lane))
        return vector

    return _vector(types.float64), build


@intrinsic
def fma_vector(typing_context, x, y, z):
    """x * y + z with one rounding, which turns the rounding error of a product into a vector of its own."""
    if {x, y, z} != {_vector}:
        return None

    def build(context, builder, signature, arguments):
        function = ir.FunctionType(LLVM, (LLVM, LLVM, LLVM))
        name = f"llvm.fma.v{WIDTH}f64"  # builder.fma takes scalars only
        return builder.call(builder.module.declare_intrinsic(name, (), function), arguments)

    return _vector(_vector, _vector, _vector), build


@intrinsic
def scale(typing_context, x, rounded):
    """x 2^k for integers k, given as k + 1.5 * 2^52: the last bits of that, added to the exponent."""
    if {x, rounded} != {_vector}:
        return None

    def build(context, builder, signature, arguments):
        bits = ir.VectorType(ir.IntType(64), WIDTH)
        value, power = (builder.bitcast(argument, bits) for argument in arguments)
        shifted = builder.shl(power, ir.Constant(bits, [52] * WIDTH))
        return builder.bitcast(builder.add(value, shifted), LLVM)

    return _vector(_vector, _vector), build


@intrinsic
def larger(typing_context, x, y):
    """The larger number of each two."""
    if not x == y == _vector:
        return None

    def build(context, builder, signature, arguments):
        return builder.select(builder.fcmp_ordered(">", *arguments), *arguments)

    return _vector(_vector, _vector), build


@intrinsic
def up_to(typing_context, x, limit):
    """x where it is at most the limit, else 0."""
    if not x == limit == _vector:
        return None

    def build(context, builder, signature, arguments):
        below = builder.fcmp_ordered("<=", *arguments)
        return builder.select(below, arguments[0], ir.Constant(LLVM, [0.0] * WIDTH))

    return _vector(_vector, _vector), build


def _define(operation, instruction, operands):
    """Let an operator on vectors be an instruction of LLVM."""

    @type_callable(operation)
    def type_of(context):
        if operands == 1:
            return lambda x: _vector if x == _vector else None
        return lambda x, y: _vector if x == y == _vector else None

    @lower_builtin(operation, *[_Vector] * operands)
    def build(context, builder, signature, arguments):
        return getattr(builder, instruction)(*arguments)


_define(operator.neg, "fneg", 1)
_define(operator.add, "fadd", 2)
_define(operator.sub, "fsub", 2)
_define(operator.mul, "fmul", 2)
_define(operator.truediv, "fdiv", 2)
