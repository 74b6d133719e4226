/** Routing slips: what signet countersigns, Bouncy Castle verifies, and the other way round. */
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { parseSignedData } from '../../src/cms/index.js'
import { checkOff, signMessage, verifyMessage } from '../../src/message/index.js'
import { encodeRouteStep, routeStep } from '../../src/message/route-step.js'
import { openTrustDirectory } from '../../src/trust/index.js'
import { type CredentialFiles, makeDeployment } from '../support/deployment.js'
import { receiver } from '../support/messages.js'
import { temporaryFolder } from '../support/temporary.js'
import { bouncyCastle, run, succeed } from './programs.js'

const jars = bouncyCastle()
const classes = temporaryFolder()
if (jars !== undefined) {
  succeed('javac', ['-cp', jars, '-d', classes, fileURLToPath(new URL('java/Slip.java', import.meta.url))])
}
const words = (...more: readonly string[]): string[] => ['-cp', `${jars ?? ''}:${classes}`, 'Slip', ...more]

const cloud = await makeDeployment()
const CONTENT = Buffer.from('{"amount":7}\r\n\x00\xff', 'latin1')
const contentFile = cloud.write('content', CONTENT)
const otherFile = cloud.write('other', Buffer.from('{"amount":8}'))
const steps: ReadonlyMap<string, CredentialFiles> = new Map([
  ['conductor-01', cloud.credential('conductor-01/signer')],
  ['broker-01', cloud.credential('broker-01/signer')],
  ['compute-07', await cloud.issue('compute-07', 'steps/compute-07', { profile: 'signer', keyAlgorithm: 'p384' })],
])
const signer = cloud.credential('compute-07/signer').load()
const certificates = [signer, ...[...steps.values()].map((files) => files.load())].map(({ certificate }, index) =>
  cloud.write(`signer-${index}.der`, certificate.der),
)
const at = cloud.clock.now()
const trustDer = readFileSync(await cloud.publishTrust())
const trust = openTrustDirectory(trustDer, { pin: cloud.pin, at, memory: 'allow-forgetting' })

async function order(route = [...steps.keys()]): Promise<Uint8Array> {
  return (await signMessage(CONTENT, signer, { type: 'order', destination: 'billing', at, route })).der
}

async function routeOf(der: Uint8Array, require: 'complete' | 'allow-partial' = 'allow-partial') {
  // Bouncy Castle knows no other clock than that of the wall.
  const policy = receiver(trust, { at: cloud.clock.now(), replay: 'allow-unchecked', route: { require } })
  const { route } = await verifyMessage(der, CONTENT, policy)
  if (route === undefined) throw new Error('no route')
  return route
}

async function pass(der: Uint8Array, entity: string): Promise<Uint8Array> {
  const step = steps.get(entity)?.load() ?? signer
  return checkOff(await routeOf(der), step, { trust, at: cloud.clock.now() })
}

const verify = (der: Uint8Array, content = contentFile) =>
  run('java', words('verify', cloud.write('slip.p7s', der), content, ...certificates))
const namesOf = (stdout: string): readonly string[] =>
  [...stdout.matchAll(/CN=([^,\s]+)/g)].map(([, name = '']) => name)

describe.skipIf(jars === undefined)('Bouncy Castle: routing slips', () => {
  it('requirement 33: verifies every step, and refuses what was changed', { timeout: 60_000 }, async () => {
    let der = await order()
    for (const entity of steps.keys()) der = await pass(der, entity)
    const { code, stdout } = verify(der)
    expect([code, namesOf(stdout)]).toEqual([0, ['compute-07', ...steps.keys()]])
    expect(verify(der, otherFile).output).toContain('message-digest attribute value does not match calculated value')
    // The signature of the last step is the last thing in the message.
    const changed = Buffer.from(der)
    changed[der.length - 1] = (changed.at(-1) ?? 0) ^ 1
    expect(verify(changed)).toMatchObject({ code: 1 })
    expect(namesOf(verify(changed).stdout)).toEqual(['compute-07', 'conductor-01', 'broker-01'])
  })

  it('requirement 33: checks off a step that we accept, at each place', { timeout: 60_000 }, async () => {
    const route = ['conductor-01', 'broker-01', 'conductor-01']
    for (const place of [1, 2, 3]) {
      let der = await order(route)
      for (const [index, entity] of route.entries()) {
        der = index + 1 === place ? theirs(der, entity, place) : await pass(der, entity)
      }
      const verified = await routeOf(der, 'complete')
      expect(verified.steps.map(({ signer: { entity } }) => entity)).toEqual(route)
      expect(namesOf(verify(der).stdout)).toEqual(['compute-07', ...route])
    }
  })
})

/** The message, with a step more that Bouncy Castle signed. */
function theirs(der: Uint8Array, entity: string, place: number): Uint8Array {
  const [message] = parseSignedData(der).signerInfos
  const files = steps.get(entity)
  if (message === undefined || files === undefined) throw new Error('somebody signs')
  const key = createPrivateKey(readFileSync(files.key)).export({ format: 'der', type: 'pkcs8' })
  const [input, certificate, keyFile, step] = [
    cloud.write('before.p7s', der),
    cloud.write('step.der', files.load().certificate.der),
    cloud.write('key.der', key, 0o600),
    cloud.write('route-step.der', encodeRouteStep(routeStep(message, place))),
  ]
  succeed('java', words('countersign', input, certificate, keyFile, OID.signetRouteStep, step, cloud.path('after.p7s')))
  return cloud.read('after.p7s')
}
