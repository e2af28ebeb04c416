#include "base/memory.h"
#include "format/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER(name) "{\"" name "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"

/* An index over two good shards, of which a has "a" and b has "b". */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char shards[2][64] = { "\x35\0\0\0\0\0\0\0" HEADER("a") "x",
                                        "\x35\0\0\0\0\0\0\0" HEADER("b") "x" };
    const ins1_file list[] = {
        { .struct_size = sizeof(ins1_file),
          .name = "a.safetensors",
          .data = shards[0],
          .size = 62 },
        { .struct_size = sizeof(ins1_file),
          .name = "b.safetensors",
          .data = shards[1],
          .size = 62 },
        { .struct_size = sizeof(ins1_file),
          .name = "model.safetensors.index.json",
          .data = data,
          .size = size },
    };
    const s1_call call = { .deadline_ns = INT64_MAX };
    ins1_model_options options = INS1_INIT(ins1_model_options);
    s1_checkpoint *checkpoint;
    s1_files *files;

    options.files = list;
    options.n_files = 3;
    if (!data || s1_files_open(&files, &s1_heap, &options, 0, &call) != INS1_OK)
        return 0;
    if (s1_checkpoint_open(&checkpoint, &s1_heap, files, false, &call) == INS1_OK)
        s1_checkpoint_close(checkpoint);
    s1_files_close(files);
    return 0;
}
