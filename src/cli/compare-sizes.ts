/** `signet compare sizes`: what protection adds to messages. @module cli/compare-sizes (floor 8) */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import {
  measureRates,
  measureSizes,
  ownSamples,
  type Rate,
  readSample,
  requireSampleDestination,
  type SampleDefaults,
  type SampleMessage,
  SIZE_ALGORITHMS,
  type SizeAlgorithm,
  sizeAlgorithmNamed,
  type SizeComparison,
  sizesSvg,
  sizeSteps,
} from '../compare/index.js'
import { EncodingError, StoreError, UsageError } from '../errors/index.js'
import { decodeUtf8 } from '../files/index.js'
import { isMessageType } from '../policy/index.js'
import { choice, examples, repeatable } from './help.js'
import type { Invocation } from './invocation.js'
import { sizesMarkdown } from './sizes-page.js'
import { table } from './table.js'

const FORMATS = ['text', 'markdown', 'svg'] as const

interface SizesOptions {
  readonly algorithm?: readonly string[]
  readonly type: string
  readonly to: string
  readonly format: (typeof FORMATS)[number]
  readonly rates?: boolean
}

export function registerCompareSizes(compare: Command, cli: Invocation): void {
  compare
    .command('sizes [messages...]')
    .summary('what signatures add to messages')
    .description(
      'Sign and encrypt messages by every algorithm and in every form, and as JWS, COSE and Kite would, and count the octets that each adds. MESSAGES are files of JSON, of one JSON text in each line (.ndjson, .jsonl), or folders of such files. Without any: messages of nova that come with signet.',
    )
    .option('--algorithm <name>', `only by this one; repeatable: ${SIZE_ALGORITHMS.join(', ')}`, repeatable)
    .option('--type <type>', 'type of messages that do not say theirs', 'rpc.compute.build_and_run_instance')
    .option('--to <destination>', 'destination of messages that do not say theirs', 'compute.compute-07')
    .option('--format <format>', FORMATS.join(', '), choice(FORMATS), 'text')
    .option('--rates', 'also measure how fast this machine signs and verifies')
    .addHelpText(
      'after',
      examples(
        'signet compare sizes --algorithm p256',
        'signet compare sizes captured/ --type rpc.shop.order --to shop --json',
        'signet compare sizes --format svg > sizes.svg',
        'signet compare sizes --algorithm p256 --algorithm ml-dsa-44 --rates',
      ),
    )
    .action(
      cli.action(async (paths: readonly string[], options: SizesOptions) => {
        if (options.rates === true && options.format !== 'text') {
          throw new UsageError('ERR_USAGE', 'rates are told as text or JSON only', {
            hint: 'they differ from run to run: leave --rates or --format away',
          })
        }
        const algorithms = [...new Set((options.algorithm ?? SIZE_ALGORITHMS).map(sizeAlgorithmNamed))]
        const at = cli.now()
        const messages = paths.length === 0 ? ownSamples(at) : await readMessages(cli, paths, options, at)
        const sizes = await measured(cli, messages, algorithms, at)
        const rates = options.rates === true ? await measuredRates(cli, messages, algorithms, at) : undefined
        const data = { ...sizes, ...(rates === undefined ? {} : { rates }) }
        return { data, text: rendered(sizes, rates, options.format) }
      }),
    )
}

function measured(
  cli: Invocation,
  messages: readonly SampleMessage[],
  algorithms: readonly SizeAlgorithm[],
  at: Date,
): Promise<SizeComparison> {
  const progress = cli.progress('measuring', sizeSteps(messages.length, algorithms))
  return measureSizes(messages, {
    at,
    algorithms,
    advance: (done) => {
      progress.advance(done)
    },
  }).finally(() => {
    progress.finish()
  })
}

function measuredRates(
  cli: Invocation,
  messages: readonly SampleMessage[],
  algorithms: readonly SizeAlgorithm[],
  at: Date,
): Promise<readonly Rate[]> {
  const progress = cli.progress('taking times', algorithms.length)
  return measureRates(messages, {
    at,
    algorithms,
    advance: (done) => {
      progress.advance(done)
    },
  }).finally(() => {
    progress.finish()
  })
}

function rendered(sizes: SizeComparison, rates: readonly Rate[] | undefined, format: SizesOptions['format']): string {
  if (format === 'svg') return sizesSvg(sizes).trimEnd()
  if (format === 'markdown') return sizesMarkdown(sizes)
  return rates === undefined ? sizesText(sizes) : `${sizesText(sizes)}\n\n${ratesText(rates)}`
}

function sizesText({ messages, payload, forms }: SizeComparison): string {
  const rows = forms.map(({ system, title, algorithm = '–', overhead, share }) => [
    system,
    algorithm,
    title,
    ...[overhead.min, overhead.median, overhead.p95, overhead.max].map(String),
    `${share.toFixed(1)} %`,
  ])
  const heads = ['of', 'algorithm', 'form', 'min', 'median', 'p95', 'max', 'of payload']
  const { min, median, max } = payload
  return `${table(heads, rows)}\n\n${messages} messages of ${min} to ${max} octets, half of them up to ${median}`
}

function ratesText(rates: readonly Rate[]): string {
  const rows = rates.map(({ algorithm, signsPerSecond, verifiesPerSecond, signRatio, verifyRatio }) => [
    algorithm,
    String(signsPerSecond),
    `× ${signRatio}`,
    String(verifiesPerSecond),
    `× ${verifyRatio}`,
  ])
  return table(['algorithm', 'signs a second', 'ratio', 'verifies a second', 'ratio'], rows)
}

async function readMessages(
  cli: Invocation,
  paths: readonly string[],
  { type, to }: SizesOptions,
  at: Date,
): Promise<readonly SampleMessage[]> {
  requireSampleDestination(to)
  if (!isMessageType(type)) throw new UsageError('ERR_CONFIG_INVALID', `not a message type: ${JSON.stringify(type)}`)
  const messages: SampleMessage[] = []
  for (const file of paths.flatMap((path) => filesAt(cli, path))) {
    messages.push(...samplesIn(await cli.readDocument(file), file, { type, destination: to, at }))
  }
  return messages
}

function samplesIn(bytes: Uint8Array, file: string, defaults: SampleDefaults): readonly SampleMessage[] {
  if (!isLines(file)) return [readSample(bytes, file, defaults)]
  const lines = decodeUtf8(bytes, file).split('\n')
  const samples = lines.flatMap((line, index) =>
    line.trim() === '' ? [] : [readSample(Buffer.from(line), `${file}:${index + 1}`, defaults)],
  )
  if (samples.length === 0) throw new EncodingError('ERR_INPUT_EMPTY', `${file} has no message`)
  return samples
}

function isLines(file: string): boolean {
  return /\.(?:ndjson|jsonl)$/.test(file)
}

/** A file, or those in a folder that are JSON by their names. */
function filesAt(cli: Invocation, path: string): readonly string[] {
  const place = cli.path(path)
  if (path === '-' || statSync(place, { throwIfNoEntry: false })?.isDirectory() !== true) return [path]
  const names = namesIn(place).filter((name) => name.endsWith('.json') || isLines(name))
  if (names.length > 0) return names.map((name) => join(path, name))
  throw new UsageError('ERR_CONFIG_INVALID', `no file of ${path} is a message`, {
    details: { path },
    hint: 'messages are read from files whose names end in .json, .ndjson or .jsonl',
  })
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort()
  } catch (cause) {
    throw new StoreError('ERR_FILE_READ', `cannot read the folder ${folder}: ${(cause as Error).message}`, { cause })
  }
}
