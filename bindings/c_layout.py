"""A C program that prints what every binding's layout is held to."""

HEAD = '''/* Written by bindings/generate.py: prints sizes, offsets and constants. */

#include <interns1/inspect.h>
#include <interns1/interns1.h>
#include <interns1/io.h>

#include <stdio.h>

#define SIZE(T)     printf(#T " %zu\\n", sizeof(struct T))
#define PLACE(T, F) printf(#T "." #F " %zu\\n", offsetof(struct T, F))
#define VALUE(N)    printf(#N " %lld\\n", (long long)(N))

int main(void)
{'''


def write(interface):
    lines = [HEAD]
    for name, fields in interface.structs.items():
        lines.append(f"    SIZE({name});")
        lines += [f"    PLACE({name}, {field.name});" for field in fields]
    lines += [f"    VALUE({name});" for name, _, _ in interface.constants]
    return "\n".join(lines + ["    return 0;", "}", ""])
