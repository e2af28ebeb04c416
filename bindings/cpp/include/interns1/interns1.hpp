#ifndef INTERNS1_INTERNS1_HPP
#define INTERNS1_INTERNS1_HPP

/**
 * @file
 * The C interface as C++11 classes, header only: handles end with their scope, failures are
 * exceptions, results are vectors and strings. Adds no behaviour and no ABI of its own; the
 * comments of the C headers hold.
 *
 *     interns1::runtime runtime;
 *     interns1::model model(runtime, "path/to/checkpoint");
 *     std::cout << interns1::chat(model, runtime).say("How many rings does benzene have?").text;
 *
 * Options are the C structs, made by interns1::make<ins1_session_options>(). Handles that C shares
 * between threads are copied by adding an owner, the others are moved. Define INTERNS1_HPP_WITH_IO
 * for what libinterns1_io reads.
 */

#include <interns1/inspect.h>
#include <interns1/interns1.h>
#ifdef INTERNS1_HPP_WITH_IO
#include <interns1/io.h>
#endif

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace interns1
{

/** A struct of the C interface with its size set and every other field zero, its default. */
template <class T> T make()
{
    T value = T();
    value.struct_size = static_cast<uint32_t>(sizeof(T));
    return value;
}

/** A call failed; what() is the library's own sentence. */
class error : public std::runtime_error
{
  public:
    error(ins1_status status, const ins1_error &record)
        : std::runtime_error(record.status == status && record.text[0] ? record.text
                                                                       : ins1_status_name(status)),
          status_(status), os_errno_(record.os_errno), backend_code_(record.backend_code)
    {
    }
    ins1_status status() const noexcept
    {
        return status_;
    }
    int32_t os_errno() const noexcept
    {
        return os_errno_;
    }
    int32_t backend_code() const noexcept
    {
        return backend_code_;
    }
    const char *name() const noexcept
    {
        return ins1_status_name(status_);
    }

  private:
    ins1_status status_;
    int32_t os_errno_, backend_code_;
};

namespace detail
{

/* A pointer with one owner. */
template <class T, void (*Release)(T *)> class unique
{
  public:
    unique() noexcept = default;
    unique(unique &&other) noexcept : pointer_(other.pointer_)
    {
        other.pointer_ = nullptr;
    }
    unique &operator=(unique &&other) noexcept
    {
        std::swap(pointer_, other.pointer_);
        return *this;
    }
    unique(const unique &) = delete;
    unique &operator=(const unique &) = delete;
    ~unique()
    {
        Release(pointer_);
    }

    /** The handle, which stays this object's. */
    T *get() const noexcept
    {
        return pointer_;
    }
    explicit operator bool() const noexcept
    {
        return pointer_ != nullptr;
    }
    /** Let go now. */
    void reset() noexcept
    {
        Release(pointer_);
        pointer_ = nullptr;
    }

  protected:
    T *pointer_ = nullptr;
};

/* A pointer that is copied by adding an owner. */
template <class T, void (*Retain)(T *), void (*Release)(T *)>
class shared : public unique<T, Release>
{
  public:
    shared() noexcept = default;
    shared(shared &&) noexcept = default;
    shared &operator=(shared &&) noexcept = default;
    shared(const shared &other) noexcept : unique<T, Release>()
    {
        this->pointer_ = other.pointer_;
        if (this->pointer_)
            Retain(this->pointer_);
    }
    shared &operator=(const shared &other) noexcept
    {
        shared copy(other);
        return *this = std::move(copy);
    }
};

/* A function of the host and what it threw: exceptions do not pass through C. */
template <class F> struct guarded {
    std::function<F> function;
    std::exception_ptr thrown;

    template <class R, class... A> R run(R failed, A &&...arguments) noexcept
    {
        try {
            return static_cast<R>(function(std::forward<A>(arguments)...));
        } catch (...) {
            thrown = std::current_exception();
            return failed;
        }
    }
    void rethrow()
    {
        if (thrown) {
            std::exception_ptr out = thrown;
            thrown = nullptr;
            std::rethrow_exception(out);
        }
    }
};

} // namespace detail

class cancel;

/** How calls are made: what may stop them, how long they may take, who hears how far they are. */
class call
{
  public:
    call() = default;
    /** Nanoseconds from the beginning of each call; 0 is no limit. */
    call &budget_ns(int64_t budget)
    {
        budget_ns_ = budget;
        return *this;
    }
    inline call &cancel_by(const cancel &token);
    /** Called between tiles of work; true stops the call, what it throws comes out of it. */
    call &progress(std::function<bool(int32_t phase, uint64_t done, uint64_t total)> progress)
    {
        progress_.function = std::move(progress);
        return *this;
    }

    /* Run `function(const ins1_call *)`; whatever is no success is thrown, INS1_E_BUFFER returned.
     */
    template <class F> static ins1_status run(call *how, F function)
    {
        ins1_error record = make<ins1_error>();
        ins1_call block = make<ins1_call>();
        block.error = &record;
        if (how) {
            block.cancel = how->cancel_;
            block.budget_ns = how->budget_ns_;
            block.user = how;
            block.progress = how->progress_.function ? report : nullptr;
        }
        ins1_status status = function(&block);
        if (how)
            how->progress_.rethrow();
        if (status != INS1_OK && status != INS1_E_BUFFER)
            throw error(status, record);
        return status;
    }

  private:
    static int32_t report(void *user, int32_t phase, uint64_t done, uint64_t total)
    {
        return static_cast<call *>(user)->progress_.run<int32_t>(1, phase, done, total);
    }

    ins1_cancel *cancel_ = nullptr;
    int64_t budget_ns_ = 0;
    detail::guarded<bool(int32_t, uint64_t, uint64_t)> progress_;
};

namespace detail
{

/* Results of unknown length: ask, make room, ask again. `function(out, capacity, &count, call)`. */
template <class T, class F> std::vector<T> collect(size_t guess, call *how, F function)
{
    std::vector<T> out(guess);
    size_t count = 0;
    while (call::run(how, [&](const ins1_call *c) {
               return function(out.data(), out.size(), &count, c);
           }) == INS1_E_BUFFER)
        out.resize(count);
    out.resize(count);
    return out;
}

template <class F> std::string collect_text(size_t guess, call *how, F function)
{
    std::string out(guess, '\0');
    size_t count = 0;
    while (call::run(how, [&](const ins1_call *c) {
               return function(&out[0], out.size(), &count, c);
           }) == INS1_E_BUFFER)
        out.resize(count);
    out.resize(count);
    return out;
}

} // namespace detail

/** The version of the library that runs, with how it was built. */
inline std::string version()
{
    return ins1_version_string();
}

/** The same as a number to compare: major * 1000000 + minor * 1000 + patch. */
inline uint32_t version_number() noexcept
{
    return ins1_version_number();
}

/** Was the library built with a feature, such as "level.avx2"? */
inline bool has_feature(const std::string &name)
{
    return ins1_has_feature(name.c_str()) != 0;
}

/** What the host brings. Shared. */
class runtime : public detail::shared<ins1_runtime, ins1_runtime_retain, ins1_runtime_release>
{
  public:
    runtime() : runtime(make<ins1_runtime_options>())
    {
    }
    explicit runtime(const ins1_runtime_options &options)
    {
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_runtime_create(&pointer_, &options, c); });
    }
    /** With threads of its own, the caller included. */
    static runtime with_threads(int32_t n)
    {
        ins1_runtime_options options = make<ins1_runtime_options>();
        ins1_threading threading = make<ins1_threading>();
        threading.mode = INS1_THREADS_OWN;
        threading.n_threads = n;
        options.threading = &threading;
        return runtime(options);
    }
    ins1_mem_stats memory() const
    {
        ins1_mem_stats out = make<ins1_mem_stats>();
        call::run(nullptr, [&](const ins1_call *c) { return ins1_runtime_mem(pointer_, &out, c); });
        return out;
    }
    void load_backend(const std::string &absolute_path)
    {
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_backend_load(pointer_, absolute_path.c_str(), c);
        });
    }
    /** A backend that is linked into the program: an ins1_backend_entry_fn of sys/backend.h. */
    void register_backend(int32_t (*entry)(uint32_t abi, const ins1_host_api *host,
                                           ins1_backend_api *out))
    {
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_backend_register(pointer_, entry, c); });
    }
    /** What can compute; strings live as long as the runtime. */
    std::vector<ins1_device_info> devices() const
    {
        std::vector<ins1_device_info> out;
        for (int32_t i = 0; i < ins1_device_count(pointer_); i++) {
            out.push_back(make<ins1_device_info>());
            call::run(nullptr, [&](const ins1_call *c) {
                return ins1_device_get(pointer_, i, &out.back(), c);
            });
        }
        return out;
    }
    int32_t find_device(const std::string &name) const
    {
        int32_t index = 0;
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_device_find(pointer_, name.c_str(), &index, c);
        });
        return index;
    }
};

