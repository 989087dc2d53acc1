"""Real database servers for tests of rotators: PostgreSQL, MariaDB and Redis, each with an administrator who has no more rights than a rotator needs.

Each server listens on 127.0.0.1, keeps its data when it is restarted, and is removed at the end.
"""
import os, pathlib, re, secrets, shutil, signal, socket, subprocess, tempfile, urllib.parse

from .install import missing
from .postgres import Cluster
from .process import PATIENCE, Failed, NotReady, free_port, kill, until

PACKAGES = {'mariadbd': 'mariadb-server', 'redis-server': 'redis-server'}


def need(program):
    """Installs Debian's package of a program, where that is possible."""
    if missing(program) and os.geteuid() == 0 and shutil.which('apt-get'):
        environment = dict(os.environ, DEBIAN_FRONTEND='noninteractive')
        subprocess.run(['apt-get', 'update', '-qq'], env=environment, stdout=subprocess.DEVNULL)
        subprocess.run(['apt-get', 'install', '-y', '-qq', PACKAGES[program]], env=environment, stdout=subprocess.DEVNULL)
    if missing(program):
        raise NotReady('%s is missing: install the package %s' % (program, PACKAGES[program]))


def client(command, password_variable, password, text=''):
    """Runs a command-line client; exit code and what it printed."""
    done = subprocess.run(command, input=text, env=dict(os.environ, **{password_variable: password}), capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout + done.stderr


class Engine:
    """What all engines share. `admin` is the account of rotators, `admin_password` its password, `url` the rotator's URL without it."""
    admin = 'sesame_admin'
    # What identifies accounts of a secret of this type; `%s` is the first account's name.
    secret_type, single = 'Rds', True

    def __init__(self):
        self.admin_password = 'admin-' + secrets.token_hex(12)

    def expect(self, statement):
        """Runs a statement as the superuser and returns what it printed."""
        code, said = self.run(statement)
        if code:
            raise Failed('%s: %r failed: %s' % (self.kind, statement, said))
        return said

    def logs_in(self, name, password):
        """Whether an account may log in with a password."""
        code, said = self.attempt(name, password)
        if code and not self.DENIED.search(said):
            raise Failed('%s: the login of %s ended in an unexpected way: %s' % (self.kind, name, said))
        return not code

    def pause(self):
        """Makes the server hang."""
        os.kill(self.pid(), signal.SIGSTOP)

    def go_on(self):
        os.kill(self.pid(), signal.SIGCONT)

    def restart(self):
        self.stop()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Postgres(Engine):
    kind, title = 'postgres', 'PostgreSQL'
    DENIED = re.compile('password authentication failed|is not permitted to log in')
    config = {'DBInstanceId': 'pgm-local'}

    def __init__(self):
        super().__init__()
        self.cluster = Cluster('--owner=postgres')
        found = urllib.parse.urlsplit(self.cluster.url)
        self.port, self.owner_password = found.port, found.password
        self.expect("ALTER SYSTEM SET log_statement = 'all'")
        self.expect('SELECT pg_reload_conf()')
        self.expect("CREATE ROLE %s LOGIN CREATEROLE PASSWORD '%s'" % (self.admin, self.admin_password))
        self.url = 'postgres://%s@127.0.0.1:%d/postgres' % (self.admin, self.port)
        self.directory = pathlib.Path(self.expect('SHOW unix_socket_directories').strip())
        # Passwords of the lines above are not the rotators'.
        self.log_from = len(self.log())

    def run(self, statement, name='postgres', password=None):
        command = ['psql', '-h', '127.0.0.1', '-p', str(self.port), '-U', name, '-d', 'postgres', '-wXqtA', '-v', 'ON_ERROR_STOP=1']
        return client(command, 'PGPASSWORD', self.owner_password if password is None else password, statement)

    def attempt(self, name, password):
        return self.run('SELECT 1', name, password)

    def query(self, name, password):
        """Reads data that only the account's rights allow."""
        return self.run('SELECT count(*) FROM orders', name, password)

    def create(self, name, password):
        with_option = ' WITH ADMIN OPTION' if int(self.expect('SHOW server_version_num')) >= 160000 else ''
        self.expect("CREATE ROLE %s LOGIN PASSWORD '%s'" % (name, password))
        self.expect('CREATE TABLE IF NOT EXISTS orders (id int); GRANT SELECT ON orders TO %s' % name)
        if with_option:
            self.expect('GRANT %s TO %s%s' % (name, self.admin, with_option))

    def set_password(self, name, password):
        self.expect("ALTER ROLE %s PASSWORD '%s'" % (name, password))

    def remove(self, name):
        self.expect('DROP OWNED BY %s; DROP ROLE %s' % (name, name))

    def forbid(self, yes):
        """Takes the administrator's right to alter roles, or gives it back."""
        self.expect('ALTER ROLE %s %sCREATEROLE' % (self.admin, 'NO' if yes else ''))

    def refuse_logins(self, name, yes):
        self.expect('ALTER ROLE %s CONNECTION LIMIT %d' % (name, 0 if yes else -1))

    def pid(self):
        return int((self.directory / 'data/postmaster.pid').read_text().split()[0])

    def log(self):
        return (self.directory / 'log').read_text(errors='replace') if hasattr(self, 'directory') else ''

    def stop(self):
        self.cluster.tell('stop')

    def start(self):
        self.cluster.tell('start')

    def close(self):
        self.cluster.close()


class Own(Engine):
    """A server that runs here, in a temporary directory."""

    def __init__(self):
        super().__init__()
        need(self.program)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='sesame-%s-' % self.kind))
        self.port, self.process = free_port(), None
        self.owner_password = 'owner-' + secrets.token_hex(12)
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self):
        log = open(self.directory / 'log', 'ab')
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory)
        log.close()
        if not until(lambda: self.process.poll() is not None or self.answers(), PATIENCE) or self.process.poll() is not None:
            raise NotReady('%s did not start: %s' % (self.program, self.log()[-2000:]))

    def stop(self):
        """As a crash ends it."""
        kill(self.process)

    def pid(self):
        return self.process.pid

    def log(self):
        return (self.directory / 'log').read_text(errors='replace')

    def close(self):
        if self.process and self.process.poll() is None:
            kill(self.process)
        shutil.rmtree(self.directory, ignore_errors=True)


