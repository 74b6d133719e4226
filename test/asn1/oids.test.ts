import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OID, oidName } from '../../src/asn1/index.js'
import { encodeOid } from '../../src/asn1/oid.js'
import { temporaryFolder } from '../support/temporary.js'

const folder = temporaryFolder()

describe('OID', () => {
  it('names each object identifier once', () => {
    const all = Object.values(OID)
    expect(new Set(all).size).toBe(all.length)
  })

  it.each(Object.entries(OID))('%s can be encoded', (_, oid) => {
    expect(encodeOid(oid).length).toBeLessThanOrEqual(64)
  })

  it("has signet's own identifiers under one UUID of version 8", () => {
    const arc = BigInt(OID.signetMessage.split('.')[2] ?? '0')
    expect(arc.toString(16).padStart(32, '0')).toBe('00000000000083fc8cd2a92d182aef1c')
    expect(encodeOid(OID.signetMessage).length).toBe(14)
  })

  it('agrees with OpenSSL about what the numbers stand for', () => {
    // OpenSSL prints the short or long name that it knows for a dotted OID.
    const known: Readonly<Record<string, string>> = {
      [OID.ecdsaWithSha256]: 'ecdsa-with-SHA256',
      [OID.ecdsaWithSha384]: 'ecdsa-with-SHA384',
      [OID.ecdsaWithSha512]: 'ecdsa-with-SHA512',
      [OID.sha256WithRsa]: 'sha256WithRSAEncryption',
      [OID.sha384WithRsa]: 'sha384WithRSAEncryption',
      [OID.sha512WithRsa]: 'sha512WithRSAEncryption',
      [OID.rsaPss]: 'rsassaPss',
      [OID.ed25519]: 'ED25519',
      [OID.prime256v1]: 'prime256v1',
      [OID.secp384r1]: 'secp384r1',
      [OID.sha256]: 'sha256',
      [OID.sha384]: 'sha384',
      [OID.sha512]: 'sha512',
      [OID.pbes2]: 'PBES2',
      [OID.pbkdf2]: 'PBKDF2',
      [OID.scrypt]: 'scrypt',
      [OID.hmacWithSha256]: 'hmacWithSHA256',
      [OID.aes256Cbc]: 'aes-256-cbc',
      [OID.basicConstraints]: 'X509v3 Basic Constraints',
      [OID.keyUsage]: 'X509v3 Key Usage',
      [OID.extKeyUsage]: 'X509v3 Extended Key Usage',
      [OID.subjectAltName]: 'X509v3 Subject Alternative Name',
      [OID.nameConstraints]: 'X509v3 Name Constraints',
      [OID.crlNumber]: 'X509v3 CRL Number',
      [OID.issuingDistributionPoint]: 'X509v3 Issuing Distribution Point',
      [OID.kpClientAuth]: 'TLS Web Client Authentication',
      [OID.kpServerAuth]: 'TLS Web Server Authentication',
      [OID.signedData]: 'pkcs7-signedData',
      [OID.messageDigest]: 'messageDigest',
      [OID.signingCertificateV2]: 'id-smime-aa-signingCertificateV2',
      [OID.extensionRequest]: 'Extension Request',
      [OID.domainComponent]: 'domainComponent',
    }
    const config = Object.keys(known).map((oid, index) => `o${index}=OID:${oid}`)
    const path = join(folder, 'oids.cnf')
    writeFileSync(path, `asn1=SEQUENCE:s\n[s]\n${config.join('\n')}\n`)
    const printed = execFileSync('openssl', ['asn1parse', '-genconf', path], { encoding: 'utf8' })
    const names = [...printed.matchAll(/OBJECT\s+:(.*)$/gm)].map((match) => match[1]?.trim())
    expect(names.map((name) => name?.toLowerCase())).toEqual(Object.values(known).map((name) => name.toLowerCase()))
  })
})

describe('oidName', () => {
  it('gives a name or the number', () => {
    expect(oidName('2.5.4.3')).toBe('commonName')
    expect(oidName('1.2.3.4')).toBe('1.2.3.4')
    expect(oidName('constructor')).toBe('constructor')
  })
})
