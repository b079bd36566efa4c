"""Where the arrays of a program lie."""

import itertools

import numpy as np
import pytest

from calligrad.compiler.plan import ALIGN, Buffer, Into, arrays_of, planned
from calligrad.compiler.program import Line, Program, Var


def var(*shape):
    return Var(shape, float, np.empty(shape).strides)


def chain(ops, n=1000):
    """A program of unary operations, one after the other."""
    xs = [var(n) for _ in range(len(ops) + 1)]
    lines = [Line(op, (x,), {}, (y,)) for op, x, y in zip(ops, xs, xs[1:])]
    return Program(xs[:1], {}, lines, xs[-1:]), xs


def planned_for(program, may_overwrite=True):
    return planned(program, lambda line: True, lambda line, argument, out: may_overwrite)


def test_a_chain_lies_in_one_place():
    program, xs = chain([np.exp, np.sin, np.cos, np.tan])
    plan = planned_for(program)
    assert {plan.places[x] for x in xs[1:-1]} == {Buffer(0)}
    assert (plan.total, plan.without) == (8000, 24000)


def test_or_in_two_if_lines_do_not_write_over_what_they_read():
    program, xs = chain([np.exp, np.sin, np.cos, np.tan])
    plan = planned_for(program, may_overwrite=False)
    assert [plan.places[x].offset for x in xs[1:-1]] == [0, 8000, 0]


def test_what_is_handed_out_has_no_place():
    program, xs = chain([np.exp, np.sin])
    assert xs[-1] not in planned_for(program).places
    y, z = var(1000), Var((10, 100), float, (800, 8))
    shown = Line(np.reshape, (y, (10, 100)), {}, (z,))
    plan = planned_for(Program(xs[:1], {}, [Line(np.exp, xs[:1], {}, (y,)), shown], [z]))
    assert y not in plan.places, "nor what it is a view of"


def test_a_view_keeps_its_memory_alive():
    x, a, b, c, y = (var(1000) for _ in range(5))
    view = Var((10, 100), float, (800, 8))
    lines = [
        Line(np.exp, (x,), {}, (a,)),
        Line(np.reshape, (a, (10, 100)), {}, (view,)),
        Line(np.sin, (x,), {}, (b,)),
        Line(np.cos, (b,), {}, (c,)),
        Line(np.add, (c, view), {}, (y,)),
    ]
    plan = planned_for(Program([x], {}, lines, [y]))
    assert plan.places[a] != plan.places[b]


def test_an_input_is_written_into_once_all_have_read_it():
    w, g, step, new, late = (var(100) for _ in range(5))
    lines = [Line(np.multiply, (g, 0.1), {}, (step,)), Line(np.subtract, (w, step), {}, (new,))]
    program = Program([w, g], {}, lines, [new], [(w, 0)])
    assert planned_for(program).places[new] == Into(w)
    read_later = program.but(lines=[*lines, Line(np.exp, (w,), {}, (late,))], outputs=[new, late])
    assert new not in planned_for(read_later).places
    returned_too = program.but(outputs=[new, new], writes=[(w, 0)])
    assert new not in planned_for(returned_too).places


def test_arrays_are_aligned_and_lie_as_they_should():
    program, _ = chain([np.exp, np.sin, np.cos], 13)
    f = Var((5, 3), "float32", (4, 20))
    more = Line(np.exp, (Var((5, 3), "float32", (4, 20)),), {}, (f,))
    program = program.but(lines=[more, *program.lines, Line(np.add, (f, 1), {}, (var(5, 3),))])
    arrays = arrays_of(planned_for(program), program)
    assert arrays[f].strides == (4, 20)
    assert all(x.__array_interface__["data"][0] % ALIGN == 0 for x in arrays.values())


@pytest.mark.parametrize("seed", range(20))
def test_what_is_alive_shares_no_memory(seed):
    rng = np.random.default_rng(seed)
    xs = [var(int(n)) for n in rng.integers(1, 5, 3) * 100]
    lines, inputs = [], list(xs)
    for _ in range(30):
        ins = tuple(xs[i] for i in rng.integers(max(0, len(xs) - 6), len(xs), 2))
        xs.append(var(int(rng.integers(1, 5)) * 100))
        lines.append(Line(np.add, ins, {}, (xs[-1],)))
    program = Program(inputs, {}, lines, xs[-2:])
    plan = planned_for(program, may_overwrite=bool(seed % 2))
    last = {x: n for n, line in enumerate(lines) for x in line.ins}
    lives = [(n, last.get(line.out, n), line.out) for n, line in enumerate(lines) if line.out in plan.places]
    for (begin, end, a), (start, stop, b) in itertools.combinations(lives, 2):
        if plan.overwrites.get(b) is a:
            assert end == start
        elif start <= end and begin <= stop:
            at, other = plan.places[a].offset, plan.places[b].offset
            assert at + a.nbytes <= other or other + b.nbytes <= at
    assert plan.total <= plan.without
