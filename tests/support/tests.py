"""Tests of what the runners share: python3 -m unittest support.tests, in tests/."""
import contextlib, io, os, pathlib, signal, sys, tempfile, unittest
from unittest import mock

from . import install, process, report


def python(code):
    return [sys.executable, '-c', code]


class Programs(unittest.TestCase):
    def test_a_program_is_waited_for_and_stopped(self):
        started, found = process.start(python('import time; print("port 17", flush=True); time.sleep(60)'), rb'port (\d+)')
        self.assertEqual(found.group(1), b'17')
        self.assertEqual(process.stop(started), -signal.SIGTERM)

    def test_a_program_that_does_not_stop_is_killed(self):
        deaf = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print("on", flush=True); time.sleep(60)'
        started, _ = process.start(python(deaf), rb'on')
        self.assertEqual(process.stop(started, patience=0.1), -signal.SIGKILL)

    def test_a_program_that_ends_or_is_silent_is_not_ready(self):
        with self.assertRaisesRegex(process.NotReady, 'port in use'):
            process.start(python('print("port in use")'), rb'Ready')
        with self.assertRaises(process.NotReady):
            process.start(python('import time; time.sleep(60)'), rb'Ready', patience=0.1)

    def test_settings_of_the_caller_do_not_reach_a_program(self):
        with mock.patch.dict(os.environ, {'SESAME_LISTEN': '0.0.0.0:1', 'http_proxy': 'http://proxy', 'ALIBABA_CLOUD_ACCESS_KEY_ID': 'a', 'KEPT': 'b'}):
            said = process.output(python('import os; print(sorted(os.environ))'))
        self.assertIn('KEPT', said)
        for name in ('SESAME_LISTEN', 'http_proxy', 'ALIBABA_CLOUD_ACCESS_KEY_ID'):
            self.assertNotIn(name, said)

    def test_a_failed_program_shows_what_it_printed(self):
        with self.assertRaisesRegex(process.Failed, 'code 3\nwhy'):
            process.output(python('print("why"); raise SystemExit(3)'))
        with self.assertRaisesRegex(process.Failed, 'cannot be started'):
            process.output(['/no/such/program'])


class Reports(unittest.TestCase):
    def code(self, ci, *steps):
        """The exit code of a report after these steps."""
        made = report.Report()
        with mock.patch.dict(os.environ, {'CI': ci, 'SKIPPED_CHECKS': ''}), contextlib.redirect_stdout(io.StringIO()):
            for step in steps:
                step(made)
            return made.close()

    def test_a_skipped_check_fails_in_ci_unless_it_is_allowed(self):
        good = lambda made: made.check('a', True)
        skip, allowed = lambda made: made.skip('b', 'no tool'), lambda made: made.skip('b', 'no tool', allowed=True)
        self.assertEqual([self.code('', good, skip), self.code('true', good, skip), self.code('true', good, allowed)], [0, 1, 0])

    def test_a_failed_check_and_no_check_at_all_fail(self):
        self.assertEqual([self.code('', lambda made: made.check('a', False)), self.code('')], [1, 1])

    def test_skipped_checks_are_collected(self):
        with tempfile.TemporaryDirectory() as place:
            file = pathlib.Path(place, 'skipped')
            with mock.patch.dict(os.environ, {'SKIPPED_CHECKS': str(file)}), contextlib.redirect_stdout(io.StringIO()):
                report.Report().skip('a', 'no tool')
                report.Report().skip('b', 'no network', allowed=True)
            self.assertEqual(file.read_text(), 'skipped: a: no tool\nskipped (allowed): b: no network\n')


class Installing(unittest.TestCase):
    def test_each_set_of_pinned_versions_is_installed_once(self):
        with tempfile.TemporaryDirectory() as place:
            cache, pins, made = pathlib.Path(place), pathlib.Path(place, 'pins'), []
            for text in ('a==1', 'a==1', 'a==2'):
                pins.write_text(text)
                with contextlib.redirect_stdout(io.StringIO()):
                    install.installed(cache, 'library', [pins], made.append)
            self.assertEqual(len(set(made)), 2)
            self.assertEqual(len(made), 2)


if __name__ == '__main__':
    unittest.main()
