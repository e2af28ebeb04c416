#include "commands.h"
#include "engine.h"
#include "lines.h"

#include <inttypes.h>
#include <string.h>

static const char *kind_name(int32_t kind)
{
    static const char *const names[] = {
        [INS1_DEVICE_CPU] = "cpu",         [INS1_DEVICE_GPU] = "gpu",
        [INS1_DEVICE_IGPU] = "igpu",       [INS1_DEVICE_ACCELERATOR] = "accelerator",
        [INS1_DEVICE_SOFTGPU] = "softgpu",
    };
    return kind > 0 && (size_t)kind < sizeof(names) / sizeof(*names) ? names[kind] : "unknown";
}

static void add_string(buffer *out, const char *key, const char *value)
{
    text_printf(out, "\"%s\": ", key);
    if (value)
        text_json(out, value, strlen(value));
    else
        text_puts(out, "null");
    text_puts(out, ", ");
}

static ins1_status print_device(engine *e, int32_t index)
{
    ins1_device_info info = INS1_INIT(ins1_device_info);
    buffer out = { 0 };

    ins1_status status = ins1_device_get(e->runtime, index, &info, &e->call);
    if (status != INS1_OK)
        return status;
    text_puts(&out, "{");
    add_string(&out, "name", info.name);
    text_printf(&out, "\"index\": %d, ", index);
    add_string(&out, "kind", kind_name(info.kind));
    add_string(&out, "backend", info.backend);
    add_string(&out, "level", info.level);
    add_string(&out, "hardware", info.hardware);
    text_printf(&out, "\"memory\": %" PRIu64 "}", info.mem_total);
    line_print(&out, NULL);
    text_free(&out);
    return status;
}

static int run(int argc, char **argv)
{
    engine e = { 0 };
    settings s = { 0 };
    int exit_status = args_parse(&devices_command, NULL, 0, &s, argc, argv, NULL);
    if (exit_status != ARGS_OK)
        return exit_status;

    ins1_status status = engine_start(&e, &s);
    int32_t n = status == INS1_OK ? ins1_device_count(e.runtime) : 0;
    for (int32_t i = 0; i < n && status == INS1_OK; i++)
        status = print_device(&e, i);
    exit_status = status == INS1_OK ? 0 : engine_failed(&e, &devices_command);
    engine_stop(&e);
    return exit_status;
}

const command devices_command = {
    .name = "devices",
    .operands = "",
    .summary = "List what can compute",
    .about = "Prints a JSON line for each device; its name is what --device takes.",
    .example = "ins1 devices",
    .run = run,
};
