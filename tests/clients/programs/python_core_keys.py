#!/usr/bin/env python3
"""pip install aliyun-python-sdk-core aliyun-python-sdk-kms
Keys with the classic client, which puts every parameter into the URL: contexts that need escaping, rotation, signatures, import."""
import base64, hashlib, importlib, json, logging
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from _common import *
logging.disable(logging.CRITICAL)
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.http import protocol_type as PT
PROTO = PT.HTTPS if SCHEME == 'https' else PT.HTTP     # must be this very object: the library compares with `is`
client = AcsClient(ak=AK, secret=SK, region_id=REGION, verify=CA)
ALIAS = 'alias/' + NAME
CONTEXT = json.dumps({'a b': '中文 😀', '+ / = * ~': '& % # ?', 'quoted "q"': '', 'line': 'one\n\ttwo'}, ensure_ascii=False)
OTHER = CONTEXT.replace('two', 'three')
PLAIN = base64.b64encode('hello 中文'.encode()).decode()
b64 = lambda data: base64.b64encode(data).decode()

def call(action, **parameters):
    cls = getattr(importlib.import_module('aliyunsdkkms.request.v20160120.%sRequest' % action), action + 'Request')
    request = cls(); request.set_protocol_type(PROTO); request.set_endpoint(HOST)
    for name, value in parameters.items():
        request.add_query_param(name, value)
    return json.loads(client.do_action_with_exception(request))

def code(action, **parameters):
    try:
        return 'answered %r' % call(action, **parameters)
    except Exception as error:                  # noqa
        return getattr(error, 'error_code', None) or repr(error)

def symmetric():
    key = call('CreateKey', Description='描述 a+b=c')['KeyMetadata']['KeyId']
    check('description', call('DescribeKey', KeyId=key)['KeyMetadata']['Description'], '描述 a+b=c')
    call('CreateAlias', AliasName=ALIAS, KeyId=key)
    sealed = call('Encrypt', KeyId=ALIAS, Plaintext=PLAIN, EncryptionContext=CONTEXT)
    check('encrypt names the key', sealed['KeyId'], key)
    rotated = call('CreateKeyVersion', KeyId=key)['KeyVersion']['KeyVersionId']
    opened = call('Decrypt', CiphertextBlob=sealed['CiphertextBlob'], EncryptionContext=CONTEXT)
    check('decrypt after rotation', (opened['Plaintext'], opened['KeyVersionId']), (PLAIN, sealed['KeyVersionId']))
    check('another context', code('Decrypt', CiphertextBlob=sealed['CiphertextBlob'], EncryptionContext=OTHER), 'InvalidParameter')
    again = call('ReEncrypt', CiphertextBlob=sealed['CiphertextBlob'], SourceEncryptionContext=CONTEXT,
                 DestinationKeyId=key, DestinationEncryptionContext=OTHER)
    check('re-encrypt names what decrypted', again['KeyVersionId'], sealed['KeyVersionId'])
    opened = call('Decrypt', CiphertextBlob=again['CiphertextBlob'], EncryptionContext=OTHER)
    check('re-encrypted under the newest version', (opened['Plaintext'], opened['KeyVersionId']), (PLAIN, rotated))
    made = call('GenerateDataKey', KeyId=key, KeySpec='AES_128')
    check('data key', (len(base64.b64decode(made['Plaintext'])), call('Decrypt', CiphertextBlob=made['CiphertextBlob'])['Plaintext']), (16, made['Plaintext']))
    check('unknown spec', code('CreateKey', KeySpec='Aliyun_AES_512'), 'InvalidParameter')
    check('no such alias', code('Encrypt', KeyId='alias/no-such', Plaintext=PLAIN), 'Forbidden.AliasNotFound')
    call('DisableKey', KeyId=key)
    check('disabled', code('Decrypt', CiphertextBlob=again['CiphertextBlob'], EncryptionContext=OTHER), 'Rejected.Disabled')
    call('EnableKey', KeyId=key)
    call('ScheduleKeyDeletion', KeyId=key, PendingWindowInDays=7)
    check('scheduled', call('DescribeKey', KeyId=key)['KeyMetadata']['KeyState'], 'PendingDeletion')
    call('CancelKeyDeletion', KeyId=key)
    call('DeleteAlias', AliasName=ALIAS)
    check('listed', key in [k['KeyId'] for k in call('ListKeys', PageSize=100)['Keys']['Key']])

def signature():
    key = call('CreateKey', KeySpec='RSA_2048', KeyUsage='SIGN/VERIFY')['KeyMetadata']['KeyId']
    version = call('ListKeyVersions', KeyId=key)['KeyVersions']['KeyVersion'][0]['KeyVersionId']
    digest = hashlib.sha256(b'message').digest()
    named = dict(KeyId=key, KeyVersionId=version, Algorithm='RSA_PKCS1_SHA_256', Digest=b64(digest))
    value = call('AsymmetricSign', **named)['Value']
    check('verifies', call('AsymmetricVerify', Value=value, **named)['Value'])
    pem = call('GetPublicKey', KeyId=key, KeyVersionId=version)['PublicKey']
    serialization.load_pem_public_key(pem.encode()).verify(base64.b64decode(value), b'message', padding.PKCS1v15(), hashes.SHA256())
    check('another library agrees', True)

def imported():
    key = call('CreateKey', Origin='EXTERNAL')['KeyMetadata']['KeyId']
    given = call('GetParametersForImport', KeyId=key, WrappingAlgorithm='RSAES_OAEP_SHA_256', WrappingKeySpec='RSA_2048')
    public = serialization.load_der_public_key(base64.b64decode(given['PublicKey']))
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    material = b64(public.encrypt(b'm' * 32, oaep))
    call('ImportKeyMaterial', KeyId=key, EncryptedKeyMaterial=material, ImportToken=given['ImportToken'], KeyMaterialExpireUnix=0)
    sealed = call('Encrypt', KeyId=key, Plaintext=PLAIN)
    check('imported material decrypts', call('Decrypt', CiphertextBlob=sealed['CiphertextBlob'])['Plaintext'], PLAIN)
    call('DeleteKeyMaterial', KeyId=key)
    check('material gone', code('Encrypt', KeyId=key, Plaintext=PLAIN), 'Rejected.PendingImport')

attempt('symmetric', symmetric)
attempt('signature', signature)
attempt('import', imported)
done()
