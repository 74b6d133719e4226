/** Names as text; OpenSSL's own are in test/interop/keystone. */
import { describe, expect, it } from 'vitest'
import { OID, TAG } from '../../src/asn1/index.js'
import { rfc2253Text, slashText } from '../../src/keystone/index.js'
import { nameOf } from '../support/names.js'

const NAME = nameOf(
  [[OID.countryName, 'US', TAG.printableString]],
  [[OID.organizationName, 'a/b, c']],
  [
    [OID.commonName, 'größe\n'],
    [OID.organizationalUnitName, '#1'],
  ],
)

describe('rfc2253Text', () => {
  it('prints the last RDN first, and escapes', () => {
    expect(rfc2253Text(NAME)).toBe('CN=größe\\0A+OU=\\#1,O=a/b\\, c,C=US')
  })

  it('prints types without a name, and what is no text, as octets', () => {
    expect(rfc2253Text(nameOf([['1.3.6.1.4.1.32473.1', 'a']]))).toBe('1.3.6.1.4.1.32473.1=#0C0161')
    expect(rfc2253Text(nameOf([[OID.commonName, 'a', TAG.octetString]]))).toBe('CN=#040161')
    expect(rfc2253Text(nameOf())).toBe('')
  })
})

describe('slashText', () => {
  it('prints the first RDN first', () => {
    expect(slashText(NAME)).toBe('/C=US/O=a\\/b, c/OU=#1+CN=gr\\xC3\\xB6\\xC3\\x9Fe\\x0A')
  })
})
