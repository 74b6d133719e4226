import { describe, expect, it } from 'vitest'
import { found } from './deployment.js'

describe('client profiles: one form for all', () => {
  it.each([
    ['insecure', true, 'hole client-insecure'],
    ['insecure', 'false', 'hole string-boolean'],
    ['insecure', 'true', 'hole string-boolean'],
    ['insecure', 0, 'hole string-boolean'],
    ['check-host', false, 'hole host-unchecked'],
    ['check-host', 'no', 'hole string-boolean'],
    ['ca', undefined, 'hole ca-missing'],
    ['ca', false, 'hole ca-missing'],
    ['ca', '', 'hole ca-missing'],
    ['crls', undefined, 'note revocation-absent'],
    ['key', undefined, 'outage credential-missing'],
  ])('requirement 74: finds %s: %j', (option, value, expected) => {
    expect(found({ [`clients.standard.${option}`]: value })).toEqual([expected])
  })

  it.each([
    ['insecure', false],
    ['check-host', true],
  ])('takes %s: %j for what it says', (option, value) => {
    expect(found({ [`clients.standard.${option}`]: value })).toEqual([])
  })

  it('finds a profile with nothing to show where a certificate is asked for', () => {
    expect(found({ 'clients.standard.certificate': undefined, 'clients.standard.key': undefined })).toEqual([
      'outage credential-missing',
    ])
  })

  it('requirement 74: says who connects without a profile, or not as the others do', () => {
    expect(found({ 'endpoints.users.client': undefined })).toEqual(['note client-options-differ'])
    const paths = { ca: '/a.pem', certificate: '/b.pem', key: '/c.pem' }
    const second = {
      zone: 'internet',
      client: 'loose',
      credentials: { customers: { directory: '/etc/signet/tls' } },
    }
    expect(
      found({
        'clients.loose': paths,
        'endpoints.others': second,
        'channels.other': {
          protocol: 'rest',
          from: 'others',
          hops: [{ to: 'edge', tls: 'mutual-tls', domain: 'customers' }],
        },
      }),
    ).toEqual(['note revocation-absent', 'note client-options-differ'])
  })
})
