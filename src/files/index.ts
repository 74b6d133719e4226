export {
  discardDirectory,
  makeDirectory,
  moveDirectory,
  placeDirectory,
  refuseUnwritable,
  stageDirectory,
  writeDirectoryAtomic,
} from './directory.js'
export { MAX_LINE_BYTES, readLines } from './lines.js'
export { type Pieces, readPieces, writePiecesAtomic } from './pieces.js'
export {
  decodeUtf8,
  DEFAULT_MAX_FILE_BYTES,
  readFileBytes,
  readFileText,
  type ReadOptions,
  readSecretFile,
  type SecretReadOptions,
} from './read.js'
export { replaceFileInTurns } from './replace.js'
export { type FileStream, keeping, openFileStream, readFileInTurns, type StagedFile, stageFile } from './stream.js'
export { syncPaths, syncTree, syncTrees } from './sync.js'
export { fileBeside, startThread } from './thread.js'
export {
  giveToGroup,
  GROUP_DIRECTORY_MODE,
  GROUP_SECRET_MODE,
  lookAt,
  PUBLIC_DIRECTORY_MODE,
  PUBLIC_MODE,
  purgeTemporaries,
  refuseExisting,
  SECRET_DIRECTORY_MODE,
  SECRET_MODE,
  swapLink,
  swapLinkUnsynced,
  writeFailure,
  writeFileAtomic,
  writeNew,
  type WriteOptions,
  writeUnsynced,
} from './write.js'
