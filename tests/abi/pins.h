/* Written by make_pins.py for INTERNS1_0.1: 64-bit pointers, the same on every such machine. */

_Static_assert(sizeof(struct ins1_call) >= 48, "ins1_call");
_Static_assert(offsetof(struct ins1_call, struct_size) == 0, "ins1_call.struct_size");
_Static_assert(offsetof(struct ins1_call, flags) == 4, "ins1_call.flags");
_Static_assert(offsetof(struct ins1_call, error) == 8, "ins1_call.error");
_Static_assert(offsetof(struct ins1_call, cancel) == 16, "ins1_call.cancel");
_Static_assert(offsetof(struct ins1_call, budget_ns) == 24, "ins1_call.budget_ns");
_Static_assert(offsetof(struct ins1_call, progress) == 32, "ins1_call.progress");
_Static_assert(offsetof(struct ins1_call, user) == 40, "ins1_call.user");

_Static_assert(sizeof(struct ins1_part) >= 32, "ins1_part");
_Static_assert(offsetof(struct ins1_part, struct_size) == 0, "ins1_part.struct_size");
_Static_assert(offsetof(struct ins1_part, kind) == 4, "ins1_part.kind");
_Static_assert(offsetof(struct ins1_part, text) == 8, "ins1_part.text");
_Static_assert(offsetof(struct ins1_part, size) == 16, "ins1_part.size");
_Static_assert(offsetof(struct ins1_part, embeds) == 24, "ins1_part.embeds");

_Static_assert(sizeof(struct ins1_message) >= 64, "ins1_message");
_Static_assert(offsetof(struct ins1_message, struct_size) == 0, "ins1_message.struct_size");
_Static_assert(offsetof(struct ins1_message, flags) == 4, "ins1_message.flags");
_Static_assert(offsetof(struct ins1_message, role) == 8, "ins1_message.role");
_Static_assert(offsetof(struct ins1_message, parts) == 16, "ins1_message.parts");
_Static_assert(offsetof(struct ins1_message, n_parts) == 24, "ins1_message.n_parts");
_Static_assert(offsetof(struct ins1_message, reasoning) == 32, "ins1_message.reasoning");
_Static_assert(offsetof(struct ins1_message, tool_calls_json) == 48,
               "ins1_message.tool_calls_json");

_Static_assert(sizeof(struct ins1_chat_options) >= 40, "ins1_chat_options");
_Static_assert(offsetof(struct ins1_chat_options, struct_size) == 0,
               "ins1_chat_options.struct_size");
_Static_assert(offsetof(struct ins1_chat_options, flags) == 4, "ins1_chat_options.flags");
_Static_assert(offsetof(struct ins1_chat_options, tools_json) == 8, "ins1_chat_options.tools_json");
_Static_assert(offsetof(struct ins1_chat_options, thinking) == 24, "ins1_chat_options.thinking");
_Static_assert(offsetof(struct ins1_chat_options, add_generation_prompt) == 28,
               "ins1_chat_options.add_generation_prompt");
_Static_assert(offsetof(struct ins1_chat_options, dialect) == 32, "ins1_chat_options.dialect");

_Static_assert(sizeof(struct ins1_prompt_info) >= 24, "ins1_prompt_info");
_Static_assert(offsetof(struct ins1_prompt_info, struct_size) == 0, "ins1_prompt_info.struct_size");
_Static_assert(offsetof(struct ins1_prompt_info, reply_flags) == 4, "ins1_prompt_info.reply_flags");
_Static_assert(offsetof(struct ins1_prompt_info, n_tokens) == 8, "ins1_prompt_info.n_tokens");
_Static_assert(offsetof(struct ins1_prompt_info, n_spans) == 16, "ins1_prompt_info.n_spans");

_Static_assert(sizeof(struct ins1_reply_options) >= 16, "ins1_reply_options");
_Static_assert(offsetof(struct ins1_reply_options, struct_size) == 0,
               "ins1_reply_options.struct_size");
_Static_assert(offsetof(struct ins1_reply_options, flags) == 4, "ins1_reply_options.flags");
_Static_assert(offsetof(struct ins1_reply_options, dialect) == 8, "ins1_reply_options.dialect");

_Static_assert(sizeof(struct ins1_placement) == 24, "ins1_placement");
_Static_assert(offsetof(struct ins1_placement, device) == 0, "ins1_placement.device");
_Static_assert(offsetof(struct ins1_placement, first_layer) == 4, "ins1_placement.first_layer");
_Static_assert(offsetof(struct ins1_placement, n_layers) == 8, "ins1_placement.n_layers");
_Static_assert(offsetof(struct ins1_placement, reserved0) == 12, "ins1_placement.reserved0");
_Static_assert(offsetof(struct ins1_placement, budget) == 16, "ins1_placement.budget");

_Static_assert(sizeof(struct ins1_decoder_options) >= 32, "ins1_decoder_options");
_Static_assert(offsetof(struct ins1_decoder_options, struct_size) == 0,
               "ins1_decoder_options.struct_size");
_Static_assert(offsetof(struct ins1_decoder_options, flags) == 4, "ins1_decoder_options.flags");
_Static_assert(offsetof(struct ins1_decoder_options, placements) == 8,
               "ins1_decoder_options.placements");
_Static_assert(offsetof(struct ins1_decoder_options, n_placements) == 16,
               "ins1_decoder_options.n_placements");
_Static_assert(offsetof(struct ins1_decoder_options, precision) == 24,
               "ins1_decoder_options.precision");
_Static_assert(offsetof(struct ins1_decoder_options, reserved0) == 28,
               "ins1_decoder_options.reserved0");

_Static_assert(sizeof(struct ins1_device_info) >= 72, "ins1_device_info");
_Static_assert(offsetof(struct ins1_device_info, struct_size) == 0, "ins1_device_info.struct_size");
_Static_assert(offsetof(struct ins1_device_info, kind) == 4, "ins1_device_info.kind");
_Static_assert(offsetof(struct ins1_device_info, backend) == 8, "ins1_device_info.backend");
_Static_assert(offsetof(struct ins1_device_info, name) == 16, "ins1_device_info.name");
_Static_assert(offsetof(struct ins1_device_info, hardware) == 24, "ins1_device_info.hardware");
_Static_assert(offsetof(struct ins1_device_info, level) == 32, "ins1_device_info.level");
_Static_assert(offsetof(struct ins1_device_info, mem_total) == 40, "ins1_device_info.mem_total");
_Static_assert(offsetof(struct ins1_device_info, mem_free) == 48, "ins1_device_info.mem_free");
_Static_assert(offsetof(struct ins1_device_info, max_buffer) == 56, "ins1_device_info.max_buffer");
_Static_assert(offsetof(struct ins1_device_info, caps) == 64, "ins1_device_info.caps");
_Static_assert(offsetof(struct ins1_device_info, score) == 68, "ins1_device_info.score");

_Static_assert(sizeof(struct ins1_embeds_info) >= 64, "ins1_embeds_info");
_Static_assert(offsetof(struct ins1_embeds_info, struct_size) == 0, "ins1_embeds_info.struct_size");
_Static_assert(offsetof(struct ins1_embeds_info, dtype) == 4, "ins1_embeds_info.dtype");
_Static_assert(offsetof(struct ins1_embeds_info, n_tokens) == 8, "ins1_embeds_info.n_tokens");
_Static_assert(offsetof(struct ins1_embeds_info, dim) == 16, "ins1_embeds_info.dim");
_Static_assert(offsetof(struct ins1_embeds_info, modality) == 24, "ins1_embeds_info.modality");
_Static_assert(offsetof(struct ins1_embeds_info, device) == 28, "ins1_embeds_info.device");
_Static_assert(offsetof(struct ins1_embeds_info, grid_t) == 32, "ins1_embeds_info.grid_t");
_Static_assert(offsetof(struct ins1_embeds_info, grid_h) == 36, "ins1_embeds_info.grid_h");
_Static_assert(offsetof(struct ins1_embeds_info, grid_w) == 40, "ins1_embeds_info.grid_w");
_Static_assert(offsetof(struct ins1_embeds_info, reserved0) == 44, "ins1_embeds_info.reserved0");
_Static_assert(offsetof(struct ins1_embeds_info, times) == 48, "ins1_embeds_info.times");
_Static_assert(offsetof(struct ins1_embeds_info, n_times) == 56, "ins1_embeds_info.n_times");

