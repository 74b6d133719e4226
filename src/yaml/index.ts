export { formatYaml, MAX_YAML_CHARACTERS, MAX_YAML_DEPTH, parseYaml, parseYamlOrJson } from './yaml.js'
