#include "model/config.h"

#include "base/memory.h"
#include "model/documents.h"
#include "model/processor.h"
#include "model/series.h"
#include "model/vision_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *user, const char *where, s1_json key)
{
    (void)user;
    (void)where;
    (void)key;
}

/* One text as config.json, as generation_config.json and as preprocessor_config.json. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static s1_config config;
    ins1_error error = INS1_INIT(ins1_error);
    int32_t ids[S1_MAX_IDS], n = 0;
    s1_sampling sampling;
    s1_json root;

    if (s1_json_parse(&root, (const char *)data, size, NULL) != INS1_OK)
        return 0;
    if (s1_config_read(&config, root, &error) == INS1_OK)
        for (int32_t i = 0; i < config.decoder.n_layer; i++)
            s1_config_is_moe(&config, i);
    s1_series_config series;
    s1_series_config_read(&series, root, 4096, &error);
    s1_vision_config vision;
    s1_vision_config_read(&vision, root, 4096, &error);
    s1_vision_processor processor;
    s1_processor_read(&processor, root, (s1_json){ 0 }, (s1_json){ 0 }, &error);
    s1_processor_read(&processor, root, root, root, &error);
    s1_config_unknown(root, ignore, NULL);
    s1_generation_read(&sampling, ids, S1_MAX_IDS, &n, root, &error);
    return 0;
}
