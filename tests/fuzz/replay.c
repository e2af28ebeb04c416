/* Runs a fuzz target over the files of folders, so that every ordinary test run repeats what a
 * fuzzer once found. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In a heap block of exactly its size, so that a sanitizer sees one byte too many. */
static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return -1;
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    rewind(file);
    uint8_t *bytes = size < 0 ? NULL : malloc(size ? (size_t)size : 1);
    int answer = -1;
    if (bytes && fread(bytes, 1, (size_t)size, file) == (size_t)size)
        answer = LLVMFuzzerTestOneInput(bytes, (size_t)size);
    free(bytes);
    (void)fclose(file);
    return answer;
}

static int run_folder(const char *folder, int *n_files)
{
    DIR *entries = opendir(folder);
    int answer = entries ? 0 : -1;
    for (struct dirent *entry; entries && !answer && (entry = readdir(entries));) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        int size = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        answer = size < 0 || (size_t)size >= sizeof(path) ? -1 : run_file(path);
        if (answer)
            fprintf(stderr, "%s: %d\n", path, answer);
        ++*n_files;
    }
    if (entries)
        closedir(entries);
    return answer;
}

int main(int argc, char **argv)
{
    int n_files = 0;
    for (int i = 1; i < argc; i++)
        if (run_folder(argv[i], &n_files))
            return EXIT_FAILURE;
    printf("%d files\n", n_files);
    return n_files ? EXIT_SUCCESS : EXIT_FAILURE;
}