class MariaDB(Own):
    kind, title, program = 'mysql', 'MariaDB', 'mariadbd'
    DENIED = re.compile('Access denied|ERROR 4151')
    config = {'DBInstanceId': 'rm-local'}

    def prepare(self):
        self.user = ['--user=mysql'] if os.geteuid() == 0 else []
        if self.user:
            shutil.chown(self.directory, 'mysql')
        made = subprocess.run(['mariadb-install-db', '--no-defaults', '--datadir=%s' % (self.directory / 'data'), '--skip-test-db',
                               '--auth-root-authentication-method=normal', *self.user], capture_output=True, text=True)
        if made.returncode:
            raise NotReady('mariadb-install-db failed: %s%s' % (made.stdout, made.stderr))
        start = self.directory / 'start.sql'
        start.write_text("\n".join([
            "CREATE USER IF NOT EXISTS 'owner'@'%%' IDENTIFIED BY '%s';" % self.owner_password,
            "GRANT ALL PRIVILEGES ON *.* TO 'owner'@'%' WITH GRANT OPTION;",
            "CREATE DATABASE IF NOT EXISTS orders;",
            "CREATE TABLE IF NOT EXISTS orders.orders (id int);",
            "CREATE USER IF NOT EXISTS '%s'@'%%' IDENTIFIED BY '%s';" % (self.admin, self.admin_password),
            "GRANT CREATE USER ON *.* TO '%s'@'%%';" % self.admin,
            "GRANT SELECT ON mysql.* TO '%s'@'%%';" % self.admin,
            "GRANT SELECT, INSERT, LOCK TABLES, SHOW VIEW ON orders.* TO '%s'@'%%' WITH GRANT OPTION;" % self.admin]))
        start.chmod(0o644)
        self.url = 'mysql://%s@127.0.0.1:%d' % (self.admin, self.port)

    def command(self):
        place = self.directory
        return ['mariadbd', '--no-defaults', '--datadir=%s' % (place / 'data'), '--socket=%s' % (place / 'socket'), '--port=%d' % self.port,
                '--bind-address=127.0.0.1', '--pid-file=%s' % (place / 'data/pid'), '--init-file=%s' % (place / 'start.sql'), '--skip-name-resolve',
                '--skip-networking=0', '--innodb-flush-log-at-trx-commit=1', *self.user]

    def answers(self):
        return not self.run('SELECT 1')[0]

    def run(self, statement, name='owner', password=None):
        command = ['mariadb', '--no-defaults', '-h', '127.0.0.1', '-P', str(self.port), '-u', name, '-NB']
        return client(command, 'MYSQL_PWD', self.owner_password if password is None else password, statement)

    def attempt(self, name, password):
        return self.run('SELECT 1', name, password)

    def query(self, name, password):
        return self.run('SELECT count(*) FROM orders.orders', name, password)

    def create(self, name, password):
        self.expect("CREATE USER '%s'@'%%' IDENTIFIED BY '%s'; GRANT SELECT ON orders.* TO '%s'@'%%'" % (name, password, name))

    def set_password(self, name, password):
        self.expect("ALTER USER '%s'@'%%' IDENTIFIED BY '%s'" % (name, password))

    def remove(self, name):
        self.expect("DROP USER '%s'@'%%'" % name)

    def forbid(self, yes):
        statement = "REVOKE CREATE USER ON *.* FROM '%s'@'%%'" if yes else "GRANT CREATE USER ON *.* TO '%s'@'%%'"
        self.expect(statement % self.admin)

    def refuse_logins(self, name, yes):
        self.expect("ALTER USER '%s'@'%%' ACCOUNT %s" % (name, 'LOCK' if yes else 'UNLOCK'))


