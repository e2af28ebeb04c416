#include <stdio.h>

/* A file as the bytes of an array: embed_file NAME < FILE > SOURCE. */
int main(int argc, char **argv)
{
    unsigned long size = 0;
    int c;
    if (argc != 2)
        return 2;
    printf("#include \"page.h\"\n\nconst unsigned char %s[] = {", argv[1]);
    for (; (c = getchar()) != EOF; size++)
        printf("%s%d,", size % 20 ? "" : "\n", c);
    printf("\n};\nconst size_t %s_size = %luu;\n", argv[1], size);
    return 0;
}