/** A request to stop. Shared; any thread and any signal handler may make it. */
class cancel : public detail::shared<ins1_cancel, ins1_cancel_retain, ins1_cancel_release>
{
  public:
    explicit cancel(const runtime &runtime)
    {
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_cancel_create(&pointer_, runtime.get(), c);
        });
    }
    void request() const noexcept
    {
        ins1_cancel_request(pointer_);
    }
    bool is_requested() const noexcept
    {
        return ins1_cancel_is_requested(pointer_) != 0;
    }
    void reset_request() const noexcept
    {
        ins1_cancel_reset(pointer_);
    }
};

/** The token must outlive the calls. */
inline call &call::cancel_by(const cancel &token)
{
    cancel_ = token.get();
    return *this;
}

/** An opened checkpoint. Shared. */
class model : public detail::shared<ins1_model, ins1_model_retain, ins1_model_release>
{
  public:
    model(const runtime &runtime, const ins1_model_options &options, call *how = nullptr)
    {
        call::run(how, [&](const ins1_call *c) {
            return ins1_model_open(&pointer_, runtime.get(), &options, c);
        });
    }
    model(const runtime &runtime, const std::string &path, uint32_t parts = 0, call *how = nullptr)
        : model(runtime, of_path(path, parts), how)
    {
    }
    ins1_model_info info() const
    {
        ins1_model_info out = make<ins1_model_info>();
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_model_info_get(pointer_, &out, c); });
        return out;
    }
    /** A value of the checkpoint's JSON files; `found` may say whether there is one. */
    std::string meta(const std::string &key, bool *found = nullptr) const
    {
        const char *value = nullptr;
        size_t size = 0;
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_model_meta(pointer_, key.c_str(), &value, &size, c);
        });
        if (found)
            *found = value != nullptr;
        return value ? std::string(value, size) : std::string();
    }
    static ins1_plan plan(const runtime &runtime, const ins1_model_options &model,
                          const ins1_decoder_options *decoder = nullptr,
                          const ins1_session_options *session = nullptr)
    {
        ins1_plan out = make<ins1_plan>();
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_model_plan(runtime.get(), &model, decoder, session, &out, c);
        });
        return out;
    }
    /** Options for a path, which must outlive them. */
    static ins1_model_options of_path(const std::string &path, uint32_t parts = 0)
    {
        ins1_model_options options = make<ins1_model_options>();
        options.path = path.c_str();
        options.parts = parts;
        return options;
    }
};

