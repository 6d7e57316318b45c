"""The compiled tokeniser: text to tokens (`scan`), tokens to provisional ids (`intern`).

Both work on `data`, a text of valid UTF-8 (see `text`) in which no token is cut. Token i is
`data[starts[i]:ends[i]]`, (n,) int32; an end of a line is a token too, the provisional id 0.

The key of a token is a pair of 64-bit numbers, `heads` and `tails`, (n,) uint64. A token of up to
15 bytes is its own key: its first 8 bytes, then the rest and, in the highest byte, its length. The
key of a longer one is a hash and `LONG`, and tokens of equal keys are compared.

The table of types is `slots (2^b, 4) uint64` with open addressing: head, tail, the row of the type
with the number of its arrival in the upper half, and its count. So a frequent token needs one cache
line.
"""

from __future__ import annotations

import numpy as np

from hsw2v.corpus.text import PAD, white_width
from hsw2v.corpus.vectors import VECTOR, classify, load, lowest, prefetch
from hsw2v.jit import compiled, inlined

LONG = np.uint64(0xFF << 56)
"""Tail of the keys that are hashes."""
END_OF_LINE = np.uint64(ord("\n"))
"""Head of the key of a line feed."""
HEAD, TAIL, PLACE, COUNT = 0, 1, 2, 3
"""Columns of the slots."""
COLUMNS = 4
ROWS, FORMER, SENTENCES, ARRIVED = 0, 1, 2, 3
"""Indexes of the state of `intern`: rows of the table, the last id given, ends of sentences given,
types that have arrived (more than rows where some were dropped)."""
STATE = 4

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SILVER = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_ONE = np.uint64(1)
_ALL = np.uint64(2**64 - 1)
ROW = np.uint64(0xFFFFFFFF)
"""The half of PLACE that is a row."""
_BITS_63 = np.uint64(2**63 - 1)
HALF = np.uint64(32)
"""Bits of a half of PLACE."""
AHEAD = 24
"""Tokens by which slots are prefetched; keys must be readable so far past the last."""


@inlined
def _key(data, start, length):
    head = load(data, start)
    if length < 16:
        in_head, in_tail = min(length, 8), max(length - 8, 0)
        head &= _BITS_63 >> np.uint64(63 - 8 * in_head) if in_head < 8 else _ALL
        tail = load(data, start + 8) & (_BITS_63 >> np.uint64(63 - 8 * in_tail))
        return head, np.uint64(length) << np.uint64(56) | tail
    mixed = (head ^ np.uint64(length)) * _MIX
    mixed ^= mixed >> np.uint64(32)
    end = start + length - 8
    for at in range(start + 8, end, 8):
        mixed = (mixed ^ load(data, at)) * _MIX
        mixed ^= mixed >> np.uint64(32)
    mixed = (mixed ^ load(data, end)) * _MIX
    return mixed ^ (mixed >> np.uint64(32)), LONG


@inlined
def _home(head, tail, shift):
    """Return the first slot to look for a key: the highest bits of a product."""
    return np.int64(((head ^ tail * _SILVER) * _GOLDEN) >> shift)


@compiled
def make_keys(data, starts, ends, count, heads, tails) -> None:
    """Fill in the keys of `count` tokens."""
    for i in range(count):
        start = int(starts[i])
        heads[i], tails[i] = _key(data, start, int(ends[i]) - start)


@compiled
def scan(data, size, starts, ends, heads, tails) -> int:
    """Find the tokens of `size` bytes of text with their keys, and return their number.

    White space is that of `str.split()`; only a line feed ends a line. Works on bit masks of 64
    bytes (after Langdale and Lemire 2019, "Parsing gigabytes of JSON per second").
    """
    started = ended = 0
    text_before = line_before = _ONE - _ONE
    white_overflow = _ONE - _ONE
    for base in range(0, size + 1, VECTOR):
        white, line, wide = classify(data, base)
        white |= white_overflow
        white_overflow = _ONE - _ONE
        while wide:
            place = lowest(wide)
            wide &= wide - _ONE
            width = white_width(data, base + place)
            if width:
                bits = (_ONE << np.uint64(width)) - _ONE
                white |= bits << np.uint64(place)
                if place + width > VECTOR:
                    white_overflow = bits >> np.uint64(VECTOR - place)
        text = ~white
        after_text = (text << _ONE) | text_before
        text_before = text >> np.uint64(VECTOR - 1)
        begin = (text & ~after_text) | line
        finish = (white & after_text) | (line << _ONE) | line_before
        line_before = line >> np.uint64(VECTOR - 1)
        while begin:
            starts[started] = base + lowest(begin)
            started += 1
            begin &= begin - _ONE
        while finish:
            ends[ended] = base + lowest(finish)
            ended += 1
            finish &= finish - _ONE
    # Not the literal 0 that it begins as, which would be compiled for, too.
    make_keys(data, starts, ends, np.int64(ended), heads, tails)
    return ended


