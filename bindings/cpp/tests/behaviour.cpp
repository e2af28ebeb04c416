/* Lifetimes, exceptions and the common case of interns1.hpp:
 *     behaviour MODEL [PLUGIN]
 */

#define INTERNS1_HPP_WITH_IO
#include <interns1/interns1.hpp>

#include <interns1/sys/backend.h>

#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <thread>
#include <type_traits>

static int failures = 0;

#define CHECK(condition)                                        \
    do {                                                        \
        if (!(condition)) {                                     \
            std::printf("line %d: " #condition "\n", __LINE__); \
            failures++;                                         \
        }                                                       \
    } while (0)

static_assert(std::is_copy_constructible<interns1::model>::value, "shared handles are copied");
static_assert(!std::is_copy_constructible<interns1::session>::value, "sessions are moved");
static_assert(std::is_nothrow_move_constructible<interns1::session>::value, "sessions are moved");
static_assert(!std::is_copy_constructible<interns1::sampler>::value, "samplers are moved");

struct mine {
};

template <class E, class F> static bool throws(F function)
{
    try {
        function();
    } catch (const E &) {
        return true;
    }
    return false;
}

static void lifetimes(const char *path)
{
    std::unique_ptr<interns1::runtime> runtime(new interns1::runtime);
    std::unique_ptr<interns1::model> model(new interns1::model(*runtime, path));
    interns1::model copy = *model;
    interns1::session session{ interns1::decoder(copy) };
    runtime.reset();
    model.reset();
    copy.reset();
    session.prefill({ 1, 2, 3 });
    interns1::session moved = std::move(session);
    interns1::embeds embeds = moved.embeds();
    CHECK(moved.length() == 3 && !session);
    moved.reset();
    CHECK(embeds.read().size() == embeds.info().dim);
}

static void exceptions(const char *path)
{
    interns1::runtime runtime = interns1::runtime::with_threads(2);
    CHECK(throws<interns1::error>([&] { interns1::model(runtime, "/nowhere"); }));
    try {
        interns1::model(runtime, "/nowhere");
    } catch (const interns1::error &e) {
        CHECK(e.status() == INS1_E_IO && e.os_errno() == 2 && std::string(e.what()) != "");
    }
    interns1::model model(runtime, path);
    interns1::session session{ interns1::decoder(model) };
    interns1::call call;
    call.progress([](int32_t, uint64_t, uint64_t) -> bool { throw mine(); });
    CHECK(throws<mine>([&] { session.prefill(std::vector<int32_t>{ 1 }, 0, &call); }));
    session.truncate(0);
    session.prefill({ 1, 2 });
    CHECK(throws<mine>([&] { session.save([](const void *, size_t) { throw mine(); }); }));
    std::string saved = session.save();
    session.restore(saved);
    CHECK(session.length() == 2);
    session.truncate(0);
    session.restore(saved.size(), [&](uint64_t at, void *to, size_t n) -> int64_t {
        std::memcpy(to, saved.data() + at, n);
        return static_cast<int64_t>(n);
    });
    CHECK(session.length() == 2);
    CHECK(throws<mine>(
        [&] { session.restore(100, [](uint64_t, void *, size_t) -> int64_t { throw mine(); }); }));
    session.restore(saved);
    interns1::sampler sampler(
        runtime, interns1::make<ins1_sampler_options>(),
        [](const int32_t *, size_t, uint32_t *, size_t) -> bool { throw mine(); });
    std::vector<float> logits = session.logits();
    CHECK(throws<mine>([&] { sampler.pick(logits.data(), logits.size()); }));
    interns1::tokenizer tokenizer(model);
    interns1::stream stream(session, tokenizer, sampler);
    CHECK(throws<mine>([&] { stream.next(); }));
}

static void canceling(const char *path)
{
    interns1::runtime runtime;
    interns1::model model(runtime, path);
    interns1::session session{ interns1::decoder(model) };
    interns1::cancel token(runtime);
    interns1::call call;
    call.cancel_by(token);
    CHECK(!token.is_requested());
    std::thread thread([token] { token.request(); });
    thread.join();
    CHECK(token.is_requested());
    try {
        session.prefill(std::vector<int32_t>(100, 1), 0, &call);
        CHECK(!"canceled");
    } catch (const interns1::error &e) {
        CHECK(e.status() == INS1_E_CANCELED);
    }
    token.reset_request();
    CHECK(!token.is_requested());
    session.prefill({ 1, 2 }, 0, &call);
    CHECK(session.length() == 2);
}

static void common_case(const char *path)
{
    interns1::runtime runtime;
    interns1::model model(runtime, path);
    interns1::chat chat(model, runtime);
    size_t events = 0;
    interns1::reply reply = chat.say(
        { interns1::message("user", "What is the molecular formula of <SMILES>CCO</SMILES>?") },
        [&](const interns1::event &) { events++; });
    CHECK(reply.text == "C2H6O" && reply.end_reason == INS1_END_EOS && events > 3);
    CHECK(chat.say("How many rings does <SMILES>C1CCCCC1</SMILES> have?").text == "1");
    interns1::tokenizer tokenizer(model);
    std::vector<int32_t> ids = tokenizer.encode("\xc3\xa9t\xc3\xa9");
    interns1::detokenizer detokenizer(tokenizer);
    CHECK(detokenizer.push(ids) + detokenizer.flush() == tokenizer.decode(ids));
    CHECK(interns1::model::plan(runtime, interns1::model::of_path(path)).total_host > 0);
    CHECK(runtime.devices().size() == 1 && runtime.find_device("cpu") == 0);
    CHECK(throws<interns1::error>([&] {
        interns1::series_file(runtime, std::vector<ins1_file>(1, interns1::file("/nowhere")));
    }));
}

static int32_t newer(uint32_t, const ins1_host_api *, ins1_backend_api *)
{
    return INS1_E_VERSION;
}

/* The plugin, opened by the library and by the host. */
static void backends(const char *path, const char *plugin)
{
    interns1::runtime loaded;
    loaded.load_backend(plugin);
    std::vector<ins1_device_info> devices = loaded.devices();
    CHECK(devices.size() == 2 && loaded.find_device(devices[1].name) == 1);
    CHECK(throws<interns1::error>([&] { loaded.load_backend(plugin); }));

    void *library = dlopen(plugin, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library ? dlsym(library, INS1_BACKEND_ENTRY) : nullptr;
    CHECK(symbol);
    ins1_backend_entry_fn entry;
    std::memcpy(&entry, &symbol, sizeof(entry));
    {
        interns1::runtime registered;
        CHECK(throws<interns1::error>([&] { registered.register_backend(newer); }));
        registered.register_backend(entry);
        CHECK(registered.devices().size() == 2);
        CHECK(std::string(registered.devices()[1].name) == devices[1].name);
    }
    if (library)
        dlclose(library);
    interns1::runtime late;
    interns1::model model(late, path);
    CHECK(throws<interns1::error>([&] { late.register_backend(newer); }));
}

static void shared_tensors()
{
    const float rows[6] = { 1, 2, 3, 4, 5, 6 };
    interns1::runtime runtime;
    ins1_embeds_info info = interns1::make<ins1_embeds_info>();
    info.n_tokens = 2;
    info.dim = 3;
    info.modality = INS1_MODALITY_IMAGE;
    interns1::embeds embeds(runtime, info, rows);
    DLManagedTensorVersioned *tensor = embeds.to_dlpack();
    embeds.reset();
    interns1::embeds again = interns1::embeds::from_dlpack(runtime, tensor);
    CHECK(again.read() == std::vector<float>(rows, rows + 6));
    CHECK(again.info().n_tokens == 2 && again.info().dim == 3);
}

static void versions()
{
    CHECK(interns1::version_number() == INS1_VERSION_NUMBER);
    CHECK(interns1::version().find(std::to_string(INS1_VERSION_MAJOR) + ".") != std::string::npos);
    CHECK(!interns1::has_feature("none") && interns1::has_feature("level.scalar"));
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3)
        return 2;
    lifetimes(argv[1]);
    exceptions(argv[1]);
    canceling(argv[1]);
    common_case(argv[1]);
    if (argc == 3)
        backends(argv[1], argv[2]);
    shared_tensors();
    versions();
    return failures != 0;
}
