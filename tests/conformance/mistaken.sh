# mistaken.sh CONFORMANCE_PLUGIN PLUGIN: the suite fails on the plugin with a mistake, and says which it is.
said=$("$1" "$2" 0 haste)
status=$?
printf '%s\n' "$said" | grep -m 1 '^said:'
printf '%s\n' "$said" | tail -n 1
case $said in
*'with the validation layer'*) ;;
*) exit 77 ;;
esac
[ $status = 1 ] && printf '%s\n' "$said" | grep -q '^said: .*VUID-vkCmdPipelineBarrier-srcAccessMask' &&
    printf '%s\n' "$said" | grep -q ' 0 failures, [1-9][0-9]* messages'
