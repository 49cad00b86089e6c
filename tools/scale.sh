#!/usr/bin/env bash
# Measures what a search costs as the store grows, in one process and in several. See --help.
set -euo pipefail

usage() {
    cat <<'HELP'
tools/scale.sh --out DIR [--rows "N…"] [--dim D] [--ranks "R…"] [--queries "Q…"] [--k K] [--threads T] [--turns T] [--dtype TYPE] [--seed S] [--osprey FILE] [--docs]

Draws N unit rows for each N, imports them as a store, builds its index, and searches it with each number of queries in one process and under
mpirun, all of it in turns. Answers of ranks are compared with one process's, byte for byte. Each search appends a line to DIR/runs.jsonl; at the
end 'osprey scale model' prints the tables of docs/scale.md, "Past this machine", to DIR/tables.md, and draws DIR/scale-queries.svg.

  --rows     default "10000 100000 1000000 10000000"
  --dim      default 128
  --ranks    default "1 2 4"; 1 is one process, which opens the index, and always runs
  --queries  default "1 100 2100"; a query's cost is the difference of the two most
  --k        default 100
  --threads  of each rank, default the cores over the ranks, 1 at least
  --turns    default 3
  --dtype    of stores of 10 million rows and more, default float32; smaller ones are float32
  --seed     of the rows; the queries' is another. Default 1
  --osprey   the tool; by default the one that this checkout builds
  --docs     also puts tables and plot into docs/scale.md (between its marks) and docs/scale-queries.svg

Leave the machine alone while it runs. What is done is left alone: say the command again, with the same options. Needs /usr/bin/time, and mpirun for more than one
rank. 10 million rows of 128 values take 5.1 GB of rows, as much of store, and 6.6 GB of index; the rows are deleted once they are imported, store
and index once their searches are done. Exit 0: done. Exit 1: an answer differs, or a step failed. Exit 2: wrong usage.
HELP
}

die() {
    echo "scale: $2" >&2
    exit "$1"
}

out= rows="10000 100000 1000000 10000000" dim=128 ranks="1 2 4" queries="1 100 2100" k=100 threads= turns=3 dtype=float32 seed=1 osprey= docs=0
while [[ $# -gt 0 ]]; do
    case $1 in
        --out | --osprey | --rows | --dim | --ranks | --queries | --k | --threads | --turns | --dtype | --seed)
            [[ $# -ge 2 ]] || die 2 "$1 wants a value; see --help"
            case $1 in
                --out | --osprey) printf -v "${1#--}" %s "$(realpath -m "$2")" ;;
                --dtype) dtype=$2 ;;
                --rows | --ranks | --queries)
                    [[ $2 =~ ^[1-9][0-9]*(\ [1-9][0-9]*)*$ ]] || die 2 "$1 is '$2'; give whole numbers with spaces between, in quotes"
                    printf -v "${1#--}" %s "$2"
                    ;;
                *)
                    [[ $2 =~ ^[1-9][0-9]*$ ]] || die 2 "$1 is '$2'; give a whole number of 1 or more"
                    printf -v "${1#--}" %s "$2"
                    ;;
            esac
            shift 2
            ;;
        --docs) docs=1 && shift ;;
        -h | --help) usage && exit 0 ;;
        *) die 2 "unknown argument '$1'; see --help" ;;
    esac
done
[[ -n $out ]] || die 2 "give --out; see --help"
[[ -x /usr/bin/time ]] || die 1 "there is no /usr/bin/time, which tells the memory; install the package time"
[[ $ranks == 1 ]] || command -v mpirun >/dev/null || die 1 "there is no mpirun; install Open MPI, or give --ranks 1"
page=$(realpath "$(dirname "$0")/../docs/scale.md") plan=$(realpath "$(dirname "$0")/../docs/scale-plan.json")
if [[ -z $osprey ]]; then
    cd "$(dirname "$0")/.."
    dotnet build tools/osprey -c Release -v quiet
    osprey=$PWD/tools/osprey/bin/Release/net10.0/osprey
fi
mkdir -p "$out"
touch "$out/runs.jsonl"
[[ " $ranks " == *" 1 "* ]] || ranks="1 $ranks"
as_root=()
if [[ $(id -u) == 0 ]]; then as_root=(--allow-run-as-root); fi

# Bytes of the files of a folder whose names fit.
bytes() { find "$1" -type f "${@:2}" -printf '%s\n' | awk '{ s += $1 } END { printf "%.0f", s }'; }

