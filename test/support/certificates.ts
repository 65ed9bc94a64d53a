// Certificates made for one test run, with openssl: an authority, and what it signs.

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface CertificateOptions {
  /** Subject alternative names, such as `DNS:localhost`. */
  readonly names?: string
  /** `YYYYMMDDHHMMSSZ`. */
  readonly from?: string
  readonly until?: string
}

export interface Certificate {
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

/** Makes an authority in a folder of its own. */
export async function certificateAuthority(name = 'odradek test authority') {
  const folder = await mkdtemp(join(tmpdir(), 'odradek-ca-'))
  const file = (base: string) => join(folder, base)
  const openssl = (...args: readonly string[]) => run('openssl', [...args], { cwd: folder })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', `/CN=${name}`)
  await writeFile(file('index.txt'), '')
  await writeFile(
    file('ca.conf'),
    '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\npolicy=p\ncopy_extensions=copy\nunique_subject=no\n[p]\ncommonName=supplied\n',
  )

  return {
    folder,
    file,
    openssl,
    caFile: file('ca.pem'),
    ca: await readFile(file('ca.pem'), 'utf8'),

    async issue(subject: string, { names, from, until }: CertificateOptions = {}): Promise<Certificate> {
      const [key, csr, cert] = ['key', 'csr', 'pem'].map(ending => `${subject}.${ending}`) as [string, string, string]
      const extension = names === undefined ? [] : ['-addext', `subjectAltName=${names}`]
      await openssl('req', ...newKey, '-keyout', key, '-out', csr, '-subj', `/CN=${subject}`, ...extension)
      const dates = ['-startdate', from ?? '20200101000000Z', '-enddate', until ?? '20400101000000Z']
      const signed = ['-cert', 'ca.pem', '-keyfile', 'ca.key', '-in', csr, '-out', cert]
      await openssl('ca', '-config', 'ca.conf', '-batch', '-notext', ...dates, ...signed)
      const [certText, keyText] = await Promise.all([readFile(file(cert), 'utf8'), readFile(file(key), 'utf8')])
      return { cert: certText, key: keyText, certFile: file(cert), keyFile: file(key) }
    },

    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
