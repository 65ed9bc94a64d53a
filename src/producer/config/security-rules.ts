// What the properties of TLS and SASL have to do with each other. What was meant to be protected is never left open.

import { unsecuredToken } from '../../sasl/oauthbearer.ts'
import { azureQuery, parseExtensions } from '../oidc.ts'
import { type Findings, mask } from './findings.ts'
import type { PlugIns } from './options.ts'
import type { defaultsOf, globalProperties } from './properties.ts'

/** A configuration while it is being made. */
interface Draft {
  readonly global: ReturnType<typeof defaultsOf<typeof globalProperties>>
  readonly options: PlugIns
  readonly findings: Findings
}

interface Rule {
  readonly says: string
  apply(draft: Draft): void
}

const passwordMechanisms: readonly string[] = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']
const mechanisms = [...passwordMechanisms, 'OAUTHBEARER', 'AWS_MSK_IAM']

/** What somebody on the way could use as well. */
const readableProofs = new Map([
  ['PLAIN', 'password'],
  ['OAUTHBEARER', 'token'],
  ['AWS_MSK_IAM', 'signed request'],
])

const exclusive = [
  ['ssl.ca.location', 'ssl.ca.pem'],
  ['ssl.certificate.location', 'ssl.certificate.pem'],
  ['ssl.key.location', 'ssl.key.pem'],
  ['ssl.keystore.location', 'ssl.certificate.location'],
  ['ssl.keystore.location', 'ssl.certificate.pem'],
  ['https.ca.location', 'https.ca.pem'],
  ['sasl.oauthbearer.assertion.private.key.file', 'sasl.oauthbearer.assertion.private.key.pem'],
] as const

export const securityRules: readonly Rule[] = [
  {
    says: 'A setting of TLS (`ssl.*`, the option `tls`) or SASL (`sasl.*`, `oauthBearerTokenProvider`, `saslMechanisms`) where `security.protocol` has none of it is an error; if `security.protocol` is given, `config.warning` says that it has no effect.',
    apply: ({ global, options, findings }) => {
      const protocol = global['security.protocol']
      const given = [...findings.given.values(), ...Object.keys(options)]
      const isTls = (name: string) => /^(enable\.)?ssl\./.test(name) || name === 'tls'
      const isSasl = (name: string) => /^(enable\.)?sasl[.M]/.test(name) || name === 'oauthBearerTokenProvider'
      const idle = given.filter(
        name => (isTls(name) && !protocol.endsWith('ssl')) || (isSasl(name) && !protocol.startsWith('sasl')),
      )
      const [first] = idle
      if (first === undefined) return
      if (findings.given.has('security.protocol')) {
        for (const name of idle) findings.warn(name, `has no effect: security.protocol is ${protocol}`)
      } else {
        const allowed = isTls(first) ? 'ssl or sasl_ssl' : 'sasl_ssl or sasl_plaintext'
        findings.fault('security.protocol', protocol, allowed, `${first} is given, and would have no effect`)
      }
    },
  },
  {
    says: '`ssl.key` and `ssl.certificate` come together, `ssl.keystore.location` with its password and instead of them; of `.location` and `.pem` only one is given.',
    apply: ({ global, findings }) => {
      for (const [one, other] of exclusive) {
        if (global[one] !== null && global[other] !== null)
          findings.fault(one, global[one], 'nothing', `${other} is given, too`)
      }
      const certificate = global['ssl.certificate.location'] ?? global['ssl.certificate.pem']
      const key = global['ssl.key.location'] ?? global['ssl.key.pem']
      if (certificate !== null && key === null) {
        findings.fault(
          'ssl.key.location',
          undefined,
          'a file',
          'ssl.certificate is given, and is of no use without its key',
        )
      }
      if (key !== null && certificate === null) {
        findings.fault(
          'ssl.certificate.location',
          undefined,
          'a file',
          'ssl.key is given, and is of no use without its certificate',
        )
      }
      if (global['ssl.keystore.location'] !== null && global['ssl.keystore.password'] === null) {
        findings.fault('ssl.keystore.password', undefined, 'a password', 'ssl.keystore.location needs it')
      }
      if (!global['enable.ssl.certificate.verification']) {
        findings.warn('enable.ssl.certificate.verification', 'is false: whoever is on the way can pose as a broker')
      }
    },
  },
  {
    says: 'With SASL, `sasl.mechanisms` is PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, AWS_MSK_IAM, or a name in the option `saslMechanisms`. PLAIN and SCRAM need `sasl.username` and `sasl.password`; OAUTHBEARER needs `oauthBearerTokenProvider`, or `sasl.oauthbearer.method` oidc with a token endpoint and what proves who asks, or `enable.sasl.oauthbearer.unsecure.jwt` with a `sasl.oauthbearer.config` that has a principal; AWS_MSK_IAM needs credentials in the environment.',
    apply: ({ global, options, findings }) => {
      const mechanism = ownMechanism({ global, options })
      if (mechanism === null) return
      const name = findings.given.get('sasl.mechanisms') ?? 'sasl.mechanisms'
      if (!mechanisms.includes(mechanism)) {
        const reason = mechanism === 'GSSAPI' ? 'Kerberos needs native code' : 'there is no such mechanism'
        findings.fault(name, mechanism, mechanisms.join(', '), `${reason}; others can be given in saslMechanisms`)
      }
      if (passwordMechanisms.includes(mechanism)) {
        for (const property of ['sasl.username', 'sasl.password'] as const) {
          if (global[property] === null) findings.fault(property, undefined, 'a string', `${mechanism} needs it`)
        }
      }
      if (mechanism === 'OAUTHBEARER') checkTokens({ global, options, findings })
    },
  },
  {
    says: 'With `sasl.oauthbearer.method` oidc, `sasl.oauthbearer.client.id` and `.client.secret` prove who asks, or an assertion does, out of `sasl.oauthbearer.assertion.file` or signed with `.assertion.private.key.*`; `sasl.oauthbearer.grant.type` jwt-bearer needs the latter. With `azure_imds` nothing of that is needed.',
    apply: draft => {
      const oidc = draft.global['sasl.oauthbearer.method'] === 'oidc'
      if (oidc && ownMechanism(draft) === 'OAUTHBEARER') checkOidc(draft)
    },
  },
  {
    says: 'PLAIN, OAUTHBEARER and AWS_MSK_IAM over `sasl_plaintext` are taken with a `config.warning`: whoever is on the way can read the password, the token or the signed request.',
    apply: ({ global, findings }) => {
      const mechanism = global['sasl.mechanisms']
      const proof = readableProofs.get(mechanism)
      if (global['security.protocol'] !== 'sasl_plaintext' || proof === undefined) return
      findings.warn('security.protocol', `is sasl_plaintext: the ${proof} travels unencrypted with ${mechanism}`)
    },
  },
]