class Redis(Own):
    kind, title, program = 'redis', 'Redis', 'redis-server'
    secret_type, single = 'Redis', False
    DENIED = re.compile('WRONGPASS|NOAUTH')
    config = {'InstanceId': 'r-local', 'RegionId': 'cn-hangzhou', 'AccountPrivilege': 'RoleReadWrite'}

    def prepare(self):
        (self.directory / 'users.acl').write_text(
            'user default off\nuser owner on >%s ~* &* +@all\nuser %s on >%s -@all +acl +config|get +config|rewrite +info +auth\n'
            % (self.owner_password, self.admin, self.admin_password))
        self.url = 'redis://%s@127.0.0.1:%d' % (self.admin, self.port)

    def command(self):
        return ['redis-server', '--bind', '127.0.0.1', '--port', str(self.port), '--dir', str(self.directory), '--save', '', '--aclfile',
                str(self.directory / 'users.acl')]

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(('127.0.0.1', self.port)) == 0

    def run(self, statement, name='owner', password=None):
        command = ['redis-cli', '-e', '-h', '127.0.0.1', '-p', str(self.port), '--user', name, '--no-auth-warning', *statement.split()]
        return client(command, 'REDISCLI_AUTH', self.owner_password if password is None else password)

    def attempt(self, name, password):
        # redis-cli goes on without a login; `default` is off.
        return self.run('PING', name, password)

    def query(self, name, password):
        return self.run('GET orders', name, password)

    def create(self, name, password):
        self.expect('ACL SETUSER %s on >%s ~* &* +@all' % (name, password))

    def set_password(self, name, password):
        self.expect('ACL SETUSER %s resetpass >%s' % (name, password))

    def remove(self, name):
        self.expect('ACL DELUSER %s' % name)

    def forbid(self, yes):
        self.expect('ACL SETUSER %s %sacl' % (self.admin, '-' if yes else '+'))


ENGINES = {engine.kind: engine for engine in (Postgres, MariaDB, Redis)}
