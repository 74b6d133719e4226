/**
 * What a process is doing, where another can see it after a crash: some forty octets in a file, written over and over.
 *
 * @module test/hostile/marker
 */
import { openSync, readFileSync, writeSync } from 'node:fs'

const WIDTH = 200

/** A function that notes what is being done now. */
export function openMarker(path: string): (text: string) => void {
  const descriptor = openSync(path, 'w', 0o600)
  return (text) => {
    writeSync(descriptor, text.slice(0, WIDTH).padEnd(WIDTH), 0)
  }
}

/** What was being done last. */
export function readMarker(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return 'nothing yet'
  }
}
