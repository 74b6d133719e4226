/** Setting up and keeping up: how many steps it takes, what it takes to move a service, and that keys change without a pause. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { createReplayMemory, MessageSigner, MessageVerifier } from '../../src/message/index.js'
import { openTrustDirectory, type TrustDirectory } from '../../src/trust/index.js'
import { parseCertificates } from '../../src/x509/index.js'
import { makeDeployment, runCli, type TestDeployment, WALL_CLOCK } from '../support/deployment.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'

vi.setConfig({ testTimeout: 60_000 })

const certificateAt = (path: string) => parseCertificates(readFileSync(path))[0] ?? expect.fail(path)

describe('requirement 24: little to set up, little to keep up', () => {
  const folder = temporaryFolder()
  const within = (words: string) =>
    runCli(words, {
      directory: join(folder, 'demo'),
      variables: {
        HOME: folder,
        SIGNET_HOME: join(folder, 'demo', 'home'),
        SIGNET_PASSPHRASE_FILE: join(folder, 'demo', 'passphrase'),
      },
    })

  it('requirement 24: one command makes a CA, a broker and three nodes, all of which work', async () => {
    const made = await runCli('quickstart demo --json', { directory: folder, variables: { HOME: folder } })
    expect(made.code).toBe(0)
    const { steps } = made.json as { steps: readonly { command: string }[] }
    // What one would type without it: an authority, who exists, certificates, CRLs, trust directory; then a message.
    expect(steps.map(({ command }) => command.split(' ')[1])).toEqual([
      ...['init', 'apply', 'issue', 'crl', 'trust'],
      ...['sign', 'verify'],
    ])
    for (const id of ['compute-07', 'compute-08', 'conductor-01', 'broker-01']) {
      for (const kind of ['tls', 'signer']) {
        const { code } = await within(`cert verify credentials/${id}/${kind}/current/cert.pem`)
        expect([id, kind, code]).toEqual([id, kind, 0])
      }
    }
    const verify = 'verify message.json.p7s --content message.json --for notifications --trust trust.p7'
    expect((await within(`${verify} --replay-store other.db`)).code).toBe(0)
  })

  it('requirement 24: renewing is one command for a node, and one for everybody', async () => {
    const path = join(folder, 'demo', 'credentials', 'compute-07', 'tls', 'current', 'cert.pem')
    const before = certificateAt(path)
    expect((await within('renew compute-07 --out credentials/compute-07')).code).toBe(0)
    const after = certificateAt(path)
    expect(after.serialNumber).not.toBe(before.serialNumber)
    expect(after.publicKey.spkiDer).not.toEqual(before.publicKey.spkiDer)
    expect(after.subjectAltName).toEqual(before.subjectAltName)
    expect((await within('issue --all --out credentials')).code).toBe(0)
  })
})

/** A receiver of a deployment that reads the trust directory as it is now. */
function receiverOf(cloud: TestDeployment): MessageVerifier {
  return new MessageVerifier({
    trust: (): TrustDirectory =>
      openTrustDirectory(readFileSync(cloud.trustFile), { pin: cloud.pin, at: new Date(), memory: 'allow-forgetting' }),
    destinations: ['here'],
    senders: 'allow-any-trusted',
    types: ['rpc.*'],
    maxAgeSeconds: 300,
    replay: createReplayMemory(),
    clock: WALL_CLOCK,
  })
}

const content = Buffer.from('{}')
const signed = async (cloud: TestDeployment, name: string): Promise<Uint8Array> => {
  const signer = new MessageSigner(cloud.credential(name).load(), { clock: WALL_CLOCK })
  return (await signer.sign(content, { type: 'rpc.ping', destination: 'here' })).der
}

