"""oss2: an object is encrypted before it is uploaded, under a data key of Sesame. Only this part is shown, no object is stored."""
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
# The one way to another address: the client of the older SDK inside, told where Kms is.
provider.kms_client.add_endpoint('cn-hangzhou', 'Kms', SESAME)

sent = provider.create_content_material()  # GenerateDataKey, and Encrypt for the IV
body = provider.make_encrypt_adapter(b'the content of the object', sent.cipher).read()
assert b'content' not in body

# As the reader of the object does: from its metadata, by Decrypt.
got = ContentCryptoMaterial(oss2.utils.AESCTRCipher(), sent.wrap_alg, sent.encrypted_key, sent.encrypted_iv, sent.mat_desc)
got.cipher.initialize(provider.decrypt_encrypted_key(sent.encrypted_key), provider.decrypt_encrypted_iv(sent.encrypted_iv))
print(provider.make_decrypt_adapter(body, got.cipher).read().decode())

kms('DisableKey', KeyId=key)
try:
    provider.decrypt_encrypted_key(sent.encrypted_key)
    raise SystemExit('decrypted by a disabled key')
except oss2.exceptions.OpenApiServerError as error:
    assert error.code == 'Rejected.Disabled', error
