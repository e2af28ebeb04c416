/* What bindings/tests/trace.c does, through interns1.hpp: prints the same. */

#include <interns1/interns1.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>

static const char question[] = "How many rings does <SMILES>CC(=O)Oc1ccccc1C(=O)O</SMILES> have?";

static void print_ids(const char *name, const std::vector<int32_t> &ids)
{
    std::printf("%s %zu:", name, ids.size());
    for (int32_t id : ids)
        std::printf(" %d", static_cast<int>(id));
    std::putchar('\n');
}

static void print_floats(const char *name, const std::vector<float> &values)
{
    std::printf("%s %zu:", name, values.size());
    for (float value : values) {
        uint32_t bits;
        std::memcpy(&bits, &value, sizeof(bits));
        std::printf(" %08x", static_cast<unsigned>(bits));
    }
    std::putchar('\n');
}

static void print_embeds(const char *name, const interns1::embeds &embeds)
{
    std::printf("%s %zu x %zu\n", name, embeds.info().n_tokens, embeds.info().dim);
    print_floats(name, embeds.read());
}

static void trace_decoder(const interns1::runtime &runtime, const interns1::model &model)
{
    interns1::session session{ interns1::decoder(model) };
    interns1::sampler sampler(runtime);
    std::vector<int32_t> chosen;

    session.prefill({ 1, 2, 3, 4, 5 });
    for (int i = 0; i < 4; i++) {
        size_t n = 0;
        const float *logits = session.logits(&n);
        chosen.push_back(sampler.pick(logits, n).token);
        session.step(chosen.back());
    }
    print_ids("chosen", chosen);
    print_floats("logits", session.logits());
    print_embeds("hidden", session.embeds());
}

static void trace_vision(const interns1::model &model)
{
    std::vector<uint8_t> pixels;
    for (int y = 0; y < 48; y++)
        for (int x = 0; x < 64; x++)
            for (int c = 0; c < 3; c++)
                pixels.push_back(static_cast<uint8_t>(7 * x + 13 * y + 29 * c + x * y));
    ins1_image image = interns1::make<ins1_image>();
    image.format = INS1_PIXEL_RGB8;
    image.width = 64;
    image.height = 48;
    image.pixels = pixels.data();
    print_embeds("vision", interns1::vision_encoder(model).encode(image));
}

static void trace_timeseries(const interns1::model &model)
{
    std::vector<float> samples;
    for (int i = 0; i < 2000; i++)
        samples.push_back(static_cast<float>(37 * i % 201 - 100) / 64.0f);
    ins1_timeseries series = interns1::make<ins1_timeseries>();
    series.dtype = INS1_SAMPLE_F32;
    series.data = samples.data();
    series.n_samples = samples.size();
    series.n_channels = 1;
    series.sample_rate_hz = 100;
    print_embeds("timeseries", interns1::timeseries_encoder(model).encode(series));
}

static void if_supported(const char *name, void (*trace)(const interns1::model &),
                         const interns1::model &model)
{
    try {
        trace(model);
    } catch (const interns1::error &e) {
        if (e.status() != INS1_E_UNSUPPORTED)
            throw;
        std::printf("%s: INS1_E_UNSUPPORTED\n", name);
    }
}

int main(int argc, char **argv)
try {
    if (argc < 2)
        return 2;
    interns1::runtime runtime;
    interns1::model model(runtime, argv[1],
                          argc > 2 ? static_cast<uint32_t>(std::atoi(argv[2])) : 0);
    uint32_t parts = model.info().parts;
    std::printf("parts: %u\n", static_cast<unsigned>(parts));
    if (parts & INS1_PART_TOKENIZER) {
        interns1::tokenizer tokenizer(model);
        std::vector<int32_t> ids = tokenizer.encode(question, INS1_SEGMENT_SPECIAL);
        print_ids("ids", ids);
        std::printf("text: %s\n", tokenizer.decode(ids).c_str());
    }
    if (parts & INS1_PART_DECODER)
        trace_decoder(runtime, model);
    if_supported("vision", trace_vision, model);
    if_supported("timeseries", trace_timeseries, model);
    return 0;
} catch (const std::exception &e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}