_Static_assert(sizeof(struct ins1_observation) >= 56, "ins1_observation");
_Static_assert(offsetof(struct ins1_observation, struct_size) == 0, "ins1_observation.struct_size");
_Static_assert(offsetof(struct ins1_observation, what) == 4, "ins1_observation.what");
_Static_assert(offsetof(struct ins1_observation, seq) == 8, "ins1_observation.seq");
_Static_assert(offsetof(struct ins1_observation, layer) == 12, "ins1_observation.layer");
_Static_assert(offsetof(struct ins1_observation, first) == 16, "ins1_observation.first");
_Static_assert(offsetof(struct ins1_observation, n_tokens) == 24, "ins1_observation.n_tokens");
_Static_assert(offsetof(struct ins1_observation, width) == 32, "ins1_observation.width");
_Static_assert(offsetof(struct ins1_observation, values) == 40, "ins1_observation.values");
_Static_assert(offsetof(struct ins1_observation, experts) == 48, "ins1_observation.experts");

_Static_assert(sizeof(struct ins1_pixels_info) >= 64, "ins1_pixels_info");
_Static_assert(offsetof(struct ins1_pixels_info, struct_size) == 0, "ins1_pixels_info.struct_size");
_Static_assert(offsetof(struct ins1_pixels_info, n_tiles) == 4, "ins1_pixels_info.n_tiles");
_Static_assert(offsetof(struct ins1_pixels_info, grid_t) == 8, "ins1_pixels_info.grid_t");
_Static_assert(offsetof(struct ins1_pixels_info, grid_h) == 12, "ins1_pixels_info.grid_h");
_Static_assert(offsetof(struct ins1_pixels_info, grid_w) == 16, "ins1_pixels_info.grid_w");
_Static_assert(offsetof(struct ins1_pixels_info, n_dim) == 20, "ins1_pixels_info.n_dim");
_Static_assert(offsetof(struct ins1_pixels_info, dim) == 24, "ins1_pixels_info.dim");
_Static_assert(offsetof(struct ins1_pixels_info, n_tokens) == 56, "ins1_pixels_info.n_tokens");

_Static_assert(sizeof(struct ins1_io_options) >= 32, "ins1_io_options");
_Static_assert(offsetof(struct ins1_io_options, struct_size) == 0, "ins1_io_options.struct_size");
_Static_assert(offsetof(struct ins1_io_options, flags) == 4, "ins1_io_options.flags");
_Static_assert(offsetof(struct ins1_io_options, max_bytes) == 8, "ins1_io_options.max_bytes");
_Static_assert(offsetof(struct ins1_io_options, max_pixels) == 16, "ins1_io_options.max_pixels");
_Static_assert(offsetof(struct ins1_io_options, max_samples) == 24, "ins1_io_options.max_samples");

_Static_assert(sizeof(struct ins1_reader) >= 40, "ins1_reader");
_Static_assert(offsetof(struct ins1_reader, struct_size) == 0, "ins1_reader.struct_size");
_Static_assert(offsetof(struct ins1_reader, flags) == 4, "ins1_reader.flags");
_Static_assert(offsetof(struct ins1_reader, size) == 8, "ins1_reader.size");
_Static_assert(offsetof(struct ins1_reader, read_at) == 16, "ins1_reader.read_at");
_Static_assert(offsetof(struct ins1_reader, close) == 24, "ins1_reader.close");
_Static_assert(offsetof(struct ins1_reader, user) == 32, "ins1_reader.user");

_Static_assert(sizeof(struct ins1_file) >= 48, "ins1_file");
_Static_assert(offsetof(struct ins1_file, struct_size) == 0, "ins1_file.struct_size");
_Static_assert(offsetof(struct ins1_file, flags) == 4, "ins1_file.flags");
_Static_assert(offsetof(struct ins1_file, name) == 8, "ins1_file.name");
_Static_assert(offsetof(struct ins1_file, path) == 16, "ins1_file.path");
_Static_assert(offsetof(struct ins1_file, data) == 24, "ins1_file.data");
_Static_assert(offsetof(struct ins1_file, size) == 32, "ins1_file.size");
_Static_assert(offsetof(struct ins1_file, reader) == 40, "ins1_file.reader");

_Static_assert(sizeof(struct ins1_model_options) >= 80, "ins1_model_options");
_Static_assert(offsetof(struct ins1_model_options, struct_size) == 0,
               "ins1_model_options.struct_size");
_Static_assert(offsetof(struct ins1_model_options, parts) == 4, "ins1_model_options.parts");
_Static_assert(offsetof(struct ins1_model_options, path) == 8, "ins1_model_options.path");
_Static_assert(offsetof(struct ins1_model_options, data) == 16, "ins1_model_options.data");
_Static_assert(offsetof(struct ins1_model_options, size) == 24, "ins1_model_options.size");
_Static_assert(offsetof(struct ins1_model_options, reader) == 32, "ins1_model_options.reader");
_Static_assert(offsetof(struct ins1_model_options, files) == 40, "ins1_model_options.files");
_Static_assert(offsetof(struct ins1_model_options, n_files) == 48, "ins1_model_options.n_files");
_Static_assert(offsetof(struct ins1_model_options, load_mode) == 56,
               "ins1_model_options.load_mode");
_Static_assert(offsetof(struct ins1_model_options, verify) == 60, "ins1_model_options.verify");
_Static_assert(offsetof(struct ins1_model_options, expert_cache) == 64,
               "ins1_model_options.expert_cache");
_Static_assert(offsetof(struct ins1_model_options, flags) == 72, "ins1_model_options.flags");
_Static_assert(offsetof(struct ins1_model_options, reserved0) == 76,
               "ins1_model_options.reserved0");

_Static_assert(sizeof(struct ins1_part_bytes) == 24, "ins1_part_bytes");
_Static_assert(offsetof(struct ins1_part_bytes, disk) == 0, "ins1_part_bytes.disk");
_Static_assert(offsetof(struct ins1_part_bytes, host) == 8, "ins1_part_bytes.host");
_Static_assert(offsetof(struct ins1_part_bytes, device) == 16, "ins1_part_bytes.device");

_Static_assert(sizeof(struct ins1_plan) >= 152, "ins1_plan");
_Static_assert(offsetof(struct ins1_plan, struct_size) == 0, "ins1_plan.struct_size");
_Static_assert(offsetof(struct ins1_plan, parts) == 4, "ins1_plan.parts");
_Static_assert(offsetof(struct ins1_plan, tokenizer) == 8, "ins1_plan.tokenizer");
_Static_assert(offsetof(struct ins1_plan, vision) == 32, "ins1_plan.vision");
_Static_assert(offsetof(struct ins1_plan, timeseries) == 56, "ins1_plan.timeseries");
_Static_assert(offsetof(struct ins1_plan, decoder) == 80, "ins1_plan.decoder");
_Static_assert(offsetof(struct ins1_plan, kv_per_token) == 104, "ins1_plan.kv_per_token");
_Static_assert(offsetof(struct ins1_plan, state_per_sequence) == 112,
               "ins1_plan.state_per_sequence");
_Static_assert(offsetof(struct ins1_plan, scratch) == 120, "ins1_plan.scratch");
_Static_assert(offsetof(struct ins1_plan, total_host) == 128, "ins1_plan.total_host");
_Static_assert(offsetof(struct ins1_plan, total_device) == 136, "ins1_plan.total_device");
_Static_assert(offsetof(struct ins1_plan, least_total) == 144, "ins1_plan.least_total");

