! The C interface of libinterns1. Written by bindings/generate.py from the public headers, whose comments hold here.
!
! Handles are type(c_ptr). Structs know their own size; every other component is zero, the default. What C lets be
! NULL is optional: name the arguments that follow what is left out. Texts are passed with their size, names and
! paths end with c_null_char. Unsigned numbers of C are the signed ones of the same size.
module interns1
  use, intrinsic :: iso_c_binding
  implicit none
  public

  integer(c_int32_t), parameter :: INS1_VERSION_MAJOR = 0_c_int32_t
  integer(c_int32_t), parameter :: INS1_VERSION_MINOR = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_VERSION_PATCH = 0_c_int32_t
  integer(c_int32_t), parameter :: INS1_OK = 0_c_int32_t
  integer(c_int32_t), parameter :: INS1_E_ARGUMENT = -1_c_int32_t
  integer(c_int32_t), parameter :: INS1_E_MEMORY = -2_c_int32_t
  integer(c_int32_t), parameter :: INS1_E_BUDGET = -3_c_int32_t
  integer(c_int32_t), parameter :: INS1_E_IO = -4_c_int32_t
  integer(c_int32_t), parameter :: INS1_E_FORMAT = -5_c_int32_t
  integer(c_int32_t), parameter :: INS1_E_UNSUPPORTED = -6_c_int32_t
  integer(c_int32_t), parameter :: INS1_E_VERSION = -7_c_int32_t
  integer(c_int32_t), parameter :: INS1_E_BUFFER = -8_c_int32_t
  integer(c_int32_t), parameter :: INS1_E_CANCELED = -9_c_int32_t
  integer(c_int32_t), parameter :: INS1_E_DEADLINE = -10_c_int32_t
  integer(c_int32_t), parameter :: INS1_E_DEVICE = -11_c_int32_t
  integer(c_int32_t), parameter :: INS1_E_STATE = -12_c_int32_t
  integer(c_int32_t), parameter :: INS1_E_FULL = -13_c_int32_t
  integer(c_int32_t), parameter :: INS1_E_CALLBACK = -14_c_int32_t
  integer(c_int32_t), parameter :: INS1_E_BUSY = -15_c_int32_t
  integer(c_int32_t), parameter :: INS1_E_INTERNAL = -16_c_int32_t
  integer(c_int32_t), parameter :: INS1_PHASE_OPEN = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_PHASE_VERIFY = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_PHASE_ENCODE = 3_c_int32_t
  integer(c_int32_t), parameter :: INS1_PHASE_PREFILL = 4_c_int32_t
  integer(c_int32_t), parameter :: INS1_PHASE_SCORE = 5_c_int32_t
  integer(c_int32_t), parameter :: INS1_MEM_WEIGHTS = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_MEM_KV = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_MEM_SCRATCH = 3_c_int32_t
  integer(c_int32_t), parameter :: INS1_MEM_OBJECT = 4_c_int32_t
  integer(c_int32_t), parameter :: INS1_MEM_IO = 5_c_int32_t
  integer(c_int32_t), parameter :: INS1_LOG_ERROR = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_LOG_WARN = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_LOG_INFO = 3_c_int32_t
  integer(c_int32_t), parameter :: INS1_LOG_DEBUG = 4_c_int32_t
  integer(c_int32_t), parameter :: INS1_THREADS_CALLER = 0_c_int32_t
  integer(c_int32_t), parameter :: INS1_THREADS_OWN = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_THREADS_HOST = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_RUNTIME_NO_DLOPEN = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_RUNTIME_NO_FILES = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_DTYPE_I8 = 8_c_int32_t
  integer(c_int32_t), parameter :: INS1_DTYPE_I32 = 32_c_int32_t
  integer(c_int32_t), parameter :: INS1_DTYPE_U8 = 65544_c_int32_t
  integer(c_int32_t), parameter :: INS1_DTYPE_F16 = 131088_c_int32_t
  integer(c_int32_t), parameter :: INS1_DTYPE_F32 = 131104_c_int32_t
  integer(c_int32_t), parameter :: INS1_DTYPE_BF16 = 262160_c_int32_t
  integer(c_int32_t), parameter :: INS1_DTYPE_F8_E4M3 = 655368_c_int32_t
  integer(c_int32_t), parameter :: INS1_DEVICE_CPU = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_DEVICE_GPU = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_DEVICE_IGPU = 3_c_int32_t
  integer(c_int32_t), parameter :: INS1_DEVICE_ACCELERATOR = 4_c_int32_t
  integer(c_int32_t), parameter :: INS1_DEVICE_SOFTGPU = 5_c_int32_t
  integer(c_int32_t), parameter :: INS1_CAP_F16 = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_CAP_BF16 = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_CAP_I8DOT = 4_c_int32_t
  integer(c_int32_t), parameter :: INS1_CAP_HOST_MEM = 8_c_int32_t
  integer(c_int32_t), parameter :: INS1_CAP_ASYNC = 16_c_int32_t
  integer(c_int32_t), parameter :: INS1_CAP_EXACT = 32_c_int32_t
  integer(c_int32_t), parameter :: INS1_MODALITY_TEXT = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_MODALITY_IMAGE = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_MODALITY_VIDEO = 3_c_int32_t
  integer(c_int32_t), parameter :: INS1_MODALITY_TIMESERIES = 4_c_int32_t
  integer(c_int32_t), parameter :: INS1_POOL_LAST = 0_c_int32_t
  integer(c_int32_t), parameter :: INS1_POOL_MEAN = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_POOL_NONE = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_POOL_UNIT = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_PART_TOKENIZER = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_PART_VISION = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_PART_TIMESERIES = 4_c_int32_t
  integer(c_int32_t), parameter :: INS1_PART_DECODER = 8_c_int32_t
  integer(c_int32_t), parameter :: INS1_LOAD_MMAP = 0_c_int32_t
  integer(c_int32_t), parameter :: INS1_LOAD_READ = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_LOAD_EXPERTS_ON_DEMAND = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_PRECISION_DEFAULT = 0_c_int32_t
  integer(c_int32_t), parameter :: INS1_PRECISION_F32 = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_PRECISION_BF16 = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_PRECISION_INT8 = 3_c_int32_t
  integer(c_int32_t), parameter :: INS1_KV_DEFAULT = 0_c_int32_t
  integer(c_int32_t), parameter :: INS1_KV_F32 = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_KV_BF16 = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_KV_F16 = 3_c_int32_t
  integer(c_int32_t), parameter :: INS1_KV_Q8 = 4_c_int32_t
  integer(c_int32_t), parameter :: INS1_SESSION_KEEP_HIDDEN = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_TOKENIZER_RESET_AT_TURN = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_TOKENIZER_NO_MARKERS = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_SEGMENT_AUTO = 0_c_int32_t
  integer(c_int32_t), parameter :: INS1_SEGMENT_TEXT = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_SEGMENT_SMILES = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_SEGMENT_SELFIES = 3_c_int32_t
  integer(c_int32_t), parameter :: INS1_SEGMENT_IUPAC = 4_c_int32_t
  integer(c_int32_t), parameter :: INS1_SEGMENT_FASTA = 5_c_int32_t
  integer(c_int32_t), parameter :: INS1_SEGMENT_PROTEIN = 6_c_int32_t
  integer(c_int32_t), parameter :: INS1_SEGMENT_DNA = 7_c_int32_t
  integer(c_int32_t), parameter :: INS1_SEGMENT_RNA = 8_c_int32_t
  integer(c_int32_t), parameter :: INS1_SEGMENT_XNA = 9_c_int32_t
  integer(c_int32_t), parameter :: INS1_SEGMENT_TOKEN = 10_c_int32_t
  integer(c_int32_t), parameter :: INS1_SEGMENT_SPECIAL = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_ENCODE_ADD_BOS = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_DECODE_SKIP_SPECIAL = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_DECODE_SKIP_CONTROL = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_TOKEN_SPECIAL = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_TOKEN_CONTROL = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_TOKEN_PARTIAL = 4_c_int32_t
  integer(c_int32_t), parameter :: INS1_TOKEN_PADDING = 8_c_int32_t
  integer(c_int32_t), parameter :: INS1_TOKEN_END = 16_c_int32_t
  integer(c_int32_t), parameter :: INS1_TOKEN_PLACEHOLDER = 32_c_int32_t
  integer(c_int32_t), parameter :: INS1_POLAR_PRETRAIN = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_POLAR_KEEP_TAIL = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_PIXEL_RGB8 = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_PIXEL_RGBA8 = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_PIXEL_GRAY8 = 3_c_int32_t
  integer(c_int32_t), parameter :: INS1_PIXEL_BGR8 = 4_c_int32_t
  integer(c_int32_t), parameter :: INS1_PIXEL_BGRA8 = 5_c_int32_t
  integer(c_int32_t), parameter :: INS1_PIXEL_RGB16 = 6_c_int32_t
  integer(c_int32_t), parameter :: INS1_PIXEL_RGBA16 = 7_c_int32_t
  integer(c_int32_t), parameter :: INS1_PIXEL_GRAY16 = 8_c_int32_t
  integer(c_int32_t), parameter :: INS1_PIXEL_RGB_F32 = 9_c_int32_t
  integer(c_int32_t), parameter :: INS1_VIDEO_ALL_FRAMES = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_VISION_ENCODER_NO_WEIGHTS = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_SAMPLE_I16 = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_SAMPLE_I32 = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_SAMPLE_F32 = 3_c_int32_t
  integer(c_int32_t), parameter :: INS1_SAMPLE_F64 = 4_c_int32_t
  integer(c_int32_t), parameter :: INS1_TIMESERIES_FILL_GAPS = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_TIMESERIES_ENCODER_UNBIASED = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_EVENT_NONE = 0_c_int32_t
  integer(c_int32_t), parameter :: INS1_EVENT_TEXT = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_EVENT_REASONING = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_EVENT_TOOL_BEGIN = 3_c_int32_t
  integer(c_int32_t), parameter :: INS1_EVENT_TOOL_ARGUMENTS = 4_c_int32_t
  integer(c_int32_t), parameter :: INS1_EVENT_TOOL_END = 5_c_int32_t
  integer(c_int32_t), parameter :: INS1_EVENT_END = 6_c_int32_t
  integer(c_int32_t), parameter :: INS1_END_EOS = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_END_STOP = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_END_LENGTH = 3_c_int32_t
  integer(c_int32_t), parameter :: INS1_END_FULL = 4_c_int32_t
  integer(c_int32_t), parameter :: INS1_REPLY_PLAIN = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_REPLY_IN_REASONING = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_REPLY_NO_TOOLS = 4_c_int32_t
  integer(c_int32_t), parameter :: INS1_REPLY_REPAIR_JSON = 8_c_int32_t
  integer(c_int32_t), parameter :: INS1_STREAM_IGNORE_EOS = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_CHAT_DEFAULT = 0_c_int32_t
  integer(c_int32_t), parameter :: INS1_CHAT_ON = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_CHAT_OFF = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_OBSERVE_HIDDEN = 1_c_int32_t
  integer(c_int32_t), parameter :: INS1_OBSERVE_ROUTER = 2_c_int32_t
  integer(c_int32_t), parameter :: INS1_OBSERVE_LOGITS = 4_c_int32_t
  integer(c_int32_t), parameter :: INS1_PREPROCESS_RAW = 1_c_int32_t

  type, bind(C) :: ins1_error
    integer(c_int32_t) :: struct_size = 256
    integer(c_int32_t) :: status = 0
    integer(c_int32_t) :: os_errno = 0
    integer(c_int32_t) :: backend_code = 0
    character(kind=c_char) :: text(240) = c_null_char
  end type ins1_error

  type, bind(C) :: ins1_call
    integer(c_int32_t) :: struct_size = 48
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: error = c_null_ptr
    type(c_ptr) :: cancel = c_null_ptr
    integer(c_int64_t) :: budget_ns = 0
    type(c_funptr) :: progress = c_null_funptr
    type(c_ptr) :: user = c_null_ptr
  end type ins1_call

  type, bind(C) :: ins1_allocator
    integer(c_int32_t) :: struct_size = 32
    integer(c_int32_t) :: flags = 0
    type(c_funptr) :: alloc = c_null_funptr
    type(c_funptr) :: free = c_null_funptr
    type(c_ptr) :: user = c_null_ptr
  end type ins1_allocator

  type, bind(C) :: ins1_threading
    integer(c_int32_t) :: struct_size = 48
    integer(c_int32_t) :: mode = 0
    integer(c_int32_t) :: n_threads = 0
    integer(c_int32_t) :: flags = 0
    type(c_funptr) :: parallel_for = c_null_funptr
    type(c_funptr) :: thread_start = c_null_funptr
    type(c_funptr) :: thread_stop = c_null_funptr
    type(c_ptr) :: user = c_null_ptr
  end type ins1_threading

  type, bind(C) :: ins1_runtime_options
    integer(c_int32_t) :: struct_size = 64
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: allocator = c_null_ptr
    type(c_ptr) :: threading = c_null_ptr
    type(c_funptr) :: log = c_null_funptr
    type(c_ptr) :: log_user = c_null_ptr
    integer(c_int32_t) :: log_level = 0
    integer(c_int32_t) :: reserved0 = 0
    integer(c_int64_t) :: host_budget = 0
    type(c_ptr) :: cpu_level = c_null_ptr
  end type ins1_runtime_options

  type, bind(C) :: ins1_mem_stats
    integer(c_int32_t) :: struct_size = 48
    integer(c_int32_t) :: flags = 0
    integer(c_int64_t) :: now = 0
    integer(c_int64_t) :: peak = 0
    integer(c_int64_t) :: budget = 0
    integer(c_int64_t) :: mapped = 0
    integer(c_int64_t) :: device = 0
  end type ins1_mem_stats

  type, bind(C) :: ins1_device_info
    integer(c_int32_t) :: struct_size = 72
    integer(c_int32_t) :: kind = 0
    type(c_ptr) :: backend = c_null_ptr
    type(c_ptr) :: name = c_null_ptr
    type(c_ptr) :: hardware = c_null_ptr
    type(c_ptr) :: level = c_null_ptr
    integer(c_int64_t) :: mem_total = 0
    integer(c_int64_t) :: mem_free = 0
    integer(c_int64_t) :: max_buffer = 0
    integer(c_int32_t) :: caps = 0
    integer(c_int32_t) :: score = 0
  end type ins1_device_info

  type, bind(C) :: ins1_embeds_info
    integer(c_int32_t) :: struct_size = 64
    integer(c_int32_t) :: dtype = 0
    integer(c_size_t) :: n_tokens = 0
    integer(c_size_t) :: dim = 0
    integer(c_int32_t) :: modality = 0
    integer(c_int32_t) :: device = 0
    integer(c_int32_t) :: grid_t = 0
    integer(c_int32_t) :: grid_h = 0
    integer(c_int32_t) :: grid_w = 0
    integer(c_int32_t) :: reserved0 = 0
    type(c_ptr) :: times = c_null_ptr
    integer(c_size_t) :: n_times = 0
  end type ins1_embeds_info

  type, bind(C) :: ins1_reader
    integer(c_int32_t) :: struct_size = 40
    integer(c_int32_t) :: flags = 0
    integer(c_int64_t) :: size = 0
    type(c_funptr) :: read_at = c_null_funptr
    type(c_funptr) :: close = c_null_funptr
    type(c_ptr) :: user = c_null_ptr
  end type ins1_reader

  type, bind(C) :: ins1_file
    integer(c_int32_t) :: struct_size = 48
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: name = c_null_ptr
    type(c_ptr) :: path = c_null_ptr
    type(c_ptr) :: data = c_null_ptr
    integer(c_size_t) :: size = 0
    type(c_ptr) :: reader = c_null_ptr
  end type ins1_file

  type, bind(C) :: ins1_model_options
    integer(c_int32_t) :: struct_size = 80
    integer(c_int32_t) :: parts = 0
    type(c_ptr) :: path = c_null_ptr
    type(c_ptr) :: data = c_null_ptr
    integer(c_size_t) :: size = 0
    type(c_ptr) :: reader = c_null_ptr
    type(c_ptr) :: files = c_null_ptr
    integer(c_size_t) :: n_files = 0
    integer(c_int32_t) :: load_mode = 0
    integer(c_int32_t) :: verify = 0
    integer(c_int64_t) :: expert_cache = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: reserved0 = 0
  end type ins1_model_options

  type, bind(C) :: ins1_part_bytes
    integer(c_int64_t) :: disk = 0
    integer(c_int64_t) :: host = 0
    integer(c_int64_t) :: device = 0
  end type ins1_part_bytes

  type, bind(C) :: ins1_plan
    integer(c_int32_t) :: struct_size = 152
    integer(c_int32_t) :: parts = 0
    type(ins1_part_bytes) :: tokenizer
    type(ins1_part_bytes) :: vision
    type(ins1_part_bytes) :: timeseries
    type(ins1_part_bytes) :: decoder
    integer(c_int64_t) :: kv_per_token = 0
    integer(c_int64_t) :: state_per_sequence = 0
    integer(c_int64_t) :: scratch = 0
    integer(c_int64_t) :: total_host = 0
    integer(c_int64_t) :: total_device = 0
    integer(c_int64_t) :: least_total = 0
  end type ins1_plan

  type, bind(C) :: ins1_model_info
    integer(c_int32_t) :: struct_size = 80
    integer(c_int32_t) :: parts = 0
    type(c_ptr) :: arch = c_null_ptr
    type(c_ptr) :: name = c_null_ptr
    type(c_ptr) :: quant = c_null_ptr
    integer(c_int32_t) :: n_vocab = 0
    integer(c_int32_t) :: n_embd = 0
    integer(c_int32_t) :: n_layer = 0
    integer(c_int32_t) :: n_head = 0
    integer(c_int32_t) :: n_head_kv = 0
    integer(c_int32_t) :: n_expert = 0
    integer(c_int32_t) :: n_expert_used = 0
    integer(c_int32_t) :: n_ctx_train = 0
    integer(c_int64_t) :: n_params = 0
    integer(c_int64_t) :: n_params_active = 0
  end type ins1_model_info

  type, bind(C) :: ins1_placement
    integer(c_int32_t) :: device = 0
    integer(c_int32_t) :: first_layer = 0
    integer(c_int32_t) :: n_layers = 0
    integer(c_int32_t) :: reserved0 = 0
    integer(c_int64_t) :: budget = 0
  end type ins1_placement

  type, bind(C) :: ins1_decoder_options
    integer(c_int32_t) :: struct_size = 32
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: placements = c_null_ptr
    integer(c_size_t) :: n_placements = 0
    integer(c_int32_t) :: precision = 0
    integer(c_int32_t) :: reserved0 = 0
  end type ins1_decoder_options

  type, bind(C) :: ins1_session_options
    integer(c_int32_t) :: struct_size = 32
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: n_ctx = 0
    integer(c_int32_t) :: n_seq = 0
    integer(c_int32_t) :: n_batch = 0
    integer(c_int32_t) :: kv_type = 0
    integer(c_int64_t) :: kv_budget = 0
  end type ins1_session_options

  type, bind(C) :: ins1_session_info
    integer(c_int32_t) :: struct_size = 48
    integer(c_int32_t) :: precision = 0
    integer(c_int32_t) :: n_ctx = 0
    integer(c_int32_t) :: n_seq = 0
    integer(c_int32_t) :: n_batch = 0
    integer(c_int32_t) :: kv_type = 0
    integer(c_int64_t) :: kv_bytes = 0
    integer(c_int64_t) :: state_bytes = 0
    integer(c_int64_t) :: scratch_bytes = 0
  end type ins1_session_info

  type, bind(C) :: ins1_span
    integer(c_int32_t) :: struct_size = 48
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: ids = c_null_ptr
    integer(c_size_t) :: n_ids = 0
    type(c_ptr) :: embeds = c_null_ptr
    integer(c_size_t) :: first = 0
    integer(c_size_t) :: count = 0
  end type ins1_span

  type, bind(C) :: ins1_feed
    integer(c_int32_t) :: struct_size = 24
    integer(c_int32_t) :: seq = 0
    type(c_ptr) :: spans = c_null_ptr
    integer(c_size_t) :: n_spans = 0
  end type ins1_feed

  type, bind(C) :: ins1_step
    integer(c_int32_t) :: seq = 0
    integer(c_int32_t) :: token = 0
  end type ins1_step

  type, bind(C) :: ins1_logprob
    integer(c_int32_t) :: token = 0
    real(c_float) :: logprob = 0.0_c_float
  end type ins1_logprob

  type, bind(C) :: ins1_ids
    type(c_ptr) :: ids = c_null_ptr
    integer(c_size_t) :: n_ids = 0
  end type ins1_ids

  type, bind(C) :: ins1_writer
    integer(c_int32_t) :: struct_size = 24
    integer(c_int32_t) :: flags = 0
    type(c_funptr) :: write = c_null_funptr
    type(c_ptr) :: user = c_null_ptr
  end type ins1_writer

  type, bind(C) :: ins1_text
    type(c_ptr) :: text = c_null_ptr
    integer(c_size_t) :: size = 0
  end type ins1_text

  type, bind(C) :: ins1_tokenizer_options
    integer(c_int32_t) :: struct_size = 24
    integer(c_int32_t) :: flags = 0
    type(c_funptr) :: smiles_valid = c_null_funptr
    type(c_ptr) :: user = c_null_ptr
  end type ins1_tokenizer_options

  type, bind(C) :: ins1_segment
    integer(c_int32_t) :: struct_size = 32
    integer(c_int32_t) :: kind = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: reserved0 = 0
    type(c_ptr) :: text = c_null_ptr
    integer(c_size_t) :: size = 0
  end type ins1_segment

  type, bind(C) :: ins1_piece
    integer(c_int32_t) :: id = 0
    integer(c_int32_t) :: kind = 0
    integer(c_size_t) :: begin = 0
    integer(c_size_t) :: end = 0
  end type ins1_piece

  type, bind(C) :: ins1_polar_request
    integer(c_int32_t) :: struct_size = 64
    integer(c_int32_t) :: flags = 0
    type(ins1_text) :: prompt
    type(ins1_text) :: reference
    type(c_ptr) :: candidates = c_null_ptr
    integer(c_size_t) :: n_candidates = 0
    integer(c_int32_t) :: max_tokens = 0
    integer(c_int32_t) :: max_answer = 0
  end type ins1_polar_request

  type, bind(C) :: ins1_image
    integer(c_int32_t) :: struct_size = 40
    integer(c_int32_t) :: format = 0
    integer(c_int32_t) :: width = 0
    integer(c_int32_t) :: height = 0
    type(c_ptr) :: pixels = c_null_ptr
    integer(c_intptr_t) :: pixel_stride = 0
    integer(c_intptr_t) :: row_stride = 0
  end type ins1_image

  type, bind(C) :: ins1_video
    integer(c_int32_t) :: struct_size = 40
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: frames = c_null_ptr
    integer(c_size_t) :: n_frames = 0
    real(c_double) :: fps = 0.0_c_double
    type(c_ptr) :: timestamps = c_null_ptr
  end type ins1_video

  type, bind(C) :: ins1_vision_encoder_options
    integer(c_int32_t) :: struct_size = 32
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: device = 0
    integer(c_int32_t) :: precision = 0
    integer(c_int32_t) :: max_tokens = 0
    integer(c_int32_t) :: reserved0 = 0
    integer(c_int64_t) :: scratch_budget = 0
  end type ins1_vision_encoder_options

  type, bind(C) :: ins1_timeseries
    integer(c_int32_t) :: struct_size = 80
    integer(c_int32_t) :: dtype = 0
    type(c_ptr) :: data = c_null_ptr
    integer(c_size_t) :: n_samples = 0
    integer(c_size_t) :: n_channels = 0
    integer(c_intptr_t) :: sample_stride = 0
    integer(c_intptr_t) :: channel_stride = 0
    real(c_double) :: sample_rate_hz = 0.0_c_double
    real(c_double) :: scale = 0.0_c_double
    real(c_double) :: offset = 0.0_c_double
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: reserved0 = 0
  end type ins1_timeseries

  type, bind(C) :: ins1_timeseries_encoder_options
    integer(c_int32_t) :: struct_size = 32
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: device = 0
    integer(c_int32_t) :: precision = 0
    integer(c_int64_t) :: max_samples = 0
    integer(c_int64_t) :: scratch_budget = 0
  end type ins1_timeseries_encoder_options

  type, bind(C) :: ins1_sampler_options
    integer(c_int32_t) :: struct_size = 96
    integer(c_int32_t) :: flags = 0
    real(c_float) :: temperature = 0.0_c_float
    real(c_float) :: top_p = 0.0_c_float
    real(c_float) :: min_p = 0.0_c_float
    real(c_float) :: repeat_penalty = 0.0_c_float
    real(c_float) :: frequency_penalty = 0.0_c_float
    real(c_float) :: presence_penalty = 0.0_c_float
    integer(c_int32_t) :: top_k = 0
    integer(c_int32_t) :: repeat_last = 0
    integer(c_int32_t) :: n_history = 0
    integer(c_int32_t) :: reserved0 = 0
    integer(c_int64_t) :: seed = 0
    type(c_ptr) :: bias = c_null_ptr
    integer(c_size_t) :: n_bias = 0
    type(c_ptr) :: tokenizer = c_null_ptr
    type(c_funptr) :: mask = c_null_funptr
    type(c_ptr) :: mask_user = c_null_ptr
  end type ins1_sampler_options

  type, bind(C) :: ins1_stream_options
    integer(c_int32_t) :: struct_size = 40
    integer(c_int32_t) :: reply_flags = 0
    integer(c_size_t) :: max_tokens = 0
    type(c_ptr) :: stop = c_null_ptr
    integer(c_size_t) :: n_stop = 0
    integer(c_int32_t) :: n_top = 0
    integer(c_int32_t) :: flags = 0
  end type ins1_stream_options

  type, bind(C) :: ins1_event
    integer(c_int32_t) :: struct_size = 72
    integer(c_int32_t) :: kind = 0
    integer(c_int32_t) :: end_reason = 0
    integer(c_int32_t) :: tool_index = 0
    type(c_ptr) :: text = c_null_ptr
    integer(c_size_t) :: size = 0
    integer(c_size_t) :: first_token = 0
    integer(c_size_t) :: n_tokens = 0
    type(c_ptr) :: tokens = c_null_ptr
    type(c_ptr) :: top = c_null_ptr
    integer(c_size_t) :: n_top = 0
  end type ins1_event

  type, bind(C) :: ins1_part
    integer(c_int32_t) :: struct_size = 32
    integer(c_int32_t) :: kind = 0
    type(c_ptr) :: text = c_null_ptr
    integer(c_size_t) :: size = 0
    type(c_ptr) :: embeds = c_null_ptr
  end type ins1_part

  type, bind(C) :: ins1_message
    integer(c_int32_t) :: struct_size = 64
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: role = c_null_ptr
    type(c_ptr) :: parts = c_null_ptr
    integer(c_size_t) :: n_parts = 0
    type(ins1_text) :: reasoning
    type(ins1_text) :: tool_calls_json
  end type ins1_message

  type, bind(C) :: ins1_chat_options
    integer(c_int32_t) :: struct_size = 40
    integer(c_int32_t) :: flags = 0
    type(ins1_text) :: tools_json
    integer(c_int32_t) :: thinking = 0
    integer(c_int32_t) :: add_generation_prompt = 0
    type(c_ptr) :: dialect = c_null_ptr
  end type ins1_chat_options

  type, bind(C) :: ins1_prompt_info
    integer(c_int32_t) :: struct_size = 24
    integer(c_int32_t) :: reply_flags = 0
    integer(c_size_t) :: n_tokens = 0
    integer(c_size_t) :: n_spans = 0
  end type ins1_prompt_info

  type, bind(C) :: ins1_reply_options
    integer(c_int32_t) :: struct_size = 16
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: dialect = c_null_ptr
  end type ins1_reply_options

  type, bind(C) :: ins1_observation
    integer(c_int32_t) :: struct_size = 56
    integer(c_int32_t) :: what = 0
    integer(c_int32_t) :: seq = 0
    integer(c_int32_t) :: layer = 0
    integer(c_size_t) :: first = 0
    integer(c_size_t) :: n_tokens = 0
    integer(c_size_t) :: width = 0
    type(c_ptr) :: values = c_null_ptr
    type(c_ptr) :: experts = c_null_ptr
  end type ins1_observation

  type, bind(C) :: ins1_pixels_info
    integer(c_int32_t) :: struct_size = 64
    integer(c_int32_t) :: n_tiles = 0
    integer(c_int32_t) :: grid_t = 0
    integer(c_int32_t) :: grid_h = 0
    integer(c_int32_t) :: grid_w = 0
    integer(c_int32_t) :: n_dim = 0
    integer(c_size_t) :: dim(4) = 0
    integer(c_size_t) :: n_tokens = 0
  end type ins1_pixels_info

  type, bind(C) :: ins1_io_options
    integer(c_int32_t) :: struct_size = 32
    integer(c_int32_t) :: flags = 0
    integer(c_int64_t) :: max_bytes = 0
    integer(c_int64_t) :: max_pixels = 0
    integer(c_int64_t) :: max_samples = 0
  end type ins1_io_options

  interface

    ! The version of the library that is loaded, as INS1_VERSION_NUMBER counts.
    function ins1_version_number() &
      bind(C, name='ins1_version_number') result(answer)
      import
      integer(c_int32_t) :: answer
    end function ins1_version_number

    ! The same for people, with how the library was built: "0.1.0 (x86_64, gcc, release)".
    function ins1_version_string() &
      bind(C, name='ins1_version_string') result(answer)
      import
      type(c_ptr) :: answer
    end function ins1_version_string

    ! Was the library built with a feature?
    function ins1_has_feature(name) &
      bind(C, name='ins1_has_feature') result(answer)
      import
      character(kind=c_char), intent(in), optional :: name(*)
      integer(c_int32_t) :: answer
    end function ins1_has_feature

    ! The name of a status, "INS1_E_FORMAT".
    function ins1_status_name(status) &
      bind(C, name='ins1_status_name') result(answer)
      import
      integer(c_int32_t), value :: status
      type(c_ptr) :: answer
    end function ins1_status_name

    ! Make a cancel token, not requested.
    function ins1_cancel_create(out, runtime, call) &
      bind(C, name='ins1_cancel_create') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: runtime
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_cancel_create

    ! Ask every call that carries this token to stop, now and until it is reset.
    subroutine ins1_cancel_request(cancel) &
      bind(C, name='ins1_cancel_request')
      import
      type(c_ptr), value :: cancel
    end subroutine ins1_cancel_request

    ! Was a stop asked for? 1 or 0; NULL is 0.
    function ins1_cancel_is_requested(cancel) &
      bind(C, name='ins1_cancel_is_requested') result(answer)
      import
      type(c_ptr), value :: cancel
      integer(c_int32_t) :: answer
    end function ins1_cancel_is_requested

    ! Make the token usable again.
    subroutine ins1_cancel_reset(cancel) &
      bind(C, name='ins1_cancel_reset')
      import
      type(c_ptr), value :: cancel
    end subroutine ins1_cancel_reset

    ! Add an owner.
    subroutine ins1_cancel_retain(cancel) &
      bind(C, name='ins1_cancel_retain')
      import
      type(c_ptr), value :: cancel
    end subroutine ins1_cancel_retain

    ! Take an owner away.
    subroutine ins1_cancel_release(cancel) &
      bind(C, name='ins1_cancel_release')
      import
      type(c_ptr), value :: cancel
    end subroutine ins1_cancel_release

    ! Take what the host brings.
    function ins1_runtime_create(out, options, call) &
      bind(C, name='ins1_runtime_create') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(ins1_runtime_options), intent(in), optional :: options
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_runtime_create

    ! How much memory is in use.
    function ins1_runtime_mem(runtime, out, call) &
      bind(C, name='ins1_runtime_mem') result(answer)
      import
      type(c_ptr), value :: runtime
      type(ins1_mem_stats), intent(inout), optional :: out
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_runtime_mem

    ! The runtime's source of memory: the host's allocator behind the budget.
    function ins1_runtime_allocator(runtime) &
      bind(C, name='ins1_runtime_allocator') result(answer)
      import
      type(c_ptr), value :: runtime
      type(c_ptr) :: answer
    end function ins1_runtime_allocator

    ! Add an owner.
    subroutine ins1_runtime_retain(runtime) &
      bind(C, name='ins1_runtime_retain')
      import
      type(c_ptr), value :: runtime
    end subroutine ins1_runtime_retain

    ! Take an owner away.
    subroutine ins1_runtime_release(runtime) &
      bind(C, name='ins1_runtime_release')
      import
      type(c_ptr), value :: runtime
    end subroutine ins1_runtime_release

    ! Add a backend that is linked into the program.
    function ins1_backend_register(runtime, entry, call) &
      bind(C, name='ins1_backend_register') result(answer)
      import
      type(c_ptr), value :: runtime
      type(c_funptr), value :: entry
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_backend_register

    ! Add the backend of a plugin.
    function ins1_backend_load(runtime, absolute_path, call) &
      bind(C, name='ins1_backend_load') result(answer)
      import
      type(c_ptr), value :: runtime
      character(kind=c_char), intent(in), optional :: absolute_path(*)
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_backend_load

    ! How many devices there are; at least 1.
    function ins1_device_count(runtime) &
      bind(C, name='ins1_device_count') result(answer)
      import
      type(c_ptr), value :: runtime
      integer(c_int32_t) :: answer
    end function ins1_device_count

    ! What a device is.
    function ins1_device_get(runtime, index, out, call) &
      bind(C, name='ins1_device_get') result(answer)
      import
      type(c_ptr), value :: runtime
      integer(c_int32_t), value :: index
      type(ins1_device_info), intent(inout), optional :: out
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_device_get

    ! The index of a device by its name.
    function ins1_device_find(runtime, name, index, call) &
      bind(C, name='ins1_device_find') result(answer)
      import
      type(c_ptr), value :: runtime
      character(kind=c_char), intent(in), optional :: name(*)
      integer(c_int32_t), intent(inout), optional :: index
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_device_find

    ! What the embeddings are.
    function ins1_embeds_info_get(embeds, out, call) &
      bind(C, name='ins1_embeds_info_get') result(answer)
      import
      type(c_ptr), value :: embeds
      type(ins1_embeds_info), intent(inout), optional :: out
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_embeds_info_get

    ! Copy rows out.
    function ins1_embeds_read_f32( &
      embeds, &
      first, &
      n_tokens, &
      out, &
      capacity, &
      count, &
      call) &
      bind(C, name='ins1_embeds_read_f32') result(answer)
      import
      type(c_ptr), value :: embeds
      integer(c_size_t), value :: first
      integer(c_size_t), value :: n_tokens
      real(c_float), intent(inout), optional :: out(*)
      integer(c_size_t), value :: capacity
      integer(c_size_t), intent(inout), optional :: count
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_embeds_read_f32

    ! Make embeddings from numbers of the host.
    function ins1_embeds_from_f32(out, runtime, info, values, call) &
      bind(C, name='ins1_embeds_from_f32') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: runtime
      type(ins1_embeds_info), intent(in), optional :: info
      real(c_float), intent(in), optional :: values(*)
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_embeds_from_f32

    ! One row for all of them, as a search or a comparison wants it.
    function ins1_embeds_pool(out, embeds, pooling, flags, call) &
      bind(C, name='ins1_embeds_pool') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: embeds
      integer(c_int32_t), value :: pooling
      integer(c_int32_t), value :: flags
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_embeds_pool

    ! Show embeddings as a DLPack tensor, [n_tokens][dim], without a copy and marked read-only.
    function ins1_embeds_to_dlpack(out, embeds, call) &
      bind(C, name='ins1_embeds_to_dlpack') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: embeds
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_embeds_to_dlpack

    ! Make embeddings from a DLPack tensor.
    function ins1_embeds_from_dlpack( &
      out, &
      runtime, &
      tensor, &
      info, &
      call) &
      bind(C, name='ins1_embeds_from_dlpack') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: runtime
      type(c_ptr), value :: tensor
      type(ins1_embeds_info), intent(in), optional :: info
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_embeds_from_dlpack

    ! Add an owner.
    subroutine ins1_embeds_retain(embeds) &
      bind(C, name='ins1_embeds_retain')
      import
      type(c_ptr), value :: embeds
    end subroutine ins1_embeds_retain

    ! Take an owner away.
    subroutine ins1_embeds_release(embeds) &
      bind(C, name='ins1_embeds_release')
      import
      type(c_ptr), value :: embeds
    end subroutine ins1_embeds_release

    ! What would opening and running a checkpoint take?
    function ins1_model_plan(runtime, model, decoder, session, out, call) &
      bind(C, name='ins1_model_plan') result(answer)
      import
      type(c_ptr), value :: runtime
      type(ins1_model_options), intent(in), optional :: model
      type(ins1_decoder_options), intent(in), optional :: decoder
      type(ins1_session_options), intent(in), optional :: session
      type(ins1_plan), intent(inout), optional :: out
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_model_plan

    ! Open a checkpoint: a folder as Hugging Face publishes it.
    function ins1_model_open(out, runtime, options, call) &
      bind(C, name='ins1_model_open') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: runtime
      type(ins1_model_options), intent(in), optional :: options
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_model_open

    ! What the checkpoint is.
    function ins1_model_info_get(model, out, call) &
      bind(C, name='ins1_model_info_get') result(answer)
      import
      type(c_ptr), value :: model
      type(ins1_model_info), intent(inout), optional :: out
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_model_info_get

    ! A value from the checkpoint's JSON files, by its path.
    function ins1_model_meta(model, key, value, size, call) &
      bind(C, name='ins1_model_meta') result(answer)
      import
      type(c_ptr), value :: model
      character(kind=c_char), intent(in), optional :: key(*)
      type(c_ptr), intent(out), optional :: value
      integer(c_size_t), intent(inout), optional :: size
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_model_meta

    ! Add an owner.
    subroutine ins1_model_retain(model) &
      bind(C, name='ins1_model_retain')
      import
      type(c_ptr), value :: model
    end subroutine ins1_model_retain

    ! Take an owner away; the last one unmaps the files.
    subroutine ins1_model_release(model) &
      bind(C, name='ins1_model_release')
      import
      type(c_ptr), value :: model
    end subroutine ins1_model_release

    ! Place a checkpoint's decoder on devices.
    function ins1_decoder_create(out, model, options, call) &
      bind(C, name='ins1_decoder_create') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: model
      type(ins1_decoder_options), intent(in), optional :: options
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_decoder_create

    ! What was decided: runs of layers in order, every layer once, `budget` the bytes used there.
    function ins1_decoder_placements( &
      decoder, &
      out, &
      capacity, &
      count, &
      call) &
      bind(C, name='ins1_decoder_placements') result(answer)
      import
      type(c_ptr), value :: decoder
      type(ins1_placement), intent(inout), optional :: out(*)
      integer(c_size_t), value :: capacity
      integer(c_size_t), intent(inout), optional :: count
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_decoder_placements

    ! Add an owner.
    subroutine ins1_decoder_retain(decoder) &
      bind(C, name='ins1_decoder_retain')
      import
      type(c_ptr), value :: decoder
    end subroutine ins1_decoder_retain

    ! Take an owner away.
    subroutine ins1_decoder_release(decoder) &
      bind(C, name='ins1_decoder_release')
      import
      type(c_ptr), value :: decoder
    end subroutine ins1_decoder_release

    ! Begin empty sequences on a decoder.
    function ins1_session_create(out, decoder, options, call) &
      bind(C, name='ins1_session_create') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: decoder
      type(ins1_session_options), intent(in), optional :: options
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_create

    ! What the session was made with.
    function ins1_session_info_get(session, out, call) &
      bind(C, name='ins1_session_info_get') result(answer)
      import
      type(c_ptr), value :: session
      type(ins1_session_info), intent(inout), optional :: out
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_info_get

    ! Append to sequences.
    function ins1_session_prefill( &
      session, &
      feeds, &
      n_feeds, &
      done, &
      call) &
      bind(C, name='ins1_session_prefill') result(answer)
      import
      type(c_ptr), value :: session
      type(ins1_feed), intent(in), optional :: feeds(*)
      integer(c_size_t), value :: n_feeds
      integer(c_size_t), intent(inout), optional :: done(*)
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_prefill

    ! Append one token to each of several sequences, in one batch.
    function ins1_session_step(session, steps, n_steps, call) &
      bind(C, name='ins1_session_step') result(answer)
      import
      type(c_ptr), value :: session
      type(ins1_step), intent(in), optional :: steps(*)
      integer(c_size_t), value :: n_steps
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_step

    ! The logits after a sequence's last token.
    function ins1_session_logits(session, seq, logits, count, call) &
      bind(C, name='ins1_session_logits') result(answer)
      import
      type(c_ptr), value :: session
      integer(c_int32_t), value :: seq
      type(c_ptr), intent(out), optional :: logits
      integer(c_size_t), intent(inout), optional :: count
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_logits

    ! The most probable next tokens with their log-softmax, best first, equal ones by lower id.
    function ins1_session_logprobs( &
      session, &
      seq, &
      k, &
      out, &
      capacity, &
      count, &
      call) &
      bind(C, name='ins1_session_logprobs') result(answer)
      import
      type(c_ptr), value :: session
      integer(c_int32_t), value :: seq
      integer(c_size_t), value :: k
      type(ins1_logprob), intent(inout), optional :: out(*)
      integer(c_size_t), value :: capacity
      integer(c_size_t), intent(inout), optional :: count
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_logprobs

    ! How probable a continuation is, token by token.
    function ins1_session_score( &
      session, &
      seq, &
      ids, &
      n_ids, &
      logprobs, &
      call) &
      bind(C, name='ins1_session_score') result(answer)
      import
      type(c_ptr), value :: session
      integer(c_int32_t), value :: seq
      integer(c_int32_t), intent(in), optional :: ids(*)
      integer(c_size_t), value :: n_ids
      real(c_float), intent(inout), optional :: logprobs(*)
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_score

    ! How probable each of several continuations is as a whole.
    function ins1_session_score_many( &
      session, &
      seq, &
      candidates, &
      n, &
      logprobs, &
      call) &
      bind(C, name='ins1_session_score_many') result(answer)
      import
      type(c_ptr), value :: session
      integer(c_int32_t), value :: seq
      type(ins1_ids), intent(in), optional :: candidates(*)
      integer(c_size_t), value :: n
      real(c_float), intent(inout), optional :: logprobs(*)
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_score_many

    ! The reward after a sequence's last token.
    function ins1_session_reward(session, seq, out, call) &
      bind(C, name='ins1_session_reward') result(answer)
      import
      type(c_ptr), value :: session
      integer(c_int32_t), value :: seq
      real(c_float), intent(inout), optional :: out
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_reward

    ! Final hidden states of a sequence, after the last norm, as embeddings.
    function ins1_session_embeds(out, session, seq, pooling, call) &
      bind(C, name='ins1_session_embeds') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: session
      integer(c_int32_t), value :: seq
      integer(c_int32_t), value :: pooling
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_embeds

    ! How long a sequence is.
    function ins1_session_length(session, seq, n_tokens, call) &
      bind(C, name='ins1_session_length') result(answer)
      import
      type(c_ptr), value :: session
      integer(c_int32_t), value :: seq
      integer(c_size_t), intent(inout), optional :: n_tokens
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_length

    ! Go back towards the first `keep` tokens of a sequence: to the last place that can be restored and is not after them.
    function ins1_session_truncate(session, seq, keep, kept, call) &
      bind(C, name='ins1_session_truncate') result(answer)
      import
      type(c_ptr), value :: session
      integer(c_int32_t), value :: seq
      integer(c_size_t), value :: keep
      integer(c_size_t), intent(inout), optional :: kept
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_truncate

    ! Make the end of a sequence a place that ins1_session_truncate can restore.
    function ins1_session_checkpoint(session, seq, call) &
      bind(C, name='ins1_session_checkpoint') result(answer)
      import
      type(c_ptr), value :: session
      integer(c_int32_t), value :: seq
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_checkpoint

    ! Make one sequence continue from where another is.
    function ins1_session_fork(session, from, to, call) &
      bind(C, name='ins1_session_fork') result(answer)
      import
      type(c_ptr), value :: session
      integer(c_int32_t), value :: from
      integer(c_int32_t), value :: to
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_fork

    ! Write a sequence down: its keys, values, state and logits, not its token ids.
    function ins1_session_save( &
      session, &
      seq, &
      out, &
      capacity, &
      count, &
      call) &
      bind(C, name='ins1_session_save') result(answer)
      import
      type(c_ptr), value :: session
      integer(c_int32_t), value :: seq
      type(c_ptr), value :: out
      integer(c_size_t), value :: capacity
      integer(c_size_t), intent(inout), optional :: count
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_save

    ! The same, handed piece by piece to a writer.
    function ins1_session_save_to(session, seq, writer, call) &
      bind(C, name='ins1_session_save_to') result(answer)
      import
      type(c_ptr), value :: session
      integer(c_int32_t), value :: seq
      type(ins1_writer), intent(in), optional :: writer
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_save_to

    ! Make a sequence what a snapshot says.
    function ins1_session_restore(session, seq, data, size, call) &
      bind(C, name='ins1_session_restore') result(answer)
      import
      type(c_ptr), value :: session
      integer(c_int32_t), value :: seq
      type(c_ptr), value :: data
      integer(c_size_t), value :: size
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_restore

    ! The same from a reader, which is closed before the call returns, whatever it returns.
    function ins1_session_restore_from( &
      session, &
      seq, &
      reader, &
      call) &
      bind(C, name='ins1_session_restore_from') result(answer)
      import
      type(c_ptr), value :: session
      integer(c_int32_t), value :: seq
      type(ins1_reader), intent(in), optional :: reader
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_restore_from

    ! End all sequences and give back their memory.
    subroutine ins1_session_release(session) &
      bind(C, name='ins1_session_release')
      import
      type(c_ptr), value :: session
    end subroutine ins1_session_release

    ! Read a checkpoint's tokenizer.
    function ins1_tokenizer_create(out, model, options, call) &
      bind(C, name='ins1_tokenizer_create') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: model
      type(ins1_tokenizer_options), intent(in), optional :: options
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_tokenizer_create

    ! Turn text into token ids.
    function ins1_tokenizer_encode( &
      tokenizer, &
      segments, &
      n_segments, &
      flags, &
      ids, &
      pieces, &
      capacity, &
      count, &
      call) &
      bind(C, name='ins1_tokenizer_encode') result(answer)
      import
      type(c_ptr), value :: tokenizer
      type(ins1_segment), intent(in), optional :: segments(*)
      integer(c_size_t), value :: n_segments
      integer(c_int32_t), value :: flags
      integer(c_int32_t), intent(inout), optional :: ids(*)
      type(ins1_piece), intent(inout), optional :: pieces(*)
      integer(c_size_t), value :: capacity
      integer(c_size_t), intent(inout), optional :: count
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_tokenizer_encode

    function ins1_tokenizer_segments( &
      tokenizer, &
      segments, &
      n_segments, &
      out, &
      capacity, &
      count, &
      call) &
      bind(C, name='ins1_tokenizer_segments') result(answer)
      import
      type(c_ptr), value :: tokenizer
      type(ins1_segment), intent(in), optional :: segments(*)
      integer(c_size_t), value :: n_segments
      type(ins1_piece), intent(inout), optional :: out(*)
      integer(c_size_t), value :: capacity
      integer(c_size_t), intent(inout), optional :: count
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_tokenizer_segments

    ! Turn ids into text.
    function ins1_tokenizer_decode( &
      tokenizer, &
      ids, &
      n_ids, &
      flags, &
      out, &
      capacity, &
      count, &
      call) &
      bind(C, name='ins1_tokenizer_decode') result(answer)
      import
      type(c_ptr), value :: tokenizer
      integer(c_int32_t), intent(in), optional :: ids(*)
      integer(c_size_t), value :: n_ids
      integer(c_int32_t), value :: flags
      character(kind=c_char), intent(inout), optional :: out(*)
      integer(c_size_t), value :: capacity
      integer(c_size_t), intent(inout), optional :: count
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_tokenizer_decode

    ! The bytes of one token and what it is.
    function ins1_tokenizer_piece( &
      tokenizer, &
      id, &
      bytes, &
      size, &
      attributes, &
      call) &
      bind(C, name='ins1_tokenizer_piece') result(answer)
      import
      type(c_ptr), value :: tokenizer
      integer(c_int32_t), value :: id
      type(c_ptr), intent(out), optional :: bytes
      integer(c_size_t), intent(inout), optional :: size
      integer(c_int32_t), intent(inout), optional :: attributes
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_tokenizer_piece

    ! Add an owner.
    subroutine ins1_tokenizer_retain(tokenizer) &
      bind(C, name='ins1_tokenizer_retain')
      import
      type(c_ptr), value :: tokenizer
    end subroutine ins1_tokenizer_retain

    ! Take an owner away.
    subroutine ins1_tokenizer_release(tokenizer) &
      bind(C, name='ins1_tokenizer_release')
      import
      type(c_ptr), value :: tokenizer
    end subroutine ins1_tokenizer_release

    ! Begin a text that comes id by id.
    function ins1_detokenizer_create(out, tokenizer, flags, call) &
      bind(C, name='ins1_detokenizer_create') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: tokenizer
      integer(c_int32_t), value :: flags
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_detokenizer_create

    ! Take in further ids and give out the characters that became whole.
    function ins1_detokenizer_push( &
      detokenizer, &
      ids, &
      n_ids, &
      out, &
      capacity, &
      count, &
      call) &
      bind(C, name='ins1_detokenizer_push') result(answer)
      import
      type(c_ptr), value :: detokenizer
      integer(c_int32_t), intent(in), optional :: ids(*)
      integer(c_size_t), value :: n_ids
      character(kind=c_char), intent(inout), optional :: out(*)
      integer(c_size_t), value :: capacity
      integer(c_size_t), intent(inout), optional :: count
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_detokenizer_push

    ! End the text: give out what was held back, half a character as U+FFFD.
    function ins1_detokenizer_flush( &
      detokenizer, &
      out, &
      capacity, &
      count, &
      call) &
      bind(C, name='ins1_detokenizer_flush') result(answer)
      import
      type(c_ptr), value :: detokenizer
      character(kind=c_char), intent(inout), optional :: out(*)
      integer(c_size_t), value :: capacity
      integer(c_size_t), intent(inout), optional :: count
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_detokenizer_flush

    ! End the handle.
    subroutine ins1_detokenizer_release(detokenizer) &
      bind(C, name='ins1_detokenizer_release')
      import
      type(c_ptr), value :: detokenizer
    end subroutine ins1_detokenizer_release

    ! How well each candidate agrees with the reference; larger is better.
    function ins1_polar_score( &
      session, &
      seq, &
      tokenizer, &
      request, &
      rewards, &
      call) &
      bind(C, name='ins1_polar_score') result(answer)
      import
      type(c_ptr), value :: session
      integer(c_int32_t), value :: seq
      type(c_ptr), value :: tokenizer
      type(ins1_polar_request), intent(in), optional :: request
      real(c_float), intent(inout), optional :: rewards(*)
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_polar_score

    ! Make an encoder for a checkpoint's vision part.
    function ins1_vision_encoder_create( &
      out, &
      model, &
      options, &
      call) &
      bind(C, name='ins1_vision_encoder_create') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: model
      type(ins1_vision_encoder_options), intent(in), optional :: options
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_vision_encoder_create

    ! How many tokens an image of this size becomes, without encoding it.
    function ins1_vision_encoder_tokens( &
      encoder, &
      width, &
      height, &
      n_tokens, &
      call) &
      bind(C, name='ins1_vision_encoder_tokens') result(answer)
      import
      type(c_ptr), value :: encoder
      integer(c_int32_t), value :: width
      integer(c_int32_t), value :: height
      integer(c_size_t), intent(inout), optional :: n_tokens
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_vision_encoder_tokens

    ! How many tokens a video becomes, without encoding it.
    function ins1_vision_encoder_video_tokens( &
      encoder, &
      video, &
      n_tokens, &
      call) &
      bind(C, name='ins1_vision_encoder_video_tokens') result(answer)
      import
      type(c_ptr), value :: encoder
      type(ins1_video), intent(in), optional :: video(*)
      integer(c_size_t), intent(inout), optional :: n_tokens
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_vision_encoder_video_tokens

    ! Encode images.
    function ins1_vision_encoder_encode( &
      out, &
      encoder, &
      images, &
      n_images, &
      call) &
      bind(C, name='ins1_vision_encoder_encode') result(answer)
      import
      type(c_ptr), intent(out) :: out(*)
      type(c_ptr), value :: encoder
      type(ins1_image), intent(in), optional :: images(*)
      integer(c_size_t), value :: n_images
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_vision_encoder_encode

    ! Encode a video.
    function ins1_vision_encoder_encode_video( &
      out, &
      encoder, &
      video, &
      call) &
      bind(C, name='ins1_vision_encoder_encode_video') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: encoder
      type(ins1_video), intent(in), optional :: video
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_vision_encoder_encode_video

    ! End the encoder.
    subroutine ins1_vision_encoder_release(encoder) &
      bind(C, name='ins1_vision_encoder_release')
      import
      type(c_ptr), value :: encoder
    end subroutine ins1_vision_encoder_release

    ! Make an encoder for a checkpoint's time-series part.
    function ins1_timeseries_encoder_create( &
      out, &
      model, &
      options, &
      call) &
      bind(C, name='ins1_timeseries_encoder_create') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: model
      type(ins1_timeseries_encoder_options), intent(in), optional :: options
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_timeseries_encoder_create

    ! How many tokens a signal becomes, without encoding it.
    function ins1_timeseries_encoder_tokens( &
      encoder, &
      n_samples, &
      n_channels, &
      sample_rate_hz, &
      n_tokens, &
      call) &
      bind(C, name='ins1_timeseries_encoder_tokens') result(answer)
      import
      type(c_ptr), value :: encoder
      integer(c_size_t), value :: n_samples
      integer(c_size_t), value :: n_channels
      real(c_double), value :: sample_rate_hz
      integer(c_size_t), intent(inout), optional :: n_tokens
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_timeseries_encoder_tokens

    ! Encode signals; the library normalises each channel of each.
    function ins1_timeseries_encoder_encode( &
      out, &
      encoder, &
      series, &
      n_series, &
      call) &
      bind(C, name='ins1_timeseries_encoder_encode') result(answer)
      import
      type(c_ptr), intent(out) :: out(*)
      type(c_ptr), value :: encoder
      type(ins1_timeseries), intent(in), optional :: series(*)
      integer(c_size_t), value :: n_series
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_timeseries_encoder_encode

    ! End the encoder.
    subroutine ins1_timeseries_encoder_release(encoder) &
      bind(C, name='ins1_timeseries_encoder_release')
      import
      type(c_ptr), value :: encoder
    end subroutine ins1_timeseries_encoder_release

    ! Make a sampler with an empty history.
    function ins1_sampler_create(out, runtime, options, call) &
      bind(C, name='ins1_sampler_create') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: runtime
      type(ins1_sampler_options), intent(in), optional :: options
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_sampler_create

    ! Choose a token.
    function ins1_sampler_pick(sampler, logits, n_logits, out, call) &
      bind(C, name='ins1_sampler_pick') result(answer)
      import
      type(c_ptr), value :: sampler
      real(c_float), intent(in), optional :: logits(*)
      integer(c_size_t), value :: n_logits
      type(ins1_logprob), intent(inout), optional :: out
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_sampler_pick

    ! Put a token into the history.
    function ins1_sampler_accept(sampler, token, call) &
      bind(C, name='ins1_sampler_accept') result(answer)
      import
      type(c_ptr), value :: sampler
      integer(c_int32_t), value :: token
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_sampler_accept

    ! Begin again: an empty history, the first draw of `seed`.
    function ins1_sampler_reset(sampler, seed, call) &
      bind(C, name='ins1_sampler_reset') result(answer)
      import
      type(c_ptr), value :: sampler
      integer(c_int64_t), value :: seed
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_sampler_reset

    ! End the sampler.
    subroutine ins1_sampler_release(sampler) &
      bind(C, name='ins1_sampler_release')
      import
      type(c_ptr), value :: sampler
    end subroutine ins1_sampler_release

    ! Begin a reply after what a sequence holds.
    function ins1_stream_open( &
      out, &
      session, &
      seq, &
      tokenizer, &
      sampler, &
      options, &
      call) &
      bind(C, name='ins1_stream_open') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: session
      integer(c_int32_t), value :: seq
      type(c_ptr), value :: tokenizer
      type(c_ptr), value :: sampler
      type(ins1_stream_options), intent(in), optional :: options
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_stream_open

    ! The next event: one that is waiting, else tokens are picked and stepped until there is one.
    function ins1_stream_next(stream, event, call) &
      bind(C, name='ins1_stream_next') result(answer)
      import
      type(c_ptr), value :: stream
      type(ins1_event), intent(inout), optional :: event
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_stream_next

    function ins1_stream_accept(stream, token, event, call) &
      bind(C, name='ins1_stream_accept') result(answer)
      import
      type(c_ptr), value :: stream
      integer(c_int32_t), value :: token
      type(ins1_event), intent(inout), optional :: event
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_stream_accept

    ! End the stream; session and sampler stay as they are.
    subroutine ins1_stream_release(stream) &
      bind(C, name='ins1_stream_release')
      import
      type(c_ptr), value :: stream
    end subroutine ins1_stream_release

    ! Turn messages into a prompt, as the checkpoint's chat template does.
    function ins1_prompt_create( &
      out, &
      tokenizer, &
      messages, &
      n_messages, &
      options, &
      call) &
      bind(C, name='ins1_prompt_create') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: tokenizer
      type(ins1_message), intent(in), optional :: messages(*)
      integer(c_size_t), value :: n_messages
      type(ins1_chat_options), intent(in), optional :: options
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_prompt_create

    ! What the prompt is.
    function ins1_prompt_info_get(prompt, out, call) &
      bind(C, name='ins1_prompt_info_get') result(answer)
      import
      type(c_ptr), value :: prompt
      type(ins1_prompt_info), intent(inout), optional :: out
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_prompt_info_get

    ! The prompt as text, character for character the template's; one placeholder stands for each medium.
    function ins1_prompt_text(prompt, text, size, call) &
      bind(C, name='ins1_prompt_text') result(answer)
      import
      type(c_ptr), value :: prompt
      type(c_ptr), intent(out), optional :: text
      integer(c_size_t), intent(inout), optional :: size
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_prompt_text

    ! The prompt as spans for ins1_session_prefill.
    function ins1_prompt_spans(prompt, spans, n_spans, call) &
      bind(C, name='ins1_prompt_spans') result(answer)
      import
      type(c_ptr), value :: prompt
      type(c_ptr), intent(out), optional :: spans
      integer(c_size_t), intent(inout), optional :: n_spans
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_prompt_spans

    ! The prompt as ids; placeholder ids stand where embeddings go.
    function ins1_prompt_ids(prompt, out, capacity, count, call) &
      bind(C, name='ins1_prompt_ids') result(answer)
      import
      type(c_ptr), value :: prompt
      integer(c_int32_t), intent(inout), optional :: out(*)
      integer(c_size_t), value :: capacity
      integer(c_size_t), intent(inout), optional :: count
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_prompt_ids

    ! End the prompt.
    subroutine ins1_prompt_release(prompt) &
      bind(C, name='ins1_prompt_release')
      import
      type(c_ptr), value :: prompt
    end subroutine ins1_prompt_release

    ! Make a parser for a reply that comes from elsewhere; streams have their own.
    function ins1_reply_parser_create( &
      out, &
      tokenizer, &
      options, &
      call) &
      bind(C, name='ins1_reply_parser_create') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: tokenizer
      type(ins1_reply_options), intent(in), optional :: options
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_reply_parser_create

    ! Add text to the reply.
    function ins1_reply_parser_push(parser, text, size, call) &
      bind(C, name='ins1_reply_parser_push') result(answer)
      import
      type(c_ptr), value :: parser
      character(kind=c_char), intent(in), optional :: text(*)
      integer(c_size_t), value :: size
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_reply_parser_push

    ! The next event; INS1_EVENT_NONE when more text is needed.
    function ins1_reply_parser_next(parser, event, call) &
      bind(C, name='ins1_reply_parser_next') result(answer)
      import
      type(c_ptr), value :: parser
      type(ins1_event), intent(inout), optional :: event
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_reply_parser_next

    ! No more text comes: what is held back becomes events, the last one INS1_EVENT_END.
    function ins1_reply_parser_finish(parser, call) &
      bind(C, name='ins1_reply_parser_finish') result(answer)
      import
      type(c_ptr), value :: parser
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_reply_parser_finish

    ! End the parser.
    subroutine ins1_reply_parser_release(parser) &
      bind(C, name='ins1_reply_parser_release')
      import
      type(c_ptr), value :: parser
    end subroutine ins1_reply_parser_release

    ! Show the insides of a session from the next prefill or step on.
    function ins1_session_observe( &
      session, &
      mask, &
      callback, &
      user, &
      call) &
      bind(C, name='ins1_session_observe') result(answer)
      import
      type(c_ptr), value :: session
      integer(c_int32_t), value :: mask
      type(c_funptr), value :: callback
      type(c_ptr), value :: user
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_session_observe

    ! What the reference's image processor gives its model.
    function ins1_vision_encoder_preprocess( &
      encoder, &
      image, &
      flags, &
      out, &
      capacity, &
      count, &
      info, &
      call) &
      bind(C, name='ins1_vision_encoder_preprocess') result(answer)
      import
      type(c_ptr), value :: encoder
      type(ins1_image), intent(in), optional :: image
      integer(c_int32_t), value :: flags
      real(c_float), intent(inout), optional :: out(*)
      integer(c_size_t), value :: capacity
      integer(c_size_t), intent(inout), optional :: count
      type(ins1_pixels_info), intent(inout), optional :: info
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_vision_encoder_preprocess

    ! The same for a video.
    function ins1_vision_encoder_preprocess_video( &
      encoder, &
      video, &
      flags, &
      out, &
      capacity, &
      count, &
      info, &
      call) &
      bind(C, name='ins1_vision_encoder_preprocess_video') result(answer)
      import
      type(c_ptr), value :: encoder
      type(ins1_video), intent(in), optional :: video
      integer(c_int32_t), value :: flags
      real(c_float), intent(inout), optional :: out(*)
      integer(c_size_t), value :: capacity
      integer(c_size_t), intent(inout), optional :: count
      type(ins1_pixels_info), intent(inout), optional :: info
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_vision_encoder_preprocess_video

    ! Encode pixels that were preprocessed elsewhere.
    function ins1_vision_encoder_encode_pixels( &
      out, &
      encoder, &
      pixels, &
      info, &
      call) &
      bind(C, name='ins1_vision_encoder_encode_pixels') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: encoder
      real(c_float), intent(in), optional :: pixels(*)
      type(ins1_pixels_info), intent(in), optional :: info
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_vision_encoder_encode_pixels

    function ins1_vision_encoder_tower( &
      out, &
      encoder, &
      pixels, &
      info, &
      call) &
      bind(C, name='ins1_vision_encoder_tower') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: encoder
      real(c_float), intent(in), optional :: pixels(*)
      type(ins1_pixels_info), intent(in), optional :: info
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_vision_encoder_tower

    function ins1_vision_encoder_observe( &
      encoder, &
      mask, &
      callback, &
      user, &
      call) &
      bind(C, name='ins1_vision_encoder_observe') result(answer)
      import
      type(c_ptr), value :: encoder
      integer(c_int32_t), value :: mask
      type(c_funptr), value :: callback
      type(c_ptr), value :: user
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_vision_encoder_observe

    ! What the reference's processor makes of a signal before its model sees it.
    function ins1_timeseries_encoder_preprocess( &
      encoder, &
      series, &
      out, &
      capacity, &
      count, &
      call) &
      bind(C, name='ins1_timeseries_encoder_preprocess') result(answer)
      import
      type(c_ptr), value :: encoder
      type(ins1_timeseries), intent(in), optional :: series
      real(c_float), intent(inout), optional :: out(*)
      integer(c_size_t), value :: capacity
      integer(c_size_t), intent(inout), optional :: count
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_timeseries_encoder_preprocess

    ! Encode samples that were preprocessed elsewhere.
    function ins1_timeseries_encoder_encode_samples( &
      out, &
      encoder, &
      samples, &
      n_samples, &
      n_channels, &
      sample_rate_hz, &
      call) &
      bind(C, name='ins1_timeseries_encoder_encode_samples') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: encoder
      real(c_float), intent(in), optional :: samples(*)
      integer(c_size_t), value :: n_samples
      integer(c_size_t), value :: n_channels
      real(c_double), value :: sample_rate_hz
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_timeseries_encoder_encode_samples

    ! The same up to the last hidden state before the projector, [frames][width].
    function ins1_timeseries_encoder_tower( &
      out, &
      encoder, &
      samples, &
      n_samples, &
      n_channels, &
      sample_rate_hz, &
      call) &
      bind(C, name='ins1_timeseries_encoder_tower') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: encoder
      real(c_float), intent(in), optional :: samples(*)
      integer(c_size_t), value :: n_samples
      integer(c_size_t), value :: n_channels
      real(c_double), value :: sample_rate_hz
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_timeseries_encoder_tower

    ! Read an image: PNG or JPEG, as the content says.
    function ins1_io_image_open(out, runtime, file, options, call) &
      bind(C, name='ins1_io_image_open') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: runtime
      type(ins1_file), intent(in), optional :: file
      type(ins1_io_options), intent(in), optional :: options
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_io_image_open

    ! The image as the vision encoder takes it.
    function ins1_io_image_get(image, out, call) &
      bind(C, name='ins1_io_image_get') result(answer)
      import
      type(c_ptr), value :: image
      type(ins1_image), intent(inout), optional :: out
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_io_image_get

    ! End the image.
    subroutine ins1_io_image_release(image) &
      bind(C, name='ins1_io_image_release')
      import
      type(c_ptr), value :: image
    end subroutine ins1_io_image_release

    function ins1_io_series_open( &
      out, &
      runtime, &
      files, &
      n_files, &
      options, &
      call) &
      bind(C, name='ins1_io_series_open') result(answer)
      import
      type(c_ptr), intent(out) :: out
      type(c_ptr), value :: runtime
      type(ins1_file), intent(in), optional :: files(*)
      integer(c_size_t), value :: n_files
      type(ins1_io_options), intent(in), optional :: options
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_io_series_open

    ! The signals as the time-series encoder takes them.
    function ins1_io_series_get(series, out, call) &
      bind(C, name='ins1_io_series_get') result(answer)
      import
      type(c_ptr), value :: series
      type(ins1_timeseries), intent(inout), optional :: out
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_io_series_get

    ! Name and unit of a channel.
    function ins1_io_series_channel( &
      series, &
      channel, &
      name, &
      unit, &
      call) &
      bind(C, name='ins1_io_series_channel') result(answer)
      import
      type(c_ptr), value :: series
      integer(c_size_t), value :: channel
      type(c_ptr), intent(out), optional :: name
      type(c_ptr), intent(out), optional :: unit
      type(ins1_call), intent(in), optional :: call
      integer(c_int32_t) :: answer
    end function ins1_io_series_channel

    ! End the signals.
    subroutine ins1_io_series_release(series) &
      bind(C, name='ins1_io_series_release')
      import
      type(c_ptr), value :: series
    end subroutine ins1_io_series_release
  end interface

contains

  ! A copy of a text that the library lends: of `size` bytes, or up to its NUL.
  function ins1_text_at(address, size) result(text)
    type(c_ptr), intent(in) :: address
    integer(c_size_t), intent(in), optional :: size
    character(len=:), allocatable :: text
    character(kind=c_char), pointer :: bytes(:)
    integer(c_size_t) :: i, n

    if (.not. c_associated(address)) then
      text = ''
      return
    end if
    if (present(size)) then
      n = size
    else
      call c_f_pointer(address, bytes, [huge(0_c_int32_t)])
      n = 0
      do while (bytes(n + 1) /= c_null_char)
        n = n + 1
      end do
    end if
    call c_f_pointer(address, bytes, [n])
    allocate (character(len=n) :: text)
    do i = 1, n
      text(i:i) = bytes(i)
    end do
  end function ins1_text_at

end module interns1
