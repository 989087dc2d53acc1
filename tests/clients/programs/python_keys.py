#!/usr/bin/env python3
"""pip install alibabacloud-kms20160120
Keys with the official SDK: awkward contexts, rotation, signatures that others verify, import, a secret under a key."""
import base64, hashlib
from alibabacloud_kms20160120 import models as m
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.models import Config
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from _common import *

client = Client(Config(access_key_id=AK, access_key_secret=SK, region_id=REGION, endpoint=HOST, protocol=SCHEME))
ALIAS = 'alias/' + NAME
CONTEXT = {'a b': '中文 😀', '+ / = * ~': '& % # ?', 'quoted "q"': '', 'line': 'one\n\ttwo'}
PLAIN = 'hello 中文'.encode()
b64 = lambda data: base64.b64encode(data).decode()

def code(fn):
    try:
        return 'answered %r' % fn()
    except Exception as error:                  # noqa
        return getattr(error, 'code', repr(error))

def symmetric():
    made = client.create_key(m.CreateKeyRequest(description='描述 a+b')).body.key_metadata
    key = made.key_id
    check('key state', (made.key_state, made.key_spec, made.description), ('Enabled', 'Aliyun_AES_256', '描述 a+b'))
    client.create_alias(m.CreateAliasRequest(alias_name=ALIAS, key_id=key))
    check('alias twice', code(lambda: client.create_alias(m.CreateAliasRequest(alias_name=ALIAS, key_id=key))), 'AliasAlreadyExists')
    sealed = client.encrypt(m.EncryptRequest(key_id=ALIAS, plaintext=b64(PLAIN), encryption_context=CONTEXT)).body
    check('encrypt names the key', sealed.key_id, key)
    for n in range(3):
        client.create_key_version(m.CreateKeyVersionRequest(key_id=key))
        opened = client.decrypt(m.DecryptRequest(ciphertext_blob=sealed.ciphertext_blob, encryption_context=CONTEXT)).body
        check('decrypt after %d rotations' % (n + 1), base64.b64decode(opened.plaintext), PLAIN)
    other = dict(CONTEXT, line='other')
    check('another context', code(lambda: client.decrypt(m.DecryptRequest(ciphertext_blob=sealed.ciphertext_blob, encryption_context=other))), 'InvalidParameter')
    again = client.re_encrypt(m.ReEncryptRequest(ciphertext_blob=sealed.ciphertext_blob, source_encryption_context=CONTEXT,
                                                 destination_key_id=key, destination_encryption_context=other)).body
    opened = client.decrypt(m.DecryptRequest(ciphertext_blob=again.ciphertext_blob, encryption_context=other)).body
    check('re-encrypt', (base64.b64decode(opened.plaintext), opened.key_version_id != sealed.key_version_id), (PLAIN, True))
    made = client.generate_data_key(m.GenerateDataKeyRequest(key_id=key, number_of_bytes=64, encryption_context=CONTEXT)).body
    opened = client.decrypt(m.DecryptRequest(ciphertext_blob=made.ciphertext_blob, encryption_context=CONTEXT)).body
    check('data key', (opened.plaintext, len(base64.b64decode(made.plaintext))), (made.plaintext, 64))
    client.update_rotation_policy(m.UpdateRotationPolicyRequest(key_id=key, enable_automatic_rotation=True, rotation_interval='30d'))
    known = client.describe_key(m.DescribeKeyRequest(key_id=ALIAS)).body.key_metadata
    check('rotation', (known.automatic_rotation, known.rotation_interval), ('Enabled', '2592000s'))
    client.tag_resource(m.TagResourceRequest(key_id=key, tags='[{"TagKey":"k/1","TagValue":"v+/=@:._-_中"}]'))
    tags = client.list_resource_tags(m.ListResourceTagsRequest(key_id=key)).body.tags.tag
    check('tags', [(t.tag_key, t.tag_value) for t in tags], [('k/1', 'v+/=@:._-_中')])
    versions = client.list_key_versions(m.ListKeyVersionsRequest(key_id=key)).body
    check('versions', versions.total_count, 4)
    return key

def secret_under(key):
    client.create_secret(m.CreateSecretRequest(secret_name=NAME, version_id='v1', secret_data='x', encryption_key_id=ALIAS))
    check('describe names the key', client.describe_secret(m.DescribeSecretRequest(secret_name=NAME)).body.encryption_key_id, key)
    get = lambda: client.get_secret_value(m.GetSecretValueRequest(secret_name=NAME)).body.secret_data
    client.disable_key(m.DisableKeyRequest(key_id=key))
    check('disabled', code(get), 'Rejected.Disabled')
    client.enable_key(m.EnableKeyRequest(key_id=key))
    check('enabled again', get(), 'x')
    client.schedule_key_deletion(m.ScheduleKeyDeletionRequest(key_id=key, pending_window_in_days=7))
    check('scheduled', code(get), 'Rejected.PendingDeletion')
    client.cancel_key_deletion(m.CancelKeyDeletionRequest(key_id=key))
    check('cancelled', get(), 'x')
    client.delete_secret(m.DeleteSecretRequest(secret_name=NAME, force_delete_without_recovery='true'))
    client.delete_alias(m.DeleteAliasRequest(alias_name=ALIAS))
    check('unknown alias', code(lambda: client.describe_key(m.DescribeKeyRequest(key_id=ALIAS))), 'Forbidden.AliasNotFound')

