/**
 * Groups of this machine, by name or number.
 *
 * @module credential/group (floor 5)
 */
import { UsageError } from '../errors/index.js'
import { readFileText } from '../files/index.js'

/** Larger numbers are no groups; the largest of 32 bits means "none". */
const LARGEST = 2 ** 32 - 2

/**
 * The number of a group.
 *
 * Names are looked up in the file only: of a group that a directory service knows, give the number.
 *
 * @param file - Lines of `name:password:number:members`.
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function groupId(group: string, file = '/etc/group'): number {
  const number = /^[0-9]{1,10}$/.test(group) ? Number(group) : numberIn(file, group)
  if (number !== undefined && number <= LARGEST) return number
  throw new UsageError('ERR_CONFIG_INVALID', `there is no group ${JSON.stringify(group)} on this machine`, {
    details: { group },
    hint: `of a group that is not in ${file}, give the number: getent group NAME`,
  })
}

function numberIn(file: string, group: string): number | undefined {
  for (const line of readFileText(file).split('\n')) {
    const [name, , number] = line.split(':')
    if (name === group && number !== undefined && /^[0-9]{1,10}$/.test(number)) return Number(number)
  }
  return undefined
}
