#!/bin/sh
# What embed takes in memory for ten times the images: describes 10,000 and 100,000 of 32 px in turns, and compares the medians of the largest resident memory.
#   tools/memory-proof.sh MODEL [TURNS]
# Default: 3 turns. OSPREY names the tool (default: the release build of this checkout). Needs GNU time. Exit code 1 if all take 10 % more, or above.
set -eu
cd "$(dirname "$0")/.."
model=${1:?usage: tools/memory-proof.sh MODEL [TURNS]} turns=${2:-3}
osprey=${OSPREY:-tools/osprey/bin/Release/net10.0/osprey}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A thousand pictures under ten and a hundred names each.
"$osprey" data synth --out "$work/drawn" --size 32 --seed 1 --per-class 63 --quiet > "$work/log"
for class in "$work"/drawn/*/; do
    name=$(basename "$class")
    for copy in $(seq 0 99); do
        for set in tenth all; do
            if [ $set = all ] || [ "$copy" -lt 10 ]; then
                mkdir -p "$work/$set/$name/$copy"
                cp -l "$class"* "$work/$set/$name/$copy"
            fi
        done
    done
done

for turn in $(seq "$turns"); do
    for set in tenth all; do
        /usr/bin/time -q -f %M -o "$work/peak" "$osprey" embed --data "$work/$set" --model "$model" --size 32 --out "$work/store" --quiet > "$work/log"
        cat "$work/peak" >> "$work/peaks-$set"
        rm -rf "$work/store"
    done
done
median() { sort -n "$work/peaks-$1" | sed -n "$(((turns + 1) / 2))p"; }
images() { find "$work/$1" -name '*.*' -type f | wc -l; }
for set in tenth all; do echo "$(images "$set") images: $(tr '\n' ' ' < "$work/peaks-$set")kB"; done
awk -v few="$(median tenth)" -v many="$(median all)" 'BEGIN { printf "medians: %+.1f %%\n", 100 * (many / few - 1); exit !(many < 1.1 * few) }'
