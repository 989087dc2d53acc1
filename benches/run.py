#!/usr/bin/env python3
"""The benchmark: what Sesame does on this machine, beside a floor and its peers, as figures and ratios.

    benches/run.sh                     all parts but micro, some minutes
    benches/run.sh throughput mixed    these parts
    benches/run.sh --write             the same, and the figures go into docs/bench.md
    benches/run.sh --quick             seconds: whether everything still answers right

Everything runs on loopback, bounded in count and time. Times are printed and never judged; what fails is a wrong answer
or an error. Another load on the machine moves the figures: trust the ratios, which are taken round by round.
"""

import argparse
import pathlib
import sys
import time

from measure import features, goals, hot, instructions, micro, mixed, report, scale, start, throughput
from measure.bench import Bench
from measure.machine import ROOT, build, describe

PARTS = {
    "start": start.run,
    "throughput": throughput.run,
    "features": features.run,
    "hot": hot.run,
    "mixed": mixed.run,
    "scale": scale.run,
    "instructions": instructions.run,
    "micro": micro.run,
}
# It compiles the product once more, so only when it is asked for.
BY_NAME_ONLY = {"micro"}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benches/run.sh", description="Measures Sesame on this machine.")
    parser.add_argument("parts", nargs="*", metavar="PART", help="of: " + ", ".join(PARTS))
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "target/release/sesame")
    parser.add_argument("--rounds", type=int, default=5, help="how often each figure is taken; the median counts")
    parser.add_argument("--seconds", type=float, default=1.0, help="of load for one figure")
    parser.add_argument("--mixed-seconds", type=int, default=60)
    parser.add_argument("--million", action="store_true", help="with 1,000,000 secrets, too: some minutes more")
    parser.add_argument("--no-peers", action="store_true", help="install and measure no peers")
    parser.add_argument("--quick", action="store_true", help="one short round, no peers: a check, no measurement")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/bench.md")
    asked = parser.parse_args()
    unknown = set(asked.parts) - set(PARTS)
    if unknown:
        parser.error("no part " + ", ".join(sorted(unknown)))
    if asked.quick and asked.write:
        parser.error("--quick measures nothing that is worth writing down")
    return asked


def main() -> int:
    asked = arguments()
    bench = Bench.of(asked)
    build(bench.binary)
    machine = describe()
    print(machine, flush=True)
    names = asked.parts or [name for name in PARTS if name not in BY_NAME_ONLY]
    sections: dict[str, str] = {}
    for name in names:
        began = time.monotonic()
        text = PARTS[name](bench)
        sections[name] = text
        print(f"\n== {name} ({time.monotonic() - began:.0f} s)\n\n{text}", flush=True)
    if not asked.parts:
        sections["goals"] = goals.table(bench.measured)
        print(f"\n== goals\n\n{sections['goals']}", flush=True)
    if asked.write:
        report.write(ROOT / "docs/bench.md", machine, sections)
    for problem in bench.problems:
        print(f"WRONG: {problem}")
    return 1 if bench.problems else 0


if __name__ == "__main__":
    sys.exit(main())
