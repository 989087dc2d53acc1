#!/usr/bin/env bash
# The benchmark: benches/run.sh --help tells what it can do. It wants a Rust toolchain and Python 3.
exec python3 "$(dirname "$0")/run.py" "$@"
