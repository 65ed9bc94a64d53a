// TLS and SASL.

import { choice, flag, int, largestInt, pointer, text } from '../property.ts'

const kerberos = { use: 'unbuilt', why: 'Kerberos needs native code' } as const
const openSsl = { use: 'unbuilt', why: 'TLS is the one of the runtime' } as const

export const securityProperties = {
  'security.protocol': choice('plaintext', ['plaintext', 'ssl', 'sasl_plaintext', 'sasl_ssl'], {
    doc: 'How every connection to a broker is protected.',
  }),
  'ssl.cipher.suites': text(null, { doc: 'TLS cipher suites to offer.' }),
  'ssl.curves.list': text(null, { doc: 'TLS curves to offer.' }),
  'ssl.sigalgs.list': text(null, { doc: 'TLS signature algorithms to offer.' }),
  'ssl.key.location': text(null, { doc: "File with the client's private key (PEM)." }),
  'ssl.key.password': text(null, { doc: "Passphrase of the client's private key.", secret: true }),
  'ssl.key.pem': text(null, { doc: "The client's private key (PEM text).", secret: true }),
  ssl_key: pointer({
    doc: "The client's private key, set by a call.",
    use: 'refused',
    why: 'give it as ssl.key.pem, or in the option tls',
    secret: true,
  }),
  'ssl.certificate.location': text(null, { doc: "File with the client's certificate (PEM)." }),
  'ssl.certificate.pem': text(null, { doc: "The client's certificate (PEM text)." }),
  ssl_certificate: pointer({
    doc: "The client's certificate, set by a call.",
    use: 'refused',
    why: 'give it as ssl.certificate.pem, or in the option tls',
  }),
  'ssl.ca.location': text(null, {
    doc: 'File or folder with trusted certificates; probe looks in the usual places.',
  }),
  'https.ca.location': text(null, {
    doc: 'As ssl.ca.location, for the token endpoint of OIDC; excludes https.ca.pem.',
  }),
  'https.ca.pem': text(null, { doc: 'Certificates trusted for OIDC (PEM text).' }),
  'ssl.ca.pem': text(null, { doc: 'Trusted certificates (PEM text).' }),
  ssl_ca: pointer({
    doc: 'Trusted certificates, set by a call.',
    use: 'refused',
    why: 'give it as ssl.ca.pem, or in the option tls',
  }),
  'ssl.ca.certificate.stores': text('Root', {
    doc: 'Certificate stores of Windows to trust.',
    use: 'unbuilt',
    why: 'the certificate stores of Windows are not read',
  }),
  'ssl.crl.location': text(null, { doc: 'File with revoked certificates.' }),
  'ssl.keystore.location': text(null, {
    doc: "File with the client's key and certificate (PKCS#12); needs its password.",
  }),
  'ssl.keystore.password': text(null, { doc: 'Password of that file.', secret: true }),
  'ssl.providers': text(null, {
    doc: 'OpenSSL providers to load.',
    ...openSsl,
  }),
  'ssl.engine.location': text(null, {
    doc: 'Library with an OpenSSL engine.',
    ...openSsl,
  }),
  'ssl.engine.id': text('dynamic', {
    doc: 'Name of the OpenSSL engine.',
    ...openSsl,
  }),
  ssl_engine_callback_data: pointer({
    doc: 'Handed to the OpenSSL engine.',
    ...openSsl,
  }),
  'enable.ssl.certificate.verification': flag(true, {
    doc: "Whether a broker's certificate must be one that is trusted.",
  }),
  'ssl.endpoint.identification.algorithm': choice('https', ['none', 'https'], {
    doc: "https: a broker's certificate must be for its host name; none: any will do.",
  }),
  'ssl.certificate.verify_cb': pointer({
    doc: 'One more check of certificates.',
    use: 'refused',
    why: 'give checkServerIdentity in the option tls',
  }),
  'sasl.mechanisms': text('GSSAPI', {
    doc: 'The SASL mechanism, one.',
    aliases: ['sasl.mechanism'],
  }),
  'sasl.kerberos.service.name': text('kafka', {
    doc: 'Kerberos: service name of the brokers.',
    ...kerberos,
  }),
  'sasl.kerberos.principal': text('kafkaclient', {
    doc: "Kerberos: the client's principal.",
    ...kerberos,
  }),
  'sasl.kerberos.kinit.cmd': text(null, {
    doc: 'Kerberos: command that gets a ticket.',
    ...kerberos,
  }),
  'sasl.kerberos.keytab': text(null, {
    doc: 'Kerberos: key table for that command.',
    ...kerberos,
  }),
  'sasl.kerberos.min.time.before.relogin': int(60_000, 0, 86_400_000, {
    unit: 'ms',
    doc: 'Kerberos: least time between tickets; 0 is off.',
    ...kerberos,
  }),
  'sasl.username': text(null, { doc: 'User name for PLAIN and SCRAM.' }),
  'sasl.password': text(null, { doc: 'Password for PLAIN and SCRAM.', secret: true }),
  'sasl.oauthbearer.config': text(null, {
    doc: 'name=value settings of unsigned tokens, and extensions.',
    secret: true,
  }),
  'enable.sasl.oauthbearer.unsecure.jwt': flag(false, {
    doc: 'Allows unsigned tokens, for tests.',
  }),
  oauthbearer_token_refresh_cb: pointer({
    doc: 'Called for a new token.',
    use: 'refused',
    why: 'give the option oauthBearerTokenProvider',
  }),
  'sasl.oauthbearer.method': choice('default', ['default', 'oidc'], {
    doc: 'default: tokens come from the application; oidc: from an OIDC server.',
  }),
  'sasl.oauthbearer.client.id': text(null, {
    doc: 'OIDC: client id.',
    aliases: ['sasl.oauthbearer.client.credentials.client.id'],
  }),
  'sasl.oauthbearer.client.secret': text(null, {
    doc: 'OIDC: client secret.',
    aliases: ['sasl.oauthbearer.client.credentials.client.secret'],
    secret: true,
  }),
  'sasl.oauthbearer.scope': text(null, { doc: 'OIDC: scope to ask for.' }),
  'sasl.oauthbearer.extensions': text(null, {
    doc: 'OIDC: SASL extensions, name=value with commas between.',
  }),
  'sasl.oauthbearer.token.endpoint.url': text(null, { doc: 'OIDC: where tokens come from.' }),
  'sasl.oauthbearer.sub.claim.name': text('sub', {
    doc: 'The claim of a token that names the principal.',
  }),
  'sasl.oauthbearer.grant.type': choice(
    'client_credentials',
    ['client_credentials', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
    { doc: 'OIDC: kind of grant.' },
  ),
  'sasl.oauthbearer.assertion.algorithm': choice('RS256', ['RS256', 'ES256'], {
    doc: 'JWT assertion: how it is signed.',
  }),
  'sasl.oauthbearer.assertion.private.key.file': text(null, { doc: 'JWT assertion: file with the signing key (PEM).' }),
  'sasl.oauthbearer.assertion.private.key.passphrase': text(null, {
    doc: 'JWT assertion: passphrase of the signing key.',
    secret: true,
  }),
  'sasl.oauthbearer.assertion.private.key.pem': text(null, {
    doc: 'JWT assertion: the signing key (PEM text).',
    secret: true,
  }),
  'sasl.oauthbearer.assertion.file': text(null, { doc: 'File with a finished JWT assertion.' }),
  'sasl.oauthbearer.assertion.claim.aud': text(null, { doc: 'JWT assertion: audience.' }),
  'sasl.oauthbearer.assertion.claim.exp.seconds': int(300, 1, largestInt, {
    doc: 'JWT assertion: how long it is valid.',
    unit: 's',
  }),
  'sasl.oauthbearer.assertion.claim.iss': text(null, { doc: 'JWT assertion: issuer.' }),
  'sasl.oauthbearer.assertion.claim.jti.include': flag(false, { doc: 'JWT assertion: with an id of its own.' }),
  'sasl.oauthbearer.assertion.claim.nbf.seconds': int(60, 0, largestInt, {
    doc: 'JWT assertion: how long before now it is valid.',
    unit: 's',
  }),
  'sasl.oauthbearer.assertion.claim.sub': text(null, { doc: 'JWT assertion: subject.' }),
  'sasl.oauthbearer.assertion.jwt.template.file': text(null, {
    doc: 'JWT assertion: file with further header fields and claims, `{"header": {...}, "payload": {...}}`.',
  }),
  'sasl.oauthbearer.metadata.authentication.type': choice('none', ['none', 'azure_imds', 'aws_iam'], {
    doc: 'azure_imds: OIDC tokens for the identity of an Azure machine, by the query=... in sasl.oauthbearer.config.',
    refuses: { aws_iam: 'is not built, as in librdkafka: give its tokens by the option oauthBearerTokenProvider' },
  }),
}
