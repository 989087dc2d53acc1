"""A throwaway PostgreSQL: tests/postgres/cluster as a value."""
import subprocess

from .process import PATIENCE, ROOT, Failed, NotReady


class Cluster:
    """Runs until it is closed or the runner ends. `options` are those of tests/postgres/cluster."""

    def __init__(self, *options):
        command = [str(ROOT / 'tests/postgres/cluster'), '--commands', *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith('postgres://'):
            self.close()
            raise NotReady('there is no PostgreSQL; the lines above say why')

    def tell(self, command):
        """`stop` crashes the database, `start` lets it recover."""
        self.process.stdin.write(command + '\n')
        self.process.stdin.flush()
        if self.process.stdout.readline() != 'done\n':
            raise Failed('the database did not obey: %s' % command)

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
