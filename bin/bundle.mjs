// Makes the bundle of the command line out of dist: `signet.cjs`, which verifies a message all by itself, parts that it
// loads when they are needed, and beside each the functions that a run compiled (see signet.js).
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
const novaPolicy = readFileSync(`${root}fixtures/nova/policy.yaml`, 'utf8')
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

const options = {
  input: { signet: `${root}dist/cli/start.js` },
  platform: 'node',
  // What is elsewhere read from files beside the sources.
  transform: { define: { SIGNET_VERSION: JSON.stringify(version), SIGNET_NOVA_POLICY: JSON.stringify(novaPolicy) } },
  preserveEntrySignatures: 'allow-extension',
}

/**
 * The first part and the others use each other. What it uses of them it loads when it gets there, and what they use of it
 * it shows when one of them asks (`share`, see signet.js): few runs need either. No module of ours does anything while it
 * is loaded but make what it exports.
 */
const lazy = {
  name: 'lazy',
  renderChunk(code, chunk) {
    if (!chunk.isEntry) return null
    const names = []
    const shown = []
    const deferred = code
      .replace(/^(?:const|let|var) (\w+) = (require\("\.\/signet-[^"]+"\));$/gm, (_, name, part) => {
        names.push(name)
        return `const ${name} = () => ${part};`
      })
      // In parentheses, for what is called with `new`.
      .replace(/\b(require_\w+)(\.[\w$]+)/g, (use, name, of) => (names.includes(name) ? `(${name}()${of})` : use))
      .replace(/^exports\.(?!main|start)[\w$]+ = [\w$]+;$/gm, (line) => {
        shown.push(line)
        return ''
      })
    if (/^(?:const|let|var) \w+ = require\("\.\/|^Object\.defineProperty\(exports, (?!Symbol)/m.test(deferred)) {
      throw new Error('not everything of the first part could be deferred')
    }
    return `${deferred}\nexports.share = () => {\nexports.share = undefined;\n${shown.join('\n')}\n};`
  },
}

/** A module that starts a thread finds its file where the library has it, beside the bundle. */
const located = {
  name: 'located',
  transform(code, id) {
    const path = id.startsWith(`${root}dist/`) ? id.slice(`${root}dist/`.length) : undefined
    if (path === undefined || !code.includes('import.meta.url')) return null
    const url = `require('node:url').pathToFileURL(module.folder + ${JSON.stringify(path)}).href`
    return code.replaceAll('import.meta.url', url)
  },
}

/** As `signet.js` compiles it. A source of which every character is one octet is read, and compiled, without being decoded. */
const wrapped = {
  name: 'wrapped',
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.code.includes('../../')) throw new Error(`${chunk.fileName} reads a file beside the sources`)
      const code = chunk.code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      chunk.code = `(function (exports, require, module) {${code}\n})`
    }
  },
}

/** The modules without which nothing begins. */
async function firstModules() {
  const later = { name: 'later', resolveDynamicImport: (id) => ({ id, external: true }) }
  const bundle = await rolldown({ ...options, plugins: [located, later] })
  const { output } = await bundle.generate({ format: 'cjs' })
  return new Set(output.flatMap(({ modules }) => Object.keys(modules)))
}

/** The packages whose code is in the bundle, with what their licences ask to be passed on. */
function licenses(output) {
  const modules = output.flatMap(({ modules }) => Object.keys(modules))
  const folders = modules.map((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0])
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
    const text = file === undefined ? '' : readFileSync(`${folder}/${file}`, 'utf8')
    return `${name} ${version} (${license})\n\n${text.trim()}\n`
  })
}

// What was compiled of another bundle is not of this one.
for (const name of readdirSync(`${root}dist`)) if (/\.cjs(\.cache)?$/.test(name)) rmSync(`${root}dist/${name}`)
const first = await firstModules()
const bundle = await rolldown({ ...options, plugins: [located, lazy, wrapped] })
const { output } = await bundle.write({
  dir: `${root}dist`,
  format: 'cjs',
  entryFileNames: '[name].cjs',
  chunkFileNames: 'signet-[name].cjs',
  codeSplitting: {
    includeDependenciesRecursively: false,
    groups: [{ name: 'first', test: (id) => first.has(id) }],
  },
  // Names stay, for whoever reads where something failed.
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
})
writeFileSync(`${root}dist/signet-licenses.txt`, licenses(output).join('\n'))
