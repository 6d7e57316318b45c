"""What the benchmarks share: measuring, the programs, their quality, the machine, the tables.

The process that measures imports nothing heavy: on Linux the peak memory of a child counts that
of the process it was born from.
"""