/** A segment of text, which must outlive it. */
inline ins1_segment segment(const std::string &text, uint32_t flags = 0,
                            int32_t kind = INS1_SEGMENT_AUTO)
{
    ins1_segment out = make<ins1_segment>();
    out.text = text.data();
    out.size = text.size();
    out.flags = flags;
    out.kind = kind;
    return out;
}

/** The tables of a checkpoint's tokenizer. Shared. */
class tokenizer
    : public detail::shared<ins1_tokenizer, ins1_tokenizer_retain, ins1_tokenizer_release>
{
  public:
    explicit tokenizer(const model &model, const ins1_tokenizer_options *options = nullptr)
    {
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_tokenizer_create(&pointer_, model.get(), options, c);
        });
    }
    std::vector<int32_t> encode(const std::vector<ins1_segment> &segments, uint32_t flags = 0,
                                call *how = nullptr) const
    {
        size_t size = 16;
        for (const ins1_segment &s : segments)
            size += s.size / 2;
        return detail::collect<int32_t>(
            size, how, [&](int32_t *out, size_t capacity, size_t *count, const ins1_call *c) {
                return ins1_tokenizer_encode(pointer_, segments.data(), segments.size(), flags, out,
                                             nullptr, capacity, count, c);
            });
    }
    /** INS1_SEGMENT_SPECIAL in `flags` lets tokens act as tokens: never for untrusted text. */
    std::vector<int32_t> encode(const std::string &text, uint32_t flags = 0) const
    {
        return encode(std::vector<ins1_segment>(1, segment(text, flags)));
    }
    std::vector<ins1_piece> segments(const std::vector<ins1_segment> &segments) const
    {
        return detail::collect<ins1_piece>(
            64, nullptr, [&](ins1_piece *out, size_t capacity, size_t *count, const ins1_call *c) {
                return ins1_tokenizer_segments(pointer_, segments.data(), segments.size(), out,
                                               capacity, count, c);
            });
    }
    std::string decode(const std::vector<int32_t> &ids, uint32_t flags = 0) const
    {
        return detail::collect_text(
            8 * ids.size() + 64, nullptr,
            [&](char *out, size_t capacity, size_t *count, const ins1_call *c) {
                return ins1_tokenizer_decode(pointer_, ids.data(), ids.size(), flags, out, capacity,
                                             count, c);
            });
    }
    /** The bytes of one token; `attributes` may receive INS1_TOKEN_*. */
    std::string token(int32_t id, uint32_t *attributes = nullptr) const
    {
        const char *bytes = nullptr;
        size_t size = 0;
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_tokenizer_piece(pointer_, id, &bytes, &size, attributes, c);
        });
        return std::string(bytes ? bytes : "", size);
    }
};

/** Ids that become text piece by piece. */
class detokenizer : public detail::unique<ins1_detokenizer, ins1_detokenizer_release>
{
  public:
    explicit detokenizer(const tokenizer &tokenizer, uint32_t flags = 0)
    {
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_detokenizer_create(&pointer_, tokenizer.get(), flags, c);
        });
    }
    std::string push(const std::vector<int32_t> &ids)
    {
        return detail::collect_text(
            64, nullptr, [&](char *out, size_t capacity, size_t *count, const ins1_call *c) {
                return ins1_detokenizer_push(pointer_, ids.data(), ids.size(), out, capacity, count,
                                             c);
            });
    }
    std::string flush()
    {
        return detail::collect_text(
            64, nullptr, [&](char *out, size_t capacity, size_t *count, const ins1_call *c) {
                return ins1_detokenizer_flush(pointer_, out, capacity, count, c);
            });
    }
};

