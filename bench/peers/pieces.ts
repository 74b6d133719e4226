/** Several messages in one file: each with its length before it, in four octets. */

export function writePieces(pieces: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    pieces.flatMap((piece) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(piece.length)
      return [length, piece]
    }),
  )
}

export function readPieces(octets: Buffer): readonly Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at + 4 <= octets.length;) {
    const end = at + 4 + octets.readUInt32BE(at)
    found.push(octets.subarray(at + 4, end))
    at = end
  }
  return found
}
