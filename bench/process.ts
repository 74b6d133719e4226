/** Processes whose time and memory are measured from outside. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface Run {
  readonly seconds: number
  readonly megabytes: number
  readonly output: string
}

/** Time and peak memory of a process from start to end. */
export function runMeasured(program: string, words: readonly string[], timeout = 60_000): Promise<Run> {
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'], timeout })
    let kilobytes = 0
    const timer = setInterval(() => (kilobytes = Math.max(kilobytes, peakOf(child.pid))), 2)
    let output = ''
    child.stdout.on('data', (piece: Buffer) => (output += piece.toString()))
    child.on('error', reject)
    child.on('close', (code) => {
      clearInterval(timer)
      if (code === 0) resolve({ seconds: (performance.now() - start) / 1000, megabytes: kilobytes / 1024, output })
      else reject(new Error(`${program} ended with ${code}`))
    })
  })
}

function peakOf(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
