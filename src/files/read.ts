/**
 * Reading files with a limit and a clear refusal.
 *
 * @module files/read (floor 0)
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { EncodingError, LimitError, StoreError } from '../errors/index.js'

/** Largest file read whole unless the caller says otherwise: 64 MiB. */
export const DEFAULT_MAX_FILE_BYTES = 64 * 1024 * 1024

export interface ReadOptions {
  /** Refuse longer files. Default {@link DEFAULT_MAX_FILE_BYTES}. */
  readonly maxBytes?: number
  /** `'allow'` lets a file of no bytes pass. Default `'refuse'`. */
  readonly empty?: 'refuse' | 'allow'
}

/**
 * Read a whole regular file.
 *
 * @throws {@link StoreError} `ERR_FILE_READ` if it is missing, a directory or unreadable
 * @throws {@link EncodingError} `ERR_INPUT_EMPTY`
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function readFileBytes(path: string, options: ReadOptions = {}): Uint8Array {
  return readOpened(path, constants.O_RDONLY, options, () => undefined)
}

/** As {@link readFileBytes}, decoded as UTF-8; a byte order mark or ill-formed UTF-8 is refused. */
export function readFileText(path: string, options: ReadOptions = {}): string {
  const text = decodeUtf8(readFileBytes(path, options), path)
  if (text.startsWith('\ufeff')) throw new EncodingError('ERR_DER_STRING', `${path} starts with a byte order mark`)
  return text
}

export interface SecretReadOptions extends ReadOptions {
  /** A group that may read the file as well, and nobody else. Default: none. */
  readonly readersGid?: number
}

/**
 * Read a secret: a regular file, reached without a link in its last component, that only its owner can read.
 *
 * @throws {@link StoreError} `ERR_KEY_PERMISSIONS`, `ERR_KEY_PATH_UNSAFE`, `ERR_FILE_READ`
 */
export function readSecretFile(path: string, options: SecretReadOptions = {}): Uint8Array {
  return readOpened(path, constants.O_RDONLY | constants.O_NOFOLLOW, options, (stats) => {
    if ((stats.mode & (stats.gid === options.readersGid ? 0o037 : 0o077)) !== 0) {
      throw new StoreError('ERR_KEY_PERMISSIONS', `others can read the secret file ${path}`, {
        details: { path, mode: (stats.mode & 0o777).toString(8).padStart(4, '0') },
        hint: `chmod 600 ${path}`,
      })
    }
    const owner = process.geteuid?.()
    if (owner !== undefined && stats.uid !== owner && stats.uid !== 0) {
      throw new StoreError('ERR_KEY_PERMISSIONS', `the secret file ${path} belongs to another user`, {
        details: { path, owner: String(stats.uid) },
        hint: 'let the file belong to the user who uses it',
      })
    }
  })
}

/** It keeps nothing from one text to the next. */
let utf8: InstanceType<typeof TextDecoder> | undefined

/** Decode UTF-8 strictly. */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    utf8 ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    return utf8.decode(bytes)
  } catch (cause) {
    throw new EncodingError('ERR_DER_STRING', `${what} is not UTF-8 text`, { cause })
  }
}

function readOpened(path: string, flags: number, options: ReadOptions, check: (stats: Stats) => void): Uint8Array {
  const { descriptor, stats } = openRegular(path, flags)
  try {
    check(stats)
    requireLength(path, stats.size, options)
    const bytes = readAll(descriptor, stats.size, path)
    requireContent(path, bytes, options)
    return bytes
  } finally {
    closeSync(descriptor)
  }
}

/** @throws {@link LimitError} `ERR_LIMIT_EXCEEDED` */
export function requireLength(path: string, octets: number, { maxBytes = DEFAULT_MAX_FILE_BYTES }: ReadOptions): void {
  if (octets <= maxBytes) return
  throw new LimitError('ERR_LIMIT_EXCEEDED', `${path} is longer than ${maxBytes} bytes`, {
    details: { path, bytes: String(octets), limit: String(maxBytes) },
  })
}

/** @throws {@link EncodingError} `ERR_INPUT_EMPTY` */
export function requireContent(path: string, bytes: Uint8Array, { empty }: ReadOptions): void {
  if (bytes.length > 0 || empty === 'allow') return
  throw new EncodingError('ERR_INPUT_EMPTY', `${path} is empty`, { details: { path } })
}

/** Open a regular file; whoever calls closes it. */
export function openRegular(path: string, flags: number): { readonly descriptor: number; readonly stats: Stats } {
  const secret = (flags & constants.O_NOFOLLOW) !== 0
  let descriptor: number
  try {
    // O_NONBLOCK: opening a FIFO must not wait for a writer that never comes.
    descriptor = openSync(path, flags | constants.O_NONBLOCK)
  } catch (cause) {
    if (secret && (cause as NodeJS.ErrnoException).code === 'ELOOP') {
      throw new StoreError('ERR_KEY_PATH_UNSAFE', `the secret file ${path} is a symbolic link`, {
        details: { path },
        cause,
      })
    }
    throw cannotRead(path, cause)
  }
  const stats = fstatSync(descriptor)
  if (stats.isFile()) return { descriptor, stats }
  closeSync(descriptor)
  throw noRegularFile(path, stats, secret ? 'ERR_KEY_PATH_UNSAFE' : 'ERR_FILE_READ')
}

/** What is read must end, and stay the same for as long as it is read. */
export function noRegularFile(path: string, stats: Stats, code: 'ERR_FILE_READ' | 'ERR_KEY_PATH_UNSAFE'): StoreError {
  const isDirectory = stats.isDirectory()
  return new StoreError(code, `cannot read ${path}: it is ${isDirectory ? 'a directory' : 'not a regular file'}`, {
    details: { path },
    hint: isDirectory ? 'name a file' : 'write it to a file first; where a command reads standard input, - names that',
  })
}

function readAll(descriptor: number, size: number, path: string): Uint8Array {
  const bytes = new Uint8Array(size)
  let filled = 0
  try {
    while (filled < size) {
      const count = readSync(descriptor, bytes, filled, size - filled, filled)
      if (count === 0) break
      filled += count
    }
  } catch (cause) {
    throw cannotRead(path, cause)
  }
  return bytes.subarray(0, filled)
}

/** What a failed system call means for whoever wanted to read there. */
export function cannotRead(path: string, cause: unknown): StoreError {
  const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown'
  const words: Record<string, string> = {
    ENOENT: 'there is no such file',
    EACCES: 'permission denied',
    ENOTDIR: 'its folder is a file',
  }
  return new StoreError('ERR_FILE_READ', `cannot read ${path}: ${words[reason] ?? reason}`, {
    details: { path, reason },
    cause,
  })
}