/** Embeddings. Shared, immutable. */
class embeds : public detail::shared<ins1_embeds, ins1_embeds_retain, ins1_embeds_release>
{
  public:
    embeds() = default;
    /** Takes over the owner that a C function gave out. */
    explicit embeds(ins1_embeds *owned) noexcept
    {
        pointer_ = owned;
    }
    /** From [info.n_tokens][info.dim] floats, which are copied. */
    embeds(const runtime &runtime, const ins1_embeds_info &info, const float *values)
    {
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_embeds_from_f32(&pointer_, runtime.get(), &info, values, c);
        });
    }
    /** From a DLPack tensor, whose deleter is called when it is no longer needed; what fails leaves
     * it the caller's. `info` may say modality, grid and times. */
    static embeds from_dlpack(const runtime &runtime, DLManagedTensorVersioned *tensor,
                              const ins1_embeds_info *info = nullptr)
    {
        embeds out;
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_embeds_from_dlpack(&out.pointer_, runtime.get(), tensor, info, c);
        });
        return out;
    }
    ins1_embeds_info info() const
    {
        ins1_embeds_info out = make<ins1_embeds_info>();
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_embeds_info_get(pointer_, &out, c); });
        return out;
    }
    /** A copy of all rows, [n_tokens][dim]. */
    std::vector<float> read() const
    {
        ins1_embeds_info i = info();
        return detail::collect<float>(
            i.n_tokens * i.dim, nullptr,
            [&](float *out, size_t capacity, size_t *count, const ins1_call *c) {
                return ins1_embeds_read_f32(pointer_, 0, i.n_tokens, out, capacity, count, c);
            });
    }
    embeds pool(int32_t pooling, uint32_t flags = 0) const
    {
        embeds out;
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_embeds_pool(&out.pointer_, pointer_, pooling, flags, c);
        });
        return out;
    }
    /** A DLPack tensor without a copy; whoever takes it calls its deleter. */
    DLManagedTensorVersioned *to_dlpack() const
    {
        DLManagedTensorVersioned *out = nullptr;
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_embeds_to_dlpack(&out, pointer_, c); });
        return out;
    }
};

/** Pixels to embeddings. */
class vision_encoder : public detail::unique<ins1_vision_encoder, ins1_vision_encoder_release>
{
  public:
    explicit vision_encoder(const model &model,
                            const ins1_vision_encoder_options *options = nullptr)
    {
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_vision_encoder_create(&pointer_, model.get(), options, c);
        });
    }
    size_t tokens(int32_t width, int32_t height) const
    {
        size_t n = 0;
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_vision_encoder_tokens(pointer_, width, height, &n, c);
        });
        return n;
    }
    size_t tokens(const ins1_video &video) const
    {
        size_t n = 0;
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_vision_encoder_video_tokens(pointer_, &video, &n, c);
        });
        return n;
    }
    std::vector<embeds> encode(const std::vector<ins1_image> &images, call *how = nullptr)
    {
        std::vector<ins1_embeds *> out(images.size());
        call::run(how, [&](const ins1_call *c) {
            return ins1_vision_encoder_encode(out.data(), pointer_, images.data(), images.size(),
                                              c);
        });
        return std::vector<embeds>(out.begin(), out.end());
    }
    embeds encode(const ins1_image &image, call *how = nullptr)
    {
        return encode(std::vector<ins1_image>(1, image), how).front();
    }
    embeds encode(const ins1_video &video, call *how = nullptr)
    {
        ins1_embeds *out = nullptr;
        call::run(how, [&](const ins1_call *c) {
            return ins1_vision_encoder_encode_video(&out, pointer_, &video, c);
        });
        return embeds(out);
    }
};

/** Samples to embeddings. */
class timeseries_encoder
    : public detail::unique<ins1_timeseries_encoder, ins1_timeseries_encoder_release>
{
  public:
    explicit timeseries_encoder(const model &model,
                                const ins1_timeseries_encoder_options *options = nullptr)
    {
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_timeseries_encoder_create(&pointer_, model.get(), options, c);
        });
    }
    size_t tokens(size_t n_samples, size_t n_channels, double sample_rate_hz) const
    {
        size_t n = 0;
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_timeseries_encoder_tokens(pointer_, n_samples, n_channels, sample_rate_hz,
                                                  &n, c);
        });
        return n;
    }
    std::vector<embeds> encode(const std::vector<ins1_timeseries> &series, call *how = nullptr)
    {
        std::vector<ins1_embeds *> out(series.size());
        call::run(how, [&](const ins1_call *c) {
            return ins1_timeseries_encoder_encode(out.data(), pointer_, series.data(),
                                                  series.size(), c);
        });
        return std::vector<embeds>(out.begin(), out.end());
    }
    embeds encode(const ins1_timeseries &series, call *how = nullptr)
    {
        return encode(std::vector<ins1_timeseries>(1, series), how).front();
    }
};

