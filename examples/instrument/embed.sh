#!/bin/sh
# embed.sh OUT FILE...: C source with the bytes of these files, for an instrument without a file system.
out=$1
shift
{
    echo '#include "embedded.h"'
    i=0
    for file; do
        printf '__asm__(".pushsection .rodata\\n.balign 64\\nembedded_%s_begin:\\n.incbin \\"%s\\"\\nembedded_%s_end:\\n.byte 0\\n.popsection");\n' $i "$file" $i
        printf 'extern const unsigned char embedded_%s_begin[], embedded_%s_end[];\n' $i $i
        i=$((i + 1))
    done
    echo 'const embedded embedded_files[] = {'
    i=0
    for file; do
        printf '    { "%s", embedded_%s_begin, embedded_%s_end },\n' "$(basename "$file")" $i $i
        i=$((i + 1))
    done
    echo '};'
    echo "const size_t embedded_n_files = $#;"
} >"$out"
