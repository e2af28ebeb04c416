! Prints sizes, offsets and constants as this compiler sees them. Written by bindings/generate.py.
program layout
  use interns1
  implicit none

  type(ins1_error), target :: error_
  type(ins1_call), target :: call_
  type(ins1_allocator), target :: allocator_
  type(ins1_threading), target :: threading_
  type(ins1_runtime_options), target :: runtime_options_
  type(ins1_mem_stats), target :: mem_stats_
  type(ins1_device_info), target :: device_info_
  type(ins1_embeds_info), target :: embeds_info_
  type(ins1_reader), target :: reader_
  type(ins1_file), target :: file_
  type(ins1_model_options), target :: model_options_
  type(ins1_part_bytes), target :: part_bytes_
  type(ins1_plan), target :: plan_
  type(ins1_model_info), target :: model_info_
  type(ins1_placement), target :: placement_
  type(ins1_decoder_options), target :: decoder_options_
  type(ins1_session_options), target :: session_options_
  type(ins1_session_info), target :: session_info_
  type(ins1_span), target :: span_
  type(ins1_feed), target :: feed_
  type(ins1_step), target :: step_
  type(ins1_logprob), target :: logprob_
  type(ins1_ids), target :: ids_
  type(ins1_writer), target :: writer_
  type(ins1_text), target :: text_
  type(ins1_tokenizer_options), target :: tokenizer_options_
  type(ins1_segment), target :: segment_
  type(ins1_piece), target :: piece_
  type(ins1_polar_request), target :: polar_request_
  type(ins1_image), target :: image_
  type(ins1_video), target :: video_
  type(ins1_vision_encoder_options), target :: vision_encoder_options_
  type(ins1_timeseries), target :: timeseries_
  type(ins1_timeseries_encoder_options), target :: timeseries_encoder_options_
  type(ins1_sampler_options), target :: sampler_options_
  type(ins1_stream_options), target :: stream_options_
  type(ins1_event), target :: event_
  type(ins1_part), target :: part_
  type(ins1_message), target :: message_
  type(ins1_chat_options), target :: chat_options_
  type(ins1_prompt_info), target :: prompt_info_
  type(ins1_reply_options), target :: reply_options_
  type(ins1_observation), target :: observation_
  type(ins1_pixels_info), target :: pixels_info_
  type(ins1_io_options), target :: io_options_

  call say('ins1_error', int(c_sizeof(error_), c_int64_t))
  call say('ins1_error.struct_size', &
    place(c_loc(error_%struct_size)) - place(c_loc(error_)))
  call say('ins1_error.status', &
    place(c_loc(error_%status)) - place(c_loc(error_)))
  call say('ins1_error.os_errno', &
    place(c_loc(error_%os_errno)) - place(c_loc(error_)))
  call say('ins1_error.backend_code', &
    place(c_loc(error_%backend_code)) - place(c_loc(error_)))
  call say('ins1_error.text', &
    place(c_loc(error_%text(1))) - place(c_loc(error_)))
  call say('ins1_call', int(c_sizeof(call_), c_int64_t))
  call say('ins1_call.struct_size', &
    place(c_loc(call_%struct_size)) - place(c_loc(call_)))
  call say('ins1_call.flags', &
    place(c_loc(call_%flags)) - place(c_loc(call_)))
  call say('ins1_call.error', &
    place(c_loc(call_%error)) - place(c_loc(call_)))
  call say('ins1_call.cancel', &
    place(c_loc(call_%cancel)) - place(c_loc(call_)))
  call say('ins1_call.budget_ns', &
    place(c_loc(call_%budget_ns)) - place(c_loc(call_)))
  call say('ins1_call.progress', &
    place(c_loc(call_%progress)) - place(c_loc(call_)))
  call say('ins1_call.user', &
    place(c_loc(call_%user)) - place(c_loc(call_)))
  call say('ins1_allocator', int(c_sizeof(allocator_), c_int64_t))
  call say('ins1_allocator.struct_size', &
    place(c_loc(allocator_%struct_size)) - place(c_loc(allocator_)))
  call say('ins1_allocator.flags', &
    place(c_loc(allocator_%flags)) - place(c_loc(allocator_)))
  call say('ins1_allocator.alloc', &
    place(c_loc(allocator_%alloc)) - place(c_loc(allocator_)))
  call say('ins1_allocator.free', &
    place(c_loc(allocator_%free)) - place(c_loc(allocator_)))
  call say('ins1_allocator.user', &
    place(c_loc(allocator_%user)) - place(c_loc(allocator_)))
  call say('ins1_threading', int(c_sizeof(threading_), c_int64_t))
  call say('ins1_threading.struct_size', &
    place(c_loc(threading_%struct_size)) - place(c_loc(threading_)))
  call say('ins1_threading.mode', &
    place(c_loc(threading_%mode)) - place(c_loc(threading_)))
  call say('ins1_threading.n_threads', &
    place(c_loc(threading_%n_threads)) - place(c_loc(threading_)))
  call say('ins1_threading.flags', &
    place(c_loc(threading_%flags)) - place(c_loc(threading_)))
  call say('ins1_threading.parallel_for', &
    place(c_loc(threading_%parallel_for)) - place(c_loc(threading_)))
  call say('ins1_threading.thread_start', &
    place(c_loc(threading_%thread_start)) - place(c_loc(threading_)))
  call say('ins1_threading.thread_stop', &
    place(c_loc(threading_%thread_stop)) - place(c_loc(threading_)))
  call say('ins1_threading.user', &
    place(c_loc(threading_%user)) - place(c_loc(threading_)))
  call say('ins1_runtime_options', int(c_sizeof(runtime_options_), c_int64_t))
  call say('ins1_runtime_options.struct_size', &
    place(c_loc(runtime_options_%struct_size)) - place(c_loc(runtime_options_)))
  call say('ins1_runtime_options.flags', &
    place(c_loc(runtime_options_%flags)) - place(c_loc(runtime_options_)))
  call say('ins1_runtime_options.allocator', &
    place(c_loc(runtime_options_%allocator)) - place(c_loc(runtime_options_)))
  call say('ins1_runtime_options.threading', &
    place(c_loc(runtime_options_%threading)) - place(c_loc(runtime_options_)))
  call say('ins1_runtime_options.log', &
    place(c_loc(runtime_options_%log)) - place(c_loc(runtime_options_)))
  call say('ins1_runtime_options.log_user', &
    place(c_loc(runtime_options_%log_user)) - place(c_loc(runtime_options_)))
  call say('ins1_runtime_options.log_level', &
    place(c_loc(runtime_options_%log_level)) - place(c_loc(runtime_options_)))
  call say('ins1_runtime_options.reserved0', &
    place(c_loc(runtime_options_%reserved0)) - place(c_loc(runtime_options_)))
  call say('ins1_runtime_options.host_budget', &
    place(c_loc(runtime_options_%host_budget)) - place(c_loc(runtime_options_)))
  call say('ins1_runtime_options.cpu_level', &
    place(c_loc(runtime_options_%cpu_level)) - place(c_loc(runtime_options_)))
  call say('ins1_mem_stats', int(c_sizeof(mem_stats_), c_int64_t))
  call say('ins1_mem_stats.struct_size', &
    place(c_loc(mem_stats_%struct_size)) - place(c_loc(mem_stats_)))
  call say('ins1_mem_stats.flags', &
    place(c_loc(mem_stats_%flags)) - place(c_loc(mem_stats_)))
  call say('ins1_mem_stats.now', &
    place(c_loc(mem_stats_%now)) - place(c_loc(mem_stats_)))
  call say('ins1_mem_stats.peak', &
    place(c_loc(mem_stats_%peak)) - place(c_loc(mem_stats_)))
  call say('ins1_mem_stats.budget', &
    place(c_loc(mem_stats_%budget)) - place(c_loc(mem_stats_)))
  call say('ins1_mem_stats.mapped', &
    place(c_loc(mem_stats_%mapped)) - place(c_loc(mem_stats_)))
  call say('ins1_mem_stats.device', &
    place(c_loc(mem_stats_%device)) - place(c_loc(mem_stats_)))
  call say('ins1_device_info', int(c_sizeof(device_info_), c_int64_t))
  call say('ins1_device_info.struct_size', &
    place(c_loc(device_info_%struct_size)) - place(c_loc(device_info_)))
  call say('ins1_device_info.kind', &
    place(c_loc(device_info_%kind)) - place(c_loc(device_info_)))
  call say('ins1_device_info.backend', &
    place(c_loc(device_info_%backend)) - place(c_loc(device_info_)))
  call say('ins1_device_info.name', &
    place(c_loc(device_info_%name)) - place(c_loc(device_info_)))
  call say('ins1_device_info.hardware', &
    place(c_loc(device_info_%hardware)) - place(c_loc(device_info_)))
  call say('ins1_device_info.level', &
    place(c_loc(device_info_%level)) - place(c_loc(device_info_)))
  call say('ins1_device_info.mem_total', &
    place(c_loc(device_info_%mem_total)) - place(c_loc(device_info_)))
  call say('ins1_device_info.mem_free', &
    place(c_loc(device_info_%mem_free)) - place(c_loc(device_info_)))
  call say('ins1_device_info.max_buffer', &
    place(c_loc(device_info_%max_buffer)) - place(c_loc(device_info_)))
  call say('ins1_device_info.caps', &
    place(c_loc(device_info_%caps)) - place(c_loc(device_info_)))
  call say('ins1_device_info.score', &
    place(c_loc(device_info_%score)) - place(c_loc(device_info_)))
  call say('ins1_embeds_info', int(c_sizeof(embeds_info_), c_int64_t))
  call say('ins1_embeds_info.struct_size', &
    place(c_loc(embeds_info_%struct_size)) - place(c_loc(embeds_info_)))
  call say('ins1_embeds_info.dtype', &
    place(c_loc(embeds_info_%dtype)) - place(c_loc(embeds_info_)))
  call say('ins1_embeds_info.n_tokens', &
    place(c_loc(embeds_info_%n_tokens)) - place(c_loc(embeds_info_)))
  call say('ins1_embeds_info.dim', &
    place(c_loc(embeds_info_%dim)) - place(c_loc(embeds_info_)))
  call say('ins1_embeds_info.modality', &
    place(c_loc(embeds_info_%modality)) - place(c_loc(embeds_info_)))
  call say('ins1_embeds_info.device', &
    place(c_loc(embeds_info_%device)) - place(c_loc(embeds_info_)))
  call say('ins1_embeds_info.grid_t', &
    place(c_loc(embeds_info_%grid_t)) - place(c_loc(embeds_info_)))
  call say('ins1_embeds_info.grid_h', &
    place(c_loc(embeds_info_%grid_h)) - place(c_loc(embeds_info_)))
  call say('ins1_embeds_info.grid_w', &
    place(c_loc(embeds_info_%grid_w)) - place(c_loc(embeds_info_)))
  call say('ins1_embeds_info.reserved0', &
    place(c_loc(embeds_info_%reserved0)) - place(c_loc(embeds_info_)))
  call say('ins1_embeds_info.times', &
    place(c_loc(embeds_info_%times)) - place(c_loc(embeds_info_)))
  call say('ins1_embeds_info.n_times', &
    place(c_loc(embeds_info_%n_times)) - place(c_loc(embeds_info_)))
  call say('ins1_reader', int(c_sizeof(reader_), c_int64_t))
  call say('ins1_reader.struct_size', &
    place(c_loc(reader_%struct_size)) - place(c_loc(reader_)))
  call say('ins1_reader.flags', &
    place(c_loc(reader_%flags)) - place(c_loc(reader_)))
  call say('ins1_reader.size', &
    place(c_loc(reader_%size)) - place(c_loc(reader_)))
  call say('ins1_reader.read_at', &
    place(c_loc(reader_%read_at)) - place(c_loc(reader_)))
  call say('ins1_reader.close', &
    place(c_loc(reader_%close)) - place(c_loc(reader_)))
  call say('ins1_reader.user', &
    place(c_loc(reader_%user)) - place(c_loc(reader_)))
  call say('ins1_file', int(c_sizeof(file_), c_int64_t))
  call say('ins1_file.struct_size', &
    place(c_loc(file_%struct_size)) - place(c_loc(file_)))
  call say('ins1_file.flags', &
    place(c_loc(file_%flags)) - place(c_loc(file_)))
  call say('ins1_file.name', &
    place(c_loc(file_%name)) - place(c_loc(file_)))
  call say('ins1_file.path', &
    place(c_loc(file_%path)) - place(c_loc(file_)))
  call say('ins1_file.data', &
    place(c_loc(file_%data)) - place(c_loc(file_)))
  call say('ins1_file.size', &
    place(c_loc(file_%size)) - place(c_loc(file_)))
  call say('ins1_file.reader', &
    place(c_loc(file_%reader)) - place(c_loc(file_)))
  call say('ins1_model_options', int(c_sizeof(model_options_), c_int64_t))
  call say('ins1_model_options.struct_size', &
    place(c_loc(model_options_%struct_size)) - place(c_loc(model_options_)))
  call say('ins1_model_options.parts', &
    place(c_loc(model_options_%parts)) - place(c_loc(model_options_)))
  call say('ins1_model_options.path', &
    place(c_loc(model_options_%path)) - place(c_loc(model_options_)))
  call say('ins1_model_options.data', &
    place(c_loc(model_options_%data)) - place(c_loc(model_options_)))
  call say('ins1_model_options.size', &
    place(c_loc(model_options_%size)) - place(c_loc(model_options_)))
  call say('ins1_model_options.reader', &
    place(c_loc(model_options_%reader)) - place(c_loc(model_options_)))
  call say('ins1_model_options.files', &
    place(c_loc(model_options_%files)) - place(c_loc(model_options_)))
  call say('ins1_model_options.n_files', &
    place(c_loc(model_options_%n_files)) - place(c_loc(model_options_)))
  call say('ins1_model_options.load_mode', &
    place(c_loc(model_options_%load_mode)) - place(c_loc(model_options_)))
  call say('ins1_model_options.verify', &
    place(c_loc(model_options_%verify)) - place(c_loc(model_options_)))
  call say('ins1_model_options.expert_cache', &
    place(c_loc(model_options_%expert_cache)) - place(c_loc(model_options_)))
  call say('ins1_model_options.flags', &
    place(c_loc(model_options_%flags)) - place(c_loc(model_options_)))
  call say('ins1_model_options.reserved0', &
    place(c_loc(model_options_%reserved0)) - place(c_loc(model_options_)))
  call say('ins1_part_bytes', int(c_sizeof(part_bytes_), c_int64_t))
  call say('ins1_part_bytes.disk', &
    place(c_loc(part_bytes_%disk)) - place(c_loc(part_bytes_)))
  call say('ins1_part_bytes.host', &
    place(c_loc(part_bytes_%host)) - place(c_loc(part_bytes_)))
  call say('ins1_part_bytes.device', &
    place(c_loc(part_bytes_%device)) - place(c_loc(part_bytes_)))
  call say('ins1_plan', int(c_sizeof(plan_), c_int64_t))
  call say('ins1_plan.struct_size', &
    place(c_loc(plan_%struct_size)) - place(c_loc(plan_)))
  call say('ins1_plan.parts', &
    place(c_loc(plan_%parts)) - place(c_loc(plan_)))
  call say('ins1_plan.tokenizer', &
    place(c_loc(plan_%tokenizer)) - place(c_loc(plan_)))
  call say('ins1_plan.vision', &
    place(c_loc(plan_%vision)) - place(c_loc(plan_)))
  call say('ins1_plan.timeseries', &
    place(c_loc(plan_%timeseries)) - place(c_loc(plan_)))
  call say('ins1_plan.decoder', &
    place(c_loc(plan_%decoder)) - place(c_loc(plan_)))
  call say('ins1_plan.kv_per_token', &
    place(c_loc(plan_%kv_per_token)) - place(c_loc(plan_)))
  call say('ins1_plan.state_per_sequence', &
    place(c_loc(plan_%state_per_sequence)) - place(c_loc(plan_)))
  call say('ins1_plan.scratch', &
    place(c_loc(plan_%scratch)) - place(c_loc(plan_)))
  call say('ins1_plan.total_host', &
    place(c_loc(plan_%total_host)) - place(c_loc(plan_)))
  call say('ins1_plan.total_device', &
    place(c_loc(plan_%total_device)) - place(c_loc(plan_)))
  call say('ins1_plan.least_total', &
    place(c_loc(plan_%least_total)) - place(c_loc(plan_)))
  call say('ins1_model_info', int(c_sizeof(model_info_), c_int64_t))
  call say('ins1_model_info.struct_size', &
    place(c_loc(model_info_%struct_size)) - place(c_loc(model_info_)))
  call say('ins1_model_info.parts', &
    place(c_loc(model_info_%parts)) - place(c_loc(model_info_)))
  call say('ins1_model_info.arch', &
    place(c_loc(model_info_%arch)) - place(c_loc(model_info_)))
  call say('ins1_model_info.name', &
    place(c_loc(model_info_%name)) - place(c_loc(model_info_)))
  call say('ins1_model_info.quant', &
    place(c_loc(model_info_%quant)) - place(c_loc(model_info_)))
  call say('ins1_model_info.n_vocab', &
    place(c_loc(model_info_%n_vocab)) - place(c_loc(model_info_)))
  call say('ins1_model_info.n_embd', &
    place(c_loc(model_info_%n_embd)) - place(c_loc(model_info_)))
  call say('ins1_model_info.n_layer', &
    place(c_loc(model_info_%n_layer)) - place(c_loc(model_info_)))
  call say('ins1_model_info.n_head', &
    place(c_loc(model_info_%n_head)) - place(c_loc(model_info_)))
  call say('ins1_model_info.n_head_kv', &
    place(c_loc(model_info_%n_head_kv)) - place(c_loc(model_info_)))
  call say('ins1_model_info.n_expert', &
    place(c_loc(model_info_%n_expert)) - place(c_loc(model_info_)))
  call say('ins1_model_info.n_expert_used', &
    place(c_loc(model_info_%n_expert_used)) - place(c_loc(model_info_)))
  call say('ins1_model_info.n_ctx_train', &
    place(c_loc(model_info_%n_ctx_train)) - place(c_loc(model_info_)))
  call say('ins1_model_info.n_params', &
    place(c_loc(model_info_%n_params)) - place(c_loc(model_info_)))
  call say('ins1_model_info.n_params_active', &
    place(c_loc(model_info_%n_params_active)) - place(c_loc(model_info_)))
  call say('ins1_placement', int(c_sizeof(placement_), c_int64_t))
  call say('ins1_placement.device', &
    place(c_loc(placement_%device)) - place(c_loc(placement_)))
  call say('ins1_placement.first_layer', &
    place(c_loc(placement_%first_layer)) - place(c_loc(placement_)))
  call say('ins1_placement.n_layers', &
    place(c_loc(placement_%n_layers)) - place(c_loc(placement_)))
  call say('ins1_placement.reserved0', &
    place(c_loc(placement_%reserved0)) - place(c_loc(placement_)))
  call say('ins1_placement.budget', &
    place(c_loc(placement_%budget)) - place(c_loc(placement_)))
  call say('ins1_decoder_options', int(c_sizeof(decoder_options_), c_int64_t))
  call say('ins1_decoder_options.struct_size', &
    place(c_loc(decoder_options_%struct_size)) - place(c_loc(decoder_options_)))
  call say('ins1_decoder_options.flags', &
    place(c_loc(decoder_options_%flags)) - place(c_loc(decoder_options_)))
  call say('ins1_decoder_options.placements', &
    place(c_loc(decoder_options_%placements)) - place(c_loc(decoder_options_)))
  call say('ins1_decoder_options.n_placements', &
    place(c_loc(decoder_options_%n_placements)) - place(c_loc(decoder_options_)))
  call say('ins1_decoder_options.precision', &
    place(c_loc(decoder_options_%precision)) - place(c_loc(decoder_options_)))
  call say('ins1_decoder_options.reserved0', &
    place(c_loc(decoder_options_%reserved0)) - place(c_loc(decoder_options_)))
  call say('ins1_session_options', int(c_sizeof(session_options_), c_int64_t))
  call say('ins1_session_options.struct_size', &
    place(c_loc(session_options_%struct_size)) - place(c_loc(session_options_)))
  call say('ins1_session_options.flags', &
    place(c_loc(session_options_%flags)) - place(c_loc(session_options_)))
  call say('ins1_session_options.n_ctx', &
    place(c_loc(session_options_%n_ctx)) - place(c_loc(session_options_)))
  call say('ins1_session_options.n_seq', &
    place(c_loc(session_options_%n_seq)) - place(c_loc(session_options_)))
  call say('ins1_session_options.n_batch', &
    place(c_loc(session_options_%n_batch)) - place(c_loc(session_options_)))
  call say('ins1_session_options.kv_type', &
    place(c_loc(session_options_%kv_type)) - place(c_loc(session_options_)))
  call say('ins1_session_options.kv_budget', &
    place(c_loc(session_options_%kv_budget)) - place(c_loc(session_options_)))
  call say('ins1_session_info', int(c_sizeof(session_info_), c_int64_t))
  call say('ins1_session_info.struct_size', &
    place(c_loc(session_info_%struct_size)) - place(c_loc(session_info_)))
  call say('ins1_session_info.precision', &
    place(c_loc(session_info_%precision)) - place(c_loc(session_info_)))
  call say('ins1_session_info.n_ctx', &
    place(c_loc(session_info_%n_ctx)) - place(c_loc(session_info_)))
  call say('ins1_session_info.n_seq', &
    place(c_loc(session_info_%n_seq)) - place(c_loc(session_info_)))
  call say('ins1_session_info.n_batch', &
    place(c_loc(session_info_%n_batch)) - place(c_loc(session_info_)))
  call say('ins1_session_info.kv_type', &
    place(c_loc(session_info_%kv_type)) - place(c_loc(session_info_)))
  call say('ins1_session_info.kv_bytes', &
    place(c_loc(session_info_%kv_bytes)) - place(c_loc(session_info_)))
  call say('ins1_session_info.state_bytes', &
    place(c_loc(session_info_%state_bytes)) - place(c_loc(session_info_)))
  call say('ins1_session_info.scratch_bytes', &
    place(c_loc(session_info_%scratch_bytes)) - place(c_loc(session_info_)))
  call say('ins1_span', int(c_sizeof(span_), c_int64_t))
  call say('ins1_span.struct_size', &
    place(c_loc(span_%struct_size)) - place(c_loc(span_)))
  call say('ins1_span.flags', &
    place(c_loc(span_%flags)) - place(c_loc(span_)))
  call say('ins1_span.ids', &
    place(c_loc(span_%ids)) - place(c_loc(span_)))
  call say('ins1_span.n_ids', &
    place(c_loc(span_%n_ids)) - place(c_loc(span_)))
  call say('ins1_span.embeds', &
    place(c_loc(span_%embeds)) - place(c_loc(span_)))
  call say('ins1_span.first', &
    place(c_loc(span_%first)) - place(c_loc(span_)))
  call say('ins1_span.count', &
    place(c_loc(span_%count)) - place(c_loc(span_)))
  call say('ins1_feed', int(c_sizeof(feed_), c_int64_t))
  call say('ins1_feed.struct_size', &
    place(c_loc(feed_%struct_size)) - place(c_loc(feed_)))
  call say('ins1_feed.seq', &
    place(c_loc(feed_%seq)) - place(c_loc(feed_)))
  call say('ins1_feed.spans', &
    place(c_loc(feed_%spans)) - place(c_loc(feed_)))
  call say('ins1_feed.n_spans', &
    place(c_loc(feed_%n_spans)) - place(c_loc(feed_)))
  call say('ins1_step', int(c_sizeof(step_), c_int64_t))
  call say('ins1_step.seq', &
    place(c_loc(step_%seq)) - place(c_loc(step_)))
  call say('ins1_step.token', &
    place(c_loc(step_%token)) - place(c_loc(step_)))
  call say('ins1_logprob', int(c_sizeof(logprob_), c_int64_t))
  call say('ins1_logprob.token', &
    place(c_loc(logprob_%token)) - place(c_loc(logprob_)))
  call say('ins1_logprob.logprob', &
    place(c_loc(logprob_%logprob)) - place(c_loc(logprob_)))
  call say('ins1_ids', int(c_sizeof(ids_), c_int64_t))
  call say('ins1_ids.ids', &
    place(c_loc(ids_%ids)) - place(c_loc(ids_)))
  call say('ins1_ids.n_ids', &
    place(c_loc(ids_%n_ids)) - place(c_loc(ids_)))
  call say('ins1_writer', int(c_sizeof(writer_), c_int64_t))
  call say('ins1_writer.struct_size', &
    place(c_loc(writer_%struct_size)) - place(c_loc(writer_)))
  call say('ins1_writer.flags', &
    place(c_loc(writer_%flags)) - place(c_loc(writer_)))
  call say('ins1_writer.write', &
    place(c_loc(writer_%write)) - place(c_loc(writer_)))
  call say('ins1_writer.user', &
    place(c_loc(writer_%user)) - place(c_loc(writer_)))
  call say('ins1_text', int(c_sizeof(text_), c_int64_t))
  call say('ins1_text.text', &
    place(c_loc(text_%text)) - place(c_loc(text_)))
  call say('ins1_text.size', &
    place(c_loc(text_%size)) - place(c_loc(text_)))
  call say('ins1_tokenizer_options', int(c_sizeof(tokenizer_options_), c_int64_t))
  call say('ins1_tokenizer_options.struct_size', &
    place(c_loc(tokenizer_options_%struct_size)) - place(c_loc(tokenizer_options_)))
  call say('ins1_tokenizer_options.flags', &
    place(c_loc(tokenizer_options_%flags)) - place(c_loc(tokenizer_options_)))
  call say('ins1_tokenizer_options.smiles_valid', &
    place(c_loc(tokenizer_options_%smiles_valid)) - place(c_loc(tokenizer_options_)))
  call say('ins1_tokenizer_options.user', &
    place(c_loc(tokenizer_options_%user)) - place(c_loc(tokenizer_options_)))
  call say('ins1_segment', int(c_sizeof(segment_), c_int64_t))
  call say('ins1_segment.struct_size', &
    place(c_loc(segment_%struct_size)) - place(c_loc(segment_)))
  call say('ins1_segment.kind', &
    place(c_loc(segment_%kind)) - place(c_loc(segment_)))
  call say('ins1_segment.flags', &
    place(c_loc(segment_%flags)) - place(c_loc(segment_)))
  call say('ins1_segment.reserved0', &
    place(c_loc(segment_%reserved0)) - place(c_loc(segment_)))
  call say('ins1_segment.text', &
    place(c_loc(segment_%text)) - place(c_loc(segment_)))
  call say('ins1_segment.size', &
    place(c_loc(segment_%size)) - place(c_loc(segment_)))
  call say('ins1_piece', int(c_sizeof(piece_), c_int64_t))
  call say('ins1_piece.id', &
    place(c_loc(piece_%id)) - place(c_loc(piece_)))
  call say('ins1_piece.kind', &
    place(c_loc(piece_%kind)) - place(c_loc(piece_)))
  call say('ins1_piece.begin', &
    place(c_loc(piece_%begin)) - place(c_loc(piece_)))
  call say('ins1_piece.end', &
    place(c_loc(piece_%end)) - place(c_loc(piece_)))
  call say('ins1_polar_request', int(c_sizeof(polar_request_), c_int64_t))
  call say('ins1_polar_request.struct_size', &
    place(c_loc(polar_request_%struct_size)) - place(c_loc(polar_request_)))
  call say('ins1_polar_request.flags', &
    place(c_loc(polar_request_%flags)) - place(c_loc(polar_request_)))
  call say('ins1_polar_request.prompt', &
    place(c_loc(polar_request_%prompt)) - place(c_loc(polar_request_)))
  call say('ins1_polar_request.reference', &
    place(c_loc(polar_request_%reference)) - place(c_loc(polar_request_)))
  call say('ins1_polar_request.candidates', &
    place(c_loc(polar_request_%candidates)) - place(c_loc(polar_request_)))
  call say('ins1_polar_request.n_candidates', &
    place(c_loc(polar_request_%n_candidates)) - place(c_loc(polar_request_)))
  call say('ins1_polar_request.max_tokens', &
    place(c_loc(polar_request_%max_tokens)) - place(c_loc(polar_request_)))
  call say('ins1_polar_request.max_answer', &
    place(c_loc(polar_request_%max_answer)) - place(c_loc(polar_request_)))
  call say('ins1_image', int(c_sizeof(image_), c_int64_t))
  call say('ins1_image.struct_size', &
    place(c_loc(image_%struct_size)) - place(c_loc(image_)))
  call say('ins1_image.format', &
    place(c_loc(image_%format)) - place(c_loc(image_)))
  call say('ins1_image.width', &
    place(c_loc(image_%width)) - place(c_loc(image_)))
  call say('ins1_image.height', &
    place(c_loc(image_%height)) - place(c_loc(image_)))
  call say('ins1_image.pixels', &
    place(c_loc(image_%pixels)) - place(c_loc(image_)))
  call say('ins1_image.pixel_stride', &
    place(c_loc(image_%pixel_stride)) - place(c_loc(image_)))
  call say('ins1_image.row_stride', &
    place(c_loc(image_%row_stride)) - place(c_loc(image_)))
  call say('ins1_video', int(c_sizeof(video_), c_int64_t))
  call say('ins1_video.struct_size', &
    place(c_loc(video_%struct_size)) - place(c_loc(video_)))
  call say('ins1_video.flags', &
    place(c_loc(video_%flags)) - place(c_loc(video_)))
  call say('ins1_video.frames', &
    place(c_loc(video_%frames)) - place(c_loc(video_)))
  call say('ins1_video.n_frames', &
    place(c_loc(video_%n_frames)) - place(c_loc(video_)))
  call say('ins1_video.fps', &
    place(c_loc(video_%fps)) - place(c_loc(video_)))
  call say('ins1_video.timestamps', &
    place(c_loc(video_%timestamps)) - place(c_loc(video_)))
  call say('ins1_vision_encoder_options', int(c_sizeof(vision_encoder_options_), c_int64_t))
  call say('ins1_vision_encoder_options.struct_size', &
    place(c_loc(vision_encoder_options_%struct_size)) - place(c_loc(vision_encoder_options_)))
  call say('ins1_vision_encoder_options.flags', &
    place(c_loc(vision_encoder_options_%flags)) - place(c_loc(vision_encoder_options_)))
  call say('ins1_vision_encoder_options.device', &
    place(c_loc(vision_encoder_options_%device)) - place(c_loc(vision_encoder_options_)))
  call say('ins1_vision_encoder_options.precision', &
    place(c_loc(vision_encoder_options_%precision)) - place(c_loc(vision_encoder_options_)))
  call say('ins1_vision_encoder_options.max_tokens', &
    place(c_loc(vision_encoder_options_%max_tokens)) - place(c_loc(vision_encoder_options_)))
  call say('ins1_vision_encoder_options.reserved0', &
    place(c_loc(vision_encoder_options_%reserved0)) - place(c_loc(vision_encoder_options_)))
  call say('ins1_vision_encoder_options.scratch_budget', &
    place(c_loc(vision_encoder_options_%scratch_budget)) - place(c_loc(vision_encoder_options_)))
  call say('ins1_timeseries', int(c_sizeof(timeseries_), c_int64_t))
  call say('ins1_timeseries.struct_size', &
    place(c_loc(timeseries_%struct_size)) - place(c_loc(timeseries_)))
  call say('ins1_timeseries.dtype', &
    place(c_loc(timeseries_%dtype)) - place(c_loc(timeseries_)))
  call say('ins1_timeseries.data', &
    place(c_loc(timeseries_%data)) - place(c_loc(timeseries_)))
  call say('ins1_timeseries.n_samples', &
    place(c_loc(timeseries_%n_samples)) - place(c_loc(timeseries_)))
  call say('ins1_timeseries.n_channels', &
    place(c_loc(timeseries_%n_channels)) - place(c_loc(timeseries_)))
  call say('ins1_timeseries.sample_stride', &
    place(c_loc(timeseries_%sample_stride)) - place(c_loc(timeseries_)))
  call say('ins1_timeseries.channel_stride', &
    place(c_loc(timeseries_%channel_stride)) - place(c_loc(timeseries_)))
  call say('ins1_timeseries.sample_rate_hz', &
    place(c_loc(timeseries_%sample_rate_hz)) - place(c_loc(timeseries_)))
  call say('ins1_timeseries.scale', &
    place(c_loc(timeseries_%scale)) - place(c_loc(timeseries_)))
  call say('ins1_timeseries.offset', &
    place(c_loc(timeseries_%offset)) - place(c_loc(timeseries_)))
  call say('ins1_timeseries.flags', &
    place(c_loc(timeseries_%flags)) - place(c_loc(timeseries_)))
  call say('ins1_timeseries.reserved0', &
    place(c_loc(timeseries_%reserved0)) - place(c_loc(timeseries_)))
  call say('ins1_timeseries_encoder_options', int(c_sizeof(timeseries_encoder_options_), c_int64_t))
  call say('ins1_timeseries_encoder_options.struct_size', &
    place(c_loc(timeseries_encoder_options_%struct_size)) - place(c_loc(timeseries_encoder_options_)))
  call say('ins1_timeseries_encoder_options.flags', &
    place(c_loc(timeseries_encoder_options_%flags)) - place(c_loc(timeseries_encoder_options_)))
  call say('ins1_timeseries_encoder_options.device', &
    place(c_loc(timeseries_encoder_options_%device)) - place(c_loc(timeseries_encoder_options_)))
  call say('ins1_timeseries_encoder_options.precision', &
    place(c_loc(timeseries_encoder_options_%precision)) - place(c_loc(timeseries_encoder_options_)))
  call say('ins1_timeseries_encoder_options.max_samples', &
    place(c_loc(timeseries_encoder_options_%max_samples)) - place(c_loc(timeseries_encoder_options_)))
  call say('ins1_timeseries_encoder_options.scratch_budget', &
    place(c_loc(timeseries_encoder_options_%scratch_budget)) - place(c_loc(timeseries_encoder_options_)))
  call say('ins1_sampler_options', int(c_sizeof(sampler_options_), c_int64_t))
  call say('ins1_sampler_options.struct_size', &
    place(c_loc(sampler_options_%struct_size)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.flags', &
    place(c_loc(sampler_options_%flags)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.temperature', &
    place(c_loc(sampler_options_%temperature)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.top_p', &
    place(c_loc(sampler_options_%top_p)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.min_p', &
    place(c_loc(sampler_options_%min_p)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.repeat_penalty', &
    place(c_loc(sampler_options_%repeat_penalty)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.frequency_penalty', &
    place(c_loc(sampler_options_%frequency_penalty)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.presence_penalty', &
    place(c_loc(sampler_options_%presence_penalty)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.top_k', &
    place(c_loc(sampler_options_%top_k)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.repeat_last', &
    place(c_loc(sampler_options_%repeat_last)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.n_history', &
    place(c_loc(sampler_options_%n_history)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.reserved0', &
    place(c_loc(sampler_options_%reserved0)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.seed', &
    place(c_loc(sampler_options_%seed)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.bias', &
    place(c_loc(sampler_options_%bias)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.n_bias', &
    place(c_loc(sampler_options_%n_bias)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.tokenizer', &
    place(c_loc(sampler_options_%tokenizer)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.mask', &
    place(c_loc(sampler_options_%mask)) - place(c_loc(sampler_options_)))
  call say('ins1_sampler_options.mask_user', &
    place(c_loc(sampler_options_%mask_user)) - place(c_loc(sampler_options_)))
  call say('ins1_stream_options', int(c_sizeof(stream_options_), c_int64_t))
  call say('ins1_stream_options.struct_size', &
    place(c_loc(stream_options_%struct_size)) - place(c_loc(stream_options_)))
  call say('ins1_stream_options.reply_flags', &
    place(c_loc(stream_options_%reply_flags)) - place(c_loc(stream_options_)))
  call say('ins1_stream_options.max_tokens', &
    place(c_loc(stream_options_%max_tokens)) - place(c_loc(stream_options_)))
  call say('ins1_stream_options.stop', &
    place(c_loc(stream_options_%stop)) - place(c_loc(stream_options_)))
  call say('ins1_stream_options.n_stop', &
    place(c_loc(stream_options_%n_stop)) - place(c_loc(stream_options_)))
  call say('ins1_stream_options.n_top', &
    place(c_loc(stream_options_%n_top)) - place(c_loc(stream_options_)))
  call say('ins1_stream_options.flags', &
    place(c_loc(stream_options_%flags)) - place(c_loc(stream_options_)))
  call say('ins1_event', int(c_sizeof(event_), c_int64_t))
  call say('ins1_event.struct_size', &
    place(c_loc(event_%struct_size)) - place(c_loc(event_)))
  call say('ins1_event.kind', &
    place(c_loc(event_%kind)) - place(c_loc(event_)))
  call say('ins1_event.end_reason', &
    place(c_loc(event_%end_reason)) - place(c_loc(event_)))
  call say('ins1_event.tool_index', &
    place(c_loc(event_%tool_index)) - place(c_loc(event_)))
  call say('ins1_event.text', &
    place(c_loc(event_%text)) - place(c_loc(event_)))
  call say('ins1_event.size', &
    place(c_loc(event_%size)) - place(c_loc(event_)))
  call say('ins1_event.first_token', &
    place(c_loc(event_%first_token)) - place(c_loc(event_)))
  call say('ins1_event.n_tokens', &
    place(c_loc(event_%n_tokens)) - place(c_loc(event_)))
  call say('ins1_event.tokens', &
    place(c_loc(event_%tokens)) - place(c_loc(event_)))
  call say('ins1_event.top', &
    place(c_loc(event_%top)) - place(c_loc(event_)))
  call say('ins1_event.n_top', &
    place(c_loc(event_%n_top)) - place(c_loc(event_)))
  call say('ins1_part', int(c_sizeof(part_), c_int64_t))
  call say('ins1_part.struct_size', &
    place(c_loc(part_%struct_size)) - place(c_loc(part_)))
  call say('ins1_part.kind', &
    place(c_loc(part_%kind)) - place(c_loc(part_)))
  call say('ins1_part.text', &
    place(c_loc(part_%text)) - place(c_loc(part_)))
  call say('ins1_part.size', &
    place(c_loc(part_%size)) - place(c_loc(part_)))
  call say('ins1_part.embeds', &
    place(c_loc(part_%embeds)) - place(c_loc(part_)))
  call say('ins1_message', int(c_sizeof(message_), c_int64_t))
  call say('ins1_message.struct_size', &
    place(c_loc(message_%struct_size)) - place(c_loc(message_)))
  call say('ins1_message.flags', &
    place(c_loc(message_%flags)) - place(c_loc(message_)))
  call say('ins1_message.role', &
    place(c_loc(message_%role)) - place(c_loc(message_)))
  call say('ins1_message.parts', &
    place(c_loc(message_%parts)) - place(c_loc(message_)))
  call say('ins1_message.n_parts', &
    place(c_loc(message_%n_parts)) - place(c_loc(message_)))
  call say('ins1_message.reasoning', &
    place(c_loc(message_%reasoning)) - place(c_loc(message_)))
  call say('ins1_message.tool_calls_json', &
    place(c_loc(message_%tool_calls_json)) - place(c_loc(message_)))
  call say('ins1_chat_options', int(c_sizeof(chat_options_), c_int64_t))
  call say('ins1_chat_options.struct_size', &
    place(c_loc(chat_options_%struct_size)) - place(c_loc(chat_options_)))
  call say('ins1_chat_options.flags', &
    place(c_loc(chat_options_%flags)) - place(c_loc(chat_options_)))
  call say('ins1_chat_options.tools_json', &
    place(c_loc(chat_options_%tools_json)) - place(c_loc(chat_options_)))
  call say('ins1_chat_options.thinking', &
    place(c_loc(chat_options_%thinking)) - place(c_loc(chat_options_)))
  call say('ins1_chat_options.add_generation_prompt', &
    place(c_loc(chat_options_%add_generation_prompt)) - place(c_loc(chat_options_)))
  call say('ins1_chat_options.dialect', &
    place(c_loc(chat_options_%dialect)) - place(c_loc(chat_options_)))
  call say('ins1_prompt_info', int(c_sizeof(prompt_info_), c_int64_t))
  call say('ins1_prompt_info.struct_size', &
    place(c_loc(prompt_info_%struct_size)) - place(c_loc(prompt_info_)))
  call say('ins1_prompt_info.reply_flags', &
    place(c_loc(prompt_info_%reply_flags)) - place(c_loc(prompt_info_)))
  call say('ins1_prompt_info.n_tokens', &
    place(c_loc(prompt_info_%n_tokens)) - place(c_loc(prompt_info_)))
  call say('ins1_prompt_info.n_spans', &
    place(c_loc(prompt_info_%n_spans)) - place(c_loc(prompt_info_)))
  call say('ins1_reply_options', int(c_sizeof(reply_options_), c_int64_t))
  call say('ins1_reply_options.struct_size', &
    place(c_loc(reply_options_%struct_size)) - place(c_loc(reply_options_)))
  call say('ins1_reply_options.flags', &
    place(c_loc(reply_options_%flags)) - place(c_loc(reply_options_)))
  call say('ins1_reply_options.dialect', &
    place(c_loc(reply_options_%dialect)) - place(c_loc(reply_options_)))
  call say('ins1_observation', int(c_sizeof(observation_), c_int64_t))
  call say('ins1_observation.struct_size', &
    place(c_loc(observation_%struct_size)) - place(c_loc(observation_)))
  call say('ins1_observation.what', &
    place(c_loc(observation_%what)) - place(c_loc(observation_)))
  call say('ins1_observation.seq', &
    place(c_loc(observation_%seq)) - place(c_loc(observation_)))
  call say('ins1_observation.layer', &
    place(c_loc(observation_%layer)) - place(c_loc(observation_)))
  call say('ins1_observation.first', &
    place(c_loc(observation_%first)) - place(c_loc(observation_)))
  call say('ins1_observation.n_tokens', &
    place(c_loc(observation_%n_tokens)) - place(c_loc(observation_)))
  call say('ins1_observation.width', &
    place(c_loc(observation_%width)) - place(c_loc(observation_)))
  call say('ins1_observation.values', &
    place(c_loc(observation_%values)) - place(c_loc(observation_)))
  call say('ins1_observation.experts', &
    place(c_loc(observation_%experts)) - place(c_loc(observation_)))
  call say('ins1_pixels_info', int(c_sizeof(pixels_info_), c_int64_t))
  call say('ins1_pixels_info.struct_size', &
    place(c_loc(pixels_info_%struct_size)) - place(c_loc(pixels_info_)))
  call say('ins1_pixels_info.n_tiles', &
    place(c_loc(pixels_info_%n_tiles)) - place(c_loc(pixels_info_)))
  call say('ins1_pixels_info.grid_t', &
    place(c_loc(pixels_info_%grid_t)) - place(c_loc(pixels_info_)))
  call say('ins1_pixels_info.grid_h', &
    place(c_loc(pixels_info_%grid_h)) - place(c_loc(pixels_info_)))
  call say('ins1_pixels_info.grid_w', &
    place(c_loc(pixels_info_%grid_w)) - place(c_loc(pixels_info_)))
  call say('ins1_pixels_info.n_dim', &
    place(c_loc(pixels_info_%n_dim)) - place(c_loc(pixels_info_)))
  call say('ins1_pixels_info.dim', &
    place(c_loc(pixels_info_%dim(1))) - place(c_loc(pixels_info_)))
  call say('ins1_pixels_info.n_tokens', &
    place(c_loc(pixels_info_%n_tokens)) - place(c_loc(pixels_info_)))
  call say('ins1_io_options', int(c_sizeof(io_options_), c_int64_t))
  call say('ins1_io_options.struct_size', &
    place(c_loc(io_options_%struct_size)) - place(c_loc(io_options_)))
  call say('ins1_io_options.flags', &
    place(c_loc(io_options_%flags)) - place(c_loc(io_options_)))
  call say('ins1_io_options.max_bytes', &
    place(c_loc(io_options_%max_bytes)) - place(c_loc(io_options_)))
  call say('ins1_io_options.max_pixels', &
    place(c_loc(io_options_%max_pixels)) - place(c_loc(io_options_)))
  call say('ins1_io_options.max_samples', &
    place(c_loc(io_options_%max_samples)) - place(c_loc(io_options_)))
  call say('INS1_VERSION_MAJOR', int(INS1_VERSION_MAJOR, c_int64_t))
  call say('INS1_VERSION_MINOR', int(INS1_VERSION_MINOR, c_int64_t))
  call say('INS1_VERSION_PATCH', int(INS1_VERSION_PATCH, c_int64_t))
  call say('INS1_OK', int(INS1_OK, c_int64_t))
  call say('INS1_E_ARGUMENT', int(INS1_E_ARGUMENT, c_int64_t))
  call say('INS1_E_MEMORY', int(INS1_E_MEMORY, c_int64_t))
  call say('INS1_E_BUDGET', int(INS1_E_BUDGET, c_int64_t))
  call say('INS1_E_IO', int(INS1_E_IO, c_int64_t))
  call say('INS1_E_FORMAT', int(INS1_E_FORMAT, c_int64_t))
  call say('INS1_E_UNSUPPORTED', int(INS1_E_UNSUPPORTED, c_int64_t))
  call say('INS1_E_VERSION', int(INS1_E_VERSION, c_int64_t))
  call say('INS1_E_BUFFER', int(INS1_E_BUFFER, c_int64_t))
  call say('INS1_E_CANCELED', int(INS1_E_CANCELED, c_int64_t))
  call say('INS1_E_DEADLINE', int(INS1_E_DEADLINE, c_int64_t))
  call say('INS1_E_DEVICE', int(INS1_E_DEVICE, c_int64_t))
  call say('INS1_E_STATE', int(INS1_E_STATE, c_int64_t))
  call say('INS1_E_FULL', int(INS1_E_FULL, c_int64_t))
  call say('INS1_E_CALLBACK', int(INS1_E_CALLBACK, c_int64_t))
  call say('INS1_E_BUSY', int(INS1_E_BUSY, c_int64_t))
  call say('INS1_E_INTERNAL', int(INS1_E_INTERNAL, c_int64_t))
  call say('INS1_PHASE_OPEN', int(INS1_PHASE_OPEN, c_int64_t))
  call say('INS1_PHASE_VERIFY', int(INS1_PHASE_VERIFY, c_int64_t))
  call say('INS1_PHASE_ENCODE', int(INS1_PHASE_ENCODE, c_int64_t))
  call say('INS1_PHASE_PREFILL', int(INS1_PHASE_PREFILL, c_int64_t))
  call say('INS1_PHASE_SCORE', int(INS1_PHASE_SCORE, c_int64_t))
  call say('INS1_MEM_WEIGHTS', int(INS1_MEM_WEIGHTS, c_int64_t))
  call say('INS1_MEM_KV', int(INS1_MEM_KV, c_int64_t))
  call say('INS1_MEM_SCRATCH', int(INS1_MEM_SCRATCH, c_int64_t))
  call say('INS1_MEM_OBJECT', int(INS1_MEM_OBJECT, c_int64_t))
  call say('INS1_MEM_IO', int(INS1_MEM_IO, c_int64_t))
  call say('INS1_LOG_ERROR', int(INS1_LOG_ERROR, c_int64_t))
  call say('INS1_LOG_WARN', int(INS1_LOG_WARN, c_int64_t))
  call say('INS1_LOG_INFO', int(INS1_LOG_INFO, c_int64_t))
  call say('INS1_LOG_DEBUG', int(INS1_LOG_DEBUG, c_int64_t))
  call say('INS1_THREADS_CALLER', int(INS1_THREADS_CALLER, c_int64_t))
  call say('INS1_THREADS_OWN', int(INS1_THREADS_OWN, c_int64_t))
  call say('INS1_THREADS_HOST', int(INS1_THREADS_HOST, c_int64_t))
  call say('INS1_RUNTIME_NO_DLOPEN', int(INS1_RUNTIME_NO_DLOPEN, c_int64_t))
  call say('INS1_RUNTIME_NO_FILES', int(INS1_RUNTIME_NO_FILES, c_int64_t))
  call say('INS1_DTYPE_I8', int(INS1_DTYPE_I8, c_int64_t))
  call say('INS1_DTYPE_I32', int(INS1_DTYPE_I32, c_int64_t))
  call say('INS1_DTYPE_U8', int(INS1_DTYPE_U8, c_int64_t))
  call say('INS1_DTYPE_F16', int(INS1_DTYPE_F16, c_int64_t))
  call say('INS1_DTYPE_F32', int(INS1_DTYPE_F32, c_int64_t))
  call say('INS1_DTYPE_BF16', int(INS1_DTYPE_BF16, c_int64_t))
  call say('INS1_DTYPE_F8_E4M3', int(INS1_DTYPE_F8_E4M3, c_int64_t))
  call say('INS1_DEVICE_CPU', int(INS1_DEVICE_CPU, c_int64_t))
  call say('INS1_DEVICE_GPU', int(INS1_DEVICE_GPU, c_int64_t))
  call say('INS1_DEVICE_IGPU', int(INS1_DEVICE_IGPU, c_int64_t))
  call say('INS1_DEVICE_ACCELERATOR', int(INS1_DEVICE_ACCELERATOR, c_int64_t))
  call say('INS1_DEVICE_SOFTGPU', int(INS1_DEVICE_SOFTGPU, c_int64_t))
  call say('INS1_CAP_F16', int(INS1_CAP_F16, c_int64_t))
  call say('INS1_CAP_BF16', int(INS1_CAP_BF16, c_int64_t))
  call say('INS1_CAP_I8DOT', int(INS1_CAP_I8DOT, c_int64_t))
  call say('INS1_CAP_HOST_MEM', int(INS1_CAP_HOST_MEM, c_int64_t))
  call say('INS1_CAP_ASYNC', int(INS1_CAP_ASYNC, c_int64_t))
  call say('INS1_CAP_EXACT', int(INS1_CAP_EXACT, c_int64_t))
  call say('INS1_MODALITY_TEXT', int(INS1_MODALITY_TEXT, c_int64_t))
  call say('INS1_MODALITY_IMAGE', int(INS1_MODALITY_IMAGE, c_int64_t))
  call say('INS1_MODALITY_VIDEO', int(INS1_MODALITY_VIDEO, c_int64_t))
  call say('INS1_MODALITY_TIMESERIES', int(INS1_MODALITY_TIMESERIES, c_int64_t))
  call say('INS1_POOL_LAST', int(INS1_POOL_LAST, c_int64_t))
  call say('INS1_POOL_MEAN', int(INS1_POOL_MEAN, c_int64_t))
  call say('INS1_POOL_NONE', int(INS1_POOL_NONE, c_int64_t))
  call say('INS1_POOL_UNIT', int(INS1_POOL_UNIT, c_int64_t))
  call say('INS1_PART_TOKENIZER', int(INS1_PART_TOKENIZER, c_int64_t))
  call say('INS1_PART_VISION', int(INS1_PART_VISION, c_int64_t))
  call say('INS1_PART_TIMESERIES', int(INS1_PART_TIMESERIES, c_int64_t))
  call say('INS1_PART_DECODER', int(INS1_PART_DECODER, c_int64_t))
  call say('INS1_LOAD_MMAP', int(INS1_LOAD_MMAP, c_int64_t))
  call say('INS1_LOAD_READ', int(INS1_LOAD_READ, c_int64_t))
  call say('INS1_LOAD_EXPERTS_ON_DEMAND', int(INS1_LOAD_EXPERTS_ON_DEMAND, c_int64_t))
  call say('INS1_PRECISION_DEFAULT', int(INS1_PRECISION_DEFAULT, c_int64_t))
  call say('INS1_PRECISION_F32', int(INS1_PRECISION_F32, c_int64_t))
  call say('INS1_PRECISION_BF16', int(INS1_PRECISION_BF16, c_int64_t))
  call say('INS1_PRECISION_INT8', int(INS1_PRECISION_INT8, c_int64_t))
  call say('INS1_KV_DEFAULT', int(INS1_KV_DEFAULT, c_int64_t))
  call say('INS1_KV_F32', int(INS1_KV_F32, c_int64_t))
  call say('INS1_KV_BF16', int(INS1_KV_BF16, c_int64_t))
  call say('INS1_KV_F16', int(INS1_KV_F16, c_int64_t))
  call say('INS1_KV_Q8', int(INS1_KV_Q8, c_int64_t))
  call say('INS1_SESSION_KEEP_HIDDEN', int(INS1_SESSION_KEEP_HIDDEN, c_int64_t))
  call say('INS1_TOKENIZER_RESET_AT_TURN', int(INS1_TOKENIZER_RESET_AT_TURN, c_int64_t))
  call say('INS1_TOKENIZER_NO_MARKERS', int(INS1_TOKENIZER_NO_MARKERS, c_int64_t))
  call say('INS1_SEGMENT_AUTO', int(INS1_SEGMENT_AUTO, c_int64_t))
  call say('INS1_SEGMENT_TEXT', int(INS1_SEGMENT_TEXT, c_int64_t))
  call say('INS1_SEGMENT_SMILES', int(INS1_SEGMENT_SMILES, c_int64_t))
  call say('INS1_SEGMENT_SELFIES', int(INS1_SEGMENT_SELFIES, c_int64_t))
  call say('INS1_SEGMENT_IUPAC', int(INS1_SEGMENT_IUPAC, c_int64_t))
  call say('INS1_SEGMENT_FASTA', int(INS1_SEGMENT_FASTA, c_int64_t))
  call say('INS1_SEGMENT_PROTEIN', int(INS1_SEGMENT_PROTEIN, c_int64_t))
  call say('INS1_SEGMENT_DNA', int(INS1_SEGMENT_DNA, c_int64_t))
  call say('INS1_SEGMENT_RNA', int(INS1_SEGMENT_RNA, c_int64_t))
  call say('INS1_SEGMENT_XNA', int(INS1_SEGMENT_XNA, c_int64_t))
  call say('INS1_SEGMENT_TOKEN', int(INS1_SEGMENT_TOKEN, c_int64_t))
  call say('INS1_SEGMENT_SPECIAL', int(INS1_SEGMENT_SPECIAL, c_int64_t))
  call say('INS1_ENCODE_ADD_BOS', int(INS1_ENCODE_ADD_BOS, c_int64_t))
  call say('INS1_DECODE_SKIP_SPECIAL', int(INS1_DECODE_SKIP_SPECIAL, c_int64_t))
  call say('INS1_DECODE_SKIP_CONTROL', int(INS1_DECODE_SKIP_CONTROL, c_int64_t))
  call say('INS1_TOKEN_SPECIAL', int(INS1_TOKEN_SPECIAL, c_int64_t))
  call say('INS1_TOKEN_CONTROL', int(INS1_TOKEN_CONTROL, c_int64_t))
  call say('INS1_TOKEN_PARTIAL', int(INS1_TOKEN_PARTIAL, c_int64_t))
  call say('INS1_TOKEN_PADDING', int(INS1_TOKEN_PADDING, c_int64_t))
  call say('INS1_TOKEN_END', int(INS1_TOKEN_END, c_int64_t))
  call say('INS1_TOKEN_PLACEHOLDER', int(INS1_TOKEN_PLACEHOLDER, c_int64_t))
  call say('INS1_POLAR_PRETRAIN', int(INS1_POLAR_PRETRAIN, c_int64_t))
  call say('INS1_POLAR_KEEP_TAIL', int(INS1_POLAR_KEEP_TAIL, c_int64_t))
  call say('INS1_PIXEL_RGB8', int(INS1_PIXEL_RGB8, c_int64_t))
  call say('INS1_PIXEL_RGBA8', int(INS1_PIXEL_RGBA8, c_int64_t))
  call say('INS1_PIXEL_GRAY8', int(INS1_PIXEL_GRAY8, c_int64_t))
  call say('INS1_PIXEL_BGR8', int(INS1_PIXEL_BGR8, c_int64_t))
  call say('INS1_PIXEL_BGRA8', int(INS1_PIXEL_BGRA8, c_int64_t))
  call say('INS1_PIXEL_RGB16', int(INS1_PIXEL_RGB16, c_int64_t))
  call say('INS1_PIXEL_RGBA16', int(INS1_PIXEL_RGBA16, c_int64_t))
  call say('INS1_PIXEL_GRAY16', int(INS1_PIXEL_GRAY16, c_int64_t))
  call say('INS1_PIXEL_RGB_F32', int(INS1_PIXEL_RGB_F32, c_int64_t))
  call say('INS1_VIDEO_ALL_FRAMES', int(INS1_VIDEO_ALL_FRAMES, c_int64_t))
  call say('INS1_VISION_ENCODER_NO_WEIGHTS', int(INS1_VISION_ENCODER_NO_WEIGHTS, c_int64_t))
  call say('INS1_SAMPLE_I16', int(INS1_SAMPLE_I16, c_int64_t))
  call say('INS1_SAMPLE_I32', int(INS1_SAMPLE_I32, c_int64_t))
  call say('INS1_SAMPLE_F32', int(INS1_SAMPLE_F32, c_int64_t))
  call say('INS1_SAMPLE_F64', int(INS1_SAMPLE_F64, c_int64_t))
  call say('INS1_TIMESERIES_FILL_GAPS', int(INS1_TIMESERIES_FILL_GAPS, c_int64_t))
  call say('INS1_TIMESERIES_ENCODER_UNBIASED', int(INS1_TIMESERIES_ENCODER_UNBIASED, c_int64_t))
  call say('INS1_EVENT_NONE', int(INS1_EVENT_NONE, c_int64_t))
  call say('INS1_EVENT_TEXT', int(INS1_EVENT_TEXT, c_int64_t))
  call say('INS1_EVENT_REASONING', int(INS1_EVENT_REASONING, c_int64_t))
  call say('INS1_EVENT_TOOL_BEGIN', int(INS1_EVENT_TOOL_BEGIN, c_int64_t))
  call say('INS1_EVENT_TOOL_ARGUMENTS', int(INS1_EVENT_TOOL_ARGUMENTS, c_int64_t))
  call say('INS1_EVENT_TOOL_END', int(INS1_EVENT_TOOL_END, c_int64_t))
  call say('INS1_EVENT_END', int(INS1_EVENT_END, c_int64_t))
  call say('INS1_END_EOS', int(INS1_END_EOS, c_int64_t))
  call say('INS1_END_STOP', int(INS1_END_STOP, c_int64_t))
  call say('INS1_END_LENGTH', int(INS1_END_LENGTH, c_int64_t))
  call say('INS1_END_FULL', int(INS1_END_FULL, c_int64_t))
  call say('INS1_REPLY_PLAIN', int(INS1_REPLY_PLAIN, c_int64_t))
  call say('INS1_REPLY_IN_REASONING', int(INS1_REPLY_IN_REASONING, c_int64_t))
  call say('INS1_REPLY_NO_TOOLS', int(INS1_REPLY_NO_TOOLS, c_int64_t))
  call say('INS1_REPLY_REPAIR_JSON', int(INS1_REPLY_REPAIR_JSON, c_int64_t))
  call say('INS1_STREAM_IGNORE_EOS', int(INS1_STREAM_IGNORE_EOS, c_int64_t))
  call say('INS1_CHAT_DEFAULT', int(INS1_CHAT_DEFAULT, c_int64_t))
  call say('INS1_CHAT_ON', int(INS1_CHAT_ON, c_int64_t))
  call say('INS1_CHAT_OFF', int(INS1_CHAT_OFF, c_int64_t))
  call say('INS1_OBSERVE_HIDDEN', int(INS1_OBSERVE_HIDDEN, c_int64_t))
  call say('INS1_OBSERVE_ROUTER', int(INS1_OBSERVE_ROUTER, c_int64_t))
  call say('INS1_OBSERVE_LOGITS', int(INS1_OBSERVE_LOGITS, c_int64_t))
  call say('INS1_PREPROCESS_RAW', int(INS1_PREPROCESS_RAW, c_int64_t))

contains

  integer(c_int64_t) function place(address)
    type(c_ptr), intent(in) :: address

    place = transfer(address, 0_c_int64_t)
  end function place

  subroutine say(name, number)
    character(len=*), intent(in) :: name
    integer(c_int64_t), intent(in) :: number

    print '(a, 1x, i0)', name, number
  end subroutine say
end program layout
