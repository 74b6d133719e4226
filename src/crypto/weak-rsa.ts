/**
 * RSA moduli that look right and can be factored: from a generator that took its primes from a small set (ROCA,
 * CVE-2017-15361), or from primes side by side (CVE-2022-26320).
 *
 * @module crypto/weak-rsa (floor 2)
 */

/** Small primes that divide the base of every prime that the faulty generator made, whatever the size of the key. */
const ROCA_PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
  127, 131, 137, 139, 149, 151, 157, 163, 167,
] as const

/** For each of those primes the powers of 65537 modulo it (what such a modulus leaves), and their product. */
interface SmallSet {
  readonly remainders: readonly ReadonlySet<number>[]
  readonly product: bigint
}

let smallSet: SmallSet | undefined

/** Made when first needed, which takes a millisecond: most keys are none of RSA. */
function smallSetOfRoca(): SmallSet {
  smallSet ??= {
    remainders: ROCA_PRIMES.map((prime) => {
      const powers = new Set<number>()
      for (let power = 1; !powers.has(power); power = (power * 65_537) % prime) powers.add(power)
      return powers
    }),
    product: ROCA_PRIMES.reduce((product, prime) => product * BigInt(prime), 1n),
  }
  return smallSet
}

/** Steps of Fermat's method: it succeeds in few if the primes share their leading half. */
const FERMAT_STEPS = 100

/** What is wrong with a modulus, if one of these is. An honest one passes but for one chance in 2^27. */
export function weaknessOf(modulus: Uint8Array): string | undefined {
  const number = BigInt(`0x${Buffer.from(modulus).toString('hex')}`)
  if (isOfSmallSet(number)) return 'its primes are from a small set (CVE-2017-15361)'
  if (hasNeighbouringPrimes(number)) return 'its primes are side by side'
  return undefined
}

function isOfSmallSet(number: bigint): boolean {
  const { remainders, product } = smallSetOfRoca()
  const rest = number % product
  return ROCA_PRIMES.every((prime, index) => remainders[index]?.has(Number(rest % BigInt(prime))) === true)
}

function hasNeighbouringPrimes(number: bigint): boolean {
  let middle = squareRoot(number)
  if (middle * middle < number) middle += 1n
  let square = middle * middle - number
  for (let step = 0; step < FERMAT_STEPS; step++) {
    if (isSquare(square)) return true
    square += 2n * middle + 1n
    middle += 1n
  }
  return false
}

/** What squares leave modulo 64: the rest need no root. */
const SQUARES_MODULO_64: ReadonlySet<number> = new Set(Array.from({ length: 64 }, (_, index) => (index * index) % 64))

function isSquare(number: bigint): boolean {
  if (!SQUARES_MODULO_64.has(Number(number & 63n))) return false
  const root = squareRoot(number)
  return root * root === number
}

/** The whole part of the square root: Newton's method from above. */
function squareRoot(number: bigint): bigint {
  if (number < 2n) return number
  let root = 1n << BigInt(Math.ceil(number.toString(16).length * 2))
  for (;;) {
    const next = (root + number / root) >> 1n
    if (next >= root) return root
    root = next
  }
}