def signatures():
    digest = hashlib.sha256(PLAIN).digest()
    hashed = utils.Prehashed(hashes.SHA256())
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    ways = {'RSA_PSS_SHA_256': lambda k, s: k.verify(s, digest, pss, hashed),
            'RSA_PKCS1_SHA_256': lambda k, s: k.verify(s, digest, padding.PKCS1v15(), hashed),
            'ECDSA_SHA_256': lambda k, s: k.verify(s, digest, ec.ECDSA(hashed)), 'SM2DSA': None}
    for spec, algorithms in (('RSA_2048', ('RSA_PSS_SHA_256', 'RSA_PKCS1_SHA_256')), ('EC_P256', ('ECDSA_SHA_256',)),
                             ('EC_P256K', ('ECDSA_SHA_256',)), ('EC_SM2', ('SM2DSA',))):
        key = client.create_key(m.CreateKeyRequest(key_spec=spec, key_usage='SIGN/VERIFY')).body.key_metadata.key_id
        version = client.list_key_versions(m.ListKeyVersionsRequest(key_id=key)).body.key_versions.key_version[0].key_version_id
        pem = client.get_public_key(m.GetPublicKeyRequest(key_id=key, key_version_id=version)).body.public_key
        for algorithm in algorithms:
            named = dict(key_id=key, key_version_id=version, algorithm=algorithm, digest=b64(digest))
            value = client.asymmetric_sign(m.AsymmetricSignRequest(**named)).body.value
            check(spec + ' ' + algorithm, client.asymmetric_verify(m.AsymmetricVerifyRequest(value=value, **named)).body.value)
            wrong = b64(base64.b64decode(value)[:-1] + bytes([base64.b64decode(value)[-1] ^ 1]))
            check(spec + ' altered', client.asymmetric_verify(m.AsymmetricVerifyRequest(value=wrong, **named)).body.value, False)
            if ways[algorithm]:
                try:
                    ways[algorithm](serialization.load_pem_public_key(pem.encode()), base64.b64decode(value)); others = True
                except InvalidSignature:
                    others = False
                check(spec + ' verified by another library', others)
        if spec in ('RSA_2048', 'EC_SM2'):
            algorithm = 'RSAES_OAEP_SHA_256' if spec == 'RSA_2048' else 'SM2PKE'
            named = dict(key_id=key, key_version_id=version, algorithm=algorithm)
            sealed = client.asymmetric_encrypt(m.AsymmetricEncryptRequest(plaintext=b64(PLAIN), **named)).body.ciphertext_blob
            opened = client.asymmetric_decrypt(m.AsymmetricDecryptRequest(ciphertext_blob=sealed, **named)).body.plaintext
            check(spec + ' ' + algorithm, base64.b64decode(opened), PLAIN)

def imported():
    made = client.create_key(m.CreateKeyRequest(origin='EXTERNAL')).body.key_metadata
    check('waits for material', made.key_state, 'PendingImport')
    key, sealed = made.key_id, None
    oaep = lambda h: padding.OAEP(mgf=padding.MGF1(h()), algorithm=h(), label=None)
    ways = {'RSAES_OAEP_SHA_256': oaep(hashes.SHA256), 'RSAES_OAEP_SHA_1': oaep(hashes.SHA1), 'RSAES_PKCS1_V1_5': padding.PKCS1v15()}
    for algorithm, pad in ways.items():
        given = client.get_parameters_for_import(m.GetParametersForImportRequest(key_id=key, wrapping_algorithm=algorithm, wrapping_key_spec='RSA_2048')).body
        public = serialization.load_der_public_key(base64.b64decode(given.public_key))
        send = lambda material: client.import_key_material(m.ImportKeyMaterialRequest(
            key_id=key, encrypted_key_material=b64(public.encrypt(material, pad)), import_token=given.import_token, key_material_expire_unix=0))
        send(b'm' * 32)
        check('imported with ' + algorithm, client.describe_key(m.DescribeKeyRequest(key_id=key)).body.key_metadata.key_state, 'Enabled')
        if sealed is None:
            sealed = client.encrypt(m.EncryptRequest(key_id=key, plaintext=b64(PLAIN))).body.ciphertext_blob
        check('decrypts', base64.b64decode(client.decrypt(m.DecryptRequest(ciphertext_blob=sealed)).body.plaintext), PLAIN)
        client.delete_key_material(m.DeleteKeyMaterialRequest(key_id=key))
        check('material gone', code(lambda: client.decrypt(m.DecryptRequest(ciphertext_blob=sealed))), 'Rejected.PendingImport')
        check('other material', code(lambda: send(b'n' * 32)), 'InvalidKeyMaterial')

key = attempt('symmetric', symmetric)
if key:
    attempt('secret', lambda: secret_under(key))
attempt('signatures', signatures)
attempt('import', imported)
done()