# search N RANKS QUERIES TURN: one line of runs.jsonl.
search() {
    local n=$1 r=$2 q=$3 turn=$4 load start end peak each
    local store=$out/store-$n found=$out/found-$n-$r-$q.npz times=$out/times.json
    each=${threads:-$(($(nproc) / r > 0 ? $(nproc) / r : 1))}
    # /usr/bin/time stands before the tool, not before mpirun: each rank writes its own peak, appended, and the largest counts.
    local launch=(/usr/bin/time -a -q -f %M -o "$out/peaks" "$osprey" search "$store" --vectors "$out/queries-$q.npy" -k "$k" --output npz --out "$found" --summary "$times" --threads "$each" --device host --quiet)
    if [[ $r -gt 1 ]]; then launch=(mpirun "${as_root[@]}" --oversubscribe --bind-to none -n "$r" "${launch[@]}"); fi
    rm -f "$out/peaks" "$times"
    load=$(cut -d ' ' -f 1 /proc/loadavg)
    start=$(date +%s.%N)
    "${launch[@]}" >"$out/log" 2>&1 || die 1 "the search of $n rows with $r ranks failed: $(tail -n 3 "$out/log")"
    end=$(date +%s.%N)
    peak=$(sort -n "$out/peaks" | tail -n 1)
    if [[ $r -gt 1 && $turn == 0 ]]; then
        cmp "$out/found-$n-1-$q.npz" "$found" || die 1 "the answer of $r ranks over $n rows to $q queries is not one process's"
    fi
    if [[ $r -gt 1 ]]; then rm "$found"; fi
    field() { sed -nE "s/.*\"$1\": ([^,]*),?\$/\1/p" "$times"; }
    printf '{"rows":%d,"dimension":%d,"ranks":%d,"threads":%d,"cores":%d,"queries":%d,"k":%d,"turn":%d,"seconds":%.4f,"prepare_seconds":%s,"open_seconds":%s,"search_seconds":%s,"peak_bytes":%d,"store_bytes":%d,"index_bytes":%d,"load":%s}\n' \
        "$n" "$dim" "$r" "$each" "$(nproc)" "$q" "$k" "$turn" "$(awk -v a="$start" -v b="$end" 'BEGIN { print b - a }')" "$(field prepare_seconds)" "$(field open_seconds)" "$(field search_seconds)" \
        $((peak * 1024)) "$(bytes "$store" ! -name exact.index)" "$(bytes "$store" -name exact.index)" "$load" >>"$out/runs.jsonl"
}

for q in $queries; do
    [[ -e $out/queries-$q.npy ]] || "$osprey" scale rows --rows "$q" --dim "$dim" --seed $((seed + 1000)) --out "$out/queries-$q.npy" --quiet >"$out/log"
done
for n in $rows; do
    [[ -e $out/$n.done ]] && continue
    store=$out/store-$n
    if [[ ! -e $out/$n.indexed ]]; then
        echo "scale: $n rows: drawing, importing, building the index" >&2
        rm -rf "$store"
        type=float32
        if [[ $n -ge 10000000 ]]; then type=$dtype; fi
        "$osprey" scale rows --rows "$n" --dim "$dim" --seed "$seed" --out "$out/rows-$n.npy" --quiet >"$out/log"
        "$osprey" import "$out/rows-$n.npy" --out "$store" --dtype "$type" --quiet >"$out/log"
        rm "$out/rows-$n.npy"
        "$osprey" index "$store" --quiet >"$out/log"
        touch "$out/$n.indexed"
    fi
    for ((turn = 0; turn < turns; turn++)); do
        for r in $ranks; do
            for q in $queries; do
                # The answer of one process is compared with, so its first turn is run again where the file is gone.
                grep -q "^{\"rows\":$n,\"dimension\":$dim,\"ranks\":$r,.*\"queries\":$q,\"k\":$k,\"turn\":$turn," "$out/runs.jsonl" && [[ $r != 1 || -e $out/found-$n-1-$q.npz ]] && continue
                echo "scale: $n rows, $r ranks, $q queries, turn $turn" >&2
                search "$n" "$r" "$q" "$turn"
            done
        done
    done
    rm -rf "$store" "$out"/found-"$n"-*.npz "$out/$n.indexed"
    touch "$out/$n.done"
done
"$osprey" scale model "$out/runs.jsonl" --plan "$plan" --plot "$out/scale-queries.svg" >"$out/tables.md"
cat "$out/tables.md"
if [[ $docs == 1 ]]; then
    sed -i -e '/^<!-- scale -->$/,/^<!-- \/scale -->$/{//!d}' -e "/^<!-- scale -->\$/r $out/tables.md" "$page"
    cp "$out/scale-queries.svg" "$(dirname "$page")/scale-queries.svg"
fi
