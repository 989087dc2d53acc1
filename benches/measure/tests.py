"""Tests of what judges and reads figures: python3 -m unittest measure.tests, in benches/."""

import ast
import pathlib
import tempfile
import unittest

from . import client, hot, micro, report

#: Each begins when the one before is still under way, and never while the one before that is.
PUTS = [hot.Put(number * 10, number * 10 + 15, f"v-{number}") for number in range(50)]


def left_by(order: list[hot.Put]) -> dict[str, set[str]]:
    """What a secret that keeps ten versions holds after puts in this order."""
    versions: dict[str, set[str]] = {put.version: set() for put in order[-10:]}
    versions[order[-1].version] = {"ACSCurrent"}
    versions[order[-2].version] = {"ACSPrevious"}
    return versions


class HotSecret(unittest.TestCase):
    def wrong(self, versions: dict[str, set[str]]) -> list[str]:
        order = hot.Order(PUTS)
        return hot.wrong_labels(order, versions) + hot.wrong_versions(order, versions, 10)

    def test_every_order_of_what_overlaps_is_lawful(self) -> None:
        self.assertEqual(self.wrong(left_by(PUTS)), [])
        self.assertEqual(self.wrong(left_by([*PUTS[:-2], PUTS[-1], PUTS[-2]])), [])

    def test_what_was_acknowledged_before_is_not_current(self) -> None:
        self.assertIn("ACSCurrent is on v-47", self.wrong(left_by([*PUTS[:-3], PUTS[-1], PUTS[-2], PUTS[-3]]))[0])

    def test_lost_and_stale_versions_are_found(self) -> None:
        lost = left_by(PUTS)
        del lost["v-45"]
        self.assertEqual(self.wrong(lost), ["1 acknowledged versions are lost, v-45 among them"])
        self.assertEqual(self.wrong(left_by(PUTS) | {"v-3": set()}), ["v-3 was to be evicted"])

    def test_a_label_is_on_one_version(self) -> None:
        self.assertEqual(self.wrong(left_by(PUTS) | {"v-48": set()}), ["ACSPrevious is on []"])


class Reading(unittest.TestCase):
    def test_wrk(self) -> None:
        text = (
            "  Latency Distribution\n     50%  210.00us\n     75%    1.00ms\n     90%    2.00ms\n     99%    1.27ms\n"
            "  98090 requests in 1.00s, 30.0MB read\n  Non-2xx or 3xx responses: 7\nRequests/sec:  98090.00\n"
        )
        figures = client.wrk_figures(text)
        self.assertEqual((figures.requests, figures.errors), (98090, 7))
        self.assertEqual((figures.p50_us, figures.p99_us), (210.0, 1270.0))

    def test_divan(self) -> None:
        text = (
            "micro            fastest       │ slowest       │ median        │ mean          │ samples │ iters\n"
            "├─ answer                      │               │               │               │         │\n"
            "│  ╰─ xml                      │               │               │               │         │\n"
            "│     ├─ 64      1.691 µs      │ 16.33 µs      │ 1.742 µs      │ 1.945 µs      │ 100     │ 100\n"
            "╰─ value                       │               │               │               │         │\n"
            "   ╰─ seal_it    188.7 ns      │ 265.7 ns      │ 197.4 ns      │ 198.5 ns      │ 100     │ 1600\n"
        )
        self.assertEqual(micro.parse(text), [("answer xml 64", 1742.0), ("value seal it", 197.4)])

    def test_only_the_marked_place_is_written(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            page = pathlib.Path(directory) / "page.md"
            page.write_text(
                "a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n<!-- bench:y -->\nold\n<!-- /bench:y -->\n"
            )
            report.write(page, "machine", {"x": "new"})
            expected = (
                "a\n<!-- bench:x -->\nmachine\n\nnew\n<!-- /bench:x -->\nb\n<!-- bench:y -->\nold\n<!-- /bench:y -->\n"
            )
            self.assertEqual(page.read_text(), expected)
            with self.assertRaises(SystemExit):
                report.write(page, "machine", {"z": "new"})


def imports(package: pathlib.Path) -> dict[str, set[str]]:
    """Which files of the package each of its files imports."""
    names = {file.stem for file in package.glob("*.py")}
    found: dict[str, set[str]] = {}
    for name in names:
        nodes = ast.walk(ast.parse((package / f"{name}.py").read_text()))
        relative = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 1]
        found[name] = names & {part for node in relative for part in [node.module, *(alias.name for alias in node.names)]}
    return found


class Files(unittest.TestCase):
    def test_no_files_import_each_other_in_a_circle(self) -> None:
        here = pathlib.Path(__file__).resolve().parent
        for package in (here, here.parent.parent / "tests/support"):
            waiting = imports(package)
            self.assertGreater(len(waiting), 3)
            while ready := [name for name, needed in waiting.items() if not needed & waiting.keys()]:
                for name in ready:
                    del waiting[name]
            self.assertEqual(waiting, {}, f"a circle in {package}")


if __name__ == "__main__":
    unittest.main()
