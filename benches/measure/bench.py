"""One run of the benchmark: its settings, its figures and its problems."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib

from .figures import Figures


@dataclasses.dataclass
class Bench:
    """What to measure, and what was found so far."""

    binary: pathlib.Path
    rounds: int
    seconds: float
    mixed_seconds: int
    million: bool
    peers: bool
    quick: bool
    #: Wrong answers and errors. Any of them fails the run.
    problems: list[str] = dataclasses.field(default_factory=list)
    #: Figures by name, for the table of goals.
    measured: dict[str, float] = dataclasses.field(default_factory=dict)

    def judge(self, what: str, figures: Figures) -> None:
        """Notes a problem when there were errors or no answers at all."""
        if figures.errors or not figures.requests:
            self.problems.append(f"{what}: {figures.requests} right, {figures.errors} wrong: {figures.complaint}")

    @classmethod
    def of(cls, asked: argparse.Namespace) -> Bench:
        quick = asked.quick
        return cls(
            binary=asked.binary.resolve(),
            rounds=1 if quick else asked.rounds,
            seconds=0.3 if quick else asked.seconds,
            mixed_seconds=3 if quick else asked.mixed_seconds,
            million=asked.million,
            peers=not (quick or asked.no_peers),
            quick=quick,
        )