/** A checkpoint's decoder, placed on devices. Shared. */
class decoder : public detail::shared<ins1_decoder, ins1_decoder_retain, ins1_decoder_release>
{
  public:
    explicit decoder(const model &model, const ins1_decoder_options *options = nullptr)
    {
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_decoder_create(&pointer_, model.get(), options, c);
        });
    }
    std::vector<ins1_placement> placements() const
    {
        return detail::collect<ins1_placement>(
            8, nullptr,
            [&](ins1_placement *out, size_t capacity, size_t *count, const ins1_call *c) {
                return ins1_decoder_placements(pointer_, out, capacity, count, c);
            });
    }
};

/** A stretch of ids, which must outlive it. */
inline ins1_span span(const std::vector<int32_t> &ids)
{
    ins1_span out = make<ins1_span>();
    out.ids = ids.data();
    out.n_ids = ids.size();
    return out;
}

/** A stretch of rows, whose embeddings must outlive it. */
inline ins1_span span(const embeds &embeds, size_t first = 0, size_t count = 0)
{
    ins1_span out = make<ins1_span>();
    out.embeds = embeds.get();
    out.first = first;
    out.count = count;
    return out;
}

/** Timelines on a decoder. */
class session : public detail::unique<ins1_session, ins1_session_release>
{
  public:
    explicit session(const decoder &decoder, const ins1_session_options *options = nullptr)
    {
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_session_create(&pointer_, decoder.get(), options, c);
        });
    }
    ins1_session_info info() const
    {
        ins1_session_info out = make<ins1_session_info>();
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_session_info_get(pointer_, &out, c); });
        return out;
    }
    /** Append to several sequences. Of a call that is stopped `done` says how much stays. */
    void prefill(const std::vector<ins1_feed> &feeds, std::vector<size_t> *done = nullptr,
                 call *how = nullptr)
    {
        if (done)
            done->assign(feeds.size(), 0);
        call::run(how, [&](const ins1_call *c) {
            return ins1_session_prefill(pointer_, feeds.data(), feeds.size(),
                                        done ? done->data() : nullptr, c);
        });
    }
    void prefill(const std::vector<ins1_span> &spans, int32_t seq = 0, call *how = nullptr)
    {
        ins1_feed feed = make<ins1_feed>();
        feed.seq = seq;
        feed.spans = spans.data();
        feed.n_spans = spans.size();
        prefill(std::vector<ins1_feed>(1, feed), nullptr, how);
    }
    void prefill(const std::vector<int32_t> &ids, int32_t seq = 0, call *how = nullptr)
    {
        prefill(std::vector<ins1_span>(1, span(ids)), seq, how);
    }
    void step(int32_t token, int32_t seq = 0, call *how = nullptr)
    {
        const ins1_step one = { seq, token };
        call::run(how, [&](const ins1_call *c) { return ins1_session_step(pointer_, &one, 1, c); });
    }
    void step(const std::vector<ins1_step> &steps, call *how = nullptr)
    {
        call::run(how, [&](const ins1_call *c) {
            return ins1_session_step(pointer_, steps.data(), steps.size(), c);
        });
    }
    /** The library's own memory: valid until the next call that changes the session. */
    const float *logits(size_t *count, int32_t seq = 0) const
    {
        const float *out = nullptr;
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_session_logits(pointer_, seq, &out, count, c);
        });
        return out;
    }
    std::vector<float> logits(int32_t seq = 0) const
    {
        size_t count = 0;
        const float *values = logits(&count, seq);
        return std::vector<float>(values, values + count);
    }
    std::vector<ins1_logprob> logprobs(size_t k, int32_t seq = 0) const
    {
        return detail::collect<ins1_logprob>(
            k, nullptr, [&](ins1_logprob *out, size_t capacity, size_t *count, const ins1_call *c) {
                return ins1_session_logprobs(pointer_, seq, k, out, capacity, count, c);
            });
    }
    std::vector<float> score(const std::vector<int32_t> &ids, int32_t seq = 0, call *how = nullptr)
    {
        std::vector<float> out(ids.size());
        call::run(how, [&](const ins1_call *c) {
            return ins1_session_score(pointer_, seq, ids.data(), ids.size(), out.data(), c);
        });
        return out;
    }
    std::vector<float> score_many(const std::vector<std::vector<int32_t>> &candidates,
                                  int32_t seq = 0, call *how = nullptr)
    {
        std::vector<ins1_ids> lists;
        for (const std::vector<int32_t> &ids : candidates)
            lists.push_back(ins1_ids{ ids.data(), ids.size() });
        std::vector<float> out(candidates.size());
        call::run(how, [&](const ins1_call *c) {
            return ins1_session_score_many(pointer_, seq, lists.data(), lists.size(), out.data(),
                                           c);
        });
        return out;
    }
    std::vector<float> polar_score(const tokenizer &tokenizer, const ins1_polar_request &request,
                                   int32_t seq = 0, call *how = nullptr)
    {
        std::vector<float> out(request.n_candidates);
        call::run(how, [&](const ins1_call *c) {
            return ins1_polar_score(pointer_, seq, tokenizer.get(), &request, out.data(), c);
        });
        return out;
    }
    float reward(int32_t seq = 0) const
    {
        float out = 0;
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_session_reward(pointer_, seq, &out, c); });
        return out;
    }
    interns1::embeds embeds(int32_t pooling = INS1_POOL_LAST, int32_t seq = 0) const
    {
        ins1_embeds *out = nullptr;
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_session_embeds(&out, pointer_, seq, pooling, c);
        });
        return interns1::embeds(out);
    }
    size_t length(int32_t seq = 0) const
    {
        size_t n = 0;
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_session_length(pointer_, seq, &n, c); });
        return n;
    }
    size_t truncate(size_t keep, int32_t seq = 0)
    {
        size_t kept = 0;
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_session_truncate(pointer_, seq, keep, &kept, c);
        });
        return kept;
    }
    void checkpoint(int32_t seq = 0)
    {
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_session_checkpoint(pointer_, seq, c); });
    }
    void fork(int32_t from, int32_t to)
    {
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_session_fork(pointer_, from, to, c); });
    }
    /** Piece by piece; what `write` throws comes out. */
    void save(std::function<void(const void *data, size_t size)> write, int32_t seq = 0,
              call *how = nullptr)
    {
        detail::guarded<int32_t(const void *, size_t)> guard;
        guard.function = [&](const void *data, size_t size) { return write(data, size), 0; };
        ins1_writer writer = make<ins1_writer>();
        writer.user = &guard;
        writer.write = [](void *user, const void *data, size_t size) -> int32_t {
            return static_cast<decltype(&guard)>(user)->template run<int32_t>(1, data, size);
        };
        try {
            call::run(how, [&](const ins1_call *c) {
                return ins1_session_save_to(pointer_, seq, &writer, c);
            });
        } catch (const error &) {
            guard.rethrow();
            throw;
        }
    }
    std::string save(int32_t seq = 0)
    {
        std::string out;
        save([&](const void *data,
                 size_t size) { out.append(static_cast<const char *>(data), size); },
             seq);
        return out;
    }
    void restore(const std::string &data, int32_t seq = 0, call *how = nullptr)
    {
        call::run(how, [&](const ins1_call *c) {
            return ins1_session_restore(pointer_, seq, data.data(), data.size(), c);
        });
    }
    /** Of `size` bytes that lie elsewhere: `read_at` copies n of them from an offset on and returns
     * how many it copied; what it throws comes out. */
    void restore(uint64_t size, std::function<int64_t(uint64_t offset, void *to, size_t n)> read_at,
                 int32_t seq = 0, call *how = nullptr)
    {
        detail::guarded<int64_t(uint64_t, void *, size_t)> guard;
        guard.function = std::move(read_at);
        ins1_reader reader = make<ins1_reader>();
        reader.size = size;
        reader.user = &guard;
        reader.read_at = [](void *user, uint64_t offset, void *to, size_t n) -> int64_t {
            return static_cast<decltype(&guard)>(user)->template run<int64_t>(-1, offset, to, n);
        };
        try {
            call::run(how, [&](const ins1_call *c) {
                return ins1_session_restore_from(pointer_, seq, &reader, c);
            });
        } catch (const error &) {
            guard.rethrow();
            throw;
        }
    }
};

