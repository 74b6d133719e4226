/** `signet completion`: what a shell needs to complete our words, made from the commands themselves. @module cli/completion (floor 8) */
import type { Command } from 'commander'
import { choice, examples } from './help.js'
import type { Invocation } from './invocation.js'

const SHELLS = ['bash', 'zsh', 'fish'] as const

export function registerCompletion(program: Command, cli: Invocation): void {
  program
    .command('completion')
    .summary('shell completion')
    .description('Print a script that makes a shell complete the words of signet.')
    .argument('<shell>', SHELLS.join(', '), choice(SHELLS))
    .addHelpText(
      'after',
      examples(
        'source <(signet completion bash)',
        'signet completion zsh > ~/.zfunc/_signet',
        'signet completion fish > ~/.config/fish/completions/signet.fish',
      ),
    )
    .action(
      cli.action((shell: (typeof SHELLS)[number]) => {
        const script = SCRIPTS[shell](wordsByCommand(program))
        return { data: { shell, script }, text: script.trimEnd() }
      }),
    )
}

/** Path of a command (`''`, `entity`, `entity add`) → the words that may follow. */
type Words = readonly (readonly [path: string, words: readonly string[]])[]

function wordsByCommand(program: Command): Words {
  const found: [string, readonly string[]][] = []
  const visit = (command: Command, path: string): void => {
    const flags = command.options.flatMap((option) => (option.long == null ? [] : [option.long]))
    found.push([path, [...command.commands.map((child) => child.name()), ...flags, '--help']])
    for (const child of command.commands) visit(child, path === '' ? child.name() : `${path} ${child.name()}`)
  }
  visit(program, '')
  return found
}

const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], (words: Words) => string>> = {
  bash: (words) => `# bash completion for signet
_signet() {
  local path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) case "$path $word" in
${words.map(([path]) => `      " ${path}"|"${path.split(' ').slice(0, -1).join(' ')} ${path.split(' ').at(-1) ?? ''}") path="${path}" ;;`).join('\n')}
    esac ;; esac
  done
  case "$path" in
${words.map(([path, next]) => `    "${path}") COMPREPLY=($(compgen -W "${next.join(' ')}" -- "\${COMP_WORDS[COMP_CWORD]}")) ;;`).join('\n')}
  esac
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _signet signet
`,
  zsh: (words) => `#compdef signet
_signet() {
  local cmd="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ "$word" == -* ]] && continue
    case "\${cmd:+$cmd }$word" in
${words
  .filter(([path]) => path !== '')
  .map(([path]) => `      "${path}") cmd="${path}" ;;`)
  .join('\n')}
    esac
  done
  case "$cmd" in
${words.map(([path, next]) => `    "${path}") compadd -- ${next.join(' ')} ;;`).join('\n')}
  esac
  _files
}
compdef _signet signet
`,
  fish: (words) =>
    `# fish completion for signet\n${words
      .flatMap(([path, next]) => {
        const condition =
          path === '' ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${path.split(' ').at(-1) ?? ''}`
        return next.map((word) =>
          word.startsWith('--')
            ? `complete -c signet -n '${condition}' -l ${word.slice(2)}`
            : `complete -c signet -n '${condition}' -a ${word}`,
        )
      })
      .join('\n')}\n`,
}
