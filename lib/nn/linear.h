#ifndef S1_NN_LINEAR_H
#define S1_NN_LINEAR_H

#include "tensor/tensor.h"

/* A linear layer as a checkpoint holds it, y = W x + b: host tensors that borrow from the model. */
typedef struct s1_linear {
    s1_tensor weight; /* any [out][in]; may be a transposed view, but of I8 */
    s1_tensor scale;  /* dtype 0, or F32, BF16, U8 [ceil(out/128)][ceil(in/128)]; of I8 F32 or BF16
                         [out][1] */
    s1_tensor bias;   /* dtype 0, or any float [out] */
} s1_linear;

#endif
