// Receives rotations from Sesame: checks the signature and answers with the next value. Node 18 or newer, nothing to install.
//
// WEBHOOK_SECRET=… node receiver.mjs [port]
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'

const MOST_AGE = 300 // seconds
const MOST_BYTES = 1024 * 1024
const made = new Map() // The value of each version: a request may come twice, and must get the same answer.

export function isGenuine (header, body, secret, now = Date.now() / 1000) {
  const parts = Object.fromEntries((header ?? '').split(',').map(part => part.split(/=(.*)/s, 2)))
  if (!/^[0-9]{1,12}$/.test(parts.t) || Math.abs(now - Number(parts.t)) > MOST_AGE) return false
  const wanted = createHmac('sha256', secret).update(`${parts.t}.`).update(body).digest('hex')
  const given = Buffer.from(parts.v1 ?? '')
  return given.length === wanted.length && timingSafeEqual(given, Buffer.from(wanted))
}

// The next value of a secret. Change the system that the secret is for here, and answer when that is done.
export async function nextValue (asked) {
  const account = JSON.parse(asked.CurrentSecretData)
  account.password = randomBytes(24).toString('base64url')
  return JSON.stringify(account)
}

export function receiver (secret) {
  return createServer(async (request, response) => {
    const answer = (status, content) => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(content))
    }
    const pieces = []
    let length = 0
    for await (const piece of request) {
      length += piece.length
      if (length > MOST_BYTES) return answer(413, { error: 'the request is too long' })
      pieces.push(piece)
    }
    const body = Buffer.concat(pieces)
    if (!isGenuine(request.headers['x-sesame-signature'], body, secret)) {
      return answer(401, { error: 'the signature is wrong or too old' })
    }
    try {
      const asked = JSON.parse(body)
      const key = `${asked.SecretArn} ${asked.VersionId}`
      if (!made.has(key)) made.set(key, nextValue(asked))
      answer(200, { SecretData: await made.get(key) })
    } catch {
      // Never send the value back in an error, and never log the body.
      answer(422, { error: 'the current value is not what this receiver rotates' })
    }
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const server = receiver(process.env.WEBHOOK_SECRET)
  server.listen(Number(process.argv[2] ?? 8080), '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${server.address().port}`)
  })
}
