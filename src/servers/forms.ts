/**
 * One configuration in the form in which it is installed.
 *
 * @module servers/forms (floor 7.2)
 */
import { checkedPlan } from './checks.js'
import { composeFiles, kubernetesFiles } from './containers.js'
import { configure } from './kinds.js'
import type { ServerPlan } from './plan.js'
import type { GeneratedFile, ServerConfiguration, ServerKind } from './server.js'
import { systemdFiles } from './systemd.js'

/** `files` is the configuration alone. */
export type ConfigForm = 'files' | 'systemd' | 'compose' | 'kubernetes'

export const CONFIG_FORMS: readonly ConfigForm[] = ['files', 'systemd', 'compose', 'kubernetes']

/**
 * As {@link configure}, with what systemd, Compose or Kubernetes want besides. Paths of the plan are those that the server
 * sees: within its container, where there is one.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function configureAs(form: ConfigForm, kind: ServerKind, plan: ServerPlan): ServerConfiguration {
  const configuration = configure(kind, plan)
  const checked = checkedPlan(plan)
  return { ...configuration, files: filesOf(form, kind, checked, configuration).toSorted(byPath) }
}

function filesOf(
  form: ConfigForm,
  kind: ServerKind,
  plan: ServerPlan,
  configuration: ServerConfiguration,
): readonly GeneratedFile[] {
  switch (form) {
    case 'files':
      return configuration.files
    case 'systemd':
      return [...configuration.files, ...systemdFiles(kind, plan, configuration)]
    case 'compose':
      return composeFiles(kind, plan, configuration)
    case 'kubernetes':
      return kubernetesFiles(kind, plan, configuration)
  }
}

function byPath(a: GeneratedFile, b: GeneratedFile): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0
}