/** Logits to a token; a mask may forbid tokens, and what it throws comes out of the choice. */
class sampler : public detail::unique<ins1_sampler, ins1_sampler_release>
{
  public:
    /** Clears the bits of `allowed` for tokens that must not come; false fails the choice. */
    using mask = std::function<bool(const int32_t *history, size_t n_history, uint32_t *allowed,
                                    size_t n_vocab)>;

    explicit sampler(const runtime &runtime,
                     ins1_sampler_options options = make<ins1_sampler_options>(),
                     mask forbid = nullptr)
    {
        if (forbid) {
            mask_.reset(new detail::guarded<bool(const int32_t *, size_t, uint32_t *, size_t)>);
            mask_->function = std::move(forbid);
            options.mask_user = mask_.get();
            options.mask = [](void *user, const int32_t *history, size_t n, uint32_t *allowed,
                              size_t n_vocab) -> int32_t {
                auto *guard = static_cast<decltype(mask_.get())>(user);
                return !guard->template run<bool>(false, history, n, allowed, n_vocab);
            };
        }
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_sampler_create(&pointer_, runtime.get(), &options, c);
        });
    }
    ins1_logprob pick(const float *logits, size_t n)
    {
        ins1_logprob out = ins1_logprob();
        try {
            call::run(nullptr, [&](const ins1_call *c) {
                return ins1_sampler_pick(pointer_, logits, n, &out, c);
            });
        } catch (const error &) {
            rethrow();
            throw;
        }
        return out;
    }
    void accept(int32_t token)
    {
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_sampler_accept(pointer_, token, c); });
    }
    void begin_again(uint64_t seed)
    {
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_sampler_reset(pointer_, seed, c); });
    }
    /* What the mask threw, if anything. */
    void rethrow()
    {
        if (mask_)
            mask_->rethrow();
    }

  private:
    std::unique_ptr<detail::guarded<bool(const int32_t *, size_t, uint32_t *, size_t)>> mask_;
};

