"""The loops that run tables of kernels, themselves kernels: one thread walks alone, or a team walks together.

The words of a table, of a line and of a team are described in ``runtime.py``, which lays them out.
"""

from __future__ import annotations

from numba import njit, types

from calligrad.kernels import runtime as word
from calligrad.kernels.atomics import add, call, exchange, load, pause, store
from calligrad.kernels.vectors import pointer

# A look at a word takes some 20 ns with its pause, and to let others run some 300 ns, even if nobody wants to.
OFFER = 50  # looks between two offers to let others run,
PATIENCE = 300  # for so many looks; from then on it is offered after each
AWAKE = 1000  # looks until a helper without work goes to sleep


@njit
def look_again(team, looks):
    """Spend the time between two looks at a word that another thread will change."""
    pause()
    if looks > PATIENCE or looks % OFFER == 0:
        call(load(team + word.YIELD), ())


@njit
def wait_for_all(team, threads):
    """Come back when every thread of the team has come here."""
    generation = load(team + word.GENERATION)
    if add(team + word.ARRIVED, 1) == threads - 1:
        store(team + word.ARRIVED, 0)
        store(team + word.GENERATION, generation + 1)
    else:
        looks = 1
        while load(team + word.GENERATION) == generation:
            look_again(team, looks)
            looks += 1


@njit
def walk(thread, threads, table):
    """Call the kernel of each line, but none after an error: what every thread of a team does, and one alone."""
    lines, end, errors, team = table[0], table[1], table[2], table[3]
    for line in range(lines, end, 24):
        if threads > 1 and load(line + 16):
            wait_for_all(team, threads)
        if not load(errors):
            call(load(line), (thread, threads, load(line + 8)))
    if threads > 1:
        wait_for_all(team, threads)


@njit
def lead(thread, threads, table):
    """Give the helpers a table, and walk it with them."""
    team = table[3]
    store(team + word.TABLE, table[4])
    store(team + word.THREADS, threads)
    for helper in range(1, threads):
        me = team + word.LINE * (helper + word.SHARED)
        add(me + word.TICKET, 1)
        if exchange(me + word.ASLEEP, 0):
            call(load(team + word.WAKE), (load(me + word.LOCK),))
    walk(0, threads, table)


@njit
def serve(thread, threads, words):
    """Walk one table after the other, as long as the process lives; ``words`` are the team's."""
    team = words[word.SELF]
    me = team + word.LINE * (thread + word.SHARED)
    ticket = 0
    while ticket >= 0:
        wait_for_ticket(team, me, ticket)
        ticket += 1
        walk(thread, load(team + word.THREADS), pointer(load(team + word.TABLE), types.int64))


@njit
def wait_for_ticket(team, me, old):
    """Come back when the ticket is no longer the old one; for a short time watch it, then sleep until it is."""
    looks = 1
    while load(me + word.TICKET) == old:
        if looks < AWAKE:
            look_again(team, looks)
            looks += 1
            continue
        store(me + word.ASLEEP, 1)
        # Who gives out the ticket wakes those that he finds asleep. If the ticket came just now, he has either found
        # this one, and the lock is open, or he will not.
        if load(me + word.TICKET) == old or not exchange(me + word.ASLEEP, 0):
            call(load(team + word.SLEEP), (load(me + word.LOCK), 1))
        looks = 1
