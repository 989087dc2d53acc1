"""Tables, and their places in docs/bench.md."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its columns as wide as their widest cell."""
    every = [list(head), *map(list, rows)]
    widths = [max(len(row[column]) for row in every) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join([first, *others])} |"

    rule = f"|-{'-|-'.join('-' * width for width in widths)}-|"
    return "\n".join([line(every[0]), rule, *map(line, every[1:])])


def number(value: float) -> str:
    """Three digits that count, thousands set apart."""
    if value >= 100:
        return f"{round(value, -1) if value >= 10_000 else value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ms(micros: float) -> str:
    return f"{number(micros / 1000)} ms"


def share(ratio: float) -> str:
    """A ratio: percent below two, times above."""
    return f"{ratio * 100:.0f} %" if ratio < 2 else f"{number(ratio)} ×"


def write(path: pathlib.Path, machine: str, sections: Mapping[str, str]) -> None:
    """Puts each section between its two marks, with the machine named."""
    text = path.read_text()
    for name, section in sections.items():
        begin, end = f"<!-- bench:{name} -->\n", f"<!-- /bench:{name} -->"
        before, mark, rest = text.partition(begin)
        _, other, after = rest.partition(end)
        if not mark or not other:
            raise SystemExit(f"{path} has no place for {name}: {begin.strip()} and {end}")
        text = f"{before}{begin}{machine}\n\n{section}\n{end}{after}"
    path.write_text(text)
