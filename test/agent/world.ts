/**
 * A node whose certificate is kept fresh: a small CA with a source before it, a place where CRLs are, a server that can be
 * asked what it answers with, and a clock.
 *
 * @module test/agent/world
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type AgentConfiguration,
  type AgentEvent,
  type CredentialConfiguration,
  type CredentialSource,
  type IssuedChain,
  openAgent,
  parseAgentConfiguration,
  type PassOptions,
  type PassReport,
  type Probe,
} from '../../src/agent/index.js'
import { OID } from '../../src/asn1/index.js'
import { loadCredential } from '../../src/credential/index.js'
import type { MemoryKeyProvider, PublicKey } from '../../src/crypto/index.js'
import { StoreError } from '../../src/errors/index.js'
import { addSeconds, DAY, HOUR } from '../../src/time/index.js'
import { type Certificate, type Crl, parseCertificationRequest } from '../../src/x509/index.js'
import {
  type CertificateOptions,
  type CrlOptions,
  type Holder,
  makeCertificate,
  makeCrl,
  NOW,
} from '../support/certificates.js'
import { temporaryFolder } from '../support/temporary.js'
import { TestClock } from '../support/test-authority.js'

export const URI = 'spiffe://cloud.example/web/web-01'
const EVER = { notBefore: addSeconds(NOW, -30 * DAY), notAfter: addSeconds(NOW, 3650 * DAY) }
export const root = makeCertificate({ subject: 'Root', ca: true, ...EVER })
export const issuing = makeCertificate({ subject: 'Issuing', issuer: root, ca: true, ...EVER })
export const LIFE = 30 * DAY

/** What a source issues unless told otherwise. */
export function issue(publicKey: PublicKey, at: Date, changes: CertificateOptions = {}): Certificate {
  return makeCertificate({
    subject: 'web-01',
    issuer: issuing,
    key: { publicKey } as MemoryKeyProvider,
    notBefore: addSeconds(at, -HOUR),
    notAfter: addSeconds(at, LIFE),
    purposes: [OID.kpServerAuth],
    names: [
      { kind: 'dns', value: 'web-01.cloud.example' },
      { kind: 'uri', value: URI },
    ],
    ...changes,
  }).certificate
}

export class World {
  readonly folder = temporaryFolder()
  readonly clock = new TestClock()
  readonly directory = join(this.folder, 'web')
  readonly events: AgentEvent[] = []
  readonly crlFile = join(this.folder, 'crls.pem')
  /** How often something was issued. */
  issued = 0
  /** Changes what the source answers. */
  answer: (made: IssuedChain, publicKey: PublicKey) => IssuedChain = (made) => made
  /** Changes what the CA issues. */
  changes: CertificateOptions = {}
  /** How the server reloads; returns whether it takes up what is there. */
  served: Certificate | undefined
  serverTakes: 'all' | 'nothing' | readonly string[] = 'all'
  random = 0.5
  crls: readonly Crl[] = []

  readonly source: CredentialSource = {
    obtain: async ({ requestPem }) => {
      this.issued++
      const { publicKey } = parseCertificationRequest(Buffer.from(requestPem))
      const certificate = issue(publicKey, this.clock.now(), { serialNumber: `0${this.issued}ab`, ...this.changes })
      return Promise.resolve(this.answer({ certificates: [certificate, issuing.certificate] }, publicKey))
    },
  }

  readonly probe: Probe = {
    served: async () => {
      const { certificate } = loadCredential(this.directory)
      const takes = this.serverTakes
      if (takes === 'all' || (takes !== 'nothing' && takes.includes(certificate.serialNumber)))
        this.served = certificate
      if (this.served === undefined) throw new StoreError('ERR_TLS_CONNECTION', 'nobody there')
      return Promise.resolve(this.served)
    },
  }

  static async make(): Promise<World> {
    const world = new World()
    writeFileSync(join(world.folder, 'root.pem'), root.certificate.toPem())
    await world.publish(1)
    return world
  }

  /** Publish CRLs of both CAs, current for a week from now. */
  async publish(crlNumber: number, changes: Partial<CrlOptions> = {}, ca: Holder = issuing): Promise<void> {
    const at = this.clock.now()
    const dates = { thisUpdate: addSeconds(at, -HOUR), nextUpdate: addSeconds(at, 7 * DAY) }
    const ofIssuing = await makeCrl({ issuer: ca, crlNumber, ...dates, ...changes })
    const ofRoot = await makeCrl({ issuer: root, ...dates, nextUpdate: addSeconds(NOW, 365 * DAY) })
    this.crls = [ofIssuing, ofRoot]
    writeFileSync(this.crlFile, this.crls.map((crl) => crl.toPem()).join(''))
  }

  /** With a server to ask, and no commands. */
  configuration(changes: Partial<CredentialConfiguration> = {}, top: Record<string, unknown> = {}): AgentConfiguration {
    const parsed = parseAgentConfiguration(
      JSON.stringify({
        version: 1,
        status: 'status.json',
        anchors: 'root.pem',
        crls: 'crls.pem',
        source: { command: ['never'] },
        credentials: [{ directory: 'web', entity: 'web-01', profile: 'server', probe: { port: 1, timeout: '1s' } }],
        ...top,
      }),
      this.folder,
    )
    return { ...parsed, credentials: parsed.credentials.map((item) => ({ ...item, ...changes })) }
  }

  /** Open an agent, let it look at everything once, and close it. */
  async pass(changes: Partial<CredentialConfiguration> = {}, options: PassOptions = {}): Promise<PassReport> {
    return this.passWith(this.configuration(changes), options)
  }

  async passWith(configuration: AgentConfiguration, options: PassOptions = {}): Promise<PassReport> {
    this.events.length = 0
    const agent = openAgent(configuration, {
      clock: this.clock,
      random: () => this.random,
      listener: (event) => this.events.push(event),
      probe: this.probe,
      wait: () => Promise.resolve(),
      sourceOf: () => this.source,
    })
    try {
      return await agent.pass(options)
    } finally {
      agent.close()
    }
  }

  /** What happened in the last pass, but for what every pass tells. */
  get happened(): readonly string[] {
    return this.events.map(({ event }) => event).filter((event) => event !== 'passed')
  }

  after(seconds: number): void {
    this.clock.set(addSeconds(this.clock.now(), seconds))
  }

  get serial(): string {
    return loadCredential(this.directory).certificate.serialNumber
  }

  read(name: string): string {
    return readFileSync(join(this.directory, 'current', name), 'utf8')
  }
}
