/* A plugin host in the manner of a molecule editor: the library is loaded while the program runs, a
 * worker thread asks, the thread of the windows shows what comes and stops what takes too long, and
 * the library is unloaded again: plugin /path/to/libinterns1.so.0 MODEL SMILES Compiled with the
 * headers alone; nothing is linked.
 */

#include <interns1/interns1.h>

#include <dlfcn.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <dirent.h>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace
{

/* Every function that this host calls. */
#define FUNCTIONS(F)          \
    F(ins1_version_number)    \
    F(ins1_version_string)    \
    F(ins1_runtime_create)    \
    F(ins1_runtime_release)   \
    F(ins1_model_open)        \
    F(ins1_model_release)     \
    F(ins1_tokenizer_create)  \
    F(ins1_tokenizer_release) \
    F(ins1_decoder_create)    \
    F(ins1_decoder_release)   \
    F(ins1_session_create)    \
    F(ins1_session_prefill)   \
    F(ins1_session_truncate)  \
    F(ins1_session_release)   \
    F(ins1_sampler_create)    \
    F(ins1_sampler_release)   \
    F(ins1_prompt_create)     \
    F(ins1_prompt_info_get)   \
    F(ins1_prompt_spans)      \
    F(ins1_prompt_release)    \
    F(ins1_stream_open)       \
    F(ins1_stream_next)       \
    F(ins1_stream_release)    \
    F(ins1_cancel_create)     \
    F(ins1_cancel_request)    \
    F(ins1_cancel_reset)      \
    F(ins1_cancel_release)

/* The library, from dlopen to dlclose. */
class library
{
  public:
    explicit library(const char *path) : handle_(dlopen(path, RTLD_NOW | RTLD_LOCAL))
    {
        if (!handle_)
            throw std::runtime_error(dlerror());
        try {
#define RESOLVE(name) find(&name, #name);
            FUNCTIONS(RESOLVE)
#undef RESOLVE
            if (ins1_version_number() / 1000 != INS1_VERSION_NUMBER / 1000)
                throw std::runtime_error("the library is of another version than this program");
        } catch (...) {
            dlclose(handle_);
            throw;
        }
    }
    library(const library &) = delete;
    library &operator=(const library &) = delete;
    ~library()
    {
        dlclose(handle_);
    }

#define DECLARE(name) decltype(&::name) name = nullptr;
    FUNCTIONS(DECLARE)
#undef DECLARE

  private:
    template <class F> void find(F *function, const char *name)
    {
        void *found = dlsym(handle_, name);

        if (!found)
            throw std::runtime_error(std::string("the library lacks ") + name);
        std::memcpy(function, &found, sizeof found);
    }

    void *handle_;
};

/* What the worker tells the thread of the windows, in order. */
class mailbox
{
  public:
    struct note {
        enum { TEXT, BUSY, DONE } kind;
        std::string text;
    };

    void put(note n)
    {
        const std::lock_guard<std::mutex> lock(mutex_);

        notes_.push_back(std::move(n));
        changed_.notify_one();
    }
    note take()
    {
        std::unique_lock<std::mutex> lock(mutex_);

        changed_.wait(lock, [this] { return !notes_.empty(); });
        note first = std::move(notes_.front());
        notes_.pop_front();
        return first;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<note> notes_;
};

/* The work: opens the checkpoint, answers, and reads a long text until it is told to stop. Handles
 * are made, used and released on its own thread; only the cancel token is touched by another. */
class worker
{
  public:
    worker(const library &lib, const char *model, std::string question)
        : lib_(lib), path_(model), question_(std::move(question))
    {
        ins1_call call = INS1_INIT(ins1_call);

        call.error = &error_;
        ins1_threading threading = INS1_INIT(ins1_threading);
        ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
        threading.mode = INS1_THREADS_OWN;
        threading.n_threads = 2;
        options.threading = &threading;
        need(lib_.ins1_runtime_create(&runtime_, &options, &call));
        const ins1_status status = lib_.ins1_cancel_create(&cancel_, runtime_, &call);
        if (status != INS1_OK)
            lib_.ins1_runtime_release(runtime_);
        need(status);
        thread_ = std::thread([this] { run(); });
    }
    worker(const worker &) = delete;
    worker &operator=(const worker &) = delete;
    ~worker()
    {
        stop();
        thread_.join();
        lib_.ins1_cancel_release(cancel_);
        lib_.ins1_runtime_release(runtime_);
    }

    /* Any thread. */
    void stop()
    {
        lib_.ins1_cancel_request(cancel_);
    }
    mailbox notes;

  private:
    void need(ins1_status status) const
    {
        if (status != INS1_OK)
            throw std::runtime_error(error_.text);
    }

    void run()
    {
        ins1_call call = INS1_INIT(ins1_call);

        call.error = &error_;
        call.cancel = cancel_;
        std::string end = "done";
        try {
            open(&call);
            answer(&call);
            read_on(&call);
        } catch (const std::exception &e) {
            end = e.what();
        }
        lib_.ins1_stream_release(stream_);
        lib_.ins1_prompt_release(prompt_);
        lib_.ins1_sampler_release(sampler_);
        lib_.ins1_session_release(session_);
        lib_.ins1_decoder_release(decoder_);
        lib_.ins1_tokenizer_release(tokenizer_);
        lib_.ins1_model_release(model_);
        notes.put({ mailbox::note::DONE, end });
    }

    void open(const ins1_call *call)
    {
        ins1_model_options options = INS1_INIT(ins1_model_options);

        options.path = path_;
        need(lib_.ins1_model_open(&model_, runtime_, &options, call));
        need(lib_.ins1_tokenizer_create(&tokenizer_, model_, nullptr, call));
        need(lib_.ins1_decoder_create(&decoder_, model_, nullptr, call));
        need(lib_.ins1_session_create(&session_, decoder_, nullptr, call));
        need(lib_.ins1_sampler_create(&sampler_, runtime_, nullptr, call));
    }

    void answer(const ins1_call *call)
    {
        ins1_part part = INS1_INIT(ins1_part);
        ins1_message message = INS1_INIT(ins1_message);
        ins1_prompt_info info = INS1_INIT(ins1_prompt_info);
        ins1_stream_options options = INS1_INIT(ins1_stream_options);
        ins1_feed feed = INS1_INIT(ins1_feed);
        ins1_event event = INS1_INIT(ins1_event);

        part.kind = INS1_MODALITY_TEXT;
        part.text = question_.data();
        part.size = question_.size();
        message.role = "user";
        message.parts = &part;
        message.n_parts = 1;
        need(lib_.ins1_prompt_create(&prompt_, tokenizer_, &message, 1, nullptr, call));
        need(lib_.ins1_prompt_info_get(prompt_, &info, call));
        need(lib_.ins1_prompt_spans(prompt_, &feed.spans, &feed.n_spans, call));
        need(lib_.ins1_session_prefill(session_, &feed, 1, nullptr, call));
        options.reply_flags = info.reply_flags;
        need(lib_.ins1_stream_open(&stream_, session_, 0, tokenizer_, sampler_, &options, call));
        while (event.kind != INS1_EVENT_END) {
            need(lib_.ins1_stream_next(stream_, &event, call));
            if (event.kind == INS1_EVENT_TEXT)
                notes.put({ mailbox::note::TEXT, std::string(event.text, event.size) });
        }
    }

    /* Long work: says that it is busy, and ends when the other thread stops it. */
    void read_on(ins1_call *call)
    {
        static const std::vector<int32_t> ids(2000);
        ins1_span span = INS1_INIT(ins1_span);
        ins1_feed feed = INS1_INIT(ins1_feed);
        size_t kept = 0;

        span.ids = ids.data();
        span.n_ids = ids.size();
        feed.spans = &span;
        feed.n_spans = 1;
        call->user = this;
        call->progress = [](void *user, int32_t, uint64_t, uint64_t) {
            worker *self = static_cast<worker *>(user);
            if (!self->said_busy_)
                self->notes.put({ mailbox::note::BUSY, "" });
            self->said_busy_ = true;
            return 0;
        };
        for (;;) {
            need(lib_.ins1_session_truncate(session_, 0, 0, &kept, call));
            const ins1_status status = lib_.ins1_session_prefill(session_, &feed, 1, nullptr, call);
            if (status == INS1_E_CANCELED)
                return;
            need(status);
        }
    }

    const library &lib_;
    const char *path_;
    const std::string question_;
    ins1_error error_ = INS1_INIT(ins1_error);
    ins1_runtime *runtime_ = nullptr;
    ins1_cancel *cancel_ = nullptr;
    ins1_model *model_ = nullptr;
    ins1_tokenizer *tokenizer_ = nullptr;
    ins1_decoder *decoder_ = nullptr;
    ins1_session *session_ = nullptr;
    ins1_sampler *sampler_ = nullptr;
    ins1_prompt *prompt_ = nullptr;
    ins1_stream *stream_ = nullptr;
    bool said_busy_ = false;
    std::thread thread_; /* last: what it uses is there before it */
};

/* From loading to unloading. Returns what was wrong, or nothing. */
std::string use_once(const char *path, const char *model, const char *smiles)
{
    const library lib(path);
    worker work(lib, model,
                "<SMILES>" + std::string(smiles) + "</SMILES>\nWhat is the molecular formula?");
    std::chrono::steady_clock::time_point asked;

    std::printf("library\t%s\nanswer\t", lib.ins1_version_string());
    for (;;) {
        const mailbox::note note = work.notes.take();
        if (note.kind == mailbox::note::TEXT) {
            std::printf("%s", note.text.c_str());
        } else if (note.kind == mailbox::note::BUSY) {
            asked = std::chrono::steady_clock::now();
            work.stop();
        } else {
            const std::chrono::duration<double, std::milli> took =
                std::chrono::steady_clock::now() - asked;
            if (note.text != "done")
                return note.text;
            std::printf("\nstopped\tafter %.2f ms, everything released\n", took.count());
            return "";
        }
    }
}

size_t count_threads()
{
    size_t n = 0;
    DIR *tasks = opendir("/proc/self/task");

    while (tasks && readdir(tasks))
        n++;
    if (tasks)
        closedir(tasks);
    return n;
}

/* Nothing of it is left: no mapping, no thread. */
std::string traces(const char *path, size_t threads_before)
{
    if (void *left = dlopen(path, RTLD_NOW | RTLD_NOLOAD)) {
        dlclose(left);
        return "the library is still loaded";
    }
    return count_threads() == threads_before ? "" : "a thread of the library is left";
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 4)
        return std::fprintf(stderr, "usage: plugin LIBRARY MODEL SMILES\n"), 2;
    const size_t threads = count_threads();
    for (int time = 1; time <= 2; time++) {
        std::string wrong;
        try {
            wrong = use_once(argv[1], argv[2], argv[3]);
        } catch (const std::exception &e) {
            wrong = e.what();
        }
        if (wrong.empty())
            wrong = traces(argv[1], threads);
        if (!wrong.empty())
            return std::fprintf(stderr, "%s\n", wrong.c_str()), 1;
        std::printf("unloaded\t%d\n", time);
    }
    return 0;
}
