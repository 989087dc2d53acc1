"""Libraries that clients need, installed by name from the package registries, once for each set of pinned versions."""
import hashlib, shutil, subprocess, sys

from .process import clean_environment, output

TOOLS = {'node': ('node', 'npm'), 'go': ('go',), 'java': ('java', 'keytool', 'mvn'), 'curl': ('curl', 'openssl')}


def missing(kind):
    """The tools of one kind that this machine lacks. A kind that is not in TOOLS is the name of its only tool."""
    if kind == 'python':
        # Debian keeps half of the module venv in a package of its own; without it there is no ensurepip.
        absent = subprocess.run([sys.executable, '-c', 'import venv, ensurepip'], capture_output=True).returncode
        return ['python3-venv'] if absent else []
    return [tool for tool in TOOLS.get(kind, (kind,)) if not shutil.which(tool)]


def installed(cache, name, pinned, install):
    """A directory below `cache` that `install(directory)` has filled. Another content of the files `pinned`, or another Python, gets another directory."""
    content = b''.join(file.read_bytes() for file in pinned) + sys.version.encode()
    place = cache / ('%s-%s' % (name, hashlib.sha256(content).hexdigest()[:12]))
    if not (place / 'complete').exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        print('installing %s …' % name, flush=True)
        install(place)
        (place / 'complete').touch()
    return place


def install_python(place, requirements, *more):
    """A virtual environment in `place`/venv."""
    output([sys.executable, '-m', 'venv', place / 'venv'])
    pip(place / 'venv/bin/python', '-r', requirements, *more)


def pip(python, *arguments):
    output([python, '-m', 'pip', '--disable-pip-version-check', 'install', '-q', *arguments])


def install_node(place, folder):
    """node_modules of the lock file in `folder`; scripts of packages are not run."""
    for name in ('package.json', 'package-lock.json'):
        shutil.copy(folder / name, place)
    output(['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], cwd=place)


def install_java(place, pom):
    """The dependencies of a pom.xml in `place`/lib."""
    shutil.copy(pom, place)
    output(['mvn', '-q', '-B', '-Dstyle.color=never', 'dependency:copy-dependencies', '-DoutputDirectory=%s' % (place / 'lib')], cwd=place)


def build_go(program, package, folder):
    """Compiles a package of the module in `folder`, whose go.mod and go.sum must already be complete."""
    output(['go', 'build', '-o', program, package], cwd=folder, environment=clean_environment(GOFLAGS='-mod=readonly'))
