"""The semantic tree: words with similar vectors share the beginnings of their paths."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled, inlined, prefetch_line
from hsw2v.trees.tree import Tree

POWER_STEPS = 5
"""Steps of power iteration for the principal direction of a set, before its first cut."""
REFINEMENTS = 3
"""Times at most that a set is cut again, along the direction between the means of its halves."""
SAMPLE = 4096
"""In larger sets the direction is that of a sample of so many words."""
FEW = 64
"""Sets of at most so many words are split by the Gram matrix of their vectors."""
SET_AT_ONCE = 1 << 15
"""Sets of at most so many words are split to the end in one call."""
AHEAD = 12
"""Words by which vectors are prefetched: those of a set lie all over the table."""

TINY = np.finfo(np.float32).tiny


def semantic(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float64],
    threads: int = 1,
    tick: Callable[[int], None] = lambda done: None,
) -> Tree:
    """Build a tree top-down: split each set of words along a direction in halves of equal weight.

    `vectors (V, P) float32` are finite and contiguous; `weights (V,) float64` are positive. The
    direction is first the leading principal one of the words' unit vectors, then the one between
    the means of the halves; in sets of more than `SAMPLE` words it is estimated from a sample.
    Mnih & Hinton (2009, section 5) build trees by recursive splits of features; equal weights keep
    the mean path length near the entropy of the words.

    `tick` is called with how much of the work is done, from 0 to V: a split of n words into a and b
    is n log n - a log a - b log b of V log V. The tree does not depend on the threads.
    """
    count = len(weights)
    words, weights = np.arange(count, dtype=np.int32), weights.copy()
    children = np.empty((count - 1, 2), np.int32)
    # Until a node has children, its row is the set below it: from which place on to which.
    sets = [0] if count > 1 else []
    children[:1] = 0, count
    left = total = _work(0, count)
    with ThreadPoolExecutor(threads) as pool:
        while sets:

            def split_set(node: int) -> tuple[float, list[int]]:
                begin, end = children[node]
                work = _work(begin, end)
                if end - begin <= SET_AT_ONCE:
                    split_all(vectors, weights, words, children, node)
                    return work, []
                split(vectors, weights, words, children, node)
                below = [child for child in children[node].tolist() if child >= 0]
                return work - sum(_work(*children[child]) for child in below), below

            below = []
            for work, halves in pool.map(split_set, sets):
                below += halves
                left -= work
                tick(count - round(count * left / total))
            sets = below
    leaves = children < 0
    children[leaves] = ~words[~children[leaves]]
    return Tree(children)


def _work(begin: int, end: int) -> float:
    """Return the work for a set, as it would be if all halves were of equal size."""
    return float((end - begin) * np.log2(end - begin))


@compiled
def split_all(vectors, weights, words, children, node) -> None:
    """Split the set of a node to the end: into the nodes from that one on, parents first.

    Its words, and their weights, are put in the order of the leaves. A leaf is ~place.
    """
    begin, end = children[node]
    last = node + end - begin - 1
    while node < last:
        begin, end = children[node]
        if end - begin > SAMPLE:
            split(vectors, weights, words, children, node)
            node += 1
        else:
            _split_rows(vectors, weights[begin:end], words[begin:end], children, node)
            node += end - begin - 1


@compiled
def _split_rows(vectors, weights, words, children, node) -> None:
    """As `split_all`, of up to SAMPLE words: their unit vectors stay in the cache."""
    count = len(words)
    start = children[node, 0]
    rows = _unit_rows(vectors, words)
    order = _numbers(count)
    counts = np.ones(count, np.float32)
    direction = np.empty(vectors.shape[1], np.float32)
    memory = np.empty((3, count), np.float32)
    last = node + count - 1
    while node < last:
        begin, end = children[node, 0] - start, children[node, 1] - start
        some, theirs = order[begin:end], weights[begin:end]
        if end - begin > FEW:
            middle = halve(rows, False, counts, theirs, some, direction, memory)
            _part(children, node, middle)
            node += 1
        else:
            _split_few(rows, theirs, some, children, node)
            node += end - begin - 1
    _reorder(words, order)


@compiled
def _split_few(rows, weights, order, children, node) -> None:
    """As `split_all`, of up to FEW rows: all that is asked of them is in their Gram matrix."""
    count = len(order)
    start = children[node, 0]
    # Whole vector registers: what is beyond the rows is 0.
    gram = np.zeros((count, (count + 15) // 16 * 16), np.float32)
    for row in range(count):
        _project(rows, order[: row + 1], rows[order[row]], gram[row])
        for other in range(row):
            gram[other, row] = gram[row, other]
    within = _numbers(count)
    counts = np.ones(count, np.float32)
    direction = np.empty(gram.shape[1], np.float32)
    memory = np.empty((3, count), np.float32)
    for one in range(node, node + count - 1):
        begin, end = children[one, 0] - start, children[one, 1] - start
        middle = 1
        if end - begin > 2:
            some, theirs = within[begin:end], weights[begin:end]
            middle = halve(gram, True, counts, theirs, some, direction, memory)
        _part(children, one, middle)
    _reorder(order, within)


@inlined
def _part(children, node, first):
    """Give a node its children, of its set's first words and of the others."""
    begin, end = children[node, 0], children[node, 1]
    middle = begin + first
    children[node, 0] = ~begin
    children[node, 1] = ~middle
    if first > 1:
        child = node + 1
        children[node, 0], children[child, 0], children[child, 1] = child, begin, middle
    if end - middle > 1:
        child = node + first
        children[node, 1], children[child, 0], children[child, 1] = child, middle, end


