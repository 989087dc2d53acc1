"""Programs that are started, waited for and stopped, in an environment without settings of the caller."""
import os, pathlib, re, select, socket, subprocess, threading, time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PATIENCE = 60  # seconds for each start and each stop

# Variables that change what a server or a client does: settings of Sesame, endpoints and keys of the cloud, trust, proxies.
FOREIGN = re.compile(r'(SESAME_|KMS_|STS_|OIDC_DIR$|ADMIN_TOKEN$|ALIBABA_?CLOUD_|ALICLOUD_|ACCESS_KEY_|credentials_|cache_client_|SIGN$|OVER$'
                     r'|NODE_OPTIONS$|NODE_EXTRA_CA_CERTS$|SSL_CERT_|REQUESTS_CA_BUNDLE$|GOFLAGS$|_?JAVA_|JDK_JAVA_|PYTHONPATH$'
                     r'|(https?|all)_proxy$)', re.I)


class Failed(Exception):
    """A check failed, or something that it needs did. The text is for people."""


class NotReady(Failed):
    """A program ended, or did not say in time that it is ready."""


def clean_environment(**more):
    """The caller's environment without FOREIGN, and with `more`."""
    return dict({name: value for name, value in os.environ.items() if not FOREIGN.match(name)}, **more)


def free_port():
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def start(command, ready, stderr=None, environment=None, patience=PATIENCE):
    """Starts a program and waits until its standard output matches the bytes pattern `ready`. Returns the process and the match."""
    process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
                               env=clean_environment() if environment is None else environment)
    printed, deadline = b'', time.monotonic() + patience
    while not (found := re.search(ready, printed, re.S | re.M)):
        answered = select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))[0]
        piece = os.read(process.stdout.fileno(), 4096) if answered else b''
        if not piece:
            kill(process)
            process.stdout.close()
            raise NotReady('%s did not become ready; it printed %r' % (command[0], printed.decode(errors='replace')))
        printed += piece
    threading.Thread(target=drain, args=(process.stdout,), daemon=True).start()
    return process, found


def drain(stream):
    """Reads on to the end, because a full pipe would block the program."""
    with stream:
        stream.read()


def stop(process, patience=PATIENCE):
    """Sends SIGTERM, kills the process when it does not end in time, and returns its exit code."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(patience)
    except subprocess.TimeoutExpired:
        return kill(process)


def kill(process):
    """Sends SIGKILL, waits for the end, and returns the exit code."""
    process.kill()
    return process.wait()


def output(command, timeout=900, environment=None, **how):
    """Runs a program to its end and returns what it printed, on standard output and error. Any exit code but 0 is `Failed`."""
    command = [str(part) for part in command]
    name = pathlib.Path(command[0]).name
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                              env=clean_environment() if environment is None else environment, **how)
    except subprocess.TimeoutExpired as late:
        raise Failed('%s did not end within %d s\n%s' % (name, timeout, (late.stdout or b'').decode(errors='replace'))) from None
    except OSError as error:
        raise Failed('%s cannot be started: %s' % (command[0], error)) from None
    text = done.stdout.decode(errors='replace')
    if done.returncode:
        raise Failed('%s ended with code %d\n%s' % (name, done.returncode, text))
    return text


def until(condition, seconds):
    """Asks `condition` again and again, until it returns something true or the time is over. Returns its last answer."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer
