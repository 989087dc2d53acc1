"""What the runners share: `tests/*/run`, `tests/crash`, `tests/replicas`, `examples/run` and the benchmarks.

A runner puts the folder `tests` on its path and imports from here. Only the standard library is used.
"""
