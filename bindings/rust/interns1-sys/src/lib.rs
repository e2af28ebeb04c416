//! The C interface of libinterns1 as it is. Written by bindings/generate.py from the public headers, whose
//! comments hold here; the crate `interns1` is the safe one.
//!
//! The library is found by the environment variable `INTERNS1_LIB_DIR` (folders, separated by `:`), else by
//! pkg-config.

#![allow(non_camel_case_types)]
#![no_std]

extern crate std;

use core::ffi::c_void;
use core::mem::{size_of, zeroed};
use std::os::raw::c_char;

pub const INS1_VERSION_MAJOR: i32 = 0;
pub const INS1_VERSION_MINOR: i32 = 1;
pub const INS1_VERSION_PATCH: i32 = 0;
pub const INS1_OK: i32 = 0;
pub const INS1_E_ARGUMENT: i32 = -1;
pub const INS1_E_MEMORY: i32 = -2;
pub const INS1_E_BUDGET: i32 = -3;
pub const INS1_E_IO: i32 = -4;
pub const INS1_E_FORMAT: i32 = -5;
pub const INS1_E_UNSUPPORTED: i32 = -6;
pub const INS1_E_VERSION: i32 = -7;
pub const INS1_E_BUFFER: i32 = -8;
pub const INS1_E_CANCELED: i32 = -9;
pub const INS1_E_DEADLINE: i32 = -10;
pub const INS1_E_DEVICE: i32 = -11;
pub const INS1_E_STATE: i32 = -12;
pub const INS1_E_FULL: i32 = -13;
pub const INS1_E_CALLBACK: i32 = -14;
pub const INS1_E_BUSY: i32 = -15;
pub const INS1_E_INTERNAL: i32 = -16;
pub const INS1_PHASE_OPEN: i32 = 1;
pub const INS1_PHASE_VERIFY: i32 = 2;
pub const INS1_PHASE_ENCODE: i32 = 3;
pub const INS1_PHASE_PREFILL: i32 = 4;
pub const INS1_PHASE_SCORE: i32 = 5;
pub const INS1_MEM_WEIGHTS: i32 = 1;
pub const INS1_MEM_KV: i32 = 2;
pub const INS1_MEM_SCRATCH: i32 = 3;
pub const INS1_MEM_OBJECT: i32 = 4;
pub const INS1_MEM_IO: i32 = 5;
pub const INS1_LOG_ERROR: i32 = 1;
pub const INS1_LOG_WARN: i32 = 2;
pub const INS1_LOG_INFO: i32 = 3;
pub const INS1_LOG_DEBUG: i32 = 4;
pub const INS1_THREADS_CALLER: i32 = 0;
pub const INS1_THREADS_OWN: i32 = 1;
pub const INS1_THREADS_HOST: i32 = 2;
pub const INS1_RUNTIME_NO_DLOPEN: u32 = 1;
pub const INS1_RUNTIME_NO_FILES: u32 = 2;
pub const INS1_DTYPE_I8: i32 = 8;
pub const INS1_DTYPE_I32: i32 = 32;
pub const INS1_DTYPE_U8: i32 = 65544;
pub const INS1_DTYPE_F16: i32 = 131088;
pub const INS1_DTYPE_F32: i32 = 131104;
pub const INS1_DTYPE_BF16: i32 = 262160;
pub const INS1_DTYPE_F8_E4M3: i32 = 655368;
pub const INS1_DEVICE_CPU: i32 = 1;
pub const INS1_DEVICE_GPU: i32 = 2;
pub const INS1_DEVICE_IGPU: i32 = 3;
pub const INS1_DEVICE_ACCELERATOR: i32 = 4;
pub const INS1_DEVICE_SOFTGPU: i32 = 5;
pub const INS1_CAP_F16: u32 = 1;
pub const INS1_CAP_BF16: u32 = 2;
pub const INS1_CAP_I8DOT: u32 = 4;
pub const INS1_CAP_HOST_MEM: u32 = 8;
pub const INS1_CAP_ASYNC: u32 = 16;
pub const INS1_CAP_EXACT: u32 = 32;
pub const INS1_MODALITY_TEXT: i32 = 1;
pub const INS1_MODALITY_IMAGE: i32 = 2;
pub const INS1_MODALITY_VIDEO: i32 = 3;
pub const INS1_MODALITY_TIMESERIES: i32 = 4;
pub const INS1_POOL_LAST: i32 = 0;
pub const INS1_POOL_MEAN: i32 = 1;
pub const INS1_POOL_NONE: i32 = 2;
pub const INS1_POOL_UNIT: u32 = 1;
pub const INS1_PART_TOKENIZER: u32 = 1;
pub const INS1_PART_VISION: u32 = 2;
pub const INS1_PART_TIMESERIES: u32 = 4;
pub const INS1_PART_DECODER: u32 = 8;
pub const INS1_LOAD_MMAP: i32 = 0;
pub const INS1_LOAD_READ: i32 = 1;
pub const INS1_LOAD_EXPERTS_ON_DEMAND: i32 = 2;
pub const INS1_PRECISION_DEFAULT: i32 = 0;
pub const INS1_PRECISION_F32: i32 = 1;
pub const INS1_PRECISION_BF16: i32 = 2;
pub const INS1_PRECISION_INT8: i32 = 3;
pub const INS1_KV_DEFAULT: i32 = 0;
pub const INS1_KV_F32: i32 = 1;
pub const INS1_KV_BF16: i32 = 2;
pub const INS1_KV_F16: i32 = 3;
pub const INS1_KV_Q8: i32 = 4;
pub const INS1_SESSION_KEEP_HIDDEN: u32 = 1;
pub const INS1_TOKENIZER_RESET_AT_TURN: u32 = 1;
pub const INS1_TOKENIZER_NO_MARKERS: u32 = 2;
pub const INS1_SEGMENT_AUTO: i32 = 0;
pub const INS1_SEGMENT_TEXT: i32 = 1;
pub const INS1_SEGMENT_SMILES: i32 = 2;
pub const INS1_SEGMENT_SELFIES: i32 = 3;
pub const INS1_SEGMENT_IUPAC: i32 = 4;
pub const INS1_SEGMENT_FASTA: i32 = 5;
pub const INS1_SEGMENT_PROTEIN: i32 = 6;
pub const INS1_SEGMENT_DNA: i32 = 7;
pub const INS1_SEGMENT_RNA: i32 = 8;
pub const INS1_SEGMENT_XNA: i32 = 9;
pub const INS1_SEGMENT_TOKEN: i32 = 10;
pub const INS1_SEGMENT_SPECIAL: u32 = 1;
pub const INS1_ENCODE_ADD_BOS: u32 = 1;
pub const INS1_DECODE_SKIP_SPECIAL: u32 = 1;
pub const INS1_DECODE_SKIP_CONTROL: u32 = 2;
pub const INS1_TOKEN_SPECIAL: u32 = 1;
pub const INS1_TOKEN_CONTROL: u32 = 2;
pub const INS1_TOKEN_PARTIAL: u32 = 4;
pub const INS1_TOKEN_PADDING: u32 = 8;
pub const INS1_TOKEN_END: u32 = 16;
pub const INS1_TOKEN_PLACEHOLDER: u32 = 32;
pub const INS1_POLAR_PRETRAIN: u32 = 1;
pub const INS1_POLAR_KEEP_TAIL: u32 = 2;
pub const INS1_PIXEL_RGB8: i32 = 1;
pub const INS1_PIXEL_RGBA8: i32 = 2;
pub const INS1_PIXEL_GRAY8: i32 = 3;
pub const INS1_PIXEL_BGR8: i32 = 4;
pub const INS1_PIXEL_BGRA8: i32 = 5;
pub const INS1_PIXEL_RGB16: i32 = 6;
pub const INS1_PIXEL_RGBA16: i32 = 7;
pub const INS1_PIXEL_GRAY16: i32 = 8;
pub const INS1_PIXEL_RGB_F32: i32 = 9;
pub const INS1_VIDEO_ALL_FRAMES: u32 = 1;
pub const INS1_VISION_ENCODER_NO_WEIGHTS: u32 = 1;
pub const INS1_SAMPLE_I16: i32 = 1;
pub const INS1_SAMPLE_I32: i32 = 2;
pub const INS1_SAMPLE_F32: i32 = 3;
pub const INS1_SAMPLE_F64: i32 = 4;
pub const INS1_TIMESERIES_FILL_GAPS: u32 = 1;
pub const INS1_TIMESERIES_ENCODER_UNBIASED: u32 = 1;
pub const INS1_EVENT_NONE: i32 = 0;
pub const INS1_EVENT_TEXT: i32 = 1;
pub const INS1_EVENT_REASONING: i32 = 2;
pub const INS1_EVENT_TOOL_BEGIN: i32 = 3;
pub const INS1_EVENT_TOOL_ARGUMENTS: i32 = 4;
pub const INS1_EVENT_TOOL_END: i32 = 5;
pub const INS1_EVENT_END: i32 = 6;
pub const INS1_END_EOS: i32 = 1;
pub const INS1_END_STOP: i32 = 2;
pub const INS1_END_LENGTH: i32 = 3;
pub const INS1_END_FULL: i32 = 4;
pub const INS1_REPLY_PLAIN: u32 = 1;
pub const INS1_REPLY_IN_REASONING: u32 = 2;
pub const INS1_REPLY_NO_TOOLS: u32 = 4;
pub const INS1_REPLY_REPAIR_JSON: u32 = 8;
pub const INS1_STREAM_IGNORE_EOS: u32 = 1;
pub const INS1_CHAT_DEFAULT: i32 = 0;
pub const INS1_CHAT_ON: i32 = 1;
pub const INS1_CHAT_OFF: i32 = 2;
pub const INS1_OBSERVE_HIDDEN: u32 = 1;
pub const INS1_OBSERVE_ROUTER: u32 = 2;
pub const INS1_OBSERVE_LOGITS: u32 = 4;
pub const INS1_PREPROCESS_RAW: u32 = 1;

