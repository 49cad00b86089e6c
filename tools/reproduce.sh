#!/usr/bin/env bash
# Trains and evaluates the models of docs/results.md, "Fine-tuned on aid" and "Ablation". See --help.
set -euo pipefail

usage() {
    cat <<'HELP'
tools/reproduce.sh --data DIR --weights FILE --out DIR [--osprey FILE] [STAGE…]

Repeats the figures of docs/results.md on real images: fine-tuning on DIR/aid from ImageNet weights (resnet18_stage3.safetensors), evaluation on
DIR/ucm and DIR/rsscn7 at 128 px and DIR/eurosat at 64 px, none of which is trained on. Stages, all of them by default:

  main      plain and robust at their settings, seeds 0, 1 and 2, beside the ImageNet weights: mAP, 1-NN over random halves, differences with
            their intervals, and the same under attack (PGD-10, 2/255, 60 images a set)
  ablation  seed 0: robust without its attack, and AdvProp from ImageNet with one thing changed at a time

  --osprey F   the tool; by default the one that this checkout builds

Every run goes on where it was cut off, and what is done is left alone: say the command again. On two idle cores a plain run
trains in 2 minutes, the robust one from it in 8, others in 1 to 4; evaluating main takes 6 minutes and the ablation 11. All of it took 88.
Exit 0: done. Exit 2: wrong usage.
HELP
}

die() {
    echo "reproduce: $1" >&2
    exit 2
}

data= weights= out= osprey=
stages=()
while [[ $# -gt 0 ]]; do
    case $1 in
        --data | --weights | --out | --osprey)
            [[ $# -ge 2 ]] || die "$1 wants a value; see --help"
            printf -v "${1#--}" %s "$(realpath -m "$2")"
            shift 2
            ;;
        main | ablation) stages+=("$1") && shift ;;
        -h | --help) usage && exit 0 ;;
        *) die "unknown argument '$1'; see --help" ;;
    esac
done
[[ -n $data && -n $weights && -n $out ]] || die "give --data, --weights and --out; see --help"
for set in aid ucm rsscn7 eurosat; do [[ -d $data/$set ]] || die "there is no folder $data/$set"; done
[[ -f $weights ]] || die "there is no file $weights"
[[ ${#stages[@]} -gt 0 ]] || stages=(main ablation)
if [[ -z $osprey ]]; then
    cd "$(dirname "$0")/.."
    dotnet build tools/osprey -c Release -v quiet
    osprey=$PWD/tools/osprey/bin/Release/net10.0/osprey
fi
mkdir -p "$out"

plain=(--size 112)
ball=(--epsilon 4/255 --full-contrast 0.12)
# From a plain run, whose size and head it keeps.
fare=(--recipe fare --attacked-share 0.5 --target-turns 4 --epochs 12)
# From ImageNet.
advprop=("${plain[@]}" --recipe advprop --attacked-share 0.25 --adversarial-weight 0.25)

# run NAME FLAGS…: trains it, or goes on with it, unless it is done.
run() {
    local name=$1
    shift
    [[ -e $out/$name.done ]] && return
    echo "reproduce: training $name: $*" >&2
    [[ " $* " == *" --weights "* ]] || set -- --weights "$weights" "$@"
    "$osprey" train --data "$data/aid" --out "$out/$name" --resume "$@"
    touch "$out/$name.done"
}

# evaluate NAME [FLAGS…] -- MODELS…: tables to NAME.txt, all figures to NAME-….json, pages beside.
evaluate() {
    local name=$1 flags=()
    shift
    while [[ $1 != -- ]]; do flags+=("$1") && shift; done
    shift
    [[ -e $out/$name.txt ]] && return
    : >"$out/$name.part"
    local part
    for part in "128 ucm rsscn7" "64 eurosat"; do
        # shellcheck disable=SC2086
        set -- ${part%% *} "$@"
        local size=$1 sets=()
        shift
        for set in ${part#* }; do sets+=("$data/$set"); done
        "$osprey" eval --data "${sets[@]}" --size "$size" --model "$@" --no-linear --splits random --runs 10 "${flags[@]}" \
            --report "$out/$name-$size.html" >>"$out/$name.part"
    done
    mv "$out/$name.part" "$out/$name.txt"
    cat "$out/$name.txt"
}

for stage in "${stages[@]}"; do
    case $stage in
        main)
            for seed in 0 1 2; do
                run "plain-$seed" "${plain[@]}" --seed "$seed"
                run "robust-$seed" --weights "$out/plain-$seed" "${fare[@]}" "${ball[@]}" --seed "$seed"
            done
            evaluate main -- imagenet="$weights" plain="$out/plain-0,$out/plain-1,$out/plain-2" robust="$out/robust-0,$out/robust-1,$out/robust-2"
            evaluate main-attacked --robust --epsilon 2/255 --steps 10 --robust-queries 60 -- \
                plain="$out/plain-0,$out/plain-1,$out/plain-2" robust="$out/robust-0,$out/robust-1,$out/robust-2"
            ;;
        ablation)
            run plain-0 "${plain[@]}" --seed 0
            run robust-0 --weights "$out/plain-0" "${fare[@]}" "${ball[@]}" --seed 0
            run no-attack --weights "$out/plain-0" "${fare[@]}" --epsilon 0
            run advprop "${advprop[@]}" --shared-norms "${ball[@]}"
            run split-norms "${advprop[@]}" "${ball[@]}"
            run fast-advprop "${plain[@]}" --recipe fast-advprop --shared-norms "${ball[@]}"
            run epsilon-2 "${advprop[@]}" --shared-norms --epsilon 2/255 --full-contrast 0.12
            run steps-2 "${advprop[@]}" --shared-norms "${ball[@]}" --steps 2
            run pool-spoc "${advprop[@]}" --shared-norms "${ball[@]}" --pool spoc
            run loss-triplet "${advprop[@]}" --shared-norms "${ball[@]}" --loss triplet
            run dim-512 "${advprop[@]}" --shared-norms "${ball[@]}" --dim 512
            models=(plain-0 robust-0 no-attack advprop split-norms fast-advprop epsilon-2 steps-2 pool-spoc loss-triplet dim-512)
            squeezenet=$(dirname "$weights")/squeezenet1_1.safetensors
            if [[ -f $squeezenet ]]; then
                run squeezenet "${plain[@]}" --weights "$squeezenet"
                run squeezenet-advprop "${advprop[@]}" --shared-norms "${ball[@]}" --weights "$squeezenet"
                models+=(squeezenet squeezenet-advprop)
            else
                echo "reproduce: no $squeezenet: its rows are left out" >&2
            fi
            for i in "${!models[@]}"; do models[i]="${models[i]}=$out/${models[i]}"; done
            evaluate ablation -- "${models[@]}"
            evaluate ablation-attacked --robust --epsilon 2/255 --steps 10 --robust-queries 60 -- "${models[@]}"
            ;;
    esac
done