/** One event of a reply, its own memory. */
struct event {
    int32_t kind = INS1_EVENT_NONE;
    int32_t end_reason = 0;
    int32_t tool_index = 0;
    std::string text;
    size_t first_token = 0;
    std::vector<ins1_logprob> tokens;
    std::vector<ins1_logprob> top; /* [tokens][n_top] */
    size_t n_top = 0;

    event() = default;
    explicit event(const ins1_event &e)
        : kind(e.kind), end_reason(e.end_reason), tool_index(e.tool_index),
          text(e.text ? e.text : "", e.size), first_token(e.first_token), n_top(e.n_top)
    {
        if (e.tokens)
            tokens.assign(e.tokens, e.tokens + e.n_tokens);
        if (e.top)
            top.assign(e.top, e.top + e.n_tokens * e.n_top);
    }
};

/** A reply in the making. The session, the tokenizer and the sampler must outlive it. */
class stream : public detail::unique<ins1_stream, ins1_stream_release>
{
  public:
    stream(session &session, const tokenizer &tokenizer, interns1::sampler &sampler,
           const ins1_stream_options *options = nullptr, int32_t seq = 0)
        : sampler_(&sampler)
    {
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_stream_open(&pointer_, session.get(), seq, tokenizer.get(), sampler.get(),
                                    options, c);
        });
    }
    event next(call *how = nullptr)
    {
        return take(how, [&](ins1_event *out, const ins1_call *c) {
            return ins1_stream_next(pointer_, out, c);
        });
    }
    event accept(int32_t token)
    {
        return take(nullptr, [&](ins1_event *out, const ins1_call *c) {
            return ins1_stream_accept(pointer_, token, out, c);
        });
    }

  private:
    template <class F> event take(call *how, F function)
    {
        ins1_event out = make<ins1_event>();
        try {
            call::run(how, [&](const ins1_call *c) { return function(&out, c); });
        } catch (const error &) {
            sampler_->rethrow();
            throw;
        }
        return event(out);
    }

    interns1::sampler *sampler_;
};

/** A part of a message: text, or embeddings. */
struct part {
    std::string text;
    embeds media;
    int32_t kind = INS1_MODALITY_TEXT;

    part(std::string words) : text(std::move(words))
    {
    }
    part(const char *words) : text(words)
    {
    }
    part(embeds rows) : media(std::move(rows)), kind(media.info().modality)
    {
    }
};

/** One turn of a conversation. */
struct message {
    std::string role;
    std::vector<part> parts;
    std::string reasoning = std::string();
    std::string tool_calls_json = std::string();

    message(std::string who, std::vector<part> what) : role(std::move(who)), parts(std::move(what))
    {
    }
    message(std::string who, std::string what)
        : role(std::move(who)), parts(1, part(std::move(what)))
    {
    }
};

/** Messages as a model wants them. */
class prompt : public detail::unique<ins1_prompt, ins1_prompt_release>
{
  public:
    prompt(const tokenizer &tokenizer, const std::vector<message> &messages,
           const ins1_chat_options *options = nullptr)
    {
        std::vector<std::vector<ins1_part>> parts;
        std::vector<ins1_message> turns;
        for (const message &m : messages) {
            parts.emplace_back();
            for (const part &p : m.parts) {
                parts.back().push_back(make<ins1_part>());
                parts.back().back().kind = p.kind;
                parts.back().back().text = p.text.data();
                parts.back().back().size = p.text.size();
                parts.back().back().embeds = p.media.get();
            }
            turns.push_back(make<ins1_message>());
            turns.back().role = m.role.c_str();
            turns.back().n_parts = m.parts.size();
            turns.back().reasoning = ins1_text{ m.reasoning.data(), m.reasoning.size() };
            turns.back().tool_calls_json =
                ins1_text{ m.tool_calls_json.data(), m.tool_calls_json.size() };
        }
        for (size_t i = 0; i < turns.size(); i++)
            turns[i].parts = parts[i].data();
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_prompt_create(&pointer_, tokenizer.get(), turns.data(), turns.size(),
                                      options, c);
        });
    }
    ins1_prompt_info info() const
    {
        ins1_prompt_info out = make<ins1_prompt_info>();
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_prompt_info_get(pointer_, &out, c); });
        return out;
    }
    std::string text() const
    {
        const char *out = nullptr;
        size_t size = 0;
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_prompt_text(pointer_, &out, &size, c); });
        return std::string(out ? out : "", size);
    }
    /** Live as long as the prompt. */
    std::vector<ins1_span> spans() const
    {
        const ins1_span *out = nullptr;
        size_t n = 0;
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_prompt_spans(pointer_, &out, &n, c); });
        return std::vector<ins1_span>(out, out + n);
    }
    std::vector<int32_t> ids() const
    {
        return detail::collect<int32_t>(
            info().n_tokens, nullptr,
            [&](int32_t *out, size_t capacity, size_t *count, const ins1_call *c) {
                return ins1_prompt_ids(pointer_, out, capacity, count, c);
            });
    }
};

