"""Eight numbers of each of eight groups in float32, turned into eight vectors of float64 and back.

By 24 shuffles for 64 numbers. One by one, each would cost a load, a conversion and a store: as much as a factor.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from maxrl_est.estimates._kernels._vector import LLVM, WIDTH, is_table, pointer

_SINGLE = ir.VectorType(ir.FloatType(), WIDTH)


def _rows(context, builder, table_type, table, start, column):
    """Addresses of eight float32 from [row, column] on, in eight rows: the last row again where there are no more."""
    array = context.make_array(table_type)(context, builder, table)
    count, columns = (builder.extract_value(array.shape, axis) for axis in range(2))
    last = builder.sub(count, count.type(1))
    for lane in range(WIDTH):
        row = builder.add(start, start.type(lane))
        row = builder.select(builder.icmp_signed("<", row, last), row, last)
        offset = builder.add(builder.mul(row, columns), column)
        yield builder.bitcast(builder.gep(array.data, [offset]), _SINGLE.as_pointer())


def _transposed(builder, rows):
    """Eight vectors, the first of which holds the first number of each row: blocks of 4, 2 and 1 change places."""
    rows = list(rows)
    for side in (4, 2, 1):
        for i in range(WIDTH):
            if not i & side:
                upper, lower = rows[i], rows[i + side]
                left = [c - side + WIDTH if c & side else c for c in range(WIDTH)]
                for k, shift in ((i, 0), (i + side, side)):
                    mask = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [c + shift for c in left])
                    rows[k] = builder.shuffle_vector(upper, lower, mask)
    return rows


def _are_tables(singles, tile):
    return is_table(singles, types.float32) and is_table(tile)


@intrinsic
def take_tile(typing_context, singles, start, column, tile):
    """tile[column + j, lane] = singles[start + lane, column + j] for eight of both, the last row again at the end."""
    if not _are_tables(singles, tile):
        return None

    def build(context, builder, signature, arguments):
        table, start, column, tile = arguments
        rows = [builder.load(p, align=4) for p in _rows(context, builder, signature.args[0], table, start, column)]
        for j, row in enumerate(_transposed(builder, rows)):
            place = pointer(
                context, builder, signature.args[3], tile, builder.add(column, column.type(j)), column.type(0)
            )
            builder.store(builder.fpext(row, LLVM), place, align=8)
        return context.get_dummy_value()

    return types.none(singles, types.intp, types.intp, tile), build


@intrinsic
def put_tile(typing_context, tile, singles, start, column):
    """singles[start + lane, column + j] = tile[column + j, lane], rounded."""
    if not _are_tables(singles, tile):
        return None

    def build(context, builder, signature, arguments):
        tile, table, start, column = arguments
        rows = []
        for j in range(WIDTH):
            place = pointer(
                context, builder, signature.args[0], tile, builder.add(column, column.type(j)), column.type(0)
            )
            rows.append(builder.fptrunc(builder.load(place, align=8), _SINGLE))
        places = _rows(context, builder, signature.args[1], table, start, column)
        for row, place in zip(_transposed(builder, rows), places, strict=True):
            builder.store(row, place, align=4)
        return context.get_dummy_value()

    return types.none(tile, singles, types.intp, types.intp), build
