#!/bin/sh
# build.sh SOURCE WORK OUT MAKE CC...: builds a copy, because OpenBLAS builds in its source folder.
set -eu
source=$1 work=$2 out=$3 make=$4
shift 4
mkdir -p "$work/source"
cp -R "$source/." "$work/source"
cd "$work/source"
# Every kernel is built in and chosen at run time; the target is only the least that the rest is built for.
case $(uname -m) in
x86_64) target=GENERIC ;;
aarch64) target=ARMV8 ;;
*) target= ;;
esac
flags="${target:+TARGET=$target} USE_THREAD=0 USE_LOCKING=1 NO_LAPACK=1 NOFORTRAN=1 ONLY_CBLAS=1"
flags="$flags NO_SHARED=1 DYNAMIC_ARCH=1 NO_AFFINITY=1"
"$make" CC="$*" $flags libs
"$make" CC="$*" $flags PREFIX="$work/installed" install
cp "$work/installed/lib/libopenblas.a" "$work/installed/include/cblas.h" \
    "$work/installed/include/openblas_config.h" "$out"