_Static_assert(sizeof(struct ins1_model_info) >= 80, "ins1_model_info");
_Static_assert(offsetof(struct ins1_model_info, struct_size) == 0, "ins1_model_info.struct_size");
_Static_assert(offsetof(struct ins1_model_info, parts) == 4, "ins1_model_info.parts");
_Static_assert(offsetof(struct ins1_model_info, arch) == 8, "ins1_model_info.arch");
_Static_assert(offsetof(struct ins1_model_info, name) == 16, "ins1_model_info.name");
_Static_assert(offsetof(struct ins1_model_info, quant) == 24, "ins1_model_info.quant");
_Static_assert(offsetof(struct ins1_model_info, n_vocab) == 32, "ins1_model_info.n_vocab");
_Static_assert(offsetof(struct ins1_model_info, n_embd) == 36, "ins1_model_info.n_embd");
_Static_assert(offsetof(struct ins1_model_info, n_layer) == 40, "ins1_model_info.n_layer");
_Static_assert(offsetof(struct ins1_model_info, n_head) == 44, "ins1_model_info.n_head");
_Static_assert(offsetof(struct ins1_model_info, n_head_kv) == 48, "ins1_model_info.n_head_kv");
_Static_assert(offsetof(struct ins1_model_info, n_expert) == 52, "ins1_model_info.n_expert");
_Static_assert(offsetof(struct ins1_model_info, n_expert_used) == 56,
               "ins1_model_info.n_expert_used");
_Static_assert(offsetof(struct ins1_model_info, n_ctx_train) == 60, "ins1_model_info.n_ctx_train");
_Static_assert(offsetof(struct ins1_model_info, n_params) == 64, "ins1_model_info.n_params");
_Static_assert(offsetof(struct ins1_model_info, n_params_active) == 72,
               "ins1_model_info.n_params_active");

_Static_assert(sizeof(struct ins1_polar_request) >= 64, "ins1_polar_request");
_Static_assert(offsetof(struct ins1_polar_request, struct_size) == 0,
               "ins1_polar_request.struct_size");
_Static_assert(offsetof(struct ins1_polar_request, flags) == 4, "ins1_polar_request.flags");
_Static_assert(offsetof(struct ins1_polar_request, prompt) == 8, "ins1_polar_request.prompt");
_Static_assert(offsetof(struct ins1_polar_request, reference) == 24,
               "ins1_polar_request.reference");
_Static_assert(offsetof(struct ins1_polar_request, candidates) == 40,
               "ins1_polar_request.candidates");
_Static_assert(offsetof(struct ins1_polar_request, n_candidates) == 48,
               "ins1_polar_request.n_candidates");
_Static_assert(offsetof(struct ins1_polar_request, max_tokens) == 56,
               "ins1_polar_request.max_tokens");
_Static_assert(offsetof(struct ins1_polar_request, max_answer) == 60,
               "ins1_polar_request.max_answer");

_Static_assert(sizeof(struct ins1_allocator) >= 32, "ins1_allocator");
_Static_assert(offsetof(struct ins1_allocator, struct_size) == 0, "ins1_allocator.struct_size");
_Static_assert(offsetof(struct ins1_allocator, flags) == 4, "ins1_allocator.flags");
_Static_assert(offsetof(struct ins1_allocator, alloc) == 8, "ins1_allocator.alloc");
_Static_assert(offsetof(struct ins1_allocator, free) == 16, "ins1_allocator.free");
_Static_assert(offsetof(struct ins1_allocator, user) == 24, "ins1_allocator.user");

_Static_assert(sizeof(struct ins1_threading) >= 48, "ins1_threading");
_Static_assert(offsetof(struct ins1_threading, struct_size) == 0, "ins1_threading.struct_size");
_Static_assert(offsetof(struct ins1_threading, mode) == 4, "ins1_threading.mode");
_Static_assert(offsetof(struct ins1_threading, n_threads) == 8, "ins1_threading.n_threads");
_Static_assert(offsetof(struct ins1_threading, flags) == 12, "ins1_threading.flags");
_Static_assert(offsetof(struct ins1_threading, parallel_for) == 16, "ins1_threading.parallel_for");
_Static_assert(offsetof(struct ins1_threading, thread_start) == 24, "ins1_threading.thread_start");
_Static_assert(offsetof(struct ins1_threading, thread_stop) == 32, "ins1_threading.thread_stop");
_Static_assert(offsetof(struct ins1_threading, user) == 40, "ins1_threading.user");

_Static_assert(sizeof(struct ins1_runtime_options) >= 64, "ins1_runtime_options");
_Static_assert(offsetof(struct ins1_runtime_options, struct_size) == 0,
               "ins1_runtime_options.struct_size");
_Static_assert(offsetof(struct ins1_runtime_options, flags) == 4, "ins1_runtime_options.flags");
_Static_assert(offsetof(struct ins1_runtime_options, allocator) == 8,
               "ins1_runtime_options.allocator");
_Static_assert(offsetof(struct ins1_runtime_options, threading) == 16,
               "ins1_runtime_options.threading");
_Static_assert(offsetof(struct ins1_runtime_options, log) == 24, "ins1_runtime_options.log");
_Static_assert(offsetof(struct ins1_runtime_options, log_user) == 32,
               "ins1_runtime_options.log_user");
_Static_assert(offsetof(struct ins1_runtime_options, log_level) == 40,
               "ins1_runtime_options.log_level");
_Static_assert(offsetof(struct ins1_runtime_options, reserved0) == 44,
               "ins1_runtime_options.reserved0");
_Static_assert(offsetof(struct ins1_runtime_options, host_budget) == 48,
               "ins1_runtime_options.host_budget");
_Static_assert(offsetof(struct ins1_runtime_options, cpu_level) == 56,
               "ins1_runtime_options.cpu_level");

_Static_assert(sizeof(struct ins1_mem_stats) >= 48, "ins1_mem_stats");
_Static_assert(offsetof(struct ins1_mem_stats, struct_size) == 0, "ins1_mem_stats.struct_size");
_Static_assert(offsetof(struct ins1_mem_stats, flags) == 4, "ins1_mem_stats.flags");
_Static_assert(offsetof(struct ins1_mem_stats, now) == 8, "ins1_mem_stats.now");
_Static_assert(offsetof(struct ins1_mem_stats, peak) == 16, "ins1_mem_stats.peak");
_Static_assert(offsetof(struct ins1_mem_stats, budget) == 24, "ins1_mem_stats.budget");
_Static_assert(offsetof(struct ins1_mem_stats, mapped) == 32, "ins1_mem_stats.mapped");
_Static_assert(offsetof(struct ins1_mem_stats, device) == 40, "ins1_mem_stats.device");

_Static_assert(sizeof(struct ins1_sampler_options) >= 96, "ins1_sampler_options");
_Static_assert(offsetof(struct ins1_sampler_options, struct_size) == 0,
               "ins1_sampler_options.struct_size");
_Static_assert(offsetof(struct ins1_sampler_options, flags) == 4, "ins1_sampler_options.flags");
_Static_assert(offsetof(struct ins1_sampler_options, temperature) == 8,
               "ins1_sampler_options.temperature");
_Static_assert(offsetof(struct ins1_sampler_options, top_p) == 12, "ins1_sampler_options.top_p");
_Static_assert(offsetof(struct ins1_sampler_options, min_p) == 16, "ins1_sampler_options.min_p");
_Static_assert(offsetof(struct ins1_sampler_options, repeat_penalty) == 20,
               "ins1_sampler_options.repeat_penalty");
_Static_assert(offsetof(struct ins1_sampler_options, frequency_penalty) == 24,
               "ins1_sampler_options.frequency_penalty");
_Static_assert(offsetof(struct ins1_sampler_options, presence_penalty) == 28,
               "ins1_sampler_options.presence_penalty");
_Static_assert(offsetof(struct ins1_sampler_options, top_k) == 32, "ins1_sampler_options.top_k");
_Static_assert(offsetof(struct ins1_sampler_options, repeat_last) == 36,
               "ins1_sampler_options.repeat_last");
