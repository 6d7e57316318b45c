#!/usr/bin/env python3
"""Walk over a graph with PecanPy, and print what all passes but one took as JSON.

pecanpy_peer.py EDGES PASSES LENGTH P Q THREADS SEED

It compiles anew at each call: what one pass takes, which that is most of, is left out.
"""

from __future__ import annotations

import json
import sys
import time


def main() -> None:
    """Walk three times; the first is a warm-up."""
    from pecanpy import pecanpy

    edges, *rest = sys.argv[1:]
    passes, length, p, q, threads, seed = map(float, rest)
    # Of its modes the ones that need no table of second-order probabilities.
    kind = pecanpy.FirstOrderUnweighted if p == q == 1.0 else pecanpy.SparseOTF
    graph = kind(p, q, workers=int(threads), random_state=int(seed))
    graph.read_edg(edges, weighted=False, directed=False)

    def walk(times: int) -> tuple[float, float, int]:
        begun, before = time.perf_counter(), time.process_time()
        walks = graph.simulate_walks(times, int(length) - 1)
        spent = time.perf_counter() - begun, time.process_time() - before
        return *spent, sum(map(len, walks))

    walk(1)
    one, all_of_them = walk(1), walk(int(passes))
    seconds, processor, nodes = (b - a for a, b in zip(one, all_of_them, strict=True))
    print(json.dumps({"seconds": seconds, "processor": processor, "nodes": nodes}))


if __name__ == "__main__":
    main()
