"""oss2: an object is encrypted with a data key of Sesame before the upload. Only this part is shown; no object is stored."""
import json, os, urllib.parse, urllib.request

import oss2
from oss2.crypto import AliKMSProvider
from oss2.models import ContentCryptoMaterial

SESAME = os.environ.get('SESAME_URL', 'http://127.0.0.1:7070')


def kms(action, **parameters):
    form = urllib.parse.urlencode(dict(parameters, Version='2016-01-20', Action=action)).encode()
    return json.load(urllib.request.urlopen(SESAME + '/', form, timeout=10))


key = kms('CreateKey')['KeyMetadata']['KeyId']
provider = AliKMSProvider('test', 'test', 'cn-hangzhou', key)
# The only way to set another endpoint: on the inner client of the older SDK.
provider.kms_client.add_endpoint('cn-hangzhou', 'Kms', SESAME)

sent = provider.create_content_material()  # GenerateDataKey, and Encrypt for the IV
body = provider.make_encrypt_adapter(b'the content of the object', sent.cipher).read()
assert b'content' not in body

# What a reader of the object does: Decrypt, with its metadata.
got = ContentCryptoMaterial(oss2.utils.AESCTRCipher(), sent.wrap_alg, sent.encrypted_key, sent.encrypted_iv, sent.mat_desc)
got.cipher.initialize(provider.decrypt_encrypted_key(sent.encrypted_key), provider.decrypt_encrypted_iv(sent.encrypted_iv))
print(provider.make_decrypt_adapter(body, got.cipher).read().decode())

kms('DisableKey', KeyId=key)
try:
    provider.decrypt_encrypted_key(sent.encrypted_key)
    raise SystemExit('decrypted by a disabled key')
except oss2.exceptions.OpenApiServerError as error:
    assert error.code == 'Rejected.Disabled', error