/** Reads a reply that comes from elsewhere. */
class reply_parser : public detail::unique<ins1_reply_parser, ins1_reply_parser_release>
{
  public:
    explicit reply_parser(const tokenizer &tokenizer, const ins1_reply_options *options = nullptr)
    {
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_reply_parser_create(&pointer_, tokenizer.get(), options, c);
        });
    }
    void push(const std::string &text)
    {
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_reply_parser_push(pointer_, text.data(), text.size(), c);
        });
    }
    void finish()
    {
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_reply_parser_finish(pointer_, c); });
    }
    /** INS1_EVENT_NONE when more text is needed. */
    event next()
    {
        ins1_event out = make<ins1_event>();
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_reply_parser_next(pointer_, &out, c); });
        return event(out);
    }
};

/** A whole reply. */
struct reply {
    std::string text, reasoning;
    std::vector<std::pair<std::string, std::string>> tool_calls; /* names and JSON texts */
    int32_t end_reason = 0;
    std::vector<int32_t> ids;

    void add(const event &e)
    {
        for (const ins1_logprob &token : e.tokens)
            ids.push_back(token.token);
        if (e.kind == INS1_EVENT_TEXT)
            text += e.text;
        else if (e.kind == INS1_EVENT_REASONING)
            reasoning += e.text;
        else if (e.kind == INS1_EVENT_TOOL_BEGIN)
            tool_calls.emplace_back(e.text, "");
        else if (e.kind == INS1_EVENT_TOOL_ARGUMENTS && !tool_calls.empty())
            tool_calls.back().second += e.text;
        else if (e.kind == INS1_EVENT_END)
            end_reason = e.end_reason;
    }
};

/** The common case: one question, one answer, greedy unless told otherwise. */
class chat
{
  public:
    explicit chat(const model &model, const runtime &runtime,
                  const ins1_sampler_options &sampling = make<ins1_sampler_options>())
        : tokenizer_(model), session_(decoder(model)), sampler_(runtime, with(sampling, tokenizer_))
    {
    }
    /** Ask anew; `heard` gets each event as it comes. */
    reply say(const std::vector<message> &messages,
              const std::function<void(const event &)> &heard = nullptr, call *how = nullptr)
    {
        prompt prompt(tokenizer_, messages);
        ins1_stream_options options = make<ins1_stream_options>();
        options.reply_flags = prompt.info().reply_flags;
        session_.truncate(0);
        session_.prefill(prompt.spans(), 0, how);
        stream stream(session_, tokenizer_, sampler_, &options);
        reply out;
        for (event e; e.kind != INS1_EVENT_END;) {
            e = stream.next(how);
            out.add(e);
            if (heard)
                heard(e);
        }
        return out;
    }
    reply say(const std::string &question)
    {
        return say({ message("user", question) });
    }

  private:
    static ins1_sampler_options with(ins1_sampler_options options, const tokenizer &tokenizer)
    {
        options.tokenizer = tokenizer.get();
        return options;
    }

    tokenizer tokenizer_;
    session session_;
    sampler sampler_;
};

#ifdef INTERNS1_HPP_WITH_IO

/** A file of this path, which must outlive it. */
inline ins1_file file(const std::string &path)
{
    ins1_file out = make<ins1_file>();
    out.name = path.c_str();
    out.path = path.c_str();
    return out;
}

/** A decoded image. */
class image_file : public detail::unique<ins1_io_image, ins1_io_image_release>
{
  public:
    image_file(const runtime &runtime, const ins1_file &file,
               const ins1_io_options *options = nullptr)
    {
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_io_image_open(&pointer_, runtime.get(), &file, options, c);
        });
    }
    /** The pixels live as long as this object. */
    ins1_image image() const
    {
        ins1_image out = make<ins1_image>();
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_io_image_get(pointer_, &out, c); });
        return out;
    }
};

/** Decoded signals. */
class series_file : public detail::unique<ins1_io_series, ins1_io_series_release>
{
  public:
    series_file(const runtime &runtime, const std::vector<ins1_file> &files,
                const ins1_io_options *options = nullptr)
    {
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_io_series_open(&pointer_, runtime.get(), files.data(), files.size(),
                                       options, c);
        });
    }
    /** The samples live as long as this object. */
    ins1_timeseries series() const
    {
        ins1_timeseries out = make<ins1_timeseries>();
        call::run(nullptr,
                  [&](const ins1_call *c) { return ins1_io_series_get(pointer_, &out, c); });
        return out;
    }
    /** Name and unit of a channel. */
    std::pair<std::string, std::string> channel(size_t index) const
    {
        const char *name = nullptr, *unit = nullptr;
        call::run(nullptr, [&](const ins1_call *c) {
            return ins1_io_series_channel(pointer_, index, &name, &unit, c);
        });
        return std::make_pair(std::string(name), std::string(unit));
    }
};

#endif

} // namespace interns1

#endif
