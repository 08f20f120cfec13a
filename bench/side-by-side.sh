#!/usr/bin/env bash
# Loads two catalog APIs that hold the same entities with the same requests, by turns, and compares CPU per request:
#   A=http://127.0.0.1:7145/api/catalog A_PIDS=<pid> A_STORE_PIDS=<postmaster> \
#   B=http://127.0.0.1:9000/api/catalog B_PIDS=<pid> B_STORE_PIDS=<pid> side-by-side.sh ENTITIES.jsonl [ROWS.jsonl]
# Without B only A is loaded. Options by environment, with their defaults:
#   A_NAME=backstage B_NAME=callboard  ROUNDS=3 SECS=8 CONNS="1 16" SCENARIOS="by-name …" SAMPLE=20 TOKEN
# *_PIDS are the servers, *_STORE_PIDS their databases, each with the processes below it; both figures are given.
# Before loading, SAMPLE answers per scenario must agree between the two sides (SAMPLE=0 skips that).
# Needs wrk and node. The table goes to standard output, the raw rows to ROWS.jsonl.
# shellcheck disable=SC2086,SC2046 # lists of processes and scenarios are split on purpose
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
entities=${1:?usage: side-by-side.sh ENTITIES.jsonl [ROWS.jsonl]}
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
rows=${2:-$scratch/rows.jsonl}
A=${A:?the base URL of one side}; B=${B:-}
ROUNDS=${ROUNDS:-3}; SECS=${SECS:-8}; CONNS=${CONNS:-1 16}; SAMPLE=${SAMPLE:-20}
SCENARIOS=${SCENARIOS:-by-name by-refs-100 byquery-filter byquery-owner fulltext facet-kind facet-type facet-type-filtered facet-tags wide-byquery-filter wide-fulltext wide-facet-type-filtered}
hz=$(getconf CLK_TCK)

descend() { # the given processes and all below them
  local p; for p in "$@"; do echo "$p"; descend $(cat /proc/"$p"/task/*/children 2>/dev/null || true); done
}
ticks() { # user and system time of process trees, exited children included, in clock ticks
  local sum=0 t p
  for p in $(descend "$@" | sort -un); do
    t=$(sed 's/.*) //' "/proc/$p/stat" 2>/dev/null | awk '{print $12 + $13 + $14 + $15}') || t=0
    sum=$((sum + ${t:-0}))
  done
  echo "$sum"
}
settle() { # until the processes are idle: a database works on at queries that nobody waits for any more
  [ $# -gt 0 ] || return 0
  local before after _
  for _ in $(seq 240); do
    before=$(ticks "$@"); sleep 0.5; after=$(ticks "$@")
    [ $((after - before)) -lt $((hz / 20)) ] && return 0
  done
}
load() { # load BASE CONNECTIONS SECONDS FIRST-LINE
  local origin prefix; origin=$(sed -E 's#^(https?://[^/]+).*#\1#' <<<"$1"); prefix=${1#"$origin"}
  PREFIX=${prefix%/} REQUESTS=$scratch/requests/$scenario FIRST=$4 \
    wrk -t1 -c"$2" -d"${3}s" --timeout 120s -s "$here/cycle.lua" "$origin" | sed -n 's/^RESULT //p'
}
measure() { # measure A|B CONNECTIONS ROUND
  local base=$1 pids=$1_PIDS stores=$1_STORE_PIDS name=$1_NAME
  base=${!base}; pids=${!pids:-}; stores=${!stores:-}; name=${!name:-}
  load "$base" 1 1 $((1000 + $3 * 200)) >/dev/null
  settle $pids $stores
  local first=$(($3 * 311)) s0 d0 s1 d1 result
  local loadavg; loadavg=$(cut -d' ' -f1 /proc/loadavg)
  s0=$(ticks $pids); d0=$(ticks $stores)
  result=$(load "$base" "$2" "$SECS" "$first")
  settle $pids $stores
  s1=$(ticks $pids); d1=$(ticks $stores)
  # At the end one request per connection is under way; the server finishes it, so it counts.
  node -e 'const [name, scenario, conns, round, hz, load, server, store, result] = process.argv.slice(1);
    const r = JSON.parse(result), n = r.requests + Number(conns), ms = ticks => +((ticks * 1000) / hz / n).toFixed(4);
    console.log(JSON.stringify({ side: name, scenario, conns: Number(conns), round: Number(round), loadavg1: Number(load), ...r, rps: +(r.requests / r.seconds).toFixed(1),
      server_cpu_ms: ms(server), store_cpu_ms: ms(store), cpu_ms: ms(Number(server) + Number(store)) }));' \
    "$name" "$scenario" "$2" "$3" "$hz" "$loadavg" $((s1 - s0)) $((d1 - d0)) "$result" | tee -a "$rows" >&2
}

A_NAME=${A_NAME:-backstage}; B_NAME=${B_NAME:-callboard}
node "$here/requests.mjs" "$entities" "$scratch/requests"
[ -z "$B" ] || [ "$SAMPLE" = 0 ] || node "$here/agree.mjs" "$scratch/requests" "$SAMPLE" "$A" "$B" $SCENARIOS
for scenario in $SCENARIOS; do
  for conns in $CONNS; do
    for round in $(seq "$ROUNDS"); do
      if [ -z "$B" ]; then measure A "$conns" "$round"
      elif [ $((round % 2)) = 1 ]; then measure A "$conns" "$round"; measure B "$conns" "$round"
      else measure B "$conns" "$round"; measure A "$conns" "$round"; fi
    done
  done
done
node "$here/table.mjs" "$rows"
