/**
 * The directives of an nginx configuration, without what they mean.
 *
 * @module servers/nginx-text (floor 7.2)
 */

export interface Directive {
  readonly name: string
  readonly words: readonly string[]
  readonly file: string
  readonly line: number
  /** What stands between its braces; `undefined` without any. */
  readonly block: readonly Directive[] | undefined
}

const TOKEN = /#[^\n]*|"((?:\\[^]|[^"\\])*)"|'((?:\\[^]|[^'\\])*)'|[{};]|(?:\\[^]|\$\{[^}]*\}|[^\s;{}\\])+|\n/g

/** Read directives. Whatever nginx itself would refuse is read somehow: nobody is let in by it. */
export function nginxDirectives(text: string, file: string): readonly Directive[] {
  interface Open {
    readonly directives: Directive[]
    readonly head: string[]
    line: number
  }
  const stack: Open[] = [{ directives: [], head: [], line: 1 }]
  let line = 1
  const top = (): Open => stack.at(-1) ?? { directives: [], head: [], line }
  const finish = (open: Open, block: readonly Directive[] | undefined): void => {
    const [name, ...words] = open.head.splice(0)
    if (name !== undefined) open.directives.push({ name, words, file, line: open.line, block })
  }
  for (const [token, double, single] of text.matchAll(TOKEN)) {
    if (token === '{') stack.push({ directives: [], head: [], line })
    else if (token === '}' && stack.length > 1) {
      const inner = top().directives
      stack.pop()
      finish(top(), inner)
    } else if (token === ';') finish(top(), undefined)
    else if (token !== '\n' && !token.startsWith('#')) {
      const open = top()
      if (open.head.length === 0) open.line = line
      open.head.push(double ?? single ?? token)
    }
    line += token.split('\n').length - 1
  }
  return stack[0]?.directives ?? []
}

/** A directive with all that surround it, the innermost last. */
export type Scopes = readonly (readonly Directive[])[]

/** What holds in a scope: the innermost of that name. */
export function inherited(scopes: Scopes, name: string): Directive | undefined {
  for (const scope of scopes.toReversed()) {
    const found = scope.findLast((directive) => directive.name === name)
    if (found !== undefined) return found
  }
  return undefined
}

/** As nginx inherits what may stand several times: the innermost scope that has any, whole. */
export function inheritedAll(scopes: Scopes, name: string): readonly Directive[] {
  for (const scope of scopes.toReversed()) {
    const found = scope.filter((directive) => directive.name === name)
    if (found.length > 0) return found
  }
  return []
}

/** Every directive below some, with the scopes around it. */
export function* everyDirective(
  directives: readonly Directive[],
  outer: Scopes = [],
): Generator<{ readonly directive: Directive; readonly scopes: Scopes }> {
  const scopes = [...outer, directives]
  for (const directive of directives) {
    yield { directive, scopes }
    if (directive.block !== undefined) yield* everyDirective(directive.block, scopes)
  }
}
