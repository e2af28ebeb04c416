#!/bin/sh
# archive.sh LD OBJCOPY AR MAP OBJECTS OUT: the static library as one object in which every name that the version
# script does not list is local, so that none can meet a name of the program or of another copy.
set -e
ld=$1 objcopy=$2 ar=$3 map=$4 objects=$5 out=$6
sed -n 's/^ *\(ins1_[a-z0-9_]*\);.*/\1/p' "$map" >"$out.names"
"$ld" -r --whole-archive "$objects" -o "$out.o"
"$objcopy" --keep-global-symbols="$out.names" "$out.o"
rm -f "$out"
"$ar" rcD "$out" "$out.o"
"$ar" s "$out"