_Static_assert(offsetof(struct ins1_sampler_options, n_history) == 40,
               "ins1_sampler_options.n_history");
_Static_assert(offsetof(struct ins1_sampler_options, reserved0) == 44,
               "ins1_sampler_options.reserved0");
_Static_assert(offsetof(struct ins1_sampler_options, seed) == 48, "ins1_sampler_options.seed");
_Static_assert(offsetof(struct ins1_sampler_options, bias) == 56, "ins1_sampler_options.bias");
_Static_assert(offsetof(struct ins1_sampler_options, n_bias) == 64, "ins1_sampler_options.n_bias");
_Static_assert(offsetof(struct ins1_sampler_options, tokenizer) == 72,
               "ins1_sampler_options.tokenizer");
_Static_assert(offsetof(struct ins1_sampler_options, mask) == 80, "ins1_sampler_options.mask");
_Static_assert(offsetof(struct ins1_sampler_options, mask_user) == 88,
               "ins1_sampler_options.mask_user");

_Static_assert(sizeof(struct ins1_session_options) >= 32, "ins1_session_options");
_Static_assert(offsetof(struct ins1_session_options, struct_size) == 0,
               "ins1_session_options.struct_size");
_Static_assert(offsetof(struct ins1_session_options, flags) == 4, "ins1_session_options.flags");
_Static_assert(offsetof(struct ins1_session_options, n_ctx) == 8, "ins1_session_options.n_ctx");
_Static_assert(offsetof(struct ins1_session_options, n_seq) == 12, "ins1_session_options.n_seq");
_Static_assert(offsetof(struct ins1_session_options, n_batch) == 16,
               "ins1_session_options.n_batch");
_Static_assert(offsetof(struct ins1_session_options, kv_type) == 20,
               "ins1_session_options.kv_type");
_Static_assert(offsetof(struct ins1_session_options, kv_budget) == 24,
               "ins1_session_options.kv_budget");

_Static_assert(sizeof(struct ins1_session_info) >= 48, "ins1_session_info");
_Static_assert(offsetof(struct ins1_session_info, struct_size) == 0,
               "ins1_session_info.struct_size");
_Static_assert(offsetof(struct ins1_session_info, precision) == 4, "ins1_session_info.precision");
_Static_assert(offsetof(struct ins1_session_info, n_ctx) == 8, "ins1_session_info.n_ctx");
_Static_assert(offsetof(struct ins1_session_info, n_seq) == 12, "ins1_session_info.n_seq");
_Static_assert(offsetof(struct ins1_session_info, n_batch) == 16, "ins1_session_info.n_batch");
_Static_assert(offsetof(struct ins1_session_info, kv_type) == 20, "ins1_session_info.kv_type");
_Static_assert(offsetof(struct ins1_session_info, kv_bytes) == 24, "ins1_session_info.kv_bytes");
_Static_assert(offsetof(struct ins1_session_info, state_bytes) == 32,
               "ins1_session_info.state_bytes");
_Static_assert(offsetof(struct ins1_session_info, scratch_bytes) == 40,
               "ins1_session_info.scratch_bytes");

_Static_assert(sizeof(struct ins1_span) >= 48, "ins1_span");
_Static_assert(offsetof(struct ins1_span, struct_size) == 0, "ins1_span.struct_size");
_Static_assert(offsetof(struct ins1_span, flags) == 4, "ins1_span.flags");
_Static_assert(offsetof(struct ins1_span, ids) == 8, "ins1_span.ids");
_Static_assert(offsetof(struct ins1_span, n_ids) == 16, "ins1_span.n_ids");
_Static_assert(offsetof(struct ins1_span, embeds) == 24, "ins1_span.embeds");
_Static_assert(offsetof(struct ins1_span, first) == 32, "ins1_span.first");
_Static_assert(offsetof(struct ins1_span, count) == 40, "ins1_span.count");

_Static_assert(sizeof(struct ins1_feed) >= 24, "ins1_feed");
_Static_assert(offsetof(struct ins1_feed, struct_size) == 0, "ins1_feed.struct_size");
_Static_assert(offsetof(struct ins1_feed, seq) == 4, "ins1_feed.seq");
_Static_assert(offsetof(struct ins1_feed, spans) == 8, "ins1_feed.spans");
_Static_assert(offsetof(struct ins1_feed, n_spans) == 16, "ins1_feed.n_spans");

_Static_assert(sizeof(struct ins1_step) == 8, "ins1_step");
_Static_assert(offsetof(struct ins1_step, seq) == 0, "ins1_step.seq");
_Static_assert(offsetof(struct ins1_step, token) == 4, "ins1_step.token");

_Static_assert(sizeof(struct ins1_logprob) == 8, "ins1_logprob");
_Static_assert(offsetof(struct ins1_logprob, token) == 0, "ins1_logprob.token");
_Static_assert(offsetof(struct ins1_logprob, logprob) == 4, "ins1_logprob.logprob");

_Static_assert(sizeof(struct ins1_ids) == 16, "ins1_ids");
_Static_assert(offsetof(struct ins1_ids, ids) == 0, "ins1_ids.ids");
_Static_assert(offsetof(struct ins1_ids, n_ids) == 8, "ins1_ids.n_ids");

_Static_assert(sizeof(struct ins1_writer) >= 24, "ins1_writer");
_Static_assert(offsetof(struct ins1_writer, struct_size) == 0, "ins1_writer.struct_size");
_Static_assert(offsetof(struct ins1_writer, flags) == 4, "ins1_writer.flags");
_Static_assert(offsetof(struct ins1_writer, write) == 8, "ins1_writer.write");
_Static_assert(offsetof(struct ins1_writer, user) == 16, "ins1_writer.user");

_Static_assert(sizeof(struct ins1_error) >= 256, "ins1_error");
_Static_assert(offsetof(struct ins1_error, struct_size) == 0, "ins1_error.struct_size");
_Static_assert(offsetof(struct ins1_error, status) == 4, "ins1_error.status");
_Static_assert(offsetof(struct ins1_error, os_errno) == 8, "ins1_error.os_errno");
_Static_assert(offsetof(struct ins1_error, backend_code) == 12, "ins1_error.backend_code");
_Static_assert(offsetof(struct ins1_error, text) == 16, "ins1_error.text");

_Static_assert(sizeof(struct ins1_stream_options) >= 40, "ins1_stream_options");
_Static_assert(offsetof(struct ins1_stream_options, struct_size) == 0,
               "ins1_stream_options.struct_size");
_Static_assert(offsetof(struct ins1_stream_options, reply_flags) == 4,
               "ins1_stream_options.reply_flags");
_Static_assert(offsetof(struct ins1_stream_options, max_tokens) == 8,
               "ins1_stream_options.max_tokens");
_Static_assert(offsetof(struct ins1_stream_options, stop) == 16, "ins1_stream_options.stop");
_Static_assert(offsetof(struct ins1_stream_options, n_stop) == 24, "ins1_stream_options.n_stop");
_Static_assert(offsetof(struct ins1_stream_options, n_top) == 32, "ins1_stream_options.n_top");
_Static_assert(offsetof(struct ins1_stream_options, flags) == 36, "ins1_stream_options.flags");

_Static_assert(sizeof(struct ins1_event) >= 72, "ins1_event");
_Static_assert(offsetof(struct ins1_event, struct_size) == 0, "ins1_event.struct_size");
_Static_assert(offsetof(struct ins1_event, kind) == 4, "ins1_event.kind");
_Static_assert(offsetof(struct ins1_event, end_reason) == 8, "ins1_event.end_reason");
_Static_assert(offsetof(struct ins1_event, tool_index) == 12, "ins1_event.tool_index");
_Static_assert(offsetof(struct ins1_event, text) == 16, "ins1_event.text");
_Static_assert(offsetof(struct ins1_event, size) == 24, "ins1_event.size");
_Static_assert(offsetof(struct ins1_event, first_token) == 32, "ins1_event.first_token");
_Static_assert(offsetof(struct ins1_event, n_tokens) == 40, "ins1_event.n_tokens");
_Static_assert(offsetof(struct ins1_event, tokens) == 48, "ins1_event.tokens");
_Static_assert(offsetof(struct ins1_event, top) == 56, "ins1_event.top");
_Static_assert(offsetof(struct ins1_event, n_top) == 64, "ins1_event.n_top");

