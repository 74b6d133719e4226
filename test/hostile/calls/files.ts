/**
 * Every public function that reads files, each called with hostile ones.
 *
 * @module test/hostile/calls/files
 */
import { existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readStatus } from '../../../src/agent/index.js'
import { Authority, HOME_FILES, openRootBundle, readTrustSite, ROOT_FILES } from '../../../src/authority/index.js'
import { loadCredential } from '../../../src/credential/index.js'
import { encodePrivateKey, openKeyFile, Passphrase } from '../../../src/crypto/index.js'
import {
  openFileStream,
  readFileBytes,
  readFileInTurns,
  readFileText,
  readSecretFile,
} from '../../../src/files/index.js'
import { openReplayFile } from '../../../src/message/index.js'
import { loadProbeClient, loadSessions } from '../../../src/probe/index.js'
import { openStore } from '../../../src/store/index.js'
import { openTrustCache, openTrustMemory } from '../../../src/trust/index.js'
import { NOW } from '../../support/certificates.js'
import { type Call, type Input, INPUT_FILE } from './input.js'
import { fixedPrivateKey } from '../keys.js'
import { holders } from '../world.js'

const PIN = 'ab'.repeat(32)
const PASSPHRASE = new Passphrase(Buffer.from('secret'))

/** With the input as a file that only its owner can read. */
function file(read: (path: string) => unknown): Call {
  return ({ folder }) => read(join(folder, INPUT_FILE))
}

/** A folder of files of which one is the input. What lies beside it is written once. */
function among(name: string, hostile: string, files: Readonly<Record<string, string>>): (input: Input) => string {
  return ({ folder }) => {
    const directory = join(folder, name)
    if (!existsSync(directory)) {
      mkdirSync(directory)
      for (const [other, text] of Object.entries(files)) writeFileSync(join(directory, other), text, { mode: 0o600 })
      rmSync(join(directory, hostile), { force: true })
      // Not a symbolic link: those are refused.
      linkSync(join(folder, INPUT_FILE), join(directory, hostile))
    }
    return directory
  }
}

/** With a database that nobody left anything beside. */
async function database(input: Input, work: (path: string) => unknown): Promise<void> {
  const folder = join(input.folder, 'database')
  mkdirSync(folder)
  try {
    const path = join(folder, 'input.sqlite')
    writeFileSync(path, input.bytes, { mode: 0o600 })
    await work(path)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const certificate = holders.signer.certificate.toPem()
const keyPem = encodePrivateKey(fixedPrivateKey('signer node-1'))

const CREDENTIAL = {
  'fullchain.pem': certificate,
  'ca-bundle.pem': certificate,
  'key.pem': keyPem,
  'identity.json': '{"uri":"spiffe://a/b/c"}',
}

/** A credential directory of which one file is hostile. */
function credential(hostile: keyof typeof CREDENTIAL): Call {
  const directory = among(`credential-${hostile}`, hostile, CREDENTIAL)
  return (input) => loadCredential(directory(input), PASSPHRASE)
}

const withKey = among('probe', 'key.pem', CREDENTIAL)
const withCrls = among('probe-crls', 'crls.pem', CREDENTIAL)
const home = among('home', HOME_FILES.deployment, {})
const rootBundle = among('root', ROOT_FILES.key, { [ROOT_FILES.certificate]: certificate })

export const FILE_CALLS: Readonly<Record<string, Call>> = {
  'agent.readStatus': file(readStatus),
  'authority.Authority': async (input) => {
    await (await Authority.open(home(input), { now: () => NOW })).close()
  },
  'authority.openRootBundle': (input) => openRootBundle(rootBundle(input), PASSPHRASE),
  'credential.loadCredential with a key': credential('key.pem'),
  'credential.loadCredential with a chain': credential('fullchain.pem'),
  'credential.loadCredential with CAs': credential('ca-bundle.pem'),
  'credential.loadCredential with an identity': credential('identity.json'),
  'crypto.openKeyFile': file((path) => openKeyFile(path, PASSPHRASE)),
  'files.openFileStream': file(async (path) => {
    const stream = await openFileStream(path)
    try {
      for await (const piece of stream.pieces()) piece.fill(0)
    } finally {
      await stream.close()
    }
  }),
  'files.readFileBytes': file(readFileBytes),
  'files.readFileInTurns': file(readFileInTurns),
  'files.readFileText': file(readFileText),
  'files.readSecretFile': file(readSecretFile),
  'message.openReplayFile': (input) =>
    database(input, (path) => {
      openReplayFile(path).close()
    }),
  'probe.loadProbeClient with a key': (input) => loadProbeClient(withKey(input), PASSPHRASE),
  'probe.loadProbeClient with CRLs': (input) => loadProbeClient(withCrls(input), PASSPHRASE),
  'probe.loadSessions': file(loadSessions),
  'store.openStore': (input) =>
    database(input, async (path) => {
      await (await openStore({ database: path, head: `${path}.head` })).close()
    }),
  'authority.readTrustSite': ({ folder }) => readTrustSite(folder, PIN),
  'trust.openTrustCache': file((path) => openTrustCache(path, { pin: PIN, clock: { now: () => NOW } }).directory()),
  'trust.openTrustMemory': file((path) => openTrustMemory(path).recall('a')),
}