@inlined
def _same(data, start, blob, place, length) -> bool:
    for at in range(0, length - 7, 8):
        if load(data, start + at) != load(blob, place + at):
            return False
    rest = length & 7
    if rest == 0:
        return True
    at = length - rest
    differing = load(data, start + at) ^ load(blob, place + at)
    return bool(differing << np.uint64(64 - 8 * rest) == 0)


@compiled
def intern(
    data, starts, ends, heads, tails, first, count, slots, most, offsets, blob, state, ids
) -> tuple[int, int]:
    """Give tokens `first` to `count` their ids; stop early if the table is full.

    Fills in `ids (n,) int32`, leaving out the ends of empty sentences, and returns where it
    stopped and the number of ids. The table holds up to `most` rows; the bytes of row r are
    `blob[offsets[r]:offsets[r + 1]]`, and `blob` is padded like a text.
    """
    last_slot = len(slots) - 1
    shift = np.uint64(64 - lowest(np.uint64(len(slots))))
    rows, former, sentences = state[ROWS], state[FORMER], state[SENTENCES]
    arrived = np.uint64(state[ARRIVED])
    given = 0
    for i in range(first, count):
        prefetch(slots, _home(heads[i + AHEAD], tails[i + AHEAD], shift))
        head, tail = heads[i], tails[i]
        slot = _home(head, tail, shift)
        while True:
            if (slots[slot, HEAD] ^ head) | (slots[slot, TAIL] ^ tail) == 0:
                if tail < LONG:
                    break
                row = np.int64(slots[slot, PLACE] & ROW)
                start, place = int(starts[i]), offsets[row]
                length = int(ends[i]) - start
                if length == offsets[row + 1] - place and _same(data, start, blob, place, length):
                    break
            elif slots[slot, TAIL] == 0:
                start, place = int(starts[i]), offsets[rows]
                length = int(ends[i]) - start
                if rows >= most or place + length > len(blob) - PAD:
                    state[ROWS], state[FORMER], state[SENTENCES] = rows, former, sentences
                    state[ARRIVED] = arrived
                    return i, given
                # The assignment of a slice takes two seconds to compile.
                for byte in range(length):
                    blob[place + byte] = data[start + byte]
                offsets[rows + 1] = place + length
                slots[slot, HEAD], slots[slot, TAIL] = head, tail
                slots[slot, PLACE] = arrived << HALF | np.uint64(rows)
                slots[slot, COUNT] = 0
                rows += 1
                arrived += _ONE
                break
            slot = (slot + 1) & last_slot
        number = np.int64(slots[slot, PLACE] >> HALF)
        wanted = np.int64((number | former) != 0)
        slots[slot, COUNT] += np.uint64(wanted)
        sentences += wanted & np.int64(number == 0)
        ids[given] = np.int32(number)
        given += int(wanted)
        former = number
    state[ROWS], state[FORMER], state[SENTENCES] = rows, former, sentences
    state[ARRIVED] = arrived
    return count, given


@compiled
def rehash(used, slots) -> None:
    """Put used slots in an empty table."""
    last_slot = len(slots) - 1
    shift = np.uint64(64 - lowest(np.uint64(len(slots))))
    for i in range(len(used)):
        if used[i, TAIL]:
            slot = _home(used[i, HEAD], used[i, TAIL], shift)
            while slots[slot, TAIL]:
                slot = (slot + 1) & last_slot
            for column in range(COLUMNS):
                slots[slot, column] = used[i, column]


@compiled
def cut_blocks(ids, size, borders) -> int:
    """Fill in `borders (k,) int64` of blocks of up to `size` ids, and return their number.

    A block ends after an end of a sentence where there is one among its ids.
    """
    borders[0] = 0
    count = 1
    begin = 0
    while begin < len(ids):
        end = min(begin + size, len(ids))
        for place in range(end, begin, -1):
            if ids[place - 1] == 0:
                end = place
                break
        borders[count] = end
        count += 1
        begin = end
    return count
