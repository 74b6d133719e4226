/**
 * Metrics in the text format of Prometheus, as the textfile collector of node_exporter reads them.
 *
 * @module agent/metrics (floor 7.4)
 */
import { PUBLIC_MODE, writeFileAtomic } from '../files/index.js'
import type { AgentStatus, CredentialStatus } from './status.js'

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

/** Write them whole, in one step. @throws {@link StoreError} `ERR_FILE_WRITE` */
export function writeMetrics(path: string, status: AgentStatus): void {
  writeFileAtomic(path, formatMetrics(status), { mode: PUBLIC_MODE, existing: 'replace', olderContent: 'allow-older' })
}

/** The metrics of a status. What is not known is left out; what is wrong is a number that alerts can ask for. */
export function formatMetrics({ at, trust, problems, credentials }: AgentStatus): string {
  const of = (value: (one: CredentialStatus) => number | undefined): readonly Sample[] =>
    credentials.flatMap((one) => {
      const number = value(one)
      const { directory, entity, profile } = one
      return number === undefined ? [] : [[{ directory, entity, profile }, number] as const]
    })
  return [
    metric('signet_agent_last_pass_timestamp_seconds', 'When the agent last looked at everything.', [
      [{}, seconds(at) ?? 0],
    ]),
    metric('signet_agent_problems', 'What went wrong with CRLs and the trust directory.', [[{}, problems.length]]),
    metric(
      'signet_trust_directory_next_update_timestamp_seconds',
      'When the trust directory is over.',
      trust === null ? [] : [[{}, seconds(trust.nextUpdate) ?? 0]],
    ),
    metric(
      'signet_certificate_not_after_timestamp_seconds',
      'When the certificate ends.',
      of(({ notAfter }) => seconds(notAfter)),
    ),
    metric(
      'signet_certificate_renewal_timestamp_seconds',
      'When the certificate will be renewed.',
      of(({ renewAt }) => seconds(renewAt)),
    ),
    metric(
      'signet_crl_next_update_timestamp_seconds',
      'When the first of the CRLs is over.',
      of(({ crlNextUpdate }) => seconds(crlNextUpdate)),
    ),
    metric(
      'signet_credential_failures',
      'How often in a row it went wrong.',
      of(({ failures }) => failures),
    ),
    metric(
      'signet_credential_reload_owed',
      'Whether the server has not taken up what is there.',
      of(({ reloadOwed }) => (reloadOwed ? 1 : 0)),
    ),
  ].join('')
}

function seconds(instant: string | null): number | undefined {
  return instant === null ? undefined : Math.floor(Date.parse(instant) / 1000)
}

function metric(name: string, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return ''
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${samples.map((sample) => line(name, sample)).join('')}`
}

function line(name: string, [labels, value]: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`
}

function escaped(text: string): string {
  return text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')
}
