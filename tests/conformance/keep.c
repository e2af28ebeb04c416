/* For a program that LeakSanitizer watches: what was opened stays open, so that the module of every
 * call that is told of has its name, by which drivers.supp knows the drivers. */

int dlclose(void *library);

__attribute__((visibility("default"))) int dlclose(void *library)
{
    (void)library;
    return 0;
}
