"""The compiled tokeniser: text to tokens (`scan`), tokens to provisional ids (`intern`).

Both work on a text of valid UTF-8 (see `text`) in which no token is cut. An end of a line counts
as a token of its own, the provisional id 0.

The key of a token is a 64-bit number. A token of up to 7 bytes is its own key: its bytes and, in
the highest byte, its length; equal keys are equal tokens. The key of a longer one is a hash with
the highest byte set, and equal keys are settled by comparing the bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.text import PAD, white_width
from hsw2v.corpus.vectors import VECTOR, classify, load, lowest, prefetch
from hsw2v.jit import compiled, inlined

LONG = np.uint64(0xFF << 56)
"""Highest byte of the key of a token that is not its own key."""
END_OF_LINE = np.uint64(1 << 56 | ord("\n"))
ROWS, FORMER, SENTENCES, ARRIVED = 0, 1, 2, 3
"""Places in the state of `intern`: rows of the table, the last id given, ends of sentences given,
types that have arrived (more than rows where some were dropped)."""
STATE = 4

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_ONE = np.uint64(1)
_ROW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
AHEAD = 24
"""Tokens by which the hash table is fetched ahead; keys must be readable so far past the last."""


@inlined
def _key(data: NDArray[np.uint8], start: int, length: int) -> Any:
    first = load(data, start)
    if length < 8:
        bits = np.uint64(8 * length)
        mask = (_ONE << bits) - _ONE
        return (first & mask) | (np.uint64(length) << np.uint64(56))
    mixed = (first ^ np.uint64(length)) * _MIX
    mixed ^= mixed >> np.uint64(32)
    end = start + length - 8
    for at in range(start + 8, end, 8):
        mixed = (mixed ^ load(data, at)) * _MIX
        mixed ^= mixed >> np.uint64(32)
    mixed = (mixed ^ load(data, end)) * _MIX
    mixed ^= mixed >> np.uint64(32)
    return mixed | LONG


@compiled
def make_keys(
    data: NDArray[np.uint8],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    count: int,
    keys: NDArray[np.uint64],
) -> None:
    """Fill in the keys of tokens."""
    for i in range(count):
        keys[i] = _key(data, int(starts[i]), int(ends[i]) - int(starts[i]))


@compiled
def scan(
    data: NDArray[np.uint8],
    size: int,
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    keys: NDArray[np.uint64],
) -> int:
    """Find the tokens of a piece of text and return their number.

    White space is what `str.split()` takes for it; only a line feed ends a line. Fills in where
    tokens start and end, (n,) int32, and their keys, (n,) uint64. Works on 64 bytes at once, as
    bit masks (after Langdale and Lemire 2019, "Parsing gigabytes of JSON per second").
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
    for i in range(ended):
        start = int(starts[i])
        keys[i] = _key(data, start, int(ends[i]) - start)
    return ended


@inlined
def _same(
    data: NDArray[np.uint8], start: int, blob: NDArray[np.uint8], place: int, length: int
) -> bool:
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
    data: NDArray[np.uint8],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    keys: NDArray[np.uint64],
    first: int,
    count: int,
    slots: NDArray[np.uint64],
    shift: int,
    most: int,
    counts: NDArray[np.int64],
    offsets: NDArray[np.int64],
    blob: NDArray[np.uint8],
    state: NDArray[np.int64],
    ids: NDArray[np.int32],
) -> tuple[int, int]:
    """Give tokens `first` to `count` their ids; stop early where the table is full.

    Fills in ids, (n,) int32, leaving out the ends of empty sentences, and returns where it
    stopped and how many ids it gave. The table: `slots (2^b, 2) uint64`, a key and a row with
    open addressing, found at the highest b bits of a product (64 - b is `shift`); `most` rows of
    `counts`, `offsets` and `blob`, which like a piece of text is padded.
    """
    last_slot = len(slots) - 1
    shift_bits = np.uint64(shift)
    rows, former, sentences = state[ROWS], state[FORMER], state[SENTENCES]
    arrived = np.uint64(state[ARRIVED])
    arrival = arrived
    given = 0
    stopped = count
    for i in range(first, count):
        prefetch(slots, np.int64((keys[i + AHEAD] * _GOLDEN) >> shift_bits))
        key = keys[i]
        slot = np.int64((key * _GOLDEN) >> shift_bits)
        row = np.int64(-1)
        while row < 0:
            found = slots[slot, 0]
            if found == key:
                row = np.int64(slots[slot, 1] & _ROW)
                arrival = slots[slot, 1] >> _HALF
                if key >= LONG:
                    place = offsets[row]
                    length = int(ends[i]) - int(starts[i])
                    if length != offsets[row + 1] - place or not _same(
                        data, int(starts[i]), blob, place, length
                    ):
                        row = np.int64(-1)
            elif found == 0:
                start, end = int(starts[i]), int(ends[i])
                place = offsets[rows]
                if rows >= most or place + end - start > len(blob) - PAD:
                    break
                for at in range(start, end):
                    blob[place + at - start] = data[at]
                row = rows
                rows += 1
                offsets[rows] = place + end - start
                counts[row] = 0
                slots[slot, 0] = key
                arrival = arrived
                slots[slot, 1] = np.uint64(row) | arrival << _HALF
                arrived += _ONE
            slot = (slot + 1) & last_slot
        if row < 0:
            stopped = i
            break
        wanted = np.int64((row | former) != 0)
        counts[row] += wanted
        sentences += wanted & np.int64(row == 0)
        ids[given] = np.int32(arrival)
        given += int(wanted)
        former = int(row)
    state[ROWS], state[FORMER], state[SENTENCES] = rows, former, sentences
    state[ARRIVED] = arrived
    return stopped, given


@compiled
def rehash(old: NDArray[np.uint64], new: NDArray[np.uint64], shift: int) -> None:
    """Put the slots of one table in another, larger one."""
    last_slot = len(new) - 1
    for i in range(len(old)):
        key = old[i, 0]
        if key:
            slot = np.int64((key * _GOLDEN) >> np.uint64(shift))
            while new[slot, 0]:
                slot = (slot + 1) & last_slot
            new[slot, 0], new[slot, 1] = key, old[i, 1]


@compiled
def cut_blocks(ids: NDArray[np.int32], size: int, borders: NDArray[np.int64]) -> int:
    """Fill in borders of blocks of up to `size` ids, and return their number.

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
