"""Compiled work on pairs of neighbouring words: counting them, and joining those that are phrases.

A pair is two words of a sentence with nothing but connector words between them, its run. Its key is
the provisional id of the first in the upper half and that of the second in the lower; the run has a
number, 0 where it is empty.

Tables are `slots (2^b, 2) uint64` with open addressing: the key, 0 where there is none, and the run
in the upper 24 bits beside a value: how often the pair was met, or which type it becomes. Runs are
numbered by such a table, too: run r followed by connector c has the key r, c and its number as the
value.

`scan (4,) int64` is where a scan is: the first word of a pair to come, 0 for none; where it is in
what is written; the number of the run since; and the length of that.

A filter `(2^b,) uint64` has a bit for the highest b and the lowest 6 bits of a mixed key, which is
set if a table has such a pair: most that are not there are told so without a look at the table.
"""

from __future__ import annotations

import numpy as np

from hsw2v.corpus.tokens import HALF
from hsw2v.corpus.vectors import load, lowest, prefetch, store
from hsw2v.jit import compiled, inlined

FIRST, PLACE, RUN, LENGTH = 0, 1, 2, 3
"""Indexes of a scan."""
SCAN = 4
KEY, VALUE = 0, 1
"""Columns of the slots."""
CONNECTOR, BEGINS = 1, 2
"""Roles of types, as bits: a connector word, and one that begins a pair."""
RUN_SHIFT = np.uint64(40)
MOST_RUNS = 1 << 24
LONGEST_RUN = 15
"""Connector words of a run; more end it, and nothing is a pair across them."""
PAD = 16
"""Bytes that may be read or written past the last of a text."""
AHEAD = 16
"""Pairs by which slots are prefetched; keys must be readable so far past the last."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SILVER = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_ONE = np.uint64(1)
_BITS = np.uint64(63)
"""Which bit of a number."""
_VALUES = np.uint64((1 << 40) - 1)


@inlined
def _mixed(key, run):
    mixed = (key ^ run * _SILVER) * _GOLDEN
    return (mixed ^ (mixed >> HALF)) * _MIX


@inlined
def _shift(slots):
    """Return how far a mixed key is shifted to the first slot to look: by all but b bits."""
    return np.uint64(64 - lowest(np.uint64(len(slots))))


@inlined
def _find(slots, mixed, key, run):
    """Return the slot of a pair, or the empty one where it belongs."""
    last = len(slots) - 1
    slot = np.int64(mixed >> _shift(slots))
    while slots[slot, KEY] != 0:
        if slots[slot, KEY] == key and slots[slot, VALUE] >> RUN_SHIFT == run:
            break
        slot = (slot + 1) & last
    return slot


@inlined
def _longer(runs, run, connector):
    """Return the number of a run with one more connector; 0 if it has none."""
    key = np.uint64(run) << HALF | np.uint64(connector)
    none = _ONE - _ONE
    return np.int64(runs[_find(runs, _mixed(key, none), key, none), VALUE])


@inlined
def _put(slots, key, run, value):
    """Put a pair that is not there, with its run and value in one, in a table that has room."""
    slot = _find(slots, _mixed(key, run), key, run)
    slots[slot, KEY], slots[slot, VALUE] = key, value


@compiled
def put(slots, keys, runs, values, bits) -> None:
    """Put pairs that are not there in a table that has room, with values, and in its filter."""
    for i in range(len(keys)):
        _put(slots, keys[i], runs[i], runs[i] << RUN_SHIFT | np.uint64(values[i]))
        mixed = _mixed(keys[i], runs[i])
        bits[np.int64(mixed >> _shift(bits))] |= _ONE << (mixed & _BITS)


@compiled
def put_again(before, slots) -> None:
    """Put all that one table has in a larger one."""
    for i in range(len(before)):
        if before[i, KEY]:
            key, run = before[i, KEY], before[i, VALUE] >> RUN_SHIFT
            _put(slots, key, run, before[i, VALUE])


@compiled
def number_runs(ids, begin, end, is_connector, runs, known, most, scan) -> tuple[int, int]:
    """Number the runs of connectors in `ids[begin:end]` in order of arrival.

    Returns where it stopped, since there were `most` already, and how many there are.
    """
    for i in range(begin, end):
        word = ids[i]
        if not is_connector[word]:
            scan[FIRST], scan[RUN], scan[LENGTH] = word, 0, 0
        elif scan[FIRST]:
            if scan[LENGTH] == LONGEST_RUN:
                scan[FIRST] = 0
                continue
            run = _longer(runs, scan[RUN], word)
            if run == 0:
                if known == most:
                    return i, known
                known += 1
                run = known
                key, none = np.uint64(scan[RUN]) << HALF | np.uint64(word), _ONE - _ONE
                slot = _find(runs, _mixed(key, none), key, none)
                runs[slot, KEY], runs[slot, VALUE] = key, np.uint64(run)
            scan[RUN] = run
            scan[LENGTH] += 1
    return end, known


@compiled
def find_pairs(ids, begin, end, is_connector, runs, scan, mask, part, keys, between, mixed) -> int:
    """Find the pairs in `ids[begin:end]` whose mixed keys have the bits `part` under a mask.

    Fills in their keys, runs and mixed keys, (n,) uint64 each, and returns their number.
    """
    first, run, length, found = scan[FIRST], scan[RUN], scan[LENGTH], 0
    for i in range(begin, end):
        word = np.int64(ids[i])
        if is_connector[word]:
            length += 1
            if length > LONGEST_RUN:
                first = 0
            elif first:
                run = _longer(runs, run, word)
        else:
            if word and first:
                key = np.uint64(first) << HALF | np.uint64(word)
                mix = _mixed(key, np.uint64(run))
                keys[found], between[found], mixed[found] = key, np.uint64(run), mix
                found += int(mix & mask == part)
            first, run, length = word, 0, 0
    scan[FIRST], scan[RUN], scan[LENGTH] = first, run, length
    return found


@compiled
def count(keys, between, mixed, begin, end, mask, part, slots, used, most) -> tuple[int, int]:
    """Count pairs of a part in a table, as many as `most`.

    Returns where the table is full, and how many it has.
    """
    shift, last = _shift(slots), len(slots) - 1
    for i in range(begin, end):
        prefetch(slots, np.int64(mixed[i + AHEAD] >> shift) >> 1)
        if mixed[i] & mask != part:
            continue
        key, run = keys[i], between[i]
        slot = np.int64(mixed[i] >> shift)
        # As `_find`, but what is found is tested once: most of the time goes into this.
        while True:
            here, value = slots[slot, KEY], slots[slot, VALUE]
            if here == key and value >> RUN_SHIFT == run:
                slots[slot, VALUE] = value + _ONE
                break
            if here == 0:
                if used == most:
                    return i, used
                slots[slot, KEY], slots[slot, VALUE] = key, run << RUN_SHIFT | _ONE
                used += 1
                break
            slot = (slot + 1) & last
    return end, used


@compiled
def keep_part(before, slots, mask, part) -> int:
    """Put what a table has of a part of all pairs in an empty one, and return how much it is."""
    kept = 0
    for i in range(len(before)):
        key, run = before[i, KEY], before[i, VALUE] >> RUN_SHIFT
        mixed = _mixed(key, run)
        if key and mixed & mask == part:
            _put(slots, key, run, before[i, VALUE])
            kept += 1
    return kept


@compiled
def frequent(slots, least, keys, runs, counts) -> int:
    """Fill in the pairs that were counted `least` times, and return their number."""
    found = 0
    for i in range(len(slots)):
        times = np.int64(slots[i, VALUE] & _VALUES)
        if slots[i, KEY] and times >= least:
            keys[found], counts[found] = slots[i, KEY], times
            runs[found] = slots[i, VALUE] >> RUN_SHIFT
            found += 1
    return found


@compiled
def join(ids, begin, end, roles, runs, slots, bits, counts, scan, out, given) -> int:
    """Join the pairs in `ids[begin:end]` that a table and its filter have, from left to right.

    `roles (T+1,) uint8` tells which types are connectors, and which begin a pair. Adds to the ids
    that are `given` in `out`, and returns how many these are; what may begin a pair is there, but
    may be replaced by the next call: from `scan[PLACE]` on, if there is a `scan[FIRST]`.
    `counts (T'+1,) int64` change by what is joined.
    """
    first, place, run = scan[FIRST], scan[PLACE], scan[RUN]
    for i in range(begin, end):
        word = np.int64(ids[i])
        out[given] = ids[i]
        given += 1
        role = roles[word]
        if role & CONNECTOR:
            if first:
                run = _longer(runs, run, word)
                first = first if run else 0
            continue
        key, between = np.uint64(first) << HALF | np.uint64(word), np.uint64(run)
        mixed = _mixed(key, between)
        # Without a first word, or at the end of a sentence, the key is none of the table.
        if bits[np.int64(mixed >> _shift(bits))] >> (mixed & _BITS) & _ONE:
            slot = _find(slots, mixed, key, between)
            if slots[slot, KEY]:
                for part in range(place, given):
                    counts[out[part]] -= 1
                joined = np.int64(slots[slot, VALUE] & _VALUES)
                counts[joined] += 1
                out[place] = joined
                given = place + 1
                first, run = 0, 0
                continue
        first = word if role & BEGINS else 0
        place, run = given - 1, 0
    scan[FIRST], scan[PLACE], scan[RUN] = first, place, run
    return given


@compiled
def renumber(ids, number, known) -> int:
    """Replace ids by those in order of arrival, and return how many types have arrived.

    `number (T+1,) int32` has the new ids, 0 for none yet, and `known` types arrived before.
    """
    for i in range(len(ids)):
        word = ids[i]
        found = number[word]
        if found == 0 and word != 0:
            known += 1
            number[word] = found = known
        ids[i] = found
    return known


@compiled
def write_words(ids, begin, blob, offsets, former, out) -> tuple[int, int]:
    """Write the words of `ids[begin:]`, with spaces between them and line feeds after sentences.

    `blob (bytes + PAD,) uint8` has the words after one another, and word k from `offsets[k - 1]`
    on; `former` is the id before. Returns where it stopped, for want of room, and the bytes of
    `out` that are written; up to `PAD` more may change.
    """
    at = 0
    last = len(out) - PAD - 1
    for i in range(begin, len(ids)):
        word = np.int64(ids[i])
        if word == 0:
            if at > last:
                return i, at
            out[at] = np.uint8(10)
            at += 1
        else:
            start = offsets[word - 1]
            length = offsets[word] - start
            if at + length > last:
                return i, at
            out[at] = np.uint8(32)
            at += int(former != 0)
            # Few words are longer.
            store(out, at, load(blob, start))
            store(out, at + 8, load(blob, start + 8))
            for byte in range(16, length, 8):
                store(out, at + byte, load(blob, start + byte))
            at += length
        former = word
    return len(ids), at
