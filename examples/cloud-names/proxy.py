"""A proxy that sends https://<any host> to Sesame, for programs that have the host names of the cloud built in.

    python3 proxy.py localhost:7070          # prints its address, http://127.0.0.1:PORT, and serves until it is stopped

Most programs take it from HTTPS_PROXY; Java from -Dhttps.proxyHost and -Dhttps.proxyPort. They must trust the CA of Sesame, which signs
certificates for the names of KMS and STS.
"""
import socket, socketserver, sys, threading


def pump(source, target):
    try:
        while True:
            piece = source.recv(65536)
            if not piece:
                break
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Tunnel(socketserver.StreamRequestHandler):
    rbufsize = 0  # the bytes after the head belong to TLS

    def handle(self):
        head = self.rfile.readline(8192).split()
        while self.rfile.readline(8192).strip():
            pass
        if len(head) != 3 or head[0] != b'CONNECT':
            return self.wfile.write(b'HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
        with socket.create_connection(self.server.target, timeout=10) as there:
            there.settimeout(None)
            self.wfile.write(b'HTTP/1.1 200 Connection established\r\n\r\n')
            back = threading.Thread(target=pump, args=(there, self.connection), daemon=True)
            back.start()
            pump(self.connection, there)
            back.join(60)


class Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, target):
        host, _, port = target.rpartition(':')
        self.target = (host, int(port))
        super().__init__(('127.0.0.1', 0), Tunnel)
        self.address = '127.0.0.1:%d' % self.server_address[1]


if __name__ == '__main__':
    with Proxy(sys.argv[1] if len(sys.argv) > 1 else 'localhost:7070') as proxy:
        print('http://' + proxy.address, flush=True)
        proxy.serve_forever()
