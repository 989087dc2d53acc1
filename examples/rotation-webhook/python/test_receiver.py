"""python3 -m unittest test_receiver"""
import hashlib, hmac, os, time, unittest

os.environ['WEBHOOK_SECRET'] = 'shared'
import receiver  # noqa: E402


def signed(at, body, secret=b'shared'):
    return 't=%d,v1=%s' % (at, hmac.new(secret, b'%d.' % at + body, hashlib.sha256).hexdigest())


class Signatures(unittest.TestCase):
    def test_a_signature_with_the_secret_is_genuine(self):
        now = int(time.time())
        self.assertTrue(receiver.is_genuine(signed(now, b'{}'), b'{}'))

    def test_every_other_header_is_refused(self):
        now = int(time.time())
        for header in (None, '', 't=,v1=', 't=x,v1=y', signed(now, b'{} '), signed(now, b'{}', b'other'), signed(now - 301, b'{}'),
                       signed(now, b'{}').upper(), 'v1=é,t=%d' % now):
            self.assertFalse(receiver.is_genuine(header, b'{}'), header)

    def test_only_the_password_is_new(self):
        made = receiver.next_value({'CurrentSecretData': '{"user": "app", "password": "old"}'})
        self.assertIn('"user": "app"', made)
        self.assertNotIn('old', made)


if __name__ == '__main__':
    unittest.main()
