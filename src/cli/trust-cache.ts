/** `signet trust fetch` and `signet trust update`: a receiver's cache. @module cli/trust-cache (floor 8) */
import type { Command } from 'commander'
import { TRUST_DIRECTORY_LIMITS } from '../asn1/index.js'
import { readFileBytes } from '../files/index.js'
import { parseDuration } from '../time/index.js'
import { fetchTrust, openTrustCache, type TrustCache, type TrustUpdate } from '../trust/index.js'
import { examples } from './help.js'
import type { Invocation, Outcome } from './invocation.js'
import { directoryFacts, directoryText } from './trust-facts.js'
import { PIN_OPTION, pinFrom } from './trust-file.js'

interface CacheOptions {
  readonly pin?: string
  readonly domain?: string
}

interface FetchOptions extends CacheOptions {
  readonly out: string
  readonly timeout?: string
}

const DOMAIN_OPTION = ['--domain <domain>', 'the trust domain that is wanted (default: that of the cache)'] as const

export function registerTrustCache(trust: Command, cli: Invocation): void {
  registerFetch(trust, cli)
  registerUpdate(trust, cli)
}

function registerFetch(trust: Command, cli: Invocation): void {
  trust
    .command('fetch <source>')
    .summary('bring a cache up to date')
    .description(
      'Fetch the trust directory, or the deltas to it, into a cache. Signature and pin make it believed, wherever it comes from: http is as good as https. Older ones, forks and other domains are refused.',
    )
    .requiredOption('--out <cache>', 'the cache: a file that always holds the newest')
    .option(...PIN_OPTION)
    .option(...DOMAIN_OPTION)
    .option('--timeout <duration>', 'longest wait for an answer (default: 1m)')
    .addHelpText(
      'after',
      examples(
        'signet trust fetch http://pki.cloud.example/trust/ --out /var/lib/signet/trust.p7 --pin 5f0c…',
        'signet trust fetch /mnt/trust.p7 --out trust.p7 --pin 5f0c…',
      ),
    )
    .action(
      cli.action(async (source: string, options: FetchOptions) => {
        const cache = cacheOf(cli, options.out, options)
        const place = /^https?:/i.test(source) ? source : cli.path(source)
        const seconds = options.timeout === undefined ? undefined : parseDuration(options.timeout)
        const fetched = await fetchTrust(
          cache,
          place,
          seconds === undefined ? {} : { timeoutMilliseconds: seconds * 1000 },
        )
        return outcome(cache, fetched, fetched.deltas)
      }),
    )
}

function registerUpdate(trust: Command, cli: Invocation): void {
  trust
    .command('update <cache>')
    .summary('apply a delta to a cache')
    .description('Apply a delta to the trust directory in a cache, which then is, octet by octet, the next one.')
    .requiredOption('--delta <file>', 'the delta; a whole trust directory is taken, too')
    .option(...PIN_OPTION)
    .option(...DOMAIN_OPTION)
    .addHelpText('after', examples('signet trust update trust.p7 --delta 41-42.p7 --pin 5f0c…'))
    .action(
      cli.action(async (file: string, options: CacheOptions & { readonly delta: string }) => {
        const cache = cacheOf(cli, file, options)
        const bytes = readFileBytes(cli.path(options.delta), { maxBytes: TRUST_DIRECTORY_LIMITS.maxBytes })
        const update = await cache.update(bytes)
        return outcome(cache, update, update.changed === 'delta' ? 1 : 0)
      }),
    )
}

function cacheOf(cli: Invocation, file: string, { pin, domain }: CacheOptions): TrustCache {
  return openTrustCache(cli.path(file), {
    pin: pinFrom(cli, pin),
    clock: cli.environment.clock,
    ...(domain === undefined ? {} : { trustDomain: domain }),
  })
}

function outcome(cache: TrustCache, { changed, directory }: TrustUpdate, deltas: number): Outcome {
  const words = {
    nothing: 'was there already',
    directory: 'came whole',
    delta: `made by ${deltas === 1 ? 'a delta' : `${deltas} deltas`}`,
  } as const
  return {
    data: { path: cache.path, changed, deltas, ...directoryFacts(directory) },
    text: `${directoryText(directory)}\n${words[changed]}: ${cache.path}`,
  }
}
