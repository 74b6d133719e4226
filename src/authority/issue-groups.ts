/**
 * Issuing more certificates than are to be held: in groups, each durable before it is handed out.
 *
 * @module authority/issue-groups (floor 7)
 */
import { type BegunIssuing, beginIssuing, finishIssuing, type IssuedCertificate } from './issue.js'
import { type IssueRequest, type IssuingAuthority, planCertificates } from './plan.js'
import { abandon } from './record.js'
import { knowledgeOf } from './sign.js'

/** Certificates of one group. Of more, the indexes of the store cost less for each; they are all held at once. */
export const GROUP_SIZE = 1000

/** Of the first group: what is planned of it keeps every thread waiting. */
const FIRST_GROUP = 125

/**
 * Issue certificates in groups. All of one group share two durable commits, as with `issueCertificates`; while one group is
 * being signed, the next is planned and the one before is recorded; they are validated on another thread. At most two groups are held, and no more is done
 * than is asked for.
 *
 * Fails as soon as a group does. Groups handed out before stay issued; what was planned further is abandoned, as it is
 * when the caller stops early.
 *
 * @param requests - Taken as they are needed.
 * @returns The groups, in the order of the requests.
 * @throws as `issueCertificates`
 */
export async function* issueInGroups(
  issuing: IssuingAuthority,
  requests: Iterable<IssueRequest> | AsyncIterable<IssueRequest>,
  size: number = GROUP_SIZE,
): AsyncGenerator<readonly IssuedCertificate[], void, void> {
  const { keys, strangers } = issuing.authority.threads
  const stranger = strangers.meet(knowledgeOf(issuing))
  const begun: BegunIssuing[] = []
  const finishFirst = async (): Promise<readonly IssuedCertificate[]> => {
    // Taken off at once: if it fails, it abandons itself.
    return finishIssuing(issuing, begun.shift() as BegunIssuing)
  }
  try {
    for await (const group of inGroups(requests, size)) {
      begun.push(await beginIssuing(issuing, await planCertificates(issuing, group, keys), stranger))
      if (begun.length > 1) yield await finishFirst()
    }
    while (begun.length > 0) yield await finishFirst()
  } finally {
    for (const { planned, signed } of begun) {
      // What is being signed is waited for: nothing of it is to happen later.
      await signed.catch(() => undefined)
      await abandon(issuing, planned)
    }
    stranger.part()
    keys.rest()
  }
}

/** Each group is twice as large as the one before, up to a size. */
async function* inGroups<T>(items: Iterable<T> | AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let group: T[] = []
  let next = Math.min(FIRST_GROUP, size)
  for await (const item of items) {
    group.push(item)
    if (group.length < next) continue
    yield group
    group = []
    next = Math.min(2 * next, size)
  }
  if (group.length > 0) yield group
}
