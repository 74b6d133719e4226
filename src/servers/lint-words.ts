/**
 * Words that mean the same in several configuration languages.
 *
 * @module servers/lint-words (floor 7.2)
 */

/** Whether a place can be reached from this machine only: `127.0.0.1:80`, `[::1]:80`, `localhost`, a Unix socket. */
export function isLoopback(place: string): boolean {
  return /^(?:unix[:@]|abns@|\/)|^(?:(?:ipv[46]@)?127(?:\.\d+){3}|(?:ipv6@)?\[?::1\]?|localhost)(?::\d+)?(?:\/|$)/i.test(
    place,
  )
}

/** Whether a list of versions has one before TLS 1.2. */
export function isWeakProtocols(words: string): boolean {
  return /(?:^|[\s,:'"+])(?:all|SSLv?[23]?|TLSv?1(?:[._][01])?)(?=$|[\s,:'"])/i.test(words)
}

/** Whether an OpenSSL cipher list lets weak ones in. What a list only takes away is not looked at further. */
export function isWeakCiphers(list: string): boolean {
  return list
    .split(/[\s:,]+/)
    .filter((word) => !/^[!-]/.test(word))
    .some((word) =>
      /^(?:ALL|COMPLEMENTOFALL|LOW|MEDIUM|EXP(?:ORT)?)$|NULL|aNULL|ADH|AECDH|RC4|3?DES|MD5|@SECLEVEL=0/i.test(word),
    )
}

/** Words that people write for no, and that some programs take for yes because they are texts. */
export function isTextForNo(word: string): boolean {
  return /^(?:false|no|off|0|none)$/i.test(word)
}
