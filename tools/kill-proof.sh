#!/bin/sh
# Kills one embedding job at random moments, goes on with it each time, and compares the store with one that was left alone, byte for byte.
#   tools/kill-proof.sh MODEL [KILLS] [SEED] [RANKS]
# Defaults: 50 kills, seed 1, one process. With more, Open MPI's mpirun starts them, one of them is killed, and the next start has one rank more or less. OSPREY names the tool (default: the release build of this checkout). Exit code 1 if a byte differs.
set -eu
cd "$(dirname "$0")/.."
model=${1:?usage: tools/kill-proof.sh MODEL [KILLS] [SEED] [RANKS]} kills=${2:-50} seed=${3:-1} ranks=${4:-1}
osprey=${OSPREY:-tools/osprey/bin/Release/net10.0/osprey}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Parts of eight images: a kill falls into the writing of one as often as into the network.
"$osprey" data synth --out "$work/data" --per-class 100 --size 32 --seed "$seed" --quiet > "$work/log"
# Called in the background, so that the process to kill is the tool itself.
start=
embed() { exec $start "$osprey" embed --data "$work/data" --model "$model" --size 32 --batch 4 --part 8 --out "$1" --quiet; }
(embed "$work/whole") > "$work/log"

# Moments in seconds, from one seed: one in three counts from the start of the process, the others from its first new part, however long it took to come so far.
awk -v seed="$seed" -v kills="$kills" 'BEGIN { srand(seed); for (i = 0; i < 10 * kills; i++) printf "%.3f\n", rand() }' > "$work/moments"
parts() { find "$work/store" -name 'part-*.npy' 2> /dev/null | wc -l; }
killed=0 jobs=0 turn=0 seen=
while [ "$killed" -lt "$kills" ] && read -r moment; do
    if [ "$ranks" -gt 1 ]; then start="mpirun --allow-run-as-root --oversubscribe -n $((ranks - turn % 2))"; fi
    embed "$work/store" > "$work/log" 2>&1 &
    job=$!
    before=$(parts) turn=$((turn + 1))
    while [ $((turn % 3)) -ne 0 ] && kill -0 "$job" 2> "$work/log" && [ "$(parts)" -le "$before" ]; do sleep 0.02; done
    sleep "$moment"
    victim=$job
    if [ "$ranks" -gt 1 ]; then victim=$(pgrep -P "$job" | sed -n "$((turn % (ranks - 1) + 1))p"); fi
    kill -9 ${victim:-$job} 2> "$work/log" || true
    if wait "$job" 2> "$work/log"; then
        # The job was done before its moment. The next one begins anew, so that there is something to kill.
        diff -r "$work/whole" "$work/store"
        rm -rf "$work/store"
        jobs=$((jobs + 1))
    else
        killed=$((killed + 1)) seen="$seen $(parts)"
    fi
done < "$work/moments"
start=
(embed "$work/store") > "$work/log"
diff -r "$work/whole" "$work/store"
echo "killed $killed times with$seen parts written; $((jobs + 1)) stores of $(parts) parts finished, each with the bytes of one that was left alone"
