"""The programs that use official clients: what they need, how one is run. `run` runs all of them."""
import pathlib, re, subprocess, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.install import build_go, install_java, install_node, install_python, installed, missing  # noqa: E402
from support.process import ROOT, clean_environment, output  # noqa: E402
from support.server import trusting  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
CACHE = ROOT / 'target' / 'clients'
LOGS = CACHE / 'logs'
KINDS = {'.py': 'python', '.js': 'node', '.go': 'go', '.java': 'java'}
# Program, its modes, and its variables. raw_rpc.py expects that an unknown key is refused, so it runs in `signed` mode;
# raw_open.py makes the same calls, and unsigned ones, in `open` mode.
PROGRAMS = [
    ('raw_open.py', ('open',), {}),
    ('raw_rpc.py', ('signed',), {}),
    ('python_tea.py', ('open', 'signed'), {}),
    ('python_tea.py', ('open', 'signed'), {'SIGN': 'v2'}),
    ('python_tea_v4.py', ('open', 'signed'), {}),
    ('python_core.py', ('open', 'signed'), {}),
    ('python_keys.py', ('open', 'signed'), {}),
    ('python_core_keys.py', ('open', 'signed'), {}),
    ('secretsmanager_v1.py', ('open', 'signed'), {}),
    ('secretsmanager_v2.py', ('open', 'signed'), {}),
    ('python_rotation.py', ('open',), {}),
    ('node_rotation.js', ('open',), {}),
    ('go_rotation/main.go', ('open',), {}),
    ('node_pop_core.js', ('open', 'signed'), {}),
    ('node_kms.js', ('open', 'signed'), {}),
    ('node_openapi.js', ('open', 'signed'), {}),
    ('raw_sts.py', ('enforced',), {}),
    ('python_sts.py', ('enforced',), {}),
    ('python_credentials.py', ('enforced',), {}),
    ('node_credentials.js', ('enforced',), {}),
    ('go_credentials/main.go', ('enforced',), {}),
    ('java_credentials/JavaCredentials.java', ('enforced',), {}),
    ('python_https.py', ('open',), {'OVER': 'https'}),
    ('python_tea.py', ('signed',), {'OVER': 'https'}),
    ('python_core.py', ('signed',), {'OVER': 'https', 'KMS_CA': ''}),  # its SDK reads no variable, so the program does
    ('secretsmanager_v2.py', ('signed',), {'OVER': 'https'}),
    ('node_pop_core.js', ('signed',), {'OVER': 'https'}),
    ('node_kms.js', ('signed',), {'OVER': 'https'}),
    ('node_openapi.js', ('signed',), {'OVER': 'https'}),
]
GO = ('go_credentials', 'go_rotation')
STANDARD_LIBRARY_ONLY = ('raw_open.py', 'raw_rpc.py', 'raw_sts.py')
MODES = ('open', 'signed', 'enforced')
ADMIN_TOKEN = 'acceptance'


def kind_of(program):
    return KINDS[pathlib.Path(program).suffix]


def library(kind):
    """The directory with the libraries that the programs of one kind need; installed when it is not there yet."""
    go, java = [HERE / 'programs' / folder for folder in GO], HERE / 'programs/java_credentials/pom.xml'
    pinned, install = {
        'python': (['requirements.txt'], lambda place: install_python(place, HERE / 'requirements.txt')),
        'node': (['package-lock.json'], lambda place: install_node(place, HERE)),
        # Here the programs themselves are compiled.
        'go': ([folder / name for folder in go for name in ('main.go', 'go.mod', 'go.sum')],
               lambda place: [build_go(place / folder.name, '.', folder) for folder in go]),
        'java': ([java], lambda place: install_java(place, java)),
    }[kind]
    return installed(CACHE, kind, [HERE / name for name in pinned], install)


def libraries(kinds):
    """What is missing for each kind of program, and where the libraries of the other kinds are."""
    absent = {kind: missing(kind) for kind in kinds}
    return absent, {kind: library(kind) for kind in kinds if not absent[kind]}


def python_of(libraries):
    return str(libraries['python'] / 'venv/bin/python')


def command(program, libraries):
    """How a program is started."""
    path = str(HERE / 'programs' / program)
    if program in STANDARD_LIBRARY_ONLY:
        return [sys.executable, '-B', path]
    place = libraries[kind_of(program)]
    return {'python': [place / 'venv/bin/python', '-B', path], 'node': ['node', path], 'go': [place / pathlib.Path(program).parent],
            'java': ['java', '-cp', '%s/*' % (place / 'lib'), path]}[kind_of(program)]


def over_https(server, authority, *more):
    """The variables that lead a client to the server by HTTPS, and make it trust the server. `authority` is the file for the certificate."""
    host = server.authority(authority)
    return dict(trusting(authority, *more), KMS_ENDPOINT='https://' + host)


def label(program, extra):
    return ' '.join([program] + ['%s=%s' % item for item in extra.items() if item[1]])


def run(program, extra, server, mode, libraries, authority, more):
    """Runs one program against a server that has `url` and `authority`; the numbers of passed and failed checks. LOGS keeps its output."""
    environment = clean_environment(KMS_ENDPOINT=server.url, KMS_AK='testid', KMS_SK='testsecret', **extra, **more)
    if 'OVER' in extra:
        environment.update(over_https(server, authority, *(name for name in extra if name == 'KMS_CA')))
    if 'node' in libraries:
        environment['NODE_PATH'] = str(libraries['node'] / 'node_modules')
    name = '-'.join([pathlib.Path(program).name, mode] + [value for value in extra.values() if value])
    try:
        done = subprocess.run(list(map(str, command(program, libraries))), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180, env=environment)
        text, code = done.stdout.decode(errors='replace'), done.returncode
    except subprocess.TimeoutExpired as late:
        text, code = (late.stdout or b'').decode(errors='replace') + '\ndid not end within 180 s\n', 1
    (LOGS / (name + '.log')).write_text(text)
    counts = re.findall(r'^(\d+) passed, (\d+) failed$', text, re.M)
    passed, failed = map(int, counts[-1]) if counts else (0, 0)
    if not failed and (code or not passed):
        failed = 1  # it ended before its last line, or checked nothing
    if failed:
        print('\n'.join(line for line in text.splitlines() if not line.startswith('ok '))[-2000:])
    return passed, failed


class Sessions:
    """What the mode `enforced` needs besides: an identity provider on disk, the configuration that names it, and clients that trust the server."""

    def __init__(self, libraries, directory):
        self.directory = pathlib.Path(directory)
        output([python_of(libraries), '-B', HERE / 'oidc_issuer.py', self.directory / 'oidc'])
        self.config = (HERE / 'enforced.toml').read_text().replace('"jwks.json"', '"%s"' % (self.directory / 'oidc/jwks.json'))

    def environment(self, server, java):
        authority, store = self.directory / 'ca.pem', self.directory / 'ca.p12'
        host = server.authority(authority)
        if java:
            output(['keytool', '-importcert', '-noprompt', '-storetype', 'PKCS12', '-keystore', store, '-storepass', 'changeit',
                    '-alias', 'ca', '-file', authority])
        return {'STS_HOST': host, 'STS_CA': str(authority), 'OIDC_DIR': str(self.directory / 'oidc'),
                'ADMIN_TOKEN': ADMIN_TOKEN, 'SSL_CERT_FILE': str(authority), 'NODE_EXTRA_CA_CERTS': str(authority),
                'JDK_JAVA_OPTIONS': '-Djavax.net.ssl.trustStore=%s -Djavax.net.ssl.trustStorePassword=changeit' % store}
