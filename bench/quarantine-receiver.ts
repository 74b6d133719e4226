/**
 * A receiver of the bench `quarantine`, in a process of its own: WATCHED OWN PIN. It watches one cache file, which the command
 * writes, and keeps another, to which it applies the deltas that it is sent. Whenever one of them changes, it verifies one message,
 * and says when it knew what.
 */
import { isSignetError } from '../dist/errors/index.js'
import { verifyMessage } from '../dist/message/index.js'
import { openTrustCache, type TrustDirectory, watchTrustCache } from '../dist/trust/index.js'

/** What the parent sends: the message to be verified, or the octets of a delta. In base64. */
export type Order =
  | { readonly kind: 'message'; readonly der: string; readonly content: string }
  | { readonly kind: 'delta'; readonly der: string }

/** What came of the message. Instants are of the monotonic clock, which all processes of a machine share. */
export interface Report {
  readonly way: 'watching' | 'delta'
  readonly verdict: 'believed' | 'refused'
  readonly nanoseconds: string
}

const [watchedPath = '', ownPath = '', pin = ''] = process.argv.slice(2)
const clock = { now: () => new Date() }
const [watched, own] = [watchedPath, ownPath].map((path) => openTrustCache(path, { pin, clock }))
if (watched === undefined || own === undefined) throw new Error('no caches')
let message: { readonly der: Uint8Array; readonly content: Uint8Array } | undefined

async function look(way: Report['way'], trust: TrustDirectory): Promise<void> {
  if (message === undefined) return
  const wanted = { destinations: ['here'], senders: 'allow-any-trusted', types: ['a.b'] } as const
  const rest = { maxAgeSeconds: 3600, replay: 'allow-unchecked', at: clock.now() } as const
  let verdict: Report['verdict'] = 'believed'
  try {
    await verifyMessage(message.der, message.content, { trust, ...wanted, ...rest })
  } catch (error) {
    if (!isSignetError(error) || error.code !== 'ERR_CMS_SIGNER_UNKNOWN') throw error
    verdict = 'refused'
  }
  const report: Report = { way, verdict, nanoseconds: String(process.hrtime.bigint()) }
  process.send?.(report)
}

watchTrustCache(watched, { changed: (directory) => void look('watching', directory) })
process.on('message', (order: Order) => {
  if (order.kind === 'delta') {
    void own.update(Buffer.from(order.der, 'base64')).then(({ directory }) => look('delta', directory))
    return
  }
  message = { der: Buffer.from(order.der, 'base64'), content: Buffer.from(order.content, 'base64') }
  void look('watching', watched.directory())
  void look('delta', own.directory())
})
process.on('disconnect', () => process.exit())