_Static_assert(sizeof(struct ins1_host_api) >= 72, "ins1_host_api");
_Static_assert(offsetof(struct ins1_host_api, struct_size) == 0, "ins1_host_api.struct_size");
_Static_assert(offsetof(struct ins1_host_api, abi) == 4, "ins1_host_api.abi");
_Static_assert(offsetof(struct ins1_host_api, host) == 8, "ins1_host_api.host");
_Static_assert(offsetof(struct ins1_host_api, alloc) == 16, "ins1_host_api.alloc");
_Static_assert(offsetof(struct ins1_host_api, free) == 24, "ins1_host_api.free");
_Static_assert(offsetof(struct ins1_host_api, log) == 32, "ins1_host_api.log");
_Static_assert(offsetof(struct ins1_host_api, fail) == 40, "ins1_host_api.fail");
_Static_assert(offsetof(struct ins1_host_api, stop_requested) == 48,
               "ins1_host_api.stop_requested");
_Static_assert(offsetof(struct ins1_host_api, parallel_for) == 56, "ins1_host_api.parallel_for");
_Static_assert(offsetof(struct ins1_host_api, workers) == 64, "ins1_host_api.workers");

_Static_assert(sizeof(struct ins1_tensor_desc) >= 104, "ins1_tensor_desc");
_Static_assert(offsetof(struct ins1_tensor_desc, struct_size) == 0, "ins1_tensor_desc.struct_size");
_Static_assert(offsetof(struct ins1_tensor_desc, dtype) == 4, "ins1_tensor_desc.dtype");
_Static_assert(offsetof(struct ins1_tensor_desc, layout) == 8, "ins1_tensor_desc.layout");
_Static_assert(offsetof(struct ins1_tensor_desc, ndim) == 12, "ins1_tensor_desc.ndim");
_Static_assert(offsetof(struct ins1_tensor_desc, dim) == 16, "ins1_tensor_desc.dim");
_Static_assert(offsetof(struct ins1_tensor_desc, stride) == 48, "ins1_tensor_desc.stride");
_Static_assert(offsetof(struct ins1_tensor_desc, buffer) == 80, "ins1_tensor_desc.buffer");
_Static_assert(offsetof(struct ins1_tensor_desc, offset) == 88, "ins1_tensor_desc.offset");
_Static_assert(offsetof(struct ins1_tensor_desc, bytes) == 96, "ins1_tensor_desc.bytes");

_Static_assert(sizeof(struct ins1_op) >= 104, "ins1_op");
_Static_assert(offsetof(struct ins1_op, struct_size) == 0, "ins1_op.struct_size");
_Static_assert(offsetof(struct ins1_op, op) == 4, "ins1_op.op");
_Static_assert(offsetof(struct ins1_op, flags) == 8, "ins1_op.flags");
_Static_assert(offsetof(struct ins1_op, n_in) == 12, "ins1_op.n_in");
_Static_assert(offsetof(struct ins1_op, n_out) == 16, "ins1_op.n_out");
_Static_assert(offsetof(struct ins1_op, reserved0) == 20, "ins1_op.reserved0");
_Static_assert(offsetof(struct ins1_op, in) == 24, "ins1_op.in");
_Static_assert(offsetof(struct ins1_op, out) == 32, "ins1_op.out");
_Static_assert(offsetof(struct ins1_op, i) == 40, "ins1_op.i");
_Static_assert(offsetof(struct ins1_op, f) == 72, "ins1_op.f");

_Static_assert(sizeof(struct ins1_backend_api) >= 192, "ins1_backend_api");
_Static_assert(offsetof(struct ins1_backend_api, struct_size) == 0, "ins1_backend_api.struct_size");
_Static_assert(offsetof(struct ins1_backend_api, abi) == 4, "ins1_backend_api.abi");
_Static_assert(offsetof(struct ins1_backend_api, name) == 8, "ins1_backend_api.name");
_Static_assert(offsetof(struct ins1_backend_api, version) == 16, "ins1_backend_api.version");
_Static_assert(offsetof(struct ins1_backend_api, self) == 24, "ins1_backend_api.self");
_Static_assert(offsetof(struct ins1_backend_api, shutdown) == 32, "ins1_backend_api.shutdown");
_Static_assert(offsetof(struct ins1_backend_api, device_count) == 40,
               "ins1_backend_api.device_count");
_Static_assert(offsetof(struct ins1_backend_api, device_info) == 48,
               "ins1_backend_api.device_info");
_Static_assert(offsetof(struct ins1_backend_api, device_open) == 56,
               "ins1_backend_api.device_open");
_Static_assert(offsetof(struct ins1_backend_api, device_close) == 64,
               "ins1_backend_api.device_close");
_Static_assert(offsetof(struct ins1_backend_api, buffer_new) == 72, "ins1_backend_api.buffer_new");
_Static_assert(offsetof(struct ins1_backend_api, buffer_wrap) == 80,
               "ins1_backend_api.buffer_wrap");
_Static_assert(offsetof(struct ins1_backend_api, buffer_free) == 88,
               "ins1_backend_api.buffer_free");
_Static_assert(offsetof(struct ins1_backend_api, stream_new) == 96, "ins1_backend_api.stream_new");
_Static_assert(offsetof(struct ins1_backend_api, stream_free) == 104,
               "ins1_backend_api.stream_free");
_Static_assert(offsetof(struct ins1_backend_api, write) == 112, "ins1_backend_api.write");
_Static_assert(offsetof(struct ins1_backend_api, read) == 120, "ins1_backend_api.read");
_Static_assert(offsetof(struct ins1_backend_api, copy) == 128, "ins1_backend_api.copy");
_Static_assert(offsetof(struct ins1_backend_api, supports) == 136, "ins1_backend_api.supports");
_Static_assert(offsetof(struct ins1_backend_api, repack_size) == 144,
               "ins1_backend_api.repack_size");
_Static_assert(offsetof(struct ins1_backend_api, repack) == 152, "ins1_backend_api.repack");
_Static_assert(offsetof(struct ins1_backend_api, run) == 160, "ins1_backend_api.run");
_Static_assert(offsetof(struct ins1_backend_api, sync) == 168, "ins1_backend_api.sync");
_Static_assert(offsetof(struct ins1_backend_api, event_record) == 176,
               "ins1_backend_api.event_record");
_Static_assert(offsetof(struct ins1_backend_api, event_wait) == 184, "ins1_backend_api.event_wait");

_Static_assert(sizeof(struct ins1_timeseries) >= 80, "ins1_timeseries");
_Static_assert(offsetof(struct ins1_timeseries, struct_size) == 0, "ins1_timeseries.struct_size");
_Static_assert(offsetof(struct ins1_timeseries, dtype) == 4, "ins1_timeseries.dtype");
_Static_assert(offsetof(struct ins1_timeseries, data) == 8, "ins1_timeseries.data");
_Static_assert(offsetof(struct ins1_timeseries, n_samples) == 16, "ins1_timeseries.n_samples");
_Static_assert(offsetof(struct ins1_timeseries, n_channels) == 24, "ins1_timeseries.n_channels");
_Static_assert(offsetof(struct ins1_timeseries, sample_stride) == 32,
               "ins1_timeseries.sample_stride");
_Static_assert(offsetof(struct ins1_timeseries, channel_stride) == 40,
               "ins1_timeseries.channel_stride");
_Static_assert(offsetof(struct ins1_timeseries, sample_rate_hz) == 48,
               "ins1_timeseries.sample_rate_hz");
