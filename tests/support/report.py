"""What a run checked, what it skipped, and the exit code that follows."""
import os


class Skipped(Exception):
    """A check cannot run on this machine; the text says why. `allowed` means that it may be skipped in CI, too."""

    def __init__(self, why, allowed=False):
        super().__init__(why)
        self.allowed = allowed


class Report:
    """Counts checks. Where the variable CI is set, a check that was skipped fails the run, unless it is one that may be skipped."""

    def __init__(self):
        self.passed, self.failed, self.skipped, self.forbidden = 0, 0, 0, []

    def check(self, what, good, seen=''):
        """Prints one line for one check; `seen` explains a failure."""
        self.add(*((1, 0) if good else (0, 1)))
        print('ok   %s' % what if good else 'FAIL %s: %s' % (what, str(seen)[-1500:]), flush=True)

    def add(self, passed, failed):
        """Counts checks that were printed elsewhere."""
        self.passed += passed
        self.failed += failed

    def skip(self, what, why, allowed=False):
        """Prints that a check is left out, and adds the line to the file that `.ci/run` lists at its end."""
        self.skipped += 1
        if not allowed:
            self.forbidden.append(what)
        line = 'skipped%s: %s: %s' % (' (allowed)' if allowed else '', what, why)
        print(line, flush=True)
        if os.environ.get('SKIPPED_CHECKS'):
            with open(os.environ['SKIPPED_CHECKS'], 'a') as file:
                file.write(line + '\n')

    def close(self):
        """Prints the last line and returns the exit code. A run that checked nothing has failed, unless all of it was skipped."""
        ci = bool(os.environ.get('CI'))
        if ci and self.forbidden:
            print('CI is set, so these must not be skipped: %s' % ', '.join(self.forbidden))
        print('%d passed, %d failed, %d skipped' % (self.passed, self.failed, self.skipped), flush=True)
        nothing = not self.passed and not self.skipped
        return 1 if self.failed or nothing or (ci and self.forbidden) else 0
