// node --test
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { isGenuine, nextValue } from './receiver.mjs'

const NOW = 1795491000
const signed = (at, body, secret = 'shared') =>
  `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`

test('a signature with the secret is genuine', () => {
  assert.ok(isGenuine(signed(NOW, '{}'), Buffer.from('{}'), 'shared', NOW))
})

test('every other header is refused', () => {
  const headers = [undefined, '', 't=,v1=', 't=x,v1=y', 't', signed(NOW, '{} '), signed(NOW, '{}', 'other'), signed(NOW - 301, '{}'), `t=${NOW},v1=é`]
  for (const header of headers) {
    assert.ok(!isGenuine(header, Buffer.from('{}'), 'shared', NOW), header)
  }
})

test('only the password is new', async () => {
  const made = JSON.parse(await nextValue({ CurrentSecretData: '{"user":"app","password":"old"}' }))
  assert.equal(made.user, 'app')
  assert.notEqual(made.password, 'old')
})
