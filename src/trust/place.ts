/**
 * Where trust directories come from: a folder, a file, a web server.
 *
 * @module trust/place (floor 6)
 */
import { get as getHttp, type IncomingMessage } from 'node:http'
import { get as getHttps } from 'node:https'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { joinInSteps, TRUST_DIRECTORY_LIMITS } from '../asn1/index.js'
import { isSignetError, LimitError, StoreError, UsageError } from '../errors/index.js'
import { readFileInTurns } from '../files/index.js'
import { inTurns } from '../time/index.js'

export interface Place {
  /** Whether there are several documents, by name; else one without. */
  readonly isSite: boolean
  /** @param name - Below a site; empty for what is no site. */
  read(name: string, maxBytes?: number): Promise<Uint8Array>
}

/**
 * @param source - A URL is one of `http:` or `https:`; everything else is a path.
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` for a URL that cannot be used
 */
export function placeOf(source: string, timeoutMilliseconds: number): Place {
  if (!/^https?:/i.test(source)) {
    const isSite = statSync(source, { throwIfNoEntry: false })?.isDirectory() === true
    return {
      isSite,
      read: (name, maxBytes = TRUST_DIRECTORY_LIMITS.maxBytes) =>
        readFileInTurns(isSite ? join(source, name) : source, { maxBytes }),
    }
  }
  const url = parseUrl(source)
  return {
    isSite: url.pathname.endsWith('/'),
    read: async (name, maxBytes = TRUST_DIRECTORY_LIMITS.maxBytes) =>
      download(name === '' ? url : new URL(name, url), maxBytes, timeoutMilliseconds),
  }
}

function parseUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null) throw new UsageError('ERR_CONFIG_INVALID', 'the source is not a URL')
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('ERR_CONFIG_INVALID', 'a URL has no user and no password here', {
      hint: 'a trust directory is no secret: serve it to everybody',
    })
  }
  return url
}

/** GET, with nothing that says who asks; 200 or nothing. */
async function download(url: URL, maxBytes: number, timeoutMilliseconds: number): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(timeoutMilliseconds)
  try {
    const response = await request(url, signal)
    if (response.statusCode !== 200) {
      response.destroy()
      const isRedirect = Math.floor((response.statusCode ?? 0) / 100) === 3
      throw failure(url, `the server answered ${response.statusCode}`, {
        hint: isRedirect ? 'redirects are not followed: name the place itself' : 'check the URL',
      })
    }
    return await collect(response, url, maxBytes)
  } catch (error) {
    if (isSignetError(error)) throw error
    throw failure(url, signal.aborted ? `no answer within ${timeoutMilliseconds} ms` : reasonOf(error), {
      cause: error,
    })
  }
}

function request(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const get = url.protocol === 'https:' ? getHttps : getHttp
    // No agent: the connection ends with the answer. Identity: what is counted is what comes.
    get(url, { agent: false, signal, headers: { 'accept-encoding': 'identity' } }, resolve).on('error', reject)
  })
}

async function collect(response: IncomingMessage, url: URL, maxBytes: number): Promise<Uint8Array> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    length += piece.length
    // Leaving the loop ends the connection.
    if (length > maxBytes) {
      throw new LimitError('ERR_LIMIT_EXCEEDED', `${url.href} is longer than ${maxBytes} bytes`, {
        details: { url: url.href, limit: String(maxBytes) },
      })
    }
    pieces.push(piece)
  }
  return inTurns(joinInSteps(pieces))
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  // Of several addresses none answered: the message is empty.
  return error.message === '' ? ((error as NodeJS.ErrnoException).code ?? 'unknown') : error.message
}

function failure(url: URL, reason: string, options: { readonly hint?: string; readonly cause?: unknown }): StoreError {
  return new StoreError('ERR_TRUST_FETCH', `cannot fetch ${url.href}: ${reason}`, {
    details: { url: url.href, reason },
    ...options,
  })
}
