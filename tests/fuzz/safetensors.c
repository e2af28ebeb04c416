#include "base/memory.h"
#include "format/checkpoint.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read a tensor to its last byte, so that a claim that was believed too soon is noticed. */
static void touch(const s1_tensor *tensor)
{
    volatile uint8_t sum = 0;
    const uint8_t *bytes = tensor->data;
    for (uint64_t i = 0; bytes && i < tensor->size; i++)
        sum = (uint8_t)(sum + bytes[i]);
}

static void open_checkpoint(s1_files *files, bool headers_only, const s1_call *call)
{
    s1_checkpoint *checkpoint;
    char name[200];
    size_t length;
    bool is_used;

    if (s1_checkpoint_open(&checkpoint, &s1_heap, files, headers_only, call) != INS1_OK)
        return;
    for (size_t i = 0; i < s1_checkpoint_count(checkpoint); i++) {
        s1_tensor tensor;
        const char *text = s1_checkpoint_name(checkpoint, i, &length, &is_used);
        if (length >= sizeof(name))
            continue;
        memcpy(name, text, length);
        name[length] = 0;
        if (s1_checkpoint_get(checkpoint, name, &tensor, NULL) == INS1_OK && tensor.dtype)
            touch(&tensor);
    }
    s1_checkpoint_close(checkpoint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ins1_file file = {
        .struct_size = sizeof(file), .name = "model.safetensors", .data = data, .size = size
    };
    const s1_call call = { .deadline_ns = INT64_MAX };
    ins1_model_options options = INS1_INIT(ins1_model_options);
    s1_files *files;

    options.files = &file;
    options.n_files = 1;
    if (!data || s1_files_open(&files, &s1_heap, &options, 0, &call) != INS1_OK)
        return 0;
    open_checkpoint(files, false, &call);
    open_checkpoint(files, true, &call);
    s1_files_close(files);
    return 0;
}