describe('requirement 25: services move', async () => {
  const cloud = await makeDeployment()
  const document = async (): Promise<string> => (await cloud.signet('export')).stdout

  it('requirement 25: a service goes to another host in one step: it stays who it is, and gets the new name', async () => {
    const before = certificateAt(cloud.credential('conductor-01/tls').certificate)
    const moved = (await document()).replace('conductor-01.cloud.example', 'ctl-02.cloud.example')
    cloud.write('deployment.yaml', moved)
    await cloud.signet('apply deployment.yaml')
    await cloud.signet('issue conductor-01 --out credentials/conductor-01')
    const after = certificateAt(cloud.credential('conductor-01/tls').certificate)
    const names = (kind: string) => (certificate: typeof after) =>
      certificate.subjectAltName.flatMap((name) => ('value' in name && name.kind === kind ? [name.value] : []))
    expect([names('uri')(after), names('dns')(after)]).toEqual([names('uri')(before), ['ctl-02.cloud.example']])
    expect(names('dns')(before)).toEqual(['conductor-01.cloud.example'])
    // What it had where it was ends in one step, and the new one stays.
    await cloud.signet(['revoke', '--serial', before.serialNumber, '--reason', 'superseded'])
    await cloud.publishCrls()
    const old = cloud.write('old.pem', before.toPem())
    expect((await cloud.run(['cert', 'verify', old])).errorCode).toBe('ERR_REVOKED')
    await cloud.signet(['cert', 'verify', cloud.credential('conductor-01/tls').certificate])
  })

  it('requirement 25: another node takes over: one step to issue, one to retire who was there', async () => {
    await cloud.publishTrust()
    const receiver = receiverOf(cloud)
    const last = await signed(cloud, 'compute-07/signer')
    expect((await receiver.verify(await signed(cloud, 'compute-07/signer'), content)).signer.node).toBe('compute-07')
    await cloud.add({ id: 'compute-09', scope: 'region-one/nova', roles: ['compute_node'] })
    await cloud.signet('issue compute-09 --out credentials/compute-09')
    await cloud.signet('entity retire compute-07')
    await cloud.publishTrust()
    await cloud.publishCrls()
    const message = await receiver.verify(await signed(cloud, 'compute-09/signer'), content)
    expect(message.signer).toMatchObject({ node: 'compute-09', roles: ['compute_node'] })
    // The old identity is no more: neither what it signed, nor what it signs, nor its TLS certificate, nor a new one.
    await expectCodeAsync('ERR_CMS_SIGNER_UNKNOWN', () => receiver.verify(last, content))
    await expectCodeAsync('ERR_CMS_SIGNER_UNKNOWN', async () =>
      receiver.verify(await signed(cloud, 'compute-07/signer'), content),
    )
    const { errorCode } = await cloud.run(['cert', 'verify', cloud.credential('compute-07/tls').certificate])
    expect(errorCode).toBe('ERR_REVOKED')
    expect((await cloud.run('issue compute-07 --out again')).errorCode).toBe('ERR_ENTITY_INACTIVE')
    expect((await cloud.run('entity add compute-07 --kind node')).errorCode).toBe('ERR_ENTITY_EXISTS')
  })
})

describe('requirement 35: keys change without a pause', () => {
  it('requirement 35: two signers renew one after the other, and no message is refused meanwhile', async () => {
    const cloud = await makeDeployment()
    await cloud.publishTrust()
    const receiver = receiverOf(cloud)
    const serials = new Map<string, Set<string>>([
      ['compute-07', new Set()],
      ['conductor-01', new Set()],
    ])
    const everybodySpeaks = async (): Promise<void> => {
      for (const [id, seen] of serials) {
        const message = await receiver.verify(await signed(cloud, `${id}/signer`), content)
        expect(message.signer.entity).toBe(id)
        seen.add(message.certificate.serialNumber)
      }
    }
    await everybodySpeaks()
    for (const id of serials.keys()) {
      const waiting = await signed(cloud, `${id}/signer`)
      const old = certificateAt(cloud.credential(`${id}/signer`).certificate)
      await cloud.signet(`renew ${id} --profile signer --out next/${id}`)
      // Receivers learn of the new key before it is used: both count.
      await cloud.publishTrust()
      await everybodySpeaks()
      const next = new MessageSigner({ ...cloud.credential(`../next/${id}`).load() }, { clock: WALL_CLOCK })
      const { der } = await next.sign(content, { type: 'rpc.ping', destination: 'here' })
      const message = await receiver.verify(der, content)
      serials.get(id)?.add(message.certificate.serialNumber)
      // What was sent with the old one before still arrives; then the old one goes.
      await receiver.verify(waiting, content)
      await cloud.signet(['revoke', '--serial', old.serialNumber, '--reason', 'superseded'])
      await cloud.publishTrust()
      await expectCodeAsync('ERR_CMS_SIGNER_UNKNOWN', async () =>
        receiver.verify(await signed(cloud, `${id}/signer`), content),
      )
      await cloud.signet(['issue', id, '--profile', 'signer', '--out', join('credentials', id, 'signer')])
      await cloud.publishTrust()
      await everybodySpeaks()
    }
    for (const seen of serials.values()) expect(seen.size).toBe(3)
  })
})