#[repr(C)]
pub struct DLManagedTensorVersioned {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_backend_api {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_cancel {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_decoder {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_detokenizer {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_embeds {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_host_api {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_io_image {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_io_series {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_model {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_prompt {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_reply_parser {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_runtime {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_sampler {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_session {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_stream {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_timeseries_encoder {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_tokenizer {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ins1_vision_encoder {
    _private: [u8; 0],
}

pub type ins1_log_fn = Option<unsafe extern "C" fn(*mut c_void, i32, *const c_char, *const c_char)>;
pub type ins1_task_fn = Option<unsafe extern "C" fn(*mut c_void, i32, i32)>;
pub type ins1_observe_fn = Option<unsafe extern "C" fn(*mut c_void, *const ins1_observation) -> i32>;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_error {
    pub struct_size: u32,
    pub status: i32,
    pub os_errno: i32,
    pub backend_code: i32,
    pub text: [c_char; 240],
}

impl Default for ins1_error {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_call {
    pub struct_size: u32,
    pub flags: u32,
    pub error: *mut ins1_error,
    pub cancel: *mut ins1_cancel,
    pub budget_ns: i64,
    pub progress: Option<unsafe extern "C" fn(*mut c_void, i32, u64, u64) -> i32>,
    pub user: *mut c_void,
}

impl Default for ins1_call {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_allocator {
    pub struct_size: u32,
    pub flags: u32,
    pub alloc: Option<unsafe extern "C" fn(*mut c_void, usize, usize, i32) -> *mut c_void>,
    pub free: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, usize, usize, i32)>,
    pub user: *mut c_void,
}

impl Default for ins1_allocator {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_threading {
    pub struct_size: u32,
    pub mode: i32,
    pub n_threads: i32,
    pub flags: u32,
    pub parallel_for: Option<unsafe extern "C" fn(*mut c_void, ins1_task_fn, *mut c_void, i32) -> i32>,
    pub thread_start: Option<unsafe extern "C" fn(*mut c_void, i32)>,
    pub thread_stop: Option<unsafe extern "C" fn(*mut c_void, i32)>,
    pub user: *mut c_void,
}

impl Default for ins1_threading {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_runtime_options {
    pub struct_size: u32,
    pub flags: u32,
    pub allocator: *const ins1_allocator,
    pub threading: *const ins1_threading,
    pub log: ins1_log_fn,
    pub log_user: *mut c_void,
    pub log_level: i32,
    pub reserved0: i32,
    pub host_budget: u64,
    pub cpu_level: *const c_char,
}

impl Default for ins1_runtime_options {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_mem_stats {
    pub struct_size: u32,
    pub flags: u32,
    pub now: u64,
    pub peak: u64,
    pub budget: u64,
    pub mapped: u64,
    pub device: u64,
}

impl Default for ins1_mem_stats {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_device_info {
    pub struct_size: u32,
    pub kind: i32,
    pub backend: *const c_char,
    pub name: *const c_char,
    pub hardware: *const c_char,
    pub level: *const c_char,
    pub mem_total: u64,
    pub mem_free: u64,
    pub max_buffer: u64,
    pub caps: u32,
    pub score: i32,
}

impl Default for ins1_device_info {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_embeds_info {
    pub struct_size: u32,
    pub dtype: i32,
    pub n_tokens: usize,
    pub dim: usize,
    pub modality: i32,
    pub device: i32,
    pub grid_t: i32,
    pub grid_h: i32,
    pub grid_w: i32,
    pub reserved0: i32,
    pub times: *const f64,
    pub n_times: usize,
}

impl Default for ins1_embeds_info {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_reader {
    pub struct_size: u32,
    pub flags: u32,
    pub size: u64,
    pub read_at: Option<unsafe extern "C" fn(*mut c_void, u64, *mut c_void, usize) -> i64>,
    pub close: Option<unsafe extern "C" fn(*mut c_void)>,
    pub user: *mut c_void,
}

impl Default for ins1_reader {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_file {
    pub struct_size: u32,
    pub flags: u32,
    pub name: *const c_char,
    pub path: *const c_char,
    pub data: *const c_void,
    pub size: usize,
    pub reader: *const ins1_reader,
}

impl Default for ins1_file {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_model_options {
    pub struct_size: u32,
    pub parts: u32,
    pub path: *const c_char,
    pub data: *const c_void,
    pub size: usize,
    pub reader: *const ins1_reader,
    pub files: *const ins1_file,
    pub n_files: usize,
    pub load_mode: i32,
    pub verify: i32,
    pub expert_cache: u64,
    pub flags: u32,
    pub reserved0: i32,
}

impl Default for ins1_model_options {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_part_bytes {
    pub disk: u64,
    pub host: u64,
    pub device: u64,
}

impl Default for ins1_part_bytes {
    fn default() -> Self {
        unsafe { zeroed() }
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_plan {
    pub struct_size: u32,
    pub parts: u32,
    pub tokenizer: ins1_part_bytes,
    pub vision: ins1_part_bytes,
    pub timeseries: ins1_part_bytes,
    pub decoder: ins1_part_bytes,
    pub kv_per_token: u64,
    pub state_per_sequence: u64,
    pub scratch: u64,
    pub total_host: u64,
    pub total_device: u64,
    pub least_total: u64,
}

impl Default for ins1_plan {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_model_info {
    pub struct_size: u32,
    pub parts: u32,
    pub arch: *const c_char,
    pub name: *const c_char,
    pub quant: *const c_char,
    pub n_vocab: i32,
    pub n_embd: i32,
    pub n_layer: i32,
    pub n_head: i32,
    pub n_head_kv: i32,
    pub n_expert: i32,
    pub n_expert_used: i32,
    pub n_ctx_train: i32,
    pub n_params: u64,
    pub n_params_active: u64,
}

impl Default for ins1_model_info {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_placement {
    pub device: i32,
    pub first_layer: i32,
    pub n_layers: i32,
    pub reserved0: i32,
    pub budget: u64,
}

impl Default for ins1_placement {
    fn default() -> Self {
        unsafe { zeroed() }
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_decoder_options {
    pub struct_size: u32,
    pub flags: u32,
    pub placements: *const ins1_placement,
    pub n_placements: usize,
    pub precision: i32,
    pub reserved0: i32,
}

impl Default for ins1_decoder_options {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_session_options {
    pub struct_size: u32,
    pub flags: u32,
    pub n_ctx: i32,
    pub n_seq: i32,
    pub n_batch: i32,
    pub kv_type: i32,
    pub kv_budget: u64,
}

impl Default for ins1_session_options {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_session_info {
    pub struct_size: u32,
    pub precision: i32,
    pub n_ctx: i32,
    pub n_seq: i32,
    pub n_batch: i32,
    pub kv_type: i32,
    pub kv_bytes: u64,
    pub state_bytes: u64,
    pub scratch_bytes: u64,
}

impl Default for ins1_session_info {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_span {
    pub struct_size: u32,
    pub flags: u32,
    pub ids: *const i32,
    pub n_ids: usize,
    pub embeds: *mut ins1_embeds,
    pub first: usize,
    pub count: usize,
}

impl Default for ins1_span {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_feed {
    pub struct_size: u32,
    pub seq: i32,
    pub spans: *const ins1_span,
    pub n_spans: usize,
}

impl Default for ins1_feed {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_step {
    pub seq: i32,
    pub token: i32,
}

impl Default for ins1_step {
    fn default() -> Self {
        unsafe { zeroed() }
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_logprob {
    pub token: i32,
    pub logprob: f32,
}

impl Default for ins1_logprob {
    fn default() -> Self {
        unsafe { zeroed() }
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_ids {
    pub ids: *const i32,
    pub n_ids: usize,
}

impl Default for ins1_ids {
    fn default() -> Self {
        unsafe { zeroed() }
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_writer {
    pub struct_size: u32,
    pub flags: u32,
    pub write: Option<unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> i32>,
    pub user: *mut c_void,
}

impl Default for ins1_writer {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_text {
    pub text: *const c_char,
    pub size: usize,
}

impl Default for ins1_text {
    fn default() -> Self {
        unsafe { zeroed() }
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_tokenizer_options {
    pub struct_size: u32,
    pub flags: u32,
    pub smiles_valid: Option<unsafe extern "C" fn(*mut c_void, *const c_char, usize) -> i32>,
    pub user: *mut c_void,
}

impl Default for ins1_tokenizer_options {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_segment {
    pub struct_size: u32,
    pub kind: i32,
    pub flags: u32,
    pub reserved0: u32,
    pub text: *const c_char,
    pub size: usize,
}

impl Default for ins1_segment {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_piece {
    pub id: i32,
    pub kind: i32,
    pub begin: usize,
    pub end: usize,
}

impl Default for ins1_piece {
    fn default() -> Self {
        unsafe { zeroed() }
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_polar_request {
    pub struct_size: u32,
    pub flags: u32,
    pub prompt: ins1_text,
    pub reference: ins1_text,
    pub candidates: *const ins1_text,
    pub n_candidates: usize,
    pub max_tokens: i32,
    pub max_answer: i32,
}

impl Default for ins1_polar_request {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_image {
    pub struct_size: u32,
    pub format: i32,
    pub width: i32,
    pub height: i32,
    pub pixels: *const c_void,
    pub pixel_stride: isize,
    pub row_stride: isize,
}

impl Default for ins1_image {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_video {
    pub struct_size: u32,
    pub flags: u32,
    pub frames: *const ins1_image,
    pub n_frames: usize,
    pub fps: f64,
    pub timestamps: *const f64,
}

impl Default for ins1_video {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_vision_encoder_options {
    pub struct_size: u32,
    pub flags: u32,
    pub device: i32,
    pub precision: i32,
    pub max_tokens: i32,
    pub reserved0: i32,
    pub scratch_budget: u64,
}

impl Default for ins1_vision_encoder_options {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_timeseries {
    pub struct_size: u32,
    pub dtype: i32,
    pub data: *const c_void,
    pub n_samples: usize,
    pub n_channels: usize,
    pub sample_stride: isize,
    pub channel_stride: isize,
    pub sample_rate_hz: f64,
    pub scale: f64,
    pub offset: f64,
    pub flags: u32,
    pub reserved0: i32,
}

impl Default for ins1_timeseries {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_timeseries_encoder_options {
    pub struct_size: u32,
    pub flags: u32,
    pub device: i32,
    pub precision: i32,
    pub max_samples: u64,
    pub scratch_budget: u64,
}

impl Default for ins1_timeseries_encoder_options {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_sampler_options {
    pub struct_size: u32,
    pub flags: u32,
    pub temperature: f32,
    pub top_p: f32,
    pub min_p: f32,
    pub repeat_penalty: f32,
    pub frequency_penalty: f32,
    pub presence_penalty: f32,
    pub top_k: i32,
    pub repeat_last: i32,
    pub n_history: i32,
    pub reserved0: i32,
    pub seed: u64,
    pub bias: *const ins1_logprob,
    pub n_bias: usize,
    pub tokenizer: *mut ins1_tokenizer,
    pub mask: Option<unsafe extern "C" fn(*mut c_void, *const i32, usize, *mut u32, usize) -> i32>,
    pub mask_user: *mut c_void,
}

impl Default for ins1_sampler_options {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_stream_options {
    pub struct_size: u32,
    pub reply_flags: u32,
    pub max_tokens: usize,
    pub stop: *const ins1_text,
    pub n_stop: usize,
    pub n_top: i32,
    pub flags: u32,
}

impl Default for ins1_stream_options {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_event {
    pub struct_size: u32,
    pub kind: i32,
    pub end_reason: i32,
    pub tool_index: i32,
    pub text: *const c_char,
    pub size: usize,
    pub first_token: usize,
    pub n_tokens: usize,
    pub tokens: *const ins1_logprob,
    pub top: *const ins1_logprob,
    pub n_top: usize,
}

impl Default for ins1_event {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_part {
    pub struct_size: u32,
    pub kind: i32,
    pub text: *const c_char,
    pub size: usize,
    pub embeds: *mut ins1_embeds,
}

impl Default for ins1_part {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_message {
    pub struct_size: u32,
    pub flags: u32,
    pub role: *const c_char,
    pub parts: *const ins1_part,
    pub n_parts: usize,
    pub reasoning: ins1_text,
    pub tool_calls_json: ins1_text,
}

impl Default for ins1_message {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_chat_options {
    pub struct_size: u32,
    pub flags: u32,
    pub tools_json: ins1_text,
    pub thinking: i32,
    pub add_generation_prompt: i32,
    pub dialect: *const c_char,
}

impl Default for ins1_chat_options {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_prompt_info {
    pub struct_size: u32,
    pub reply_flags: u32,
    pub n_tokens: usize,
    pub n_spans: usize,
}

impl Default for ins1_prompt_info {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_reply_options {
    pub struct_size: u32,
    pub flags: u32,
    pub dialect: *const c_char,
}

impl Default for ins1_reply_options {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_observation {
    pub struct_size: u32,
    pub what: u32,
    pub seq: i32,
    pub layer: i32,
    pub first: usize,
    pub n_tokens: usize,
    pub width: usize,
    pub values: *const f32,
    pub experts: *const i32,
}

impl Default for ins1_observation {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_pixels_info {
    pub struct_size: u32,
    pub n_tiles: i32,
    pub grid_t: i32,
    pub grid_h: i32,
    pub grid_w: i32,
    pub n_dim: i32,
    pub dim: [usize; 4],
    pub n_tokens: usize,
}

impl Default for ins1_pixels_info {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ins1_io_options {
    pub struct_size: u32,
    pub flags: u32,
    pub max_bytes: u64,
    pub max_pixels: u64,
    pub max_samples: u64,
}

impl Default for ins1_io_options {
    fn default() -> Self {
        // Zeros are valid in every field, and mean the default.
        let mut value: Self = unsafe { zeroed() };
        value.struct_size = size_of::<Self>() as u32;
        value
    }
}

#[link(name = "interns1")]
extern "C" {
    /// The version of the library that is loaded, as INS1_VERSION_NUMBER counts.
    pub fn ins1_version_number() -> u32;
    /// The same for people, with how the library was built: "0.1.0 (x86_64, gcc, release)".
    pub fn ins1_version_string() -> *const c_char;
    /// Was the library built with a feature?
    pub fn ins1_has_feature(name: *const c_char) -> i32;
    /// The name of a status, "INS1_E_FORMAT".
    pub fn ins1_status_name(status: i32) -> *const c_char;
    /// Make a cancel token, not requested.
    pub fn ins1_cancel_create(out: *mut *mut ins1_cancel, runtime: *mut ins1_runtime, call: *const ins1_call) -> i32;
    /// Ask every call that carries this token to stop, now and until it is reset.
    pub fn ins1_cancel_request(cancel: *mut ins1_cancel);
    /// Was a stop asked for? 1 or 0; NULL is 0.
    pub fn ins1_cancel_is_requested(cancel: *const ins1_cancel) -> i32;
    /// Make the token usable again.
    pub fn ins1_cancel_reset(cancel: *mut ins1_cancel);
    /// Add an owner.
    pub fn ins1_cancel_retain(cancel: *mut ins1_cancel);
    /// Take an owner away.
    pub fn ins1_cancel_release(cancel: *mut ins1_cancel);
    /// Take what the host brings.
    pub fn ins1_runtime_create(out: *mut *mut ins1_runtime, options: *const ins1_runtime_options, call: *const ins1_call) -> i32;
    /// How much memory is in use.
    pub fn ins1_runtime_mem(runtime: *const ins1_runtime, out: *mut ins1_mem_stats, call: *const ins1_call) -> i32;
    /// The runtime's source of memory: the host's allocator behind the budget.
    pub fn ins1_runtime_allocator(runtime: *const ins1_runtime) -> *const ins1_allocator;
    /// Add an owner.
    pub fn ins1_runtime_retain(runtime: *mut ins1_runtime);
    /// Take an owner away.
    pub fn ins1_runtime_release(runtime: *mut ins1_runtime);
    /// Add a backend that is linked into the program.
    pub fn ins1_backend_register(runtime: *mut ins1_runtime, entry: Option<unsafe extern "C" fn(u32, *const ins1_host_api, *mut ins1_backend_api) -> i32>, call: *const ins1_call) -> i32;
    /// Add the backend of a plugin.
    pub fn ins1_backend_load(runtime: *mut ins1_runtime, absolute_path: *const c_char, call: *const ins1_call) -> i32;
    /// How many devices there are; at least 1.
    pub fn ins1_device_count(runtime: *const ins1_runtime) -> i32;
    /// What a device is.
    pub fn ins1_device_get(runtime: *const ins1_runtime, index: i32, out: *mut ins1_device_info, call: *const ins1_call) -> i32;
    /// The index of a device by its name.
    pub fn ins1_device_find(runtime: *const ins1_runtime, name: *const c_char, index: *mut i32, call: *const ins1_call) -> i32;
    /// What the embeddings are.
    pub fn ins1_embeds_info_get(embeds: *const ins1_embeds, out: *mut ins1_embeds_info, call: *const ins1_call) -> i32;
    /// Copy rows out.
    pub fn ins1_embeds_read_f32(embeds: *const ins1_embeds, first: usize, n_tokens: usize, out: *mut f32, capacity: usize, count: *mut usize, call: *const ins1_call) -> i32;
    /// Make embeddings from numbers of the host.
    pub fn ins1_embeds_from_f32(out: *mut *mut ins1_embeds, runtime: *mut ins1_runtime, info: *const ins1_embeds_info, values: *const f32, call: *const ins1_call) -> i32;
    /// One row for all of them, as a search or a comparison wants it.
    pub fn ins1_embeds_pool(out: *mut *mut ins1_embeds, embeds: *const ins1_embeds, pooling: i32, flags: u32, call: *const ins1_call) -> i32;
    /// Show embeddings as a DLPack tensor, `[n_tokens]``[dim]`, without a copy and marked read-only.
    pub fn ins1_embeds_to_dlpack(out: *mut *mut DLManagedTensorVersioned, embeds: *mut ins1_embeds, call: *const ins1_call) -> i32;
    /// Make embeddings from a DLPack tensor.
    pub fn ins1_embeds_from_dlpack(out: *mut *mut ins1_embeds, runtime: *mut ins1_runtime, tensor: *mut DLManagedTensorVersioned, info: *const ins1_embeds_info, call: *const ins1_call) -> i32;
    /// Add an owner.
    pub fn ins1_embeds_retain(embeds: *mut ins1_embeds);
    /// Take an owner away.
    pub fn ins1_embeds_release(embeds: *mut ins1_embeds);
    /// What would opening and running a checkpoint take?
    pub fn ins1_model_plan(runtime: *mut ins1_runtime, model: *const ins1_model_options, decoder: *const ins1_decoder_options, session: *const ins1_session_options, out: *mut ins1_plan, call: *const ins1_call) -> i32;
    /// Open a checkpoint: a folder as Hugging Face publishes it.
    pub fn ins1_model_open(out: *mut *mut ins1_model, runtime: *mut ins1_runtime, options: *const ins1_model_options, call: *const ins1_call) -> i32;
    /// What the checkpoint is.
    pub fn ins1_model_info_get(model: *const ins1_model, out: *mut ins1_model_info, call: *const ins1_call) -> i32;
    /// A value from the checkpoint's JSON files, by its path.
    pub fn ins1_model_meta(model: *const ins1_model, key: *const c_char, value: *mut *const c_char, size: *mut usize, call: *const ins1_call) -> i32;
    /// Add an owner.
    pub fn ins1_model_retain(model: *mut ins1_model);
    /// Take an owner away; the last one unmaps the files.
    pub fn ins1_model_release(model: *mut ins1_model);
    /// Place a checkpoint's decoder on devices.
    pub fn ins1_decoder_create(out: *mut *mut ins1_decoder, model: *mut ins1_model, options: *const ins1_decoder_options, call: *const ins1_call) -> i32;
    /// What was decided: runs of layers in order, every layer once, `budget` the bytes used there.
    pub fn ins1_decoder_placements(decoder: *const ins1_decoder, out: *mut ins1_placement, capacity: usize, count: *mut usize, call: *const ins1_call) -> i32;
    /// Add an owner.
    pub fn ins1_decoder_retain(decoder: *mut ins1_decoder);
    /// Take an owner away.
    pub fn ins1_decoder_release(decoder: *mut ins1_decoder);
    /// Begin empty sequences on a decoder.
    pub fn ins1_session_create(out: *mut *mut ins1_session, decoder: *mut ins1_decoder, options: *const ins1_session_options, call: *const ins1_call) -> i32;
    /// What the session was made with.
    pub fn ins1_session_info_get(session: *const ins1_session, out: *mut ins1_session_info, call: *const ins1_call) -> i32;
    /// Append to sequences.
    pub fn ins1_session_prefill(session: *mut ins1_session, feeds: *const ins1_feed, n_feeds: usize, done: *mut usize, call: *const ins1_call) -> i32;
    /// Append one token to each of several sequences, in one batch.
    pub fn ins1_session_step(session: *mut ins1_session, steps: *const ins1_step, n_steps: usize, call: *const ins1_call) -> i32;
    /// The logits after a sequence's last token.
    pub fn ins1_session_logits(session: *mut ins1_session, seq: i32, logits: *mut *const f32, count: *mut usize, call: *const ins1_call) -> i32;
    /// The most probable next tokens with their log-softmax, best first, equal ones by lower id.
    pub fn ins1_session_logprobs(session: *mut ins1_session, seq: i32, k: usize, out: *mut ins1_logprob, capacity: usize, count: *mut usize, call: *const ins1_call) -> i32;
    /// How probable a continuation is, token by token.
    pub fn ins1_session_score(session: *mut ins1_session, seq: i32, ids: *const i32, n_ids: usize, logprobs: *mut f32, call: *const ins1_call) -> i32;
    /// How probable each of several continuations is as a whole.
    pub fn ins1_session_score_many(session: *mut ins1_session, seq: i32, candidates: *const ins1_ids, n: usize, logprobs: *mut f32, call: *const ins1_call) -> i32;
    /// The reward after a sequence's last token.
    pub fn ins1_session_reward(session: *mut ins1_session, seq: i32, out: *mut f32, call: *const ins1_call) -> i32;
    /// Final hidden states of a sequence, after the last norm, as embeddings.
    pub fn ins1_session_embeds(out: *mut *mut ins1_embeds, session: *mut ins1_session, seq: i32, pooling: i32, call: *const ins1_call) -> i32;
    /// How long a sequence is.
    pub fn ins1_session_length(session: *const ins1_session, seq: i32, n_tokens: *mut usize, call: *const ins1_call) -> i32;
    /// Go back towards the first `keep` tokens of a sequence: to the last place that can be restored and is not after them.
    pub fn ins1_session_truncate(session: *mut ins1_session, seq: i32, keep: usize, kept: *mut usize, call: *const ins1_call) -> i32;
    /// Make the end of a sequence a place that ins1_session_truncate can restore.
    pub fn ins1_session_checkpoint(session: *mut ins1_session, seq: i32, call: *const ins1_call) -> i32;
    /// Make one sequence continue from where another is.
    pub fn ins1_session_fork(session: *mut ins1_session, from: i32, to: i32, call: *const ins1_call) -> i32;
    /// Write a sequence down: its keys, values, state and logits, not its token ids.
    pub fn ins1_session_save(session: *mut ins1_session, seq: i32, out: *mut c_void, capacity: usize, count: *mut usize, call: *const ins1_call) -> i32;
    /// The same, handed piece by piece to a writer.
    pub fn ins1_session_save_to(session: *mut ins1_session, seq: i32, writer: *const ins1_writer, call: *const ins1_call) -> i32;
    /// Make a sequence what a snapshot says.
    pub fn ins1_session_restore(session: *mut ins1_session, seq: i32, data: *const c_void, size: usize, call: *const ins1_call) -> i32;
    /// The same from a reader, which is closed before the call returns, whatever it returns.
    pub fn ins1_session_restore_from(session: *mut ins1_session, seq: i32, reader: *const ins1_reader, call: *const ins1_call) -> i32;
    /// End all sequences and give back their memory.
    pub fn ins1_session_release(session: *mut ins1_session);
    /// Read a checkpoint's tokenizer.
    pub fn ins1_tokenizer_create(out: *mut *mut ins1_tokenizer, model: *mut ins1_model, options: *const ins1_tokenizer_options, call: *const ins1_call) -> i32;
    /// Turn text into token ids.
    pub fn ins1_tokenizer_encode(tokenizer: *const ins1_tokenizer, segments: *const ins1_segment, n_segments: usize, flags: u32, ids: *mut i32, pieces: *mut ins1_piece, capacity: usize, count: *mut usize, call: *const ins1_call) -> i32;
    /// What ins1_tokenizer_encode makes of these segments before it splits them: stretches kind by kind, in order and without gaps.
    pub fn ins1_tokenizer_segments(tokenizer: *const ins1_tokenizer, segments: *const ins1_segment, n_segments: usize, out: *mut ins1_piece, capacity: usize, count: *mut usize, call: *const ins1_call) -> i32;
    /// Turn ids into text.
    pub fn ins1_tokenizer_decode(tokenizer: *const ins1_tokenizer, ids: *const i32, n_ids: usize, flags: u32, out: *mut c_char, capacity: usize, count: *mut usize, call: *const ins1_call) -> i32;
    /// The bytes of one token and what it is.
    pub fn ins1_tokenizer_piece(tokenizer: *const ins1_tokenizer, id: i32, bytes: *mut *const c_char, size: *mut usize, attributes: *mut u32, call: *const ins1_call) -> i32;
    /// Add an owner.
    pub fn ins1_tokenizer_retain(tokenizer: *mut ins1_tokenizer);
    /// Take an owner away.
    pub fn ins1_tokenizer_release(tokenizer: *mut ins1_tokenizer);
    /// Begin a text that comes id by id.
    pub fn ins1_detokenizer_create(out: *mut *mut ins1_detokenizer, tokenizer: *mut ins1_tokenizer, flags: u32, call: *const ins1_call) -> i32;
    /// Take in further ids and give out the characters that became whole.
    pub fn ins1_detokenizer_push(detokenizer: *mut ins1_detokenizer, ids: *const i32, n_ids: usize, out: *mut c_char, capacity: usize, count: *mut usize, call: *const ins1_call) -> i32;
    /// End the text: give out what was held back, half a character as U+FFFD.
    pub fn ins1_detokenizer_flush(detokenizer: *mut ins1_detokenizer, out: *mut c_char, capacity: usize, count: *mut usize, call: *const ins1_call) -> i32;
    /// End the handle.
    pub fn ins1_detokenizer_release(detokenizer: *mut ins1_detokenizer);
    /// How well each candidate agrees with the reference; larger is better.
    pub fn ins1_polar_score(session: *mut ins1_session, seq: i32, tokenizer: *const ins1_tokenizer, request: *const ins1_polar_request, rewards: *mut f32, call: *const ins1_call) -> i32;
    /// Make an encoder for a checkpoint's vision part.
    pub fn ins1_vision_encoder_create(out: *mut *mut ins1_vision_encoder, model: *mut ins1_model, options: *const ins1_vision_encoder_options, call: *const ins1_call) -> i32;
    /// How many tokens an image of this size becomes, without encoding it.
    pub fn ins1_vision_encoder_tokens(encoder: *const ins1_vision_encoder, width: i32, height: i32, n_tokens: *mut usize, call: *const ins1_call) -> i32;
    /// How many tokens a video becomes, without encoding it.
    pub fn ins1_vision_encoder_video_tokens(encoder: *const ins1_vision_encoder, video: *const ins1_video, n_tokens: *mut usize, call: *const ins1_call) -> i32;
    /// Encode images.
    pub fn ins1_vision_encoder_encode(out: *mut *mut ins1_embeds, encoder: *mut ins1_vision_encoder, images: *const ins1_image, n_images: usize, call: *const ins1_call) -> i32;
    /// Encode a video.
    pub fn ins1_vision_encoder_encode_video(out: *mut *mut ins1_embeds, encoder: *mut ins1_vision_encoder, video: *const ins1_video, call: *const ins1_call) -> i32;
    /// End the encoder.
    pub fn ins1_vision_encoder_release(encoder: *mut ins1_vision_encoder);
    /// Make an encoder for a checkpoint's time-series part.
    pub fn ins1_timeseries_encoder_create(out: *mut *mut ins1_timeseries_encoder, model: *mut ins1_model, options: *const ins1_timeseries_encoder_options, call: *const ins1_call) -> i32;
    /// How many tokens a signal becomes, without encoding it.
    pub fn ins1_timeseries_encoder_tokens(encoder: *const ins1_timeseries_encoder, n_samples: usize, n_channels: usize, sample_rate_hz: f64, n_tokens: *mut usize, call: *const ins1_call) -> i32;
    /// Encode signals; the library normalises each channel of each.
    pub fn ins1_timeseries_encoder_encode(out: *mut *mut ins1_embeds, encoder: *mut ins1_timeseries_encoder, series: *const ins1_timeseries, n_series: usize, call: *const ins1_call) -> i32;
    /// End the encoder.
    pub fn ins1_timeseries_encoder_release(encoder: *mut ins1_timeseries_encoder);
    /// Make a sampler with an empty history.
    pub fn ins1_sampler_create(out: *mut *mut ins1_sampler, runtime: *mut ins1_runtime, options: *const ins1_sampler_options, call: *const ins1_call) -> i32;
    /// Choose a token.
    pub fn ins1_sampler_pick(sampler: *mut ins1_sampler, logits: *const f32, n_logits: usize, out: *mut ins1_logprob, call: *const ins1_call) -> i32;
    /// Put a token into the history.
    pub fn ins1_sampler_accept(sampler: *mut ins1_sampler, token: i32, call: *const ins1_call) -> i32;
    /// Begin again: an empty history, the first draw of `seed`.
    pub fn ins1_sampler_reset(sampler: *mut ins1_sampler, seed: u64, call: *const ins1_call) -> i32;
    /// End the sampler.
    pub fn ins1_sampler_release(sampler: *mut ins1_sampler);
    /// Begin a reply after what a sequence holds.
    pub fn ins1_stream_open(out: *mut *mut ins1_stream, session: *mut ins1_session, seq: i32, tokenizer: *mut ins1_tokenizer, sampler: *mut ins1_sampler, options: *const ins1_stream_options, call: *const ins1_call) -> i32;
    /// The next event: one that is waiting, else tokens are picked and stepped until there is one.
    pub fn ins1_stream_next(stream: *mut ins1_stream, event: *mut ins1_event, call: *const ins1_call) -> i32;
    /// The same for hosts that step several sequences in one batch: pick a token for each, give it to its stream here (which reads the logits it was picked from and tells the sampler), then step all whose stream did not END.
    pub fn ins1_stream_accept(stream: *mut ins1_stream, token: i32, event: *mut ins1_event, call: *const ins1_call) -> i32;
    /// End the stream; session and sampler stay as they are.
    pub fn ins1_stream_release(stream: *mut ins1_stream);
    /// Turn messages into a prompt, as the checkpoint's chat template does.
    pub fn ins1_prompt_create(out: *mut *mut ins1_prompt, tokenizer: *const ins1_tokenizer, messages: *const ins1_message, n_messages: usize, options: *const ins1_chat_options, call: *const ins1_call) -> i32;
    /// What the prompt is.
    pub fn ins1_prompt_info_get(prompt: *const ins1_prompt, out: *mut ins1_prompt_info, call: *const ins1_call) -> i32;
    /// The prompt as text, character for character the template's; one placeholder stands for each medium.
    pub fn ins1_prompt_text(prompt: *const ins1_prompt, text: *mut *const c_char, size: *mut usize, call: *const ins1_call) -> i32;
    /// The prompt as spans for ins1_session_prefill.
    pub fn ins1_prompt_spans(prompt: *const ins1_prompt, spans: *mut *const ins1_span, n_spans: *mut usize, call: *const ins1_call) -> i32;
    /// The prompt as ids; placeholder ids stand where embeddings go.
    pub fn ins1_prompt_ids(prompt: *const ins1_prompt, out: *mut i32, capacity: usize, count: *mut usize, call: *const ins1_call) -> i32;
    /// End the prompt.
    pub fn ins1_prompt_release(prompt: *mut ins1_prompt);
    /// Make a parser for a reply that comes from elsewhere; streams have their own.
    pub fn ins1_reply_parser_create(out: *mut *mut ins1_reply_parser, tokenizer: *mut ins1_tokenizer, options: *const ins1_reply_options, call: *const ins1_call) -> i32;
    /// Add text to the reply.
    pub fn ins1_reply_parser_push(parser: *mut ins1_reply_parser, text: *const c_char, size: usize, call: *const ins1_call) -> i32;
    /// The next event; INS1_EVENT_NONE when more text is needed.
    pub fn ins1_reply_parser_next(parser: *mut ins1_reply_parser, event: *mut ins1_event, call: *const ins1_call) -> i32;
    /// No more text comes: what is held back becomes events, the last one INS1_EVENT_END.
    pub fn ins1_reply_parser_finish(parser: *mut ins1_reply_parser, call: *const ins1_call) -> i32;
    /// End the parser.
    pub fn ins1_reply_parser_release(parser: *mut ins1_reply_parser);
    /// Show the insides of a session from the next prefill or step on.
    pub fn ins1_session_observe(session: *mut ins1_session, mask: u32, callback: ins1_observe_fn, user: *mut c_void, call: *const ins1_call) -> i32;
    /// What the reference's image processor gives its model.
    pub fn ins1_vision_encoder_preprocess(encoder: *mut ins1_vision_encoder, image: *const ins1_image, flags: u32, out: *mut f32, capacity: usize, count: *mut usize, info: *mut ins1_pixels_info, call: *const ins1_call) -> i32;
    /// The same for a video.
    pub fn ins1_vision_encoder_preprocess_video(encoder: *mut ins1_vision_encoder, video: *const ins1_video, flags: u32, out: *mut f32, capacity: usize, count: *mut usize, info: *mut ins1_pixels_info, call: *const ins1_call) -> i32;
    /// Encode pixels that were preprocessed elsewhere.
    pub fn ins1_vision_encoder_encode_pixels(out: *mut *mut ins1_embeds, encoder: *mut ins1_vision_encoder, pixels: *const f32, info: *const ins1_pixels_info, call: *const ins1_call) -> i32;
    /// The same up to the last hidden state before projector or merger: for each tile a row before all patches, then those; for each step in time the patches.
    pub fn ins1_vision_encoder_tower(out: *mut *mut ins1_embeds, encoder: *mut ins1_vision_encoder, pixels: *const f32, info: *const ins1_pixels_info, call: *const ins1_call) -> i32;
    /// Show the hidden states of a tower from the next encoding on: `seq` is the tile, or the step in time, `first` a row of it.
    pub fn ins1_vision_encoder_observe(encoder: *mut ins1_vision_encoder, mask: u32, callback: ins1_observe_fn, user: *mut c_void, call: *const ins1_call) -> i32;
    /// What the reference's processor makes of a signal before its model sees it.
    pub fn ins1_timeseries_encoder_preprocess(encoder: *mut ins1_timeseries_encoder, series: *const ins1_timeseries, out: *mut f32, capacity: usize, count: *mut usize, call: *const ins1_call) -> i32;
    /// Encode samples that were preprocessed elsewhere.
    pub fn ins1_timeseries_encoder_encode_samples(out: *mut *mut ins1_embeds, encoder: *mut ins1_timeseries_encoder, samples: *const f32, n_samples: usize, n_channels: usize, sample_rate_hz: f64, call: *const ins1_call) -> i32;
    /// The same up to the last hidden state before the projector, `[frames]``[width]`.
    pub fn ins1_timeseries_encoder_tower(out: *mut *mut ins1_embeds, encoder: *mut ins1_timeseries_encoder, samples: *const f32, n_samples: usize, n_channels: usize, sample_rate_hz: f64, call: *const ins1_call) -> i32;
}

#[cfg(feature = "io")]
#[link(name = "interns1_io")]
extern "C" {
    /// Read an image: PNG or JPEG, as the content says.
    pub fn ins1_io_image_open(out: *mut *mut ins1_io_image, runtime: *mut ins1_runtime, file: *const ins1_file, options: *const ins1_io_options, call: *const ins1_call) -> i32;
    /// The image as the vision encoder takes it.
    pub fn ins1_io_image_get(image: *const ins1_io_image, out: *mut ins1_image, call: *const ins1_call) -> i32;
    /// End the image.
    pub fn ins1_io_image_release(image: *mut ins1_io_image);
    /// Read signals: NPY, CSV, WAV, FLAC, Ogg, EDF, BDF, WFDB (the header, whose name ends in ".hea", and the files it names), miniSEED 2.
    pub fn ins1_io_series_open(out: *mut *mut ins1_io_series, runtime: *mut ins1_runtime, files: *const ins1_file, n_files: usize, options: *const ins1_io_options, call: *const ins1_call) -> i32;
    /// The signals as the time-series encoder takes them.
    pub fn ins1_io_series_get(series: *const ins1_io_series, out: *mut ins1_timeseries, call: *const ins1_call) -> i32;
    /// Name and unit of a channel.
    pub fn ins1_io_series_channel(series: *const ins1_io_series, channel: usize, name: *mut *const c_char, unit: *mut *const c_char, call: *const ins1_call) -> i32;
    /// End the signals.
    pub fn ins1_io_series_release(series: *mut ins1_io_series);
}
