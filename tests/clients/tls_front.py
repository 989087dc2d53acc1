#!/usr/bin/env python3
"""TLS before a server that speaks plain HTTP: tls_front.py DIRECTORY HOST:PORT

For the clients that ask STS over https only; it goes once the server itself speaks TLS. Makes a throw-away certificate
authority and a certificate for localhost in DIRECTORY (ca.pem), listens on a free port of 127.0.0.1, prints
`https://localhost:PORT`, and hands the bytes on until it is ended. Wants the library `cryptography`.
"""
import asyncio, datetime, ipaddress, pathlib, ssl, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(name, key, issuer, issuer_key, *extensions):
    now = datetime.datetime.utcnow()
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=7)))
    for extension, critical in extensions:
        made = made.add_extension(extension, critical)
    return made.sign(issuer_key, hashes.SHA256())


def certificates(directory):
    """ca.pem, and server.pem with key and certificate, both new."""
    directory.mkdir(parents=True, exist_ok=True)
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ('Throw-away CA', 'localhost')]
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in names]
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    authority = certificate(names[0], keys[0], names[0], keys[0], (x509.BasicConstraints(True, 0), True), (usage, True),
                            (x509.SubjectKeyIdentifier.from_public_key(keys[0].public_key()), False))
    hosts = [x509.DNSName('localhost'), x509.IPAddress(ipaddress.ip_address('127.0.0.1'))]
    server = certificate(names[1], keys[1], names[0], keys[0], (x509.SubjectAlternativeName(hosts), False),
                         (x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key()), False))
    pem = serialization.Encoding.PEM
    secret = keys[1].private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / 'ca.pem').write_bytes(authority.public_bytes(pem))
    (directory / 'server.pem').write_bytes(secret + server.public_bytes(pem))


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def main(directory, target):
    directory = pathlib.Path(directory)
    certificates(directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / 'server.pem')
    host, _, port = target.rpartition(':')

    async def serve(reader, writer):
        try:
            upstream = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, upstream[1]), pump(upstream[0], writer))

    listening = await asyncio.start_server(serve, '127.0.0.1', 0, ssl=context)
    print('https://localhost:%d' % listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


if __name__ == '__main__':
    try:
        asyncio.run(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        pass
