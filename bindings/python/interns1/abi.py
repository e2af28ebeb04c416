"""The C interface as it is, for ctypes. Written by bindings/generate.py from the public headers.

Every struct and constant has its C name; `declare` gives the functions of a loaded library their types. A class of
a handle is a pointer that releases what it points to, once, when the last reference to it is gone.
"""
from __future__ import annotations

from ctypes import (CDLL, CFUNCTYPE, POINTER, Structure, c_char, c_char_p, c_double, c_float, c_int32, c_int64,
                    c_size_t, c_ssize_t, c_uint32, c_uint64, c_void_p, cast, sizeof)
from functools import partial
from operator import attrgetter
from typing import Any, Callable, Dict, List, Optional, Tuple


class Sized(Structure):
    """A struct that begins with its own size."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(sizeof(type(self)), **fields)


def ending(function: Callable[..., object]) -> Any:
    """A destructor that calls `function(self)` without a line of Python: a Ctrl-C that comes in one of Python's is lost,
    because nothing can be raised out of it, and what it should have released stays."""
    return property(partial(partial, function))


class Handle(c_void_p):
    """A pointer with one owner, which it gives back."""

    is_ours = False  # of tokens: made here and not by who calls
    _end: Any = bool  # of a class: what ends it, once there is a library; until then nothing
    __del__ = property(attrgetter("_end"))


INS1_VERSION_MAJOR = 0
INS1_VERSION_MINOR = 1
INS1_VERSION_PATCH = 0
INS1_OK = 0
INS1_E_ARGUMENT = -1
INS1_E_MEMORY = -2
INS1_E_BUDGET = -3
INS1_E_IO = -4
INS1_E_FORMAT = -5
INS1_E_UNSUPPORTED = -6
INS1_E_VERSION = -7
INS1_E_BUFFER = -8
INS1_E_CANCELED = -9
INS1_E_DEADLINE = -10
INS1_E_DEVICE = -11
INS1_E_STATE = -12
INS1_E_FULL = -13
INS1_E_CALLBACK = -14
INS1_E_BUSY = -15
INS1_E_INTERNAL = -16
INS1_PHASE_OPEN = 1
INS1_PHASE_VERIFY = 2
INS1_PHASE_ENCODE = 3
INS1_PHASE_PREFILL = 4
INS1_PHASE_SCORE = 5
INS1_MEM_WEIGHTS = 1
INS1_MEM_KV = 2
INS1_MEM_SCRATCH = 3
INS1_MEM_OBJECT = 4
INS1_MEM_IO = 5
INS1_LOG_ERROR = 1
INS1_LOG_WARN = 2
INS1_LOG_INFO = 3
INS1_LOG_DEBUG = 4
INS1_THREADS_CALLER = 0
INS1_THREADS_OWN = 1
INS1_THREADS_HOST = 2
INS1_RUNTIME_NO_DLOPEN = 1
INS1_RUNTIME_NO_FILES = 2
INS1_DTYPE_I8 = 8
INS1_DTYPE_I32 = 32
INS1_DTYPE_U8 = 65544
INS1_DTYPE_F16 = 131088
INS1_DTYPE_F32 = 131104
INS1_DTYPE_BF16 = 262160
INS1_DTYPE_F8_E4M3 = 655368
INS1_DEVICE_CPU = 1
INS1_DEVICE_GPU = 2
INS1_DEVICE_IGPU = 3
INS1_DEVICE_ACCELERATOR = 4
INS1_DEVICE_SOFTGPU = 5
INS1_CAP_F16 = 1
INS1_CAP_BF16 = 2
INS1_CAP_I8DOT = 4
INS1_CAP_HOST_MEM = 8
INS1_CAP_ASYNC = 16
INS1_CAP_EXACT = 32
INS1_MODALITY_TEXT = 1
INS1_MODALITY_IMAGE = 2
INS1_MODALITY_VIDEO = 3
INS1_MODALITY_TIMESERIES = 4
INS1_POOL_LAST = 0
INS1_POOL_MEAN = 1
INS1_POOL_NONE = 2
INS1_POOL_UNIT = 1
INS1_PART_TOKENIZER = 1
INS1_PART_VISION = 2
INS1_PART_TIMESERIES = 4
INS1_PART_DECODER = 8
INS1_LOAD_MMAP = 0
INS1_LOAD_READ = 1
INS1_LOAD_EXPERTS_ON_DEMAND = 2
INS1_PRECISION_DEFAULT = 0
INS1_PRECISION_F32 = 1
INS1_PRECISION_BF16 = 2
INS1_PRECISION_INT8 = 3
INS1_KV_DEFAULT = 0
INS1_KV_F32 = 1
INS1_KV_BF16 = 2
INS1_KV_F16 = 3
INS1_KV_Q8 = 4
INS1_SESSION_KEEP_HIDDEN = 1
INS1_TOKENIZER_RESET_AT_TURN = 1
INS1_TOKENIZER_NO_MARKERS = 2
INS1_SEGMENT_AUTO = 0
INS1_SEGMENT_TEXT = 1
INS1_SEGMENT_SMILES = 2
INS1_SEGMENT_SELFIES = 3
INS1_SEGMENT_IUPAC = 4
INS1_SEGMENT_FASTA = 5
INS1_SEGMENT_PROTEIN = 6
INS1_SEGMENT_DNA = 7
INS1_SEGMENT_RNA = 8
INS1_SEGMENT_XNA = 9
INS1_SEGMENT_TOKEN = 10
INS1_SEGMENT_SPECIAL = 1
INS1_ENCODE_ADD_BOS = 1
INS1_DECODE_SKIP_SPECIAL = 1
INS1_DECODE_SKIP_CONTROL = 2
INS1_TOKEN_SPECIAL = 1
INS1_TOKEN_CONTROL = 2
INS1_TOKEN_PARTIAL = 4
INS1_TOKEN_PADDING = 8
INS1_TOKEN_END = 16
INS1_TOKEN_PLACEHOLDER = 32
INS1_POLAR_PRETRAIN = 1
INS1_POLAR_KEEP_TAIL = 2
INS1_PIXEL_RGB8 = 1
INS1_PIXEL_RGBA8 = 2
INS1_PIXEL_GRAY8 = 3
INS1_PIXEL_BGR8 = 4
INS1_PIXEL_BGRA8 = 5
INS1_PIXEL_RGB16 = 6
INS1_PIXEL_RGBA16 = 7
INS1_PIXEL_GRAY16 = 8
INS1_PIXEL_RGB_F32 = 9
INS1_VIDEO_ALL_FRAMES = 1
INS1_VISION_ENCODER_NO_WEIGHTS = 1
INS1_SAMPLE_I16 = 1
INS1_SAMPLE_I32 = 2
INS1_SAMPLE_F32 = 3
INS1_SAMPLE_F64 = 4
INS1_TIMESERIES_FILL_GAPS = 1
INS1_TIMESERIES_ENCODER_UNBIASED = 1
INS1_EVENT_NONE = 0
INS1_EVENT_TEXT = 1
INS1_EVENT_REASONING = 2
INS1_EVENT_TOOL_BEGIN = 3
INS1_EVENT_TOOL_ARGUMENTS = 4
INS1_EVENT_TOOL_END = 5
INS1_EVENT_END = 6
INS1_END_EOS = 1
INS1_END_STOP = 2
INS1_END_LENGTH = 3
INS1_END_FULL = 4
INS1_REPLY_PLAIN = 1
INS1_REPLY_IN_REASONING = 2
INS1_REPLY_NO_TOOLS = 4
INS1_REPLY_REPAIR_JSON = 8
INS1_STREAM_IGNORE_EOS = 1
INS1_CHAT_DEFAULT = 0
INS1_CHAT_ON = 1
INS1_CHAT_OFF = 2
INS1_OBSERVE_HIDDEN = 1
INS1_OBSERVE_ROUTER = 2
INS1_OBSERVE_LOGITS = 4
INS1_PREPROCESS_RAW = 1


class ins1_cancel(Handle):
    """A handle, see Handle."""


class ins1_decoder(Handle):
    """A handle, see Handle."""


class ins1_detokenizer(Handle):
    """A handle, see Handle."""


class ins1_embeds(Handle):
    """A handle, see Handle."""


class ins1_io_image(Handle):
    """A handle, see Handle."""


class ins1_io_series(Handle):
    """A handle, see Handle."""


class ins1_model(Handle):
    """A handle, see Handle."""


class ins1_prompt(Handle):
    """A handle, see Handle."""


class ins1_reply_parser(Handle):
    """A handle, see Handle."""


class ins1_runtime(Handle):
    """A handle, see Handle."""


class ins1_sampler(Handle):
    """A handle, see Handle."""


class ins1_session(Handle):
    """A handle, see Handle."""


class ins1_stream(Handle):
    """A handle, see Handle."""


class ins1_timeseries_encoder(Handle):
    """A handle, see Handle."""


class ins1_tokenizer(Handle):
    """A handle, see Handle."""


class ins1_vision_encoder(Handle):
    """A handle, see Handle."""


ins1_log_fn = CFUNCTYPE(None, c_void_p, c_int32, c_void_p, c_void_p)
ins1_task_fn = CFUNCTYPE(None, c_void_p, c_int32, c_int32)


class ins1_error(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("status", c_int32),
        ("os_errno", c_int32),
        ("backend_code", c_int32),
        ("text", c_char * 240),
    ]


ins1_call_progress = CFUNCTYPE(c_int32, c_void_p, c_int32, c_uint64, c_uint64)


class ins1_call(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("error", POINTER(ins1_error)),
        ("cancel", c_void_p),
        ("budget_ns", c_int64),
        ("progress", ins1_call_progress),
        ("user", c_void_p),
    ]


ins1_allocator_alloc = CFUNCTYPE(c_void_p, c_void_p, c_size_t, c_size_t, c_int32)
ins1_allocator_free = CFUNCTYPE(None, c_void_p, c_void_p, c_size_t, c_size_t, c_int32)


class ins1_allocator(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("alloc", ins1_allocator_alloc),
        ("free", ins1_allocator_free),
        ("user", c_void_p),
    ]


ins1_threading_parallel_for = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_void_p, c_int32)
ins1_threading_thread_start = CFUNCTYPE(None, c_void_p, c_int32)
ins1_threading_thread_stop = CFUNCTYPE(None, c_void_p, c_int32)


class ins1_threading(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("mode", c_int32),
        ("n_threads", c_int32),
        ("flags", c_uint32),
        ("parallel_for", ins1_threading_parallel_for),
        ("thread_start", ins1_threading_thread_start),
        ("thread_stop", ins1_threading_thread_stop),
        ("user", c_void_p),
    ]


class ins1_runtime_options(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("allocator", POINTER(ins1_allocator)),
        ("threading", POINTER(ins1_threading)),
        ("log", ins1_log_fn),
        ("log_user", c_void_p),
        ("log_level", c_int32),
        ("reserved0", c_int32),
        ("host_budget", c_uint64),
        ("cpu_level", c_void_p),
    ]


class ins1_mem_stats(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("now", c_uint64),
        ("peak", c_uint64),
        ("budget", c_uint64),
        ("mapped", c_uint64),
        ("device", c_uint64),
    ]


class ins1_device_info(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_int32),
        ("backend", c_void_p),
        ("name", c_void_p),
        ("hardware", c_void_p),
        ("level", c_void_p),
        ("mem_total", c_uint64),
        ("mem_free", c_uint64),
        ("max_buffer", c_uint64),
        ("caps", c_uint32),
        ("score", c_int32),
    ]


class ins1_embeds_info(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("dtype", c_int32),
        ("n_tokens", c_size_t),
        ("dim", c_size_t),
        ("modality", c_int32),
        ("device", c_int32),
        ("grid_t", c_int32),
        ("grid_h", c_int32),
        ("grid_w", c_int32),
        ("reserved0", c_int32),
        ("times", POINTER(c_double)),
        ("n_times", c_size_t),
    ]


ins1_reader_read_at = CFUNCTYPE(c_int64, c_void_p, c_uint64, c_void_p, c_size_t)
ins1_reader_close = CFUNCTYPE(None, c_void_p)


class ins1_reader(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("size", c_uint64),
        ("read_at", ins1_reader_read_at),
        ("close", ins1_reader_close),
        ("user", c_void_p),
    ]


class ins1_file(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("name", c_void_p),
        ("path", c_void_p),
        ("data", c_void_p),
        ("size", c_size_t),
        ("reader", POINTER(ins1_reader)),
    ]


class ins1_model_options(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("parts", c_uint32),
        ("path", c_void_p),
        ("data", c_void_p),
        ("size", c_size_t),
        ("reader", POINTER(ins1_reader)),
        ("files", POINTER(ins1_file)),
        ("n_files", c_size_t),
        ("load_mode", c_int32),
        ("verify", c_int32),
        ("expert_cache", c_uint64),
        ("flags", c_uint32),
        ("reserved0", c_int32),
    ]


class ins1_part_bytes(Structure):
    _fields_ = [
        ("disk", c_uint64),
        ("host", c_uint64),
        ("device", c_uint64),
    ]


class ins1_plan(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("parts", c_uint32),
        ("tokenizer", ins1_part_bytes),
        ("vision", ins1_part_bytes),
        ("timeseries", ins1_part_bytes),
        ("decoder", ins1_part_bytes),
        ("kv_per_token", c_uint64),
        ("state_per_sequence", c_uint64),
        ("scratch", c_uint64),
        ("total_host", c_uint64),
        ("total_device", c_uint64),
        ("least_total", c_uint64),
    ]


class ins1_model_info(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("parts", c_uint32),
        ("arch", c_void_p),
        ("name", c_void_p),
        ("quant", c_void_p),
        ("n_vocab", c_int32),
        ("n_embd", c_int32),
        ("n_layer", c_int32),
        ("n_head", c_int32),
        ("n_head_kv", c_int32),
        ("n_expert", c_int32),
        ("n_expert_used", c_int32),
        ("n_ctx_train", c_int32),
        ("n_params", c_uint64),
        ("n_params_active", c_uint64),
    ]


class ins1_placement(Structure):
    _fields_ = [
        ("device", c_int32),
        ("first_layer", c_int32),
        ("n_layers", c_int32),
        ("reserved0", c_int32),
        ("budget", c_uint64),
    ]


class ins1_decoder_options(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("placements", POINTER(ins1_placement)),
        ("n_placements", c_size_t),
        ("precision", c_int32),
        ("reserved0", c_int32),
    ]


class ins1_session_options(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("n_ctx", c_int32),
        ("n_seq", c_int32),
        ("n_batch", c_int32),
        ("kv_type", c_int32),
        ("kv_budget", c_uint64),
    ]


class ins1_session_info(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("precision", c_int32),
        ("n_ctx", c_int32),
        ("n_seq", c_int32),
        ("n_batch", c_int32),
        ("kv_type", c_int32),
        ("kv_bytes", c_uint64),
        ("state_bytes", c_uint64),
        ("scratch_bytes", c_uint64),
    ]


class ins1_span(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("ids", POINTER(c_int32)),
        ("n_ids", c_size_t),
        ("embeds", c_void_p),
        ("first", c_size_t),
        ("count", c_size_t),
    ]


class ins1_feed(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("seq", c_int32),
        ("spans", POINTER(ins1_span)),
        ("n_spans", c_size_t),
    ]


class ins1_step(Structure):
    _fields_ = [
        ("seq", c_int32),
        ("token", c_int32),
    ]


class ins1_logprob(Structure):
    _fields_ = [
        ("token", c_int32),
        ("logprob", c_float),
    ]


class ins1_ids(Structure):
    _fields_ = [
        ("ids", POINTER(c_int32)),
        ("n_ids", c_size_t),
    ]


ins1_writer_write = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t)


class ins1_writer(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("write", ins1_writer_write),
        ("user", c_void_p),
    ]


class ins1_text(Structure):
    _fields_ = [
        ("text", c_void_p),
        ("size", c_size_t),
    ]


ins1_tokenizer_options_smiles_valid = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t)


class ins1_tokenizer_options(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("smiles_valid", ins1_tokenizer_options_smiles_valid),
        ("user", c_void_p),
    ]


class ins1_segment(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_int32),
        ("flags", c_uint32),
        ("reserved0", c_uint32),
        ("text", c_void_p),
        ("size", c_size_t),
    ]


class ins1_piece(Structure):
    _fields_ = [
        ("id", c_int32),
        ("kind", c_int32),
        ("begin", c_size_t),
        ("end", c_size_t),
    ]


class ins1_polar_request(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("prompt", ins1_text),
        ("reference", ins1_text),
        ("candidates", POINTER(ins1_text)),
        ("n_candidates", c_size_t),
        ("max_tokens", c_int32),
        ("max_answer", c_int32),
    ]


class ins1_image(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("format", c_int32),
        ("width", c_int32),
        ("height", c_int32),
        ("pixels", c_void_p),
        ("pixel_stride", c_ssize_t),
        ("row_stride", c_ssize_t),
    ]


class ins1_video(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("frames", POINTER(ins1_image)),
        ("n_frames", c_size_t),
        ("fps", c_double),
        ("timestamps", POINTER(c_double)),
    ]


class ins1_vision_encoder_options(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("device", c_int32),
        ("precision", c_int32),
        ("max_tokens", c_int32),
        ("reserved0", c_int32),
        ("scratch_budget", c_uint64),
    ]


class ins1_timeseries(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("dtype", c_int32),
        ("data", c_void_p),
        ("n_samples", c_size_t),
        ("n_channels", c_size_t),
        ("sample_stride", c_ssize_t),
        ("channel_stride", c_ssize_t),
        ("sample_rate_hz", c_double),
        ("scale", c_double),
        ("offset", c_double),
        ("flags", c_uint32),
        ("reserved0", c_int32),
    ]


class ins1_timeseries_encoder_options(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("device", c_int32),
        ("precision", c_int32),
        ("max_samples", c_uint64),
        ("scratch_budget", c_uint64),
    ]


ins1_sampler_options_mask = CFUNCTYPE(c_int32, c_void_p, POINTER(c_int32), c_size_t, POINTER(c_uint32), c_size_t)


class ins1_sampler_options(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("temperature", c_float),
        ("top_p", c_float),
        ("min_p", c_float),
        ("repeat_penalty", c_float),
        ("frequency_penalty", c_float),
        ("presence_penalty", c_float),
        ("top_k", c_int32),
        ("repeat_last", c_int32),
        ("n_history", c_int32),
        ("reserved0", c_int32),
        ("seed", c_uint64),
        ("bias", POINTER(ins1_logprob)),
        ("n_bias", c_size_t),
        ("tokenizer", c_void_p),
        ("mask", ins1_sampler_options_mask),
        ("mask_user", c_void_p),
    ]


class ins1_stream_options(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reply_flags", c_uint32),
        ("max_tokens", c_size_t),
        ("stop", POINTER(ins1_text)),
        ("n_stop", c_size_t),
        ("n_top", c_int32),
        ("flags", c_uint32),
    ]


class ins1_event(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_int32),
        ("end_reason", c_int32),
        ("tool_index", c_int32),
        ("text", c_void_p),
        ("size", c_size_t),
        ("first_token", c_size_t),
        ("n_tokens", c_size_t),
        ("tokens", POINTER(ins1_logprob)),
        ("top", POINTER(ins1_logprob)),
        ("n_top", c_size_t),
    ]


class ins1_part(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_int32),
        ("text", c_void_p),
        ("size", c_size_t),
        ("embeds", c_void_p),
    ]


class ins1_message(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("role", c_void_p),
        ("parts", POINTER(ins1_part)),
        ("n_parts", c_size_t),
        ("reasoning", ins1_text),
        ("tool_calls_json", ins1_text),
    ]


class ins1_chat_options(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("tools_json", ins1_text),
        ("thinking", c_int32),
        ("add_generation_prompt", c_int32),
        ("dialect", c_void_p),
    ]


class ins1_prompt_info(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reply_flags", c_uint32),
        ("n_tokens", c_size_t),
        ("n_spans", c_size_t),
    ]


class ins1_reply_options(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("dialect", c_void_p),
    ]


class ins1_observation(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("what", c_uint32),
        ("seq", c_int32),
        ("layer", c_int32),
        ("first", c_size_t),
        ("n_tokens", c_size_t),
        ("width", c_size_t),
        ("values", POINTER(c_float)),
        ("experts", POINTER(c_int32)),
    ]


class ins1_pixels_info(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("n_tiles", c_int32),
        ("grid_t", c_int32),
        ("grid_h", c_int32),
        ("grid_w", c_int32),
        ("n_dim", c_int32),
        ("dim", c_size_t * 4),
        ("n_tokens", c_size_t),
    ]


class ins1_io_options(Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("max_bytes", c_uint64),
        ("max_pixels", c_uint64),
        ("max_samples", c_uint64),
    ]


ins1_observe_fn = CFUNCTYPE(c_int32, c_void_p, POINTER(ins1_observation))


HANDLES = [ins1_cancel, ins1_decoder, ins1_detokenizer, ins1_embeds, ins1_io_image, ins1_io_series,
           ins1_model, ins1_prompt, ins1_reply_parser, ins1_runtime,
           ins1_sampler, ins1_session, ins1_stream, ins1_timeseries_encoder,
           ins1_tokenizer, ins1_vision_encoder,
]
FUNCTIONS: Dict[str, Tuple[Any, List[Any]]] = {
    "ins1_version_number": (c_uint32, []),
    "ins1_version_string": (c_char_p, []),
    "ins1_has_feature": (c_int32, [c_char_p]),
    "ins1_status_name": (c_char_p, [c_int32]),
    "ins1_cancel_create": (c_int32, [POINTER(c_void_p), ins1_runtime, POINTER(ins1_call)]),
    "ins1_cancel_request": (None, [ins1_cancel]),
    "ins1_cancel_is_requested": (c_int32, [ins1_cancel]),
    "ins1_cancel_reset": (None, [ins1_cancel]),
    "ins1_cancel_retain": (None, [ins1_cancel]),
    "ins1_cancel_release": (None, [ins1_cancel]),
    "ins1_runtime_create": (c_int32, [POINTER(c_void_p), POINTER(ins1_runtime_options), POINTER(ins1_call)]),
    "ins1_runtime_mem": (c_int32, [ins1_runtime, POINTER(ins1_mem_stats), POINTER(ins1_call)]),
    "ins1_runtime_allocator": (POINTER(ins1_allocator), [ins1_runtime]),
    "ins1_runtime_retain": (None, [ins1_runtime]),
    "ins1_runtime_release": (None, [ins1_runtime]),
    "ins1_backend_register": (c_int32, [ins1_runtime, CFUNCTYPE(c_int32, c_uint32, c_void_p, c_void_p), POINTER(ins1_call)]),
    "ins1_backend_load": (c_int32, [ins1_runtime, c_char_p, POINTER(ins1_call)]),
    "ins1_device_count": (c_int32, [ins1_runtime]),
    "ins1_device_get": (c_int32, [ins1_runtime, c_int32, POINTER(ins1_device_info), POINTER(ins1_call)]),
    "ins1_device_find": (c_int32, [ins1_runtime, c_char_p, c_void_p, POINTER(ins1_call)]),
    "ins1_embeds_info_get": (c_int32, [ins1_embeds, POINTER(ins1_embeds_info), POINTER(ins1_call)]),
    "ins1_embeds_read_f32": (c_int32, [ins1_embeds, c_size_t, c_size_t, c_void_p, c_size_t, POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_embeds_from_f32": (c_int32, [POINTER(c_void_p), ins1_runtime, POINTER(ins1_embeds_info), c_void_p, POINTER(ins1_call)]),
    "ins1_embeds_pool": (c_int32, [POINTER(c_void_p), ins1_embeds, c_int32, c_uint32, POINTER(ins1_call)]),
    "ins1_embeds_to_dlpack": (c_int32, [POINTER(c_void_p), ins1_embeds, POINTER(ins1_call)]),
    "ins1_embeds_from_dlpack": (c_int32, [POINTER(c_void_p), ins1_runtime, c_void_p, POINTER(ins1_embeds_info), POINTER(ins1_call)]),
    "ins1_embeds_retain": (None, [ins1_embeds]),
    "ins1_embeds_release": (None, [ins1_embeds]),
    "ins1_model_plan": (c_int32, [ins1_runtime, POINTER(ins1_model_options), POINTER(ins1_decoder_options), POINTER(ins1_session_options), POINTER(ins1_plan), POINTER(ins1_call)]),
    "ins1_model_open": (c_int32, [POINTER(c_void_p), ins1_runtime, POINTER(ins1_model_options), POINTER(ins1_call)]),
    "ins1_model_info_get": (c_int32, [ins1_model, POINTER(ins1_model_info), POINTER(ins1_call)]),
    "ins1_model_meta": (c_int32, [ins1_model, c_char_p, POINTER(c_void_p), POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_model_retain": (None, [ins1_model]),
    "ins1_model_release": (None, [ins1_model]),
    "ins1_decoder_create": (c_int32, [POINTER(c_void_p), ins1_model, POINTER(ins1_decoder_options), POINTER(ins1_call)]),
    "ins1_decoder_placements": (c_int32, [ins1_decoder, POINTER(ins1_placement), c_size_t, POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_decoder_retain": (None, [ins1_decoder]),
    "ins1_decoder_release": (None, [ins1_decoder]),
    "ins1_session_create": (c_int32, [POINTER(c_void_p), ins1_decoder, POINTER(ins1_session_options), POINTER(ins1_call)]),
    "ins1_session_info_get": (c_int32, [ins1_session, POINTER(ins1_session_info), POINTER(ins1_call)]),
    "ins1_session_prefill": (c_int32, [ins1_session, POINTER(ins1_feed), c_size_t, POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_session_step": (c_int32, [ins1_session, POINTER(ins1_step), c_size_t, POINTER(ins1_call)]),
    "ins1_session_logits": (c_int32, [ins1_session, c_int32, POINTER(c_void_p), POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_session_logprobs": (c_int32, [ins1_session, c_int32, c_size_t, POINTER(ins1_logprob), c_size_t, POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_session_score": (c_int32, [ins1_session, c_int32, c_void_p, c_size_t, c_void_p, POINTER(ins1_call)]),
    "ins1_session_score_many": (c_int32, [ins1_session, c_int32, POINTER(ins1_ids), c_size_t, c_void_p, POINTER(ins1_call)]),
    "ins1_session_reward": (c_int32, [ins1_session, c_int32, c_void_p, POINTER(ins1_call)]),
    "ins1_session_embeds": (c_int32, [POINTER(c_void_p), ins1_session, c_int32, c_int32, POINTER(ins1_call)]),
    "ins1_session_length": (c_int32, [ins1_session, c_int32, POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_session_truncate": (c_int32, [ins1_session, c_int32, c_size_t, POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_session_checkpoint": (c_int32, [ins1_session, c_int32, POINTER(ins1_call)]),
    "ins1_session_fork": (c_int32, [ins1_session, c_int32, c_int32, POINTER(ins1_call)]),
    "ins1_session_save": (c_int32, [ins1_session, c_int32, c_void_p, c_size_t, POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_session_save_to": (c_int32, [ins1_session, c_int32, POINTER(ins1_writer), POINTER(ins1_call)]),
    "ins1_session_restore": (c_int32, [ins1_session, c_int32, c_void_p, c_size_t, POINTER(ins1_call)]),
    "ins1_session_restore_from": (c_int32, [ins1_session, c_int32, POINTER(ins1_reader), POINTER(ins1_call)]),
    "ins1_session_release": (None, [ins1_session]),
    "ins1_tokenizer_create": (c_int32, [POINTER(c_void_p), ins1_model, POINTER(ins1_tokenizer_options), POINTER(ins1_call)]),
    "ins1_tokenizer_encode": (c_int32, [ins1_tokenizer, POINTER(ins1_segment), c_size_t, c_uint32, c_void_p, POINTER(ins1_piece), c_size_t, POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_tokenizer_segments": (c_int32, [ins1_tokenizer, POINTER(ins1_segment), c_size_t, POINTER(ins1_piece), c_size_t, POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_tokenizer_decode": (c_int32, [ins1_tokenizer, c_void_p, c_size_t, c_uint32, c_void_p, c_size_t, POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_tokenizer_piece": (c_int32, [ins1_tokenizer, c_int32, POINTER(c_void_p), POINTER(c_size_t), POINTER(c_uint32), POINTER(ins1_call)]),
    "ins1_tokenizer_retain": (None, [ins1_tokenizer]),
    "ins1_tokenizer_release": (None, [ins1_tokenizer]),
    "ins1_detokenizer_create": (c_int32, [POINTER(c_void_p), ins1_tokenizer, c_uint32, POINTER(ins1_call)]),
    "ins1_detokenizer_push": (c_int32, [ins1_detokenizer, c_void_p, c_size_t, c_void_p, c_size_t, POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_detokenizer_flush": (c_int32, [ins1_detokenizer, c_void_p, c_size_t, POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_detokenizer_release": (None, [ins1_detokenizer]),
    "ins1_polar_score": (c_int32, [ins1_session, c_int32, ins1_tokenizer, POINTER(ins1_polar_request), c_void_p, POINTER(ins1_call)]),
    "ins1_vision_encoder_create": (c_int32, [POINTER(c_void_p), ins1_model, POINTER(ins1_vision_encoder_options), POINTER(ins1_call)]),
    "ins1_vision_encoder_tokens": (c_int32, [ins1_vision_encoder, c_int32, c_int32, POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_vision_encoder_video_tokens": (c_int32, [ins1_vision_encoder, POINTER(ins1_video), POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_vision_encoder_encode": (c_int32, [POINTER(c_void_p), ins1_vision_encoder, POINTER(ins1_image), c_size_t, POINTER(ins1_call)]),
    "ins1_vision_encoder_encode_video": (c_int32, [POINTER(c_void_p), ins1_vision_encoder, POINTER(ins1_video), POINTER(ins1_call)]),
    "ins1_vision_encoder_release": (None, [ins1_vision_encoder]),
    "ins1_timeseries_encoder_create": (c_int32, [POINTER(c_void_p), ins1_model, POINTER(ins1_timeseries_encoder_options), POINTER(ins1_call)]),
    "ins1_timeseries_encoder_tokens": (c_int32, [ins1_timeseries_encoder, c_size_t, c_size_t, c_double, POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_timeseries_encoder_encode": (c_int32, [POINTER(c_void_p), ins1_timeseries_encoder, POINTER(ins1_timeseries), c_size_t, POINTER(ins1_call)]),
    "ins1_timeseries_encoder_release": (None, [ins1_timeseries_encoder]),
    "ins1_sampler_create": (c_int32, [POINTER(c_void_p), ins1_runtime, POINTER(ins1_sampler_options), POINTER(ins1_call)]),
    "ins1_sampler_pick": (c_int32, [ins1_sampler, c_void_p, c_size_t, POINTER(ins1_logprob), POINTER(ins1_call)]),
    "ins1_sampler_accept": (c_int32, [ins1_sampler, c_int32, POINTER(ins1_call)]),
    "ins1_sampler_reset": (c_int32, [ins1_sampler, c_uint64, POINTER(ins1_call)]),
    "ins1_sampler_release": (None, [ins1_sampler]),
    "ins1_stream_open": (c_int32, [POINTER(c_void_p), ins1_session, c_int32, ins1_tokenizer, ins1_sampler, POINTER(ins1_stream_options), POINTER(ins1_call)]),
    "ins1_stream_next": (c_int32, [ins1_stream, POINTER(ins1_event), POINTER(ins1_call)]),
    "ins1_stream_accept": (c_int32, [ins1_stream, c_int32, POINTER(ins1_event), POINTER(ins1_call)]),
    "ins1_stream_release": (None, [ins1_stream]),
    "ins1_prompt_create": (c_int32, [POINTER(c_void_p), ins1_tokenizer, POINTER(ins1_message), c_size_t, POINTER(ins1_chat_options), POINTER(ins1_call)]),
    "ins1_prompt_info_get": (c_int32, [ins1_prompt, POINTER(ins1_prompt_info), POINTER(ins1_call)]),
    "ins1_prompt_text": (c_int32, [ins1_prompt, POINTER(c_void_p), POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_prompt_spans": (c_int32, [ins1_prompt, POINTER(POINTER(ins1_span)), POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_prompt_ids": (c_int32, [ins1_prompt, c_void_p, c_size_t, POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_prompt_release": (None, [ins1_prompt]),
    "ins1_reply_parser_create": (c_int32, [POINTER(c_void_p), ins1_tokenizer, POINTER(ins1_reply_options), POINTER(ins1_call)]),
    "ins1_reply_parser_push": (c_int32, [ins1_reply_parser, c_char_p, c_size_t, POINTER(ins1_call)]),
    "ins1_reply_parser_next": (c_int32, [ins1_reply_parser, POINTER(ins1_event), POINTER(ins1_call)]),
    "ins1_reply_parser_finish": (c_int32, [ins1_reply_parser, POINTER(ins1_call)]),
    "ins1_reply_parser_release": (None, [ins1_reply_parser]),
    "ins1_session_observe": (c_int32, [ins1_session, c_uint32, ins1_observe_fn, c_void_p, POINTER(ins1_call)]),
    "ins1_vision_encoder_preprocess": (c_int32, [ins1_vision_encoder, POINTER(ins1_image), c_uint32, c_void_p, c_size_t, POINTER(c_size_t), POINTER(ins1_pixels_info), POINTER(ins1_call)]),
    "ins1_vision_encoder_preprocess_video": (c_int32, [ins1_vision_encoder, POINTER(ins1_video), c_uint32, c_void_p, c_size_t, POINTER(c_size_t), POINTER(ins1_pixels_info), POINTER(ins1_call)]),
    "ins1_vision_encoder_encode_pixels": (c_int32, [POINTER(c_void_p), ins1_vision_encoder, c_void_p, POINTER(ins1_pixels_info), POINTER(ins1_call)]),
    "ins1_vision_encoder_tower": (c_int32, [POINTER(c_void_p), ins1_vision_encoder, c_void_p, POINTER(ins1_pixels_info), POINTER(ins1_call)]),
    "ins1_vision_encoder_observe": (c_int32, [ins1_vision_encoder, c_uint32, ins1_observe_fn, c_void_p, POINTER(ins1_call)]),
    "ins1_timeseries_encoder_preprocess": (c_int32, [ins1_timeseries_encoder, POINTER(ins1_timeseries), c_void_p, c_size_t, POINTER(c_size_t), POINTER(ins1_call)]),
    "ins1_timeseries_encoder_encode_samples": (c_int32, [POINTER(c_void_p), ins1_timeseries_encoder, c_void_p, c_size_t, c_size_t, c_double, POINTER(ins1_call)]),
    "ins1_timeseries_encoder_tower": (c_int32, [POINTER(c_void_p), ins1_timeseries_encoder, c_void_p, c_size_t, c_size_t, c_double, POINTER(ins1_call)]),
}
IO_FUNCTIONS: Dict[str, Tuple[Any, List[Any]]] = {
    "ins1_io_image_open": (c_int32, [POINTER(c_void_p), ins1_runtime, POINTER(ins1_file), POINTER(ins1_io_options), POINTER(ins1_call)]),
    "ins1_io_image_get": (c_int32, [ins1_io_image, POINTER(ins1_image), POINTER(ins1_call)]),
    "ins1_io_image_release": (None, [ins1_io_image]),
    "ins1_io_series_open": (c_int32, [POINTER(c_void_p), ins1_runtime, POINTER(ins1_file), c_size_t, POINTER(ins1_io_options), POINTER(ins1_call)]),
    "ins1_io_series_get": (c_int32, [ins1_io_series, POINTER(ins1_timeseries), POINTER(ins1_call)]),
    "ins1_io_series_channel": (c_int32, [ins1_io_series, c_size_t, POINTER(c_void_p), POINTER(c_void_p), POINTER(ins1_call)]),
    "ins1_io_series_release": (None, [ins1_io_series]),
}


def address_of_text(text: Optional[bytes]) -> Optional[int]:
    """Where bytes lie, for a field; whoever calls keeps them."""
    return None if text is None else cast(c_char_p(text), c_void_p).value


def declare(library: CDLL, io: bool = False) -> None:
    """Tell ctypes the types of what `library` exports: libinterns1, or with `io` libinterns1_io."""
    for name, (result, parameters) in (IO_FUNCTIONS if io else FUNCTIONS).items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = parameters
    for handle in HANDLES:
        name = handle.__name__ + "_release"
        if name in (IO_FUNCTIONS if io else FUNCTIONS):
            # A function object of its own: it takes every handle as the pointer it is.
            handle._end = ending(CFUNCTYPE(None, c_void_p)((name, library)))