/** The mechanism, if there is SASL and nobody has plugged it in. */
function ownMechanism({ global, options }: Pick<Draft, 'global' | 'options'>): string | null {
  const mechanism = global['sasl.mechanisms']
  const plugged = Object.hasOwn(options.saslMechanisms ?? {}, mechanism)
  return global['security.protocol'].startsWith('sasl') && !plugged ? mechanism : null
}

function checkTokens({ global, options, findings }: Draft): void {
  if (options.oauthBearerTokenProvider !== undefined || global['sasl.oauthbearer.method'] === 'oidc') return
  if (!global['enable.sasl.oauthbearer.unsecure.jwt']) {
    findings.fault('oauthBearerTokenProvider', undefined, 'a function', 'OAUTHBEARER needs it')
    return
  }
  try {
    unsecuredToken(global['sasl.oauthbearer.config'] ?? '', 0)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    findings.fault('sasl.oauthbearer.config', '******', 'principal=NAME and other settings', reason)
  }
}

function checkOidc(draft: Draft): void {
  const { global, options, findings } = draft
  const instead = 'sasl.oauthbearer.method is oidc'
  if (options.oauthBearerTokenProvider !== undefined) {
    findings.fault('oauthBearerTokenProvider', '(function)', 'nothing', instead)
  }
  if (global['enable.sasl.oauthbearer.unsecure.jwt']) {
    findings.fault('enable.sasl.oauthbearer.unsecure.jwt', true, 'false', instead)
  }
  const azure = global['sasl.oauthbearer.metadata.authentication.type'] === 'azure_imds'
  if (!azure) checkProof(draft)
  const endpoint = 'sasl.oauthbearer.token.endpoint.url'
  const text = global[endpoint]
  const url = text !== null && URL.canParse(text) ? new URL(text) : null
  if (text === null && azure) {
    if (azureQuery(global) === undefined)
      findings.fault('sasl.oauthbearer.config', mask, 'query=...', 'azure_imds needs it')
  } else if (url === null || !/^https?:$/.test(url.protocol) || url.username + url.password !== '') {
    findings.fault(endpoint, text, 'https://host/path', 'oidc needs it')
  } else if (url.protocol === 'http:' && !azure) {
    findings.warn(endpoint, 'is http: what proves who asks and the token travel unencrypted')
  }
  try {
    parseExtensions(global['sasl.oauthbearer.extensions'] ?? '')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    findings.fault('sasl.oauthbearer.extensions', global['sasl.oauthbearer.extensions'], 'name=value,...', reason)
  }
}

/** An assertion or a secret proves to the OIDC server who asks; which of them it is has to be clear. */
function checkProof({ global, findings }: Draft): void {
  const grant = global['sasl.oauthbearer.grant.type']
  const secret = 'sasl.oauthbearer.client.secret'
  const key = 'sasl.oauthbearer.assertion.private.key'
  const finished = 'sasl.oauthbearer.assertion.file'
  const sources = [`${key}.file`, `${key}.pem`, finished] as const
  const source = sources.find(name => global[name] !== null)
  const settings = [...findings.given].filter(([name]) => name.startsWith('sasl.oauthbearer.assertion.'))
  if (grant !== 'client_credentials') {
    if (source === undefined) findings.fault(`${key}.file`, undefined, 'a file', `${grant} needs an assertion`)
    if (global[secret] !== null) findings.warn(secret, `has no effect: sasl.oauthbearer.grant.type is ${grant}`)
  } else if (source === undefined) {
    for (const property of ['sasl.oauthbearer.client.id', secret] as const) {
      if (global[property] === null) findings.fault(property, undefined, 'a string', 'oidc needs it, or an assertion')
    }
    for (const [, name] of settings) findings.warn(name, 'has no effect: there is no key to sign an assertion with')
  } else if (global[secret] !== null) {
    findings.fault(secret, mask, 'nothing', `${source} is given, too: one of them proves who asks`)
  }
  if (global[finished] === null) return
  for (const [canonical, name] of settings) {
    if (canonical === finished || canonical === 'sasl.oauthbearer.assertion.algorithm') continue
    findings.fault(name, mask, 'nothing', `${finished} is given, too: it holds a finished assertion`)
  }
}
