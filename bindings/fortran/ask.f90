! Ask a checkpoint a question and print the answer as it comes:
!     ask MODEL 'What is the molecular formula of <SMILES>CCO</SMILES>?'
program ask
  use interns1
  implicit none

  type(c_ptr) :: runtime, model, tokenizer, decoder, session, sampler, prompt, stream, spans
  type(ins1_error), target :: error
  type(ins1_call) :: how
  type(ins1_model_options) :: opening
  type(ins1_part), target :: part
  type(ins1_message) :: message
  type(ins1_prompt_info) :: info
  type(ins1_feed) :: feed
  type(ins1_stream_options) :: streaming
  type(ins1_event) :: event
  character(len=:), allocatable, target :: path, question, role
  integer(c_size_t) :: n_spans

  if (command_argument_count() /= 2) error stop 'usage: ask MODEL QUESTION'
  path = argument(1)//c_null_char
  question = argument(2)
  role = 'user'//c_null_char
  how%error = c_loc(error)

  opening%path = c_loc(path)
  call must(ins1_runtime_create(runtime, call=how))
  call must(ins1_model_open(model, runtime, opening, how))
  call must(ins1_tokenizer_create(tokenizer, model, call=how))
  call must(ins1_decoder_create(decoder, model, call=how))
  call must(ins1_session_create(session, decoder, call=how))
  call must(ins1_sampler_create(sampler, runtime, call=how))

  part%kind = INS1_MODALITY_TEXT
  part%text = c_loc(question)
  part%size = len(question)
  message%role = c_loc(role)
  message%parts = c_loc(part)
  message%n_parts = 1
  call must(ins1_prompt_create(prompt, tokenizer, [message], 1_c_size_t, call=how))
  call must(ins1_prompt_info_get(prompt, info, how))
  call must(ins1_prompt_spans(prompt, spans, n_spans, how))
  feed%spans = spans
  feed%n_spans = n_spans
  call must(ins1_session_prefill(session, [feed], 1_c_size_t, call=how))

  streaming%reply_flags = info%reply_flags
  call must(ins1_stream_open(stream, session, 0, tokenizer, sampler, streaming, how))
  do while (event%kind /= INS1_EVENT_END)
    call must(ins1_stream_next(stream, event, how))
    if (event%kind == INS1_EVENT_TEXT) write (*, '(a)', advance='no') ins1_text_at(event%text, event%size)
  end do
  print '(a)', ''

  ! In any order: what was made from a handle keeps what it needs.
  call ins1_runtime_release(runtime)
  call ins1_model_release(model)
  call ins1_tokenizer_release(tokenizer)
  call ins1_decoder_release(decoder)
  call ins1_session_release(session)
  call ins1_sampler_release(sampler)
  call ins1_prompt_release(prompt)
  call ins1_stream_release(stream)

contains

  subroutine must(status)
    integer(c_int32_t), intent(in) :: status

    if (status == INS1_OK) return
    print '(3a)', ins1_text_at(ins1_status_name(status)), ': ', ins1_text_at(c_loc(error%text))
    error stop 1
  end subroutine must

  function argument(number) result(text)
    integer, intent(in) :: number
    character(len=:), allocatable :: text
    integer :: length

    call get_command_argument(number, length=length)
    allocate (character(len=length) :: text)
    call get_command_argument(number, text)
  end function argument

end program ask
