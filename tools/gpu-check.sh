#!/usr/bin/env bash
# Runs on a GPU what the tests elsewhere run on a simulator and an interpreter. See --help.
set -euo pipefail

usage() {
    cat <<'HELP'
tools/gpu-check.sh [--device cuda|cuda:N] [--out DIR] [--no-build] [--no-bench]

On a machine with an NVIDIA GPU: builds, runs 'osprey doctor' on the device, runs every test of the CUDA kernels on it (OSPREY_DEVICE), runs
'osprey bench' on it, and writes what they say to DIR/NAME-OF-THE-GPU/:

  environment.txt   commit, GPU, driver, CUDA, .NET, processor
  doctor.json       the doctor's report
  tests.txt         the tests' log
  bench.json        the benchmarks
  *.stderr.txt      what a step said besides
  errors.txt        what failed; empty if nothing did

  --device D    default cuda, the first GPU
  --out DIR     default Bench/results
  --no-build    take what lies in bin/Release
  --no-bench    no benchmarks

Every step runs even if one before it failed. Exit 0: all passed. Exit 1: something failed, or there is no GPU. Exit 2: wrong usage.
HELP
}

die() {
    echo "gpu-check: $2" >&2
    exit "$1"
}

device=cuda out= build=1 bench=1
while [[ $# -gt 0 ]]; do
    case $1 in
        --device | --out)
            [[ $# -ge 2 ]] || die 2 "$1 wants a value; see --help"
            if [[ $1 == --device ]]; then device=$2; else out=$(realpath -m "$2"); fi
            shift 2
            ;;
        --no-build) build=0 && shift ;;
        --no-bench) bench=0 && shift ;;
        -h | --help) usage && exit 0 ;;
        *) die 2 "unknown argument '$1'; see --help" ;;
    esac
done
[[ $device =~ ^cuda(:[0-9]+)?$ ]] || die 2 "--device is '$device'; give cuda or cuda:N"
cd "$(dirname "$0")/.."
out=${out:-$PWD/Bench/results}

command -v dotnet >/dev/null || die 1 "no dotnet on PATH; the .NET SDK of global.json is wanted"
command -v nvidia-smi >/dev/null || die 1 "no nvidia-smi on PATH: this machine has no NVIDIA driver, so there is no GPU to check"
ordinal=0
if [[ $device == *:* ]]; then ordinal=${device#*:}; fi
if ! gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader -i "$ordinal" 2>&1) || [[ -z $gpu ]]; then
    die 1 "nvidia-smi shows no GPU $ordinal: ${gpu:-nothing}"
fi

if [[ $build == 1 ]]; then
    dotnet build Engine.sln -c Release -v quiet || die 1 "the build failed"
fi
tool=tools/osprey/bin/Release/net10.0/osprey
[[ -x $tool && -f Tests/bin/Release/net10.0/Osprey.Tests.dll ]] || die 1 "there is no $tool or no built Tests; leave out --no-build"

folder=$out/$(tr -c 'A-Za-z0-9\n' '-' <<<"$gpu" | sed -E 's/-+/-/g; s/^-|-$//g')
mkdir -p "$folder"
: >"$folder/errors.txt"
{
    echo "commit: $(git rev-parse HEAD 2>/dev/null || echo unknown)$(git diff --quiet HEAD 2>/dev/null || echo ', with changes')"
    echo "date: $(date -u +%Y-%m-%dT%H:%MZ)"
    nvidia-smi --query-gpu=name,driver_version,compute_cap,memory.total,clocks.max.sm,clocks.max.mem --format=csv -i "$ordinal"
    nvidia-smi | sed -nE 's/.*(CUDA Version: [0-9.]+).*/\1/p'
    echo "dotnet: $(dotnet --version)"
    sed -nE 's/^model name[[:space:]]*: /processor: /p' /proc/cpuinfo | head -n 1
    echo "cores: $(nproc)"
} >"$folder/environment.txt" 2>&1

# Runs a step: its output goes to a file, what it says besides to another (gone if it says nothing), and a failure to errors.txt.
step() {
    local name=$1 file=$folder/$2 status=0
    local besides=${file%.*}.stderr.txt
    shift 2
    echo "gpu-check: $name …"
    "$@" >"$file" 2>"$besides" || status=$?
    if [[ $status -ne 0 ]]; then
        echo "gpu-check: $name failed with exit $status"
        {
            echo "== $name: exit $status"
            tail -q -n 40 "$file" "$besides"
        } >>"$folder/errors.txt"
    fi
    if [[ ! -s $besides ]]; then rm -f "$besides"; fi
}

step doctor doctor.json "$tool" doctor --device "$device" --json
step "tests of the CUDA kernels" tests.txt env OSPREY_DEVICE="$device" \
    dotnet test Tests -c Release --no-build --filter 'FullyQualifiedName~Osprey.Tests.Kernels|FullyQualifiedName~Osprey.Tests.Interop' --logger 'console;verbosity=normal'
if [[ $bench == 1 ]]; then step benchmarks bench.json "$tool" bench --device "$device" --json; fi

if [[ -s $folder/errors.txt ]]; then
    cat "$folder/errors.txt" >&2
    die 1 "something failed on $gpu; all of it is in $folder"
fi
echo "gpu-check: all passed on $gpu; the reports are in $folder"
