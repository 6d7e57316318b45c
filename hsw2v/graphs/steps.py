"""The steps of walks, compiled: `reference/walks.py` is the definition.

A graph is `offsets (n+1,) int64` and `neighbours (E,) int32`: from node v edges lead to
`neighbours[offsets[v]:offsets[v + 1]]`, in rising order. `sums (E,) float64` are the weights of
the edges of a node, added up from its first one to each; there are none without weights.

Steps of node2vec (Grover & Leskovec 2016) are drawn by rejection, as KnightKing does (Yang et al.
2019): no table of second-order probabilities is made, whose size would be the sum of all products
of degrees.
"""

from __future__ import annotations

import numpy as np

from hsw2v.jit import compiled, inlined
from hsw2v.kernels.random import below, draw, high_half, low_half

WALK_KEY = np.uint64(0x77616C6B)
"""What tells the draws of walks from others."""
ORDER_KEY = np.uint64(0x6F726465)
"""What tells those that order the nodes a pass begins at."""
MORE_TRIES = 8
"""Draws that may be rejected, beside one for each edge: then it is cheaper to weigh all edges."""
UNIT = 2.0**-32
RETURN, NEAR, FAR = 0, 1, 2
"""What a step may come to: the node before, a neighbour of that, or another."""


@inlined
def _pass_key(seed, number):
    return draw(draw(seed ^ WALK_KEY, 0), number)


@compiled
def order_keys(seed, number, keys) -> None:
    """Fill in `keys (n,) uint64`, by whose order pass `number` begins at the n nodes."""
    key = _pass_key(seed, number) ^ ORDER_KEY
    for node in range(len(keys)):
        keys[node] = draw(key, node)


@compiled
def add_up(offsets, weights, sums) -> None:
    """Fill in the sums of the weights of each node's edges."""
    for node in range(len(offsets) - 1):
        total = 0.0
        for edge in range(offsets[node], offsets[node + 1]):
            total += weights[edge]
            sums[edge] = total


@inlined
def _leads_to(offsets, neighbours, node, wanted):
    """Tell whether an edge leads from a node to another."""
    low, high = offsets[node], offsets[node + 1]
    last = high
    while low < high:
        middle = (low + high) >> 1
        if neighbours[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low < last and neighbours[low] == wanted


@inlined
def _drawn(sums, begin, end, half):
    """Return the edge that 32 random bits draw among those of a node, by their weights."""
    if len(sums) == 0:
        return begin + below(half, end - begin)
    target = np.float64(half) * UNIT * sums[end - 1]
    low, high = begin, end - 1
    while low < high:
        middle = (low + high) >> 1
        if sums[middle] > target:
            high = middle
        else:
            low = middle + 1
    return low


@inlined
def _kind(offsets, neighbours, before, node):
    """Return what a step to a node is, given the node before the last."""
    if node == before:
        return RETURN
    return NEAR if _leads_to(offsets, neighbours, before, node) else FAR


@compiled
def _weighed(offsets, neighbours, sums, biases, before, begin, end, half):
    """Return the edge that 32 random bits draw, by the weights of all with their biases."""
    total = 0.0
    target = -1.0
    for turn in range(2):
        reached = 0.0
        for edge in range(begin, end):
            weight = 1.0
            if len(sums):
                weight = sums[edge] - sums[edge - 1] if edge > begin else sums[edge]
            reached += weight * biases[_kind(offsets, neighbours, before, neighbours[edge])]
            if turn == 1 and reached > target:
                return edge
        total = reached
        target = np.float64(half) * UNIT * total
    return end - 1


@compiled
def walk(offsets, neighbours, sums, biases, thresholds, seed, numbers, starts, rows) -> None:
    """Fill in walks `rows (B, L+1) int32`, which begin at nodes `starts (B,)`.

    `numbers (B,)` are their passes: the pass and the node it begins at are what a walk's chance is
    a function of. A row is its nodes, counted from 1, then 0, and -1 where the walk ended early.
    `biases (3,) float64` are those of RETURN, NEAR and FAR; `thresholds (3,) uint64` what 32
    random bits are below with these, relative to the highest.
    """
    length = rows.shape[1] - 1
    least = min(thresholds[RETURN], thresholds[NEAR], thresholds[FAR])
    most = max(thresholds[NEAR], thresholds[FAR])
    first_order = thresholds[RETURN] == thresholds[NEAR] and thresholds[NEAR] == thresholds[FAR]
    for row in range(len(starts)):
        node = starts[row]
        key = draw(_pass_key(seed, numbers[row]), node)
        before = node
        rows[row, 0] = node + 1
        drawn = 0
        place = 1
        while place < length:
            begin, end = offsets[node], offsets[node + 1]
            if begin == end:
                break
            tries = np.int64(1) if first_order or place == 1 else end - begin + MORE_TRIES
            edge = np.int64(-1)
            while tries > 0:
                tries -= 1
                bits = draw(key, drawn)
                drawn += 1
                edge = _drawn(sums, begin, end, high_half(bits))
                if first_order or place == 1:
                    break
                # Most draws are settled without a search.
                half, to = low_half(bits), neighbours[edge]
                if half < least:
                    break
                if to == before:
                    if half < thresholds[RETURN]:
                        break
                elif half < most and half < thresholds[_kind(offsets, neighbours, before, to)]:
                    break
                edge = np.int64(-1)
            if edge < 0:
                half = high_half(draw(key, drawn))
                drawn += 1
                edge = _weighed(offsets, neighbours, sums, biases, before, begin, end, half)
            before = node
            node = neighbours[edge]
            rows[row, place] = node + 1
            place += 1
        rows[row, place] = 0
        rows[row, place + 1 :] = -1


@compiled
def number_by_arrival(ids, numbers, counts, order, arrived) -> int:
    """Number nodes in order of arrival, in place; return how many have arrived.

    `ids` are nodes counted from 1, and 0 for the end of a walk. `numbers (n+1,) int32` are those
    of nodes that have arrived; `order (n,) int64` these nodes, and `counts (n+1,) int64` how often
    each id was met.
    """
    for place in range(len(ids)):
        node = ids[place]
        if node > 0 and numbers[node] == 0:
            order[arrived] = node - 1
            arrived += 1
            numbers[node] = arrived
        ids[place] = numbers[node]
        counts[numbers[node]] += 1
    return arrived