@inlined
def _numbers(count):
    # Numba compiles this faster than np.arange, and `_reorder` than indexing with an array.
    numbers = np.empty(count, np.int32)
    for number in range(count):
        numbers[number] = number
    return numbers


@inlined
def _reorder(values, order):
    before = values.copy()
    for place in range(len(order)):
        values[place] = before[order[place]]


@compiled
def split(vectors, weights, words, children, node) -> None:
    """Split the set of a node, of more than SAMPLE words, in two: as a sample of it is split.

    Words, and their weights, are put in the order of the halves.
    """
    begin, end = children[node]
    weights, words = weights[begin:end], words[begin:end]
    taken, counts, masses = sample(weights, words)
    rows = _unit_rows(vectors, taken)
    order = _numbers(len(taken))
    direction = np.empty(vectors.shape[1], np.float32)
    memory = np.empty((3, len(taken)), np.float32)
    halve(rows, False, counts, masses, order, direction, memory)
    places = np.empty(len(words), np.float32)
    for place in range(len(words)):
        _prefetch(vectors, words[min(place + AHEAD, len(words) - 1)])
        word = words[place]
        squares = TINY
        total = np.float32(0.0)
        for column in range(len(direction)):
            squares += vectors[word, column] * vectors[word, column]
            total += vectors[word, column] * direction[column]
        places[place] = total / np.sqrt(squares)
    _part(children, node, cut(places, weights, words))


@compiled
def sample(weights, words):
    """Return at most SAMPLE of n words, how many each stands for (float32), and their weight.

    Half of the sample is of words alike, since they make the means of the halves, and half by
    weight, which makes the cut. It is systematic: as evenly spread as the words lie.
    """
    total = 0.0
    for weight in weights:
        total += weight
    alike, by_weight = SAMPLE / 2 / len(words), SAMPLE / 2 / total
    taken = np.empty(SAMPLE, np.int32)
    counts = np.empty(SAMPLE, np.float32)
    masses = np.empty(SAMPLE)
    size = 0
    passed = 0.5
    for place in range(len(words)):
        probability = min(1.0, alike + by_weight * weights[place])
        passed += probability
        if passed >= 1.0 and size < SAMPLE:
            passed -= 1.0
            taken[size] = words[place]
            counts[size] = 1.0 / probability
            masses[size] = weights[place] / probability
            size += 1
    return taken[:size], counts[:size], masses[:size]


@inlined
def _unit_rows(vectors, words):
    rows = np.empty((len(words), vectors.shape[1]), np.float32)
    for row in range(len(words)):
        _prefetch(vectors, words[min(row + AHEAD, len(words) - 1)])
        word = words[row]
        squares = TINY
        for column in range(vectors.shape[1]):
            squares += vectors[word, column] * vectors[word, column]
        scale = np.float32(1.0) / np.sqrt(squares)
        for column in range(vectors.shape[1]):
            rows[row, column] = scale * vectors[word, column]
    return rows


@inlined
def _prefetch(vectors, word):
    stride = 4 * vectors.shape[1]
    start = np.int64(vectors.ctypes.data) + np.int64(word) * stride
    for line in range(0, stride, 64):
        prefetch_line(start + line)


