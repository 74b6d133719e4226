export { MAX_YAML_CHARACTERS, MAX_YAML_DEPTH, parseYaml } from './yaml.js'
