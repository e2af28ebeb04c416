/* Runs a fuzz target once on each file of the folders that are named. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes in a block of exactly their size, so that a sanitizer sees a read past them. */
static void replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(EXIT_FAILURE);
    }
    size_t size = (size_t)ftell(file);
    uint8_t *bytes = malloc(size ? size : 1);
    rewind(file);
    if (!bytes || fread(bytes, 1, size, file) != size) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(EXIT_FAILURE);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
    /* Cut short and with a bit turned, every input is two more. */
    if (size) {
        uint8_t *half = malloc(size / 2 + 1);
        memcpy(half, bytes, size / 2);
        LLVMFuzzerTestOneInput(half, size / 2);
        free(half);
        bytes[size / 3] ^= 0x20;
        LLVMFuzzerTestOneInput(bytes, size);
    }
    free(bytes);
}

int main(int argc, char **argv)
{
    int n = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        const struct dirent *entry;
        if (!folder) {
            fprintf(stderr, "there is no folder %s\n", argv[i]);
            return EXIT_FAILURE;
        }
        while ((entry = readdir(folder))) {
            char path[4096];
            if (entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
            replay(path);
            n++;
        }
        closedir(folder);
    }
    printf("%d inputs\n", n);
    return n ? EXIT_SUCCESS : EXIT_FAILURE;
}