@compiled
def halve(rows, is_gram, counts, weights, order, direction, memory) -> int:
    """Order rows by halves, in place, and their weights alike; return the first's size.

    `order (n,) int32` names some of the `rows (m, P) float32`, or of those of a Gram matrix, whose
    columns from m on are 0. `counts (m,) float32` tells how many words each stands for, and
    `weights (n,) float64` what they weigh. `direction (P,) float32` will be the last one cut along,
    of a Gram matrix its products with all rows. `memory (3, m) float32` is to work in.
    """
    size = len(order)
    places, shares, sides = memory[0], memory[1], memory[2]
    total = np.float32(0.0)
    for place in range(size):
        total += counts[order[place]]
        sides[order[place]] = -1.0
    # A direction is what the rows sum up to by their shares in it: at first, a row less the mean.
    for place in range(size):
        shares[place] = -counts[order[place]] / total
    shares[0] += 1.0
    middle = 0
    for step in range(POWER_STEPS + 1 + REFINEMENTS):
        _along(rows, is_gram, shares, order, direction, places)
        if step < POWER_STEPS:
            mean = np.float32(0.0)
            for place in range(size):
                mean += counts[order[place]] * places[place]
            mean /= total
            for place in range(size):
                shares[place] = counts[order[place]] * (places[place] - mean) / total
            continue
        middle = cut(places[:size], weights, order)
        stands = True
        first = np.float32(0.0)
        for place in range(size):
            side = np.float32(place >= middle)
            if sides[order[place]] != side:
                stands = False
                sides[order[place]] = side
            if place < middle:
                first += counts[order[place]]
        if stands:
            break
        for place in range(size):
            count = counts[order[place]]
            shares[place] = -count / first if place < middle else count / (total - first)
    return middle


@inlined
def _along(rows, is_gram, shares, order, direction, places):
    """Write the direction that rows (n of m) have shares (n,) in, and their places (n,) along it.

    Rows are taken in fours: a direction is read and written once for each four.
    """
    for column in range(len(direction)):
        direction[column] = 0.0
    fours = len(order) - len(order) % 4
    for place in range(0, fours, 4):
        a, b, c, d = order[place], order[place + 1], order[place + 2], order[place + 3]
        w, x, y, z = shares[place], shares[place + 1], shares[place + 2], shares[place + 3]
        for column in range(len(direction)):
            total = w * rows[a, column] + x * rows[b, column]
            direction[column] += total + (y * rows[c, column] + z * rows[d, column])
    for place in range(fours, len(order)):
        row, share = order[place], shares[place]
        for column in range(len(direction)):
            direction[column] += share * rows[row, column]
    if is_gram:
        for place in range(len(order)):
            places[place] = direction[order[place]]
    else:
        _project(rows, order, direction, places)


@inlined
def _project(rows, order, direction, places):
    """Write the products (n,) of n of the rows with a direction."""
    fours = len(order) - len(order) % 4
    for place in range(0, fours, 4):
        a, b, c, d = order[place], order[place + 1], order[place + 2], order[place + 3]
        w = x = y = z = np.float32(0.0)
        for column in range(len(direction)):
            w += rows[a, column] * direction[column]
            x += rows[b, column] * direction[column]
            y += rows[c, column] * direction[column]
            z += rows[d, column] * direction[column]
        places[place] = w
        places[place + 1] = x
        places[place + 2] = y
        places[place + 3] = z
    for place in range(fours, len(order)):
        row, total = order[place], np.float32(0.0)
        for column in range(len(direction)):
            total += rows[row, column] * direction[column]
        places[place] = total


@compiled
def cut(places, weights, words) -> int:
    """Part words along a direction into halves of equal weight; return the first's size.

    All three (n,) are reordered, in place. Each half has at least one word. This is quickselect
    (Hoare 1961) by weight.
    """
    count = len(words)
    total = 0.0
    for weight in weights:
        total += weight
    first = 0
    last = count
    carried = 0.0
    # The word at which half the weight is passed is in [first, last).
    while last - first > 1:
        pivot = places[(first + last) // 2]
        left = first
        right = last - 1
        while left <= right:
            while places[left] < pivot:
                left += 1
            while places[right] > pivot:
                right -= 1
            if left <= right:
                places[left], places[right] = places[right], places[left]
                weights[left], weights[right] = weights[right], weights[left]
                words[left], words[right] = words[right], words[left]
                left += 1
                right -= 1
        below = 0.0
        for place in range(first, right + 1):
            below += weights[place]
        if carried + below >= total / 2 and right >= first:
            last = right + 1
            continue
        carried += below
        first = right + 1
        # Those between are equal to the pivot.
        while first < left and carried + weights[first] < total / 2:
            carried += weights[first]
            first += 1
        if first < left:
            last = first + 1
    if first < count and total / 2 - carried > carried + weights[first] - total / 2:
        first += 1
    return min(max(first, 1), count - 1)
