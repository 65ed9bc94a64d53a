import { generateKeyPairSync, type KeyObject, verify } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { assertion } from '../../src/producer/assertion.ts'
import { type ProducerOptions, resolveConfig } from '../../src/producer/config/config.ts'
import { claimsOf } from '../../src/sasl/jwt.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const otherCurve = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const pem = (key: KeyObject) => String(key.export({ type: 'pkcs8', format: 'pem' }))
const locked = String(
  rsa.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame' }),
)
const nowMs = 1_700_000_000_999

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'odradek-assertion-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function file(name: string, content: string): Promise<string> {
  await writeFile(join(folder, name), content)
  return join(folder, name)
}

/** The assertion of a configuration whose properties are written without what they all begin with. */
function make(settings: object, preset: object = {}): string {
  const named = Object.entries(settings).map(([name, value]) => [`sasl.oauthbearer.assertion.${name}`, value])
  const options = { 'bootstrap.servers': 'a', 'security.protocol': 'plaintext', ...Object.fromEntries(named) }
  return assertion(resolveConfig(options as ProducerOptions).properties, preset, nowMs, () => 'id-1')
}

function headerOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
}

function isSigned(token: string, key: KeyObject): boolean {
  const [header, claims, signature = ''] = token.split('.')
  const content = Buffer.from(`${header}.${claims}`)
  return verify('sha256', content, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))
}

describe('an assertion', () => {
  test('has the claims of the configuration, and times that follow from the clock', () => {
    const claims = { 'claim.sub': 's', 'claim.iss': 'i', 'claim.aud': 'a', 'claim.jti.include': true }
    const times = { 'claim.exp.seconds': 10, 'claim.nbf.seconds': 0 }
    const token = make({ 'private.key.pem': pem(rsa.privateKey), ...claims, ...times })
    const iat = 1_700_000_000
    expect(claimsOf(token)).toEqual({ sub: 's', iss: 'i', aud: 'a', jti: 'id-1', iat, nbf: iat, exp: iat + 10 })
    expect(headerOf(token)).toEqual({ alg: 'RS256', typ: 'JWT' })
    expect(isSigned(token, rsa.publicKey)).toBe(true)
  })

  test('has nothing that was not asked for', () => {
    const iat = 1_700_000_000
    expect(claimsOf(make({ 'private.key.pem': pem(rsa.privateKey) }))).toEqual({ iat, nbf: iat - 60, exp: iat + 300 })
  })

  test('is signed with ES256 as JOSE has it', () => {
    const token = make({ algorithm: 'ES256', 'private.key.pem': pem(ec.privateKey) })
    expect(headerOf(token)).toEqual({ alg: 'ES256', typ: 'JWT' })
    expect(token.split('.')[2]).toHaveLength(86) // 64 bytes
    expect(isSigned(token, ec.publicKey)).toBe(true)
  })

  test('is signed with a key out of a file, which may be locked, and replaced at any time', async () => {
    const path = await file('key.pem', locked)
    const settings = { 'private.key.file': path, 'private.key.passphrase': 'sesame' }
    expect(isSigned(make(settings), rsa.publicKey)).toBe(true)
    const next = generateKeyPairSync('rsa', { modulusLength: 2048 })
    await file('key.pem', pem(next.privateKey))
    expect(isSigned(make(settings), next.publicKey)).toBe(true)
  })

  test('has what a template says, unless a property or the clock says otherwise', async () => {
    const template = {
      header: { kid: 'k', alg: 'none', typ: 'x' },
      payload: { sub: 'theirs', iss: 'theirs', aud: ['a', 'b'], scope: 'all', exp: 1 },
    }
    const settings = { 'private.key.pem': pem(rsa.privateKey), 'claim.sub': 'ours' }
    const path = await file('template.json', JSON.stringify(template))
    const token = make({ ...settings, 'jwt.template.file': path }, { iss: 'preset', aud: 'preset', jti: 'preset' })
    expect(headerOf(token)).toEqual({ kid: 'k', alg: 'RS256', typ: 'JWT' })
    expect(claimsOf(token)).toMatchObject({ sub: 'ours', iss: 'theirs', aud: ['a', 'b'], scope: 'all', jti: 'preset' })
    expect(claimsOf(token).exp).toBe(1_700_000_300)
  })

  test('reaches no prototype', async () => {
    const path = await file('template.json', '{"header": {}, "payload": {"__proto__": {"polluted": true}}}')
    make({ 'private.key.pem': pem(rsa.privateKey), 'jwt.template.file': path })
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test('may be finished', async () => {
    expect(make({ file: await file('finished.jwt', 'e30.e30.c2ln\n') })).toBe('e30.e30.c2ln')
  })
})

describe('an assertion is refused', () => {
  test.each<[string, () => object | Promise<object>, string, RegExp]>([
    ['a key file that is not there', () => ({ 'private.key.file': '/nowhere' }), 'private.key.file', /ENOENT/],
    ['a key that is none', () => ({ 'private.key.pem': 'hunter2' }), 'private.key.pem', /check it/],
    [
      'a wrong passphrase',
      () => ({ 'private.key.pem': locked, 'private.key.passphrase': 'hunter2' }),
      'private.key.pem',
      /passphrase/,
    ],
    ['no passphrase', () => ({ 'private.key.pem': locked }), 'private.key.pem', /passphrase/],
    [
      'another kind of key',
      () => ({ 'private.key.pem': pem(ec.privateKey) }),
      'private.key.pem',
      /RS256 needs a key for RSA/,
    ],
    [
      'another curve',
      () => ({ algorithm: 'ES256', 'private.key.pem': pem(otherCurve.privateKey) }),
      'private.key.pem',
      /ES256 needs a key for the curve P-256/,
    ],
    [
      'a template that is none',
      async () => ({
        'private.key.pem': pem(rsa.privateKey),
        'jwt.template.file': await file('template.json', '{"header": 1, "payload": {}}'),
      }),
      'jwt.template.file',
      /"header": \{\.\.\.\}/,
    ],
    [
      'a finished one that is none',
      async () => ({ file: await file('finished.jwt', 'hunter2') }),
      'file',
      /no signed JWT/,
    ],
  ])('for %s, without a secret in what is said', async (_, settings, name, says) => {
    const given = await settings()
    const property = `sasl.oauthbearer.assertion.${name}`
    expect(() => make(given)).toThrow(expect.objectContaining({ code: -186, property }))
    expect(() => make(given)).toThrow(says)
    expect(() => make(given)).not.toThrow(/hunter2|PRIVATE/)
  })
})
