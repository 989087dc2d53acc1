#!/usr/bin/env python3
"""An identity provider on disk: oidc_issuer.py DIRECTORY

Writes jwks.json, one throw-away RSA key, and a token for each case that the programs try, named after what is wrong with
it (orders.jwt is right). Wants the library `cryptography`.
"""
import base64, hashlib, hmac, json, pathlib, sys, time
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ISSUER = 'https://oidc.example.test/cluster'
KID = 'cluster-1'


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def number(value):
    return url64(value.to_bytes((value.bit_length() + 7) // 8, 'big'))


def token(key, header=None, **claims):
    now = int(time.time())
    claims = dict({'iss': ISSUER, 'aud': ['sts.aliyuncs.com'], 'sub': 'system:serviceaccount:shop:orders',
                   'iat': now - 60, 'nbf': now - 60, 'exp': now + 3600}, **claims)
    header = dict({'alg': 'RS256', 'kid': KID, 'typ': 'JWT'}, **(header or {}))
    signed = '.'.join(url64(json.dumps(part).encode()) for part in (header, claims))
    if header['alg'] == 'none':
        signature = b''
    elif header['alg'] == 'HS256':
        signature = hmac.new(b'secret', signed.encode(), hashlib.sha256).digest()
    else:
        signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return signed + '.' + url64(signature)


def main(directory):
    key, stranger = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    public = key.public_key().public_numbers()
    jwks = {'keys': [{'kty': 'RSA', 'use': 'sig', 'alg': 'RS256', 'kid': KID, 'n': number(public.n), 'e': number(public.e)}]}
    now = int(time.time())
    written = {
        'orders': token(key),
        'two-audiences': token(key, aud=['elsewhere', 'sts.aliyuncs.com']),
        'expired': token(key, iat=now - 7200, nbf=now - 7200, exp=now - 60),
        'audience': token(key, aud=['elsewhere']),
        # Known to the provider, and not to the role's trust policy.
        'second-client': token(key, aud='second-client'),
        'subject': token(key, sub='system:serviceaccount:shop:payments'),
        'issuer': token(key, iss='https://oidc.example.test/other'),
        'forged': token(stranger),
        'hs256': token(None, {'alg': 'HS256'}),
        'unsigned': token(None, {'alg': 'none'}),
        'two-parts': token(key).rpartition('.')[0],
        'no-claims': 'e30.bm90IGpzb24.e30',
    }
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / 'jwks.json').write_text(json.dumps(jwks))
    for name, text in written.items():
        # As kubelet and editors leave it: with a line feed at the end in one case, without in the others.
        (directory / (name + '.jwt')).write_text(text + ('\n' if name == 'two-audiences' else ''))


if __name__ == '__main__':
    main(sys.argv[1])