_Static_assert(offsetof(struct ins1_timeseries, scale) == 56, "ins1_timeseries.scale");
_Static_assert(offsetof(struct ins1_timeseries, offset) == 64, "ins1_timeseries.offset");
_Static_assert(offsetof(struct ins1_timeseries, flags) == 72, "ins1_timeseries.flags");
_Static_assert(offsetof(struct ins1_timeseries, reserved0) == 76, "ins1_timeseries.reserved0");

_Static_assert(sizeof(struct ins1_timeseries_encoder_options) >= 32,
               "ins1_timeseries_encoder_options");
_Static_assert(offsetof(struct ins1_timeseries_encoder_options, struct_size) == 0,
               "ins1_timeseries_encoder_options.struct_size");
_Static_assert(offsetof(struct ins1_timeseries_encoder_options, flags) == 4,
               "ins1_timeseries_encoder_options.flags");
_Static_assert(offsetof(struct ins1_timeseries_encoder_options, device) == 8,
               "ins1_timeseries_encoder_options.device");
_Static_assert(offsetof(struct ins1_timeseries_encoder_options, precision) == 12,
               "ins1_timeseries_encoder_options.precision");
_Static_assert(offsetof(struct ins1_timeseries_encoder_options, max_samples) == 16,
               "ins1_timeseries_encoder_options.max_samples");
_Static_assert(offsetof(struct ins1_timeseries_encoder_options, scratch_budget) == 24,
               "ins1_timeseries_encoder_options.scratch_budget");

_Static_assert(sizeof(struct ins1_text) == 16, "ins1_text");
_Static_assert(offsetof(struct ins1_text, text) == 0, "ins1_text.text");
_Static_assert(offsetof(struct ins1_text, size) == 8, "ins1_text.size");

_Static_assert(sizeof(struct ins1_tokenizer_options) >= 24, "ins1_tokenizer_options");
_Static_assert(offsetof(struct ins1_tokenizer_options, struct_size) == 0,
               "ins1_tokenizer_options.struct_size");
_Static_assert(offsetof(struct ins1_tokenizer_options, flags) == 4, "ins1_tokenizer_options.flags");
_Static_assert(offsetof(struct ins1_tokenizer_options, smiles_valid) == 8,
               "ins1_tokenizer_options.smiles_valid");
_Static_assert(offsetof(struct ins1_tokenizer_options, user) == 16, "ins1_tokenizer_options.user");

_Static_assert(sizeof(struct ins1_segment) >= 32, "ins1_segment");
_Static_assert(offsetof(struct ins1_segment, struct_size) == 0, "ins1_segment.struct_size");
_Static_assert(offsetof(struct ins1_segment, kind) == 4, "ins1_segment.kind");
_Static_assert(offsetof(struct ins1_segment, flags) == 8, "ins1_segment.flags");
_Static_assert(offsetof(struct ins1_segment, reserved0) == 12, "ins1_segment.reserved0");
_Static_assert(offsetof(struct ins1_segment, text) == 16, "ins1_segment.text");
_Static_assert(offsetof(struct ins1_segment, size) == 24, "ins1_segment.size");

_Static_assert(sizeof(struct ins1_piece) == 24, "ins1_piece");
_Static_assert(offsetof(struct ins1_piece, id) == 0, "ins1_piece.id");
_Static_assert(offsetof(struct ins1_piece, kind) == 4, "ins1_piece.kind");
_Static_assert(offsetof(struct ins1_piece, begin) == 8, "ins1_piece.begin");
_Static_assert(offsetof(struct ins1_piece, end) == 16, "ins1_piece.end");

_Static_assert(sizeof(struct ins1_image) >= 40, "ins1_image");
_Static_assert(offsetof(struct ins1_image, struct_size) == 0, "ins1_image.struct_size");
_Static_assert(offsetof(struct ins1_image, format) == 4, "ins1_image.format");
_Static_assert(offsetof(struct ins1_image, width) == 8, "ins1_image.width");
_Static_assert(offsetof(struct ins1_image, height) == 12, "ins1_image.height");
_Static_assert(offsetof(struct ins1_image, pixels) == 16, "ins1_image.pixels");
_Static_assert(offsetof(struct ins1_image, pixel_stride) == 24, "ins1_image.pixel_stride");
_Static_assert(offsetof(struct ins1_image, row_stride) == 32, "ins1_image.row_stride");

_Static_assert(sizeof(struct ins1_video) >= 40, "ins1_video");
_Static_assert(offsetof(struct ins1_video, struct_size) == 0, "ins1_video.struct_size");
_Static_assert(offsetof(struct ins1_video, flags) == 4, "ins1_video.flags");
_Static_assert(offsetof(struct ins1_video, frames) == 8, "ins1_video.frames");
_Static_assert(offsetof(struct ins1_video, n_frames) == 16, "ins1_video.n_frames");
_Static_assert(offsetof(struct ins1_video, fps) == 24, "ins1_video.fps");
_Static_assert(offsetof(struct ins1_video, timestamps) == 32, "ins1_video.timestamps");

_Static_assert(sizeof(struct ins1_vision_encoder_options) >= 32, "ins1_vision_encoder_options");
_Static_assert(offsetof(struct ins1_vision_encoder_options, struct_size) == 0,
               "ins1_vision_encoder_options.struct_size");
_Static_assert(offsetof(struct ins1_vision_encoder_options, flags) == 4,
               "ins1_vision_encoder_options.flags");
_Static_assert(offsetof(struct ins1_vision_encoder_options, device) == 8,
               "ins1_vision_encoder_options.device");
_Static_assert(offsetof(struct ins1_vision_encoder_options, precision) == 12,
               "ins1_vision_encoder_options.precision");
_Static_assert(offsetof(struct ins1_vision_encoder_options, max_tokens) == 16,
               "ins1_vision_encoder_options.max_tokens");
_Static_assert(offsetof(struct ins1_vision_encoder_options, reserved0) == 20,
               "ins1_vision_encoder_options.reserved0");
_Static_assert(offsetof(struct ins1_vision_encoder_options, scratch_budget) == 24,
               "ins1_vision_encoder_options.scratch_budget");

