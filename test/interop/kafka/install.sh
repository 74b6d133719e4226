#!/usr/bin/env bash
# A Kafka broker as a folder of jars outside of the repository: made once, and anew where the pins have changed. Needs
# Java and Maven. Prints where it is. The tests find it through test/interop/programs.ts.
set -euo pipefail
pins="$(cd "$(dirname "$0")" && pwd)/pom.xml"
peer="${SIGNET_PEERS:-$HOME/.cache/signet-peers}/kafka"

# The pins are copied last: what was broken off halfway is made anew.
if ! cmp -s "$pins" "$peer/pom.xml"; then
  rm -rf "$peer"
  mkdir -p "$peer"
  # What Maven itself needs is not kept.
  repository="$(mktemp -d)"
  trap 'rm -rf "$repository"' EXIT
  mvn --batch-mode --quiet --file "$pins" "-Dmaven.repo.local=$repository" \
    dependency:copy-dependencies "-DoutputDirectory=$peer/libs" >&2
  cp "$pins" "$peer/pom.xml"
fi
echo "$peer"
