#ifndef S1_BACKEND_DEFINITIONS_H
#define S1_BACKEND_DEFINITIONS_H

#include <stdint.h>

/* The definitions of sys/backend.h as a table: which operands each operation has. */

/* Types of an operand. */
enum {
    S1_T_F32 = 1u << 0,
    S1_T_F16 = 1u << 1,
    S1_T_BF16 = 1u << 2,
    S1_T_F8 = 1u << 3,
    S1_T_I32 = 1u << 4,
    S1_T_U8 = 1u << 5,
    S1_T_I8 = 1u << 6,
    S1_T_ANY = S1_T_F32 | S1_T_F16 | S1_T_BF16 | S1_T_F8,
    S1_T_SCALE = S1_T_F32 | S1_T_BF16 | S1_T_U8,
    S1_T_POOL = S1_T_F32 | S1_T_F16 | S1_T_BF16,
};

enum {
    S1_OPTIONAL = 1u << 0,
    S1_TRANSPOSED_TOO = 1u << 1, /* stride[0] may be the 1 instead of the last */
};

/* Axes are spelled outermost first. A small letter is a number that is the same wherever the letter
 * stands; a capital the number of blocks of 128 in it; '/' before a letter half of it; '?' before a
 * letter it or 1; a digit itself; "*" in front of the last any axes before it, "=" all axes of the
 * first input. */
typedef struct s1_operand {
    const char *name;
    uint32_t types;
    const char *axes;
    uint32_t flags;
} s1_operand;

enum { S1_MAX_OPERANDS = 6 };

typedef struct s1_definition {
    const char *name;
    uint32_t flags;
    int32_t n_in;
    int32_t n_out;
    s1_operand operands[S1_MAX_OPERANDS]; /* inputs, then outputs */
} s1_definition;

/* NULL for an operation that is not known. */
const s1_definition *s1_definition_of(int32_t op);

#endif