_Static_assert(INS1_PHASE_OPEN == 1, "INS1_PHASE_OPEN");
_Static_assert(INS1_PHASE_VERIFY == 2, "INS1_PHASE_VERIFY");
_Static_assert(INS1_PHASE_ENCODE == 3, "INS1_PHASE_ENCODE");
_Static_assert(INS1_PHASE_PREFILL == 4, "INS1_PHASE_PREFILL");
_Static_assert(INS1_PHASE_SCORE == 5, "INS1_PHASE_SCORE");
_Static_assert(INS1_CHAT_DEFAULT == 0, "INS1_CHAT_DEFAULT");
_Static_assert(INS1_CHAT_ON == 1, "INS1_CHAT_ON");
_Static_assert(INS1_CHAT_OFF == 2, "INS1_CHAT_OFF");
_Static_assert(INS1_DTYPE_I8 == 8, "INS1_DTYPE_I8");
_Static_assert(INS1_DTYPE_I32 == 32, "INS1_DTYPE_I32");
_Static_assert(INS1_DTYPE_U8 == 65544, "INS1_DTYPE_U8");
_Static_assert(INS1_DTYPE_F16 == 131088, "INS1_DTYPE_F16");
_Static_assert(INS1_DTYPE_F32 == 131104, "INS1_DTYPE_F32");
_Static_assert(INS1_DTYPE_BF16 == 262160, "INS1_DTYPE_BF16");
_Static_assert(INS1_DTYPE_F8_E4M3 == 655368, "INS1_DTYPE_F8_E4M3");
_Static_assert(INS1_DEVICE_CPU == 1, "INS1_DEVICE_CPU");
_Static_assert(INS1_DEVICE_GPU == 2, "INS1_DEVICE_GPU");
_Static_assert(INS1_DEVICE_IGPU == 3, "INS1_DEVICE_IGPU");
_Static_assert(INS1_DEVICE_ACCELERATOR == 4, "INS1_DEVICE_ACCELERATOR");
_Static_assert(INS1_DEVICE_SOFTGPU == 5, "INS1_DEVICE_SOFTGPU");
_Static_assert(INS1_CAP_F16 == 1, "INS1_CAP_F16");
_Static_assert(INS1_CAP_BF16 == 2, "INS1_CAP_BF16");
_Static_assert(INS1_CAP_I8DOT == 4, "INS1_CAP_I8DOT");
_Static_assert(INS1_CAP_HOST_MEM == 8, "INS1_CAP_HOST_MEM");
_Static_assert(INS1_CAP_ASYNC == 16, "INS1_CAP_ASYNC");
_Static_assert(INS1_CAP_EXACT == 32, "INS1_CAP_EXACT");
_Static_assert(INS1_MODALITY_TEXT == 1, "INS1_MODALITY_TEXT");
_Static_assert(INS1_MODALITY_IMAGE == 2, "INS1_MODALITY_IMAGE");
_Static_assert(INS1_MODALITY_VIDEO == 3, "INS1_MODALITY_VIDEO");
_Static_assert(INS1_MODALITY_TIMESERIES == 4, "INS1_MODALITY_TIMESERIES");
_Static_assert(INS1_POOL_LAST == 0, "INS1_POOL_LAST");
_Static_assert(INS1_POOL_MEAN == 1, "INS1_POOL_MEAN");
_Static_assert(INS1_POOL_NONE == 2, "INS1_POOL_NONE");
_Static_assert(INS1_POOL_UNIT == 1, "INS1_POOL_UNIT");
_Static_assert(INS1_OBSERVE_HIDDEN == 1, "INS1_OBSERVE_HIDDEN");
_Static_assert(INS1_OBSERVE_ROUTER == 2, "INS1_OBSERVE_ROUTER");
_Static_assert(INS1_OBSERVE_LOGITS == 4, "INS1_OBSERVE_LOGITS");
_Static_assert(INS1_PREPROCESS_RAW == 1, "INS1_PREPROCESS_RAW");
_Static_assert(INS1_PART_TOKENIZER == 1, "INS1_PART_TOKENIZER");
_Static_assert(INS1_PART_VISION == 2, "INS1_PART_VISION");
_Static_assert(INS1_PART_TIMESERIES == 4, "INS1_PART_TIMESERIES");
_Static_assert(INS1_PART_DECODER == 8, "INS1_PART_DECODER");
_Static_assert(INS1_LOAD_MMAP == 0, "INS1_LOAD_MMAP");
_Static_assert(INS1_LOAD_READ == 1, "INS1_LOAD_READ");
_Static_assert(INS1_LOAD_EXPERTS_ON_DEMAND == 2, "INS1_LOAD_EXPERTS_ON_DEMAND");
_Static_assert(INS1_PRECISION_DEFAULT == 0, "INS1_PRECISION_DEFAULT");
_Static_assert(INS1_PRECISION_F32 == 1, "INS1_PRECISION_F32");
_Static_assert(INS1_PRECISION_BF16 == 2, "INS1_PRECISION_BF16");
_Static_assert(INS1_PRECISION_INT8 == 3, "INS1_PRECISION_INT8");
_Static_assert(INS1_POLAR_PRETRAIN == 1, "INS1_POLAR_PRETRAIN");
_Static_assert(INS1_POLAR_KEEP_TAIL == 2, "INS1_POLAR_KEEP_TAIL");
_Static_assert(INS1_MEM_WEIGHTS == 1, "INS1_MEM_WEIGHTS");
_Static_assert(INS1_MEM_KV == 2, "INS1_MEM_KV");
_Static_assert(INS1_MEM_SCRATCH == 3, "INS1_MEM_SCRATCH");
_Static_assert(INS1_MEM_OBJECT == 4, "INS1_MEM_OBJECT");
_Static_assert(INS1_MEM_IO == 5, "INS1_MEM_IO");
_Static_assert(INS1_LOG_ERROR == 1, "INS1_LOG_ERROR");
_Static_assert(INS1_LOG_WARN == 2, "INS1_LOG_WARN");
_Static_assert(INS1_LOG_INFO == 3, "INS1_LOG_INFO");
_Static_assert(INS1_LOG_DEBUG == 4, "INS1_LOG_DEBUG");
_Static_assert(INS1_THREADS_CALLER == 0, "INS1_THREADS_CALLER");
_Static_assert(INS1_THREADS_OWN == 1, "INS1_THREADS_OWN");
_Static_assert(INS1_THREADS_HOST == 2, "INS1_THREADS_HOST");
_Static_assert(INS1_RUNTIME_NO_DLOPEN == 1, "INS1_RUNTIME_NO_DLOPEN");
_Static_assert(INS1_RUNTIME_NO_FILES == 2, "INS1_RUNTIME_NO_FILES");
_Static_assert(INS1_KV_DEFAULT == 0, "INS1_KV_DEFAULT");
_Static_assert(INS1_KV_F32 == 1, "INS1_KV_F32");
_Static_assert(INS1_KV_BF16 == 2, "INS1_KV_BF16");
_Static_assert(INS1_KV_F16 == 3, "INS1_KV_F16");
_Static_assert(INS1_KV_Q8 == 4, "INS1_KV_Q8");
_Static_assert(INS1_SESSION_KEEP_HIDDEN == 1, "INS1_SESSION_KEEP_HIDDEN");
_Static_assert(INS1_OK == 0, "INS1_OK");
_Static_assert(INS1_E_ARGUMENT == -1, "INS1_E_ARGUMENT");
_Static_assert(INS1_E_MEMORY == -2, "INS1_E_MEMORY");
_Static_assert(INS1_E_BUDGET == -3, "INS1_E_BUDGET");
_Static_assert(INS1_E_IO == -4, "INS1_E_IO");
_Static_assert(INS1_E_FORMAT == -5, "INS1_E_FORMAT");
_Static_assert(INS1_E_UNSUPPORTED == -6, "INS1_E_UNSUPPORTED");
_Static_assert(INS1_E_VERSION == -7, "INS1_E_VERSION");
_Static_assert(INS1_E_BUFFER == -8, "INS1_E_BUFFER");
_Static_assert(INS1_E_CANCELED == -9, "INS1_E_CANCELED");
_Static_assert(INS1_E_DEADLINE == -10, "INS1_E_DEADLINE");
_Static_assert(INS1_E_DEVICE == -11, "INS1_E_DEVICE");
_Static_assert(INS1_E_STATE == -12, "INS1_E_STATE");
_Static_assert(INS1_E_FULL == -13, "INS1_E_FULL");
_Static_assert(INS1_E_CALLBACK == -14, "INS1_E_CALLBACK");
_Static_assert(INS1_E_BUSY == -15, "INS1_E_BUSY");
_Static_assert(INS1_E_INTERNAL == -16, "INS1_E_INTERNAL");
_Static_assert(INS1_EVENT_NONE == 0, "INS1_EVENT_NONE");
_Static_assert(INS1_EVENT_TEXT == 1, "INS1_EVENT_TEXT");
_Static_assert(INS1_EVENT_REASONING == 2, "INS1_EVENT_REASONING");
_Static_assert(INS1_EVENT_TOOL_BEGIN == 3, "INS1_EVENT_TOOL_BEGIN");
_Static_assert(INS1_EVENT_TOOL_ARGUMENTS == 4, "INS1_EVENT_TOOL_ARGUMENTS");
_Static_assert(INS1_EVENT_TOOL_END == 5, "INS1_EVENT_TOOL_END");
_Static_assert(INS1_EVENT_END == 6, "INS1_EVENT_END");
_Static_assert(INS1_END_EOS == 1, "INS1_END_EOS");
_Static_assert(INS1_END_STOP == 2, "INS1_END_STOP");
_Static_assert(INS1_END_LENGTH == 3, "INS1_END_LENGTH");
_Static_assert(INS1_END_FULL == 4, "INS1_END_FULL");
_Static_assert(INS1_REPLY_PLAIN == 1, "INS1_REPLY_PLAIN");
_Static_assert(INS1_REPLY_IN_REASONING == 2, "INS1_REPLY_IN_REASONING");
_Static_assert(INS1_REPLY_NO_TOOLS == 4, "INS1_REPLY_NO_TOOLS");
_Static_assert(INS1_REPLY_REPAIR_JSON == 8, "INS1_REPLY_REPAIR_JSON");
_Static_assert(INS1_STREAM_IGNORE_EOS == 1, "INS1_STREAM_IGNORE_EOS");
_Static_assert(INS1_LAYOUT_STRIDED == 0, "INS1_LAYOUT_STRIDED");
_Static_assert(INS1_LAYOUT_OPAQUE == 1, "INS1_LAYOUT_OPAQUE");
_Static_assert(INS1_OP_MATMUL == 1, "INS1_OP_MATMUL");
_Static_assert(INS1_OP_MATMUL_EXPERTS == 2, "INS1_OP_MATMUL_EXPERTS");
_Static_assert(INS1_OP_RMSNORM == 3, "INS1_OP_RMSNORM");
_Static_assert(INS1_OP_ROPE == 4, "INS1_OP_ROPE");
_Static_assert(INS1_OP_KV_PUT == 5, "INS1_OP_KV_PUT");
_Static_assert(INS1_OP_ATTENTION == 6, "INS1_OP_ATTENTION");
_Static_assert(INS1_OP_ROUTE == 7, "INS1_OP_ROUTE");
_Static_assert(INS1_OP_COMBINE == 8, "INS1_OP_COMBINE");
_Static_assert(INS1_OP_ACT_MUL == 9, "INS1_OP_ACT_MUL");
_Static_assert(INS1_OP_ADD == 10, "INS1_OP_ADD");
_Static_assert(INS1_OP_SCALE == 11, "INS1_OP_SCALE");
_Static_assert(INS1_OP_GET_ROWS == 12, "INS1_OP_GET_ROWS");
_Static_assert(INS1_OP_LAYERNORM == 13, "INS1_OP_LAYERNORM");
_Static_assert(INS1_OP_ACT == 14, "INS1_OP_ACT");
_Static_assert(INS1_OP_ADD_SCALED == 15, "INS1_OP_ADD_SCALED");
_Static_assert(INS1_OP_SELF_ATTENTION == 16, "INS1_OP_SELF_ATTENTION");
_Static_assert(INS1_OP_MEAN == 17, "INS1_OP_MEAN");
_Static_assert(INS1_OP_ACCUMULATE == 1, "INS1_OP_ACCUMULATE");
_Static_assert(INS1_OP_NORMALIZE == 2, "INS1_OP_NORMALIZE");
_Static_assert(INS1_OP_CAUSAL == 4, "INS1_OP_CAUSAL");
_Static_assert(INS1_ACT_SILU == 1, "INS1_ACT_SILU");
_Static_assert(INS1_ACT_GELU == 2, "INS1_ACT_GELU");
_Static_assert(INS1_ACT_GELU_TANH == 3, "INS1_ACT_GELU_TANH");
_Static_assert(INS1_ACT_RELU == 4, "INS1_ACT_RELU");
_Static_assert(INS1_BACKEND_ABI_MAJOR == 1, "INS1_BACKEND_ABI_MAJOR");
_Static_assert(INS1_BACKEND_ABI_MINOR == 0, "INS1_BACKEND_ABI_MINOR");
_Static_assert(INS1_SAMPLE_I16 == 1, "INS1_SAMPLE_I16");
_Static_assert(INS1_SAMPLE_I32 == 2, "INS1_SAMPLE_I32");
_Static_assert(INS1_SAMPLE_F32 == 3, "INS1_SAMPLE_F32");
_Static_assert(INS1_SAMPLE_F64 == 4, "INS1_SAMPLE_F64");
_Static_assert(INS1_TIMESERIES_FILL_GAPS == 1, "INS1_TIMESERIES_FILL_GAPS");
_Static_assert(INS1_TIMESERIES_ENCODER_UNBIASED == 1, "INS1_TIMESERIES_ENCODER_UNBIASED");
_Static_assert(INS1_TOKENIZER_RESET_AT_TURN == 1, "INS1_TOKENIZER_RESET_AT_TURN");
_Static_assert(INS1_TOKENIZER_NO_MARKERS == 2, "INS1_TOKENIZER_NO_MARKERS");
_Static_assert(INS1_SEGMENT_AUTO == 0, "INS1_SEGMENT_AUTO");
_Static_assert(INS1_SEGMENT_TEXT == 1, "INS1_SEGMENT_TEXT");
_Static_assert(INS1_SEGMENT_SMILES == 2, "INS1_SEGMENT_SMILES");
_Static_assert(INS1_SEGMENT_SELFIES == 3, "INS1_SEGMENT_SELFIES");
_Static_assert(INS1_SEGMENT_IUPAC == 4, "INS1_SEGMENT_IUPAC");
_Static_assert(INS1_SEGMENT_FASTA == 5, "INS1_SEGMENT_FASTA");
_Static_assert(INS1_SEGMENT_PROTEIN == 6, "INS1_SEGMENT_PROTEIN");
_Static_assert(INS1_SEGMENT_DNA == 7, "INS1_SEGMENT_DNA");
_Static_assert(INS1_SEGMENT_RNA == 8, "INS1_SEGMENT_RNA");
_Static_assert(INS1_SEGMENT_XNA == 9, "INS1_SEGMENT_XNA");
_Static_assert(INS1_SEGMENT_TOKEN == 10, "INS1_SEGMENT_TOKEN");
_Static_assert(INS1_SEGMENT_SPECIAL == 1, "INS1_SEGMENT_SPECIAL");
_Static_assert(INS1_ENCODE_ADD_BOS == 1, "INS1_ENCODE_ADD_BOS");
_Static_assert(INS1_DECODE_SKIP_SPECIAL == 1, "INS1_DECODE_SKIP_SPECIAL");
_Static_assert(INS1_DECODE_SKIP_CONTROL == 2, "INS1_DECODE_SKIP_CONTROL");
_Static_assert(INS1_TOKEN_SPECIAL == 1, "INS1_TOKEN_SPECIAL");
_Static_assert(INS1_TOKEN_CONTROL == 2, "INS1_TOKEN_CONTROL");
_Static_assert(INS1_TOKEN_PARTIAL == 4, "INS1_TOKEN_PARTIAL");
_Static_assert(INS1_TOKEN_PADDING == 8, "INS1_TOKEN_PADDING");
_Static_assert(INS1_TOKEN_END == 16, "INS1_TOKEN_END");
_Static_assert(INS1_TOKEN_PLACEHOLDER == 32, "INS1_TOKEN_PLACEHOLDER");
_Static_assert(INS1_PIXEL_RGB8 == 1, "INS1_PIXEL_RGB8");
_Static_assert(INS1_PIXEL_RGBA8 == 2, "INS1_PIXEL_RGBA8");
_Static_assert(INS1_PIXEL_GRAY8 == 3, "INS1_PIXEL_GRAY8");
_Static_assert(INS1_PIXEL_BGR8 == 4, "INS1_PIXEL_BGR8");
_Static_assert(INS1_PIXEL_BGRA8 == 5, "INS1_PIXEL_BGRA8");
_Static_assert(INS1_PIXEL_RGB16 == 6, "INS1_PIXEL_RGB16");
_Static_assert(INS1_PIXEL_RGBA16 == 7, "INS1_PIXEL_RGBA16");
_Static_assert(INS1_PIXEL_GRAY16 == 8, "INS1_PIXEL_GRAY16");
_Static_assert(INS1_PIXEL_RGB_F32 == 9, "INS1_PIXEL_RGB_F32");
_Static_assert(INS1_VIDEO_ALL_FRAMES == 1, "INS1_VIDEO_ALL_FRAMES");
_Static_assert(INS1_VISION_ENCODER_NO_WEIGHTS == 1, "INS1_VISION_ENCODER_NO_WEIGHTS");
