! What bindings/tests/trace.c does, through the module interns1: prints the same.
program trace
  use interns1
  implicit none

  character(len=*), parameter :: question = 'How many rings does <SMILES>CC(=O)Oc1ccccc1C(=O)O</SMILES> have?'
  type(c_ptr) :: runtime, model
  type(ins1_error), target :: error
  type(ins1_call) :: how
  type(ins1_model_options) :: opening
  type(ins1_model_info) :: info
  character(len=4096), target :: argument

  call get_command_argument(2, argument)
  if (argument /= '') read (argument, *) opening%parts
  call get_command_argument(1, argument)
  argument = trim(argument)//c_null_char
  opening%path = c_loc(argument)
  how%error = c_loc(error)
  call must(ins1_runtime_create(runtime, call=how))
  call must(ins1_model_open(model, runtime, opening, how))
  call must(ins1_model_info_get(model, info, how))
  print '(a, i0)', 'parts: ', info%parts
  if (iand(info%parts, INS1_PART_TOKENIZER) /= 0) call trace_tokenizer()
  if (iand(info%parts, INS1_PART_DECODER) /= 0) call trace_decoder()
  call trace_vision()
  call trace_timeseries()
  call ins1_model_release(model)
  call ins1_runtime_release(runtime)

contains

  subroutine must(status)
    integer(c_int32_t), intent(in) :: status

    if (status == INS1_OK) return
    print '(3a)', ins1_text_at(ins1_status_name(status)), ': ', ins1_text_at(c_loc(error%text))
    error stop 1
  end subroutine must

  subroutine print_ids(name, ids)
    character(len=*), intent(in) :: name
    integer(c_int32_t), intent(in) :: ids(:)

    print '(a, 1x, i0, a, *(1x, i0))', name, size(ids), ':', ids
  end subroutine print_ids

  subroutine print_floats(name, values)
    character(len=*), intent(in) :: name
    real(c_float), intent(in) :: values(:)
    character(len=8) :: word
    integer :: i, j

    write (*, '(a, 1x, i0, a)', advance='no') name, size(values), ':'
    do i = 1, size(values)
      write (word, '(z8.8)') transfer(values(i), 0_c_int32_t)
      do j = 1, 8
        if (word(j:j) >= 'A' .and. word(j:j) <= 'F') word(j:j) = achar(iachar(word(j:j)) + 32)
      end do
      write (*, '(1x, a)', advance='no') word
    end do
    print '(a)', ''
  end subroutine print_floats

  subroutine print_embeds(name, embeds)
    character(len=*), intent(in) :: name
    type(c_ptr), intent(in) :: embeds
    type(ins1_embeds_info) :: about
    real(c_float), allocatable :: values(:)
    integer(c_size_t) :: n

    call must(ins1_embeds_info_get(embeds, about, how))
    allocate (values(about%n_tokens*about%dim))
    call must(ins1_embeds_read_f32(embeds, 0_c_size_t, about%n_tokens, values, size(values, kind=c_size_t), n, how))
    print '(a, 1x, i0, a, i0)', name, about%n_tokens, ' x ', about%dim
    call print_floats(name, values)
  end subroutine print_embeds

  subroutine trace_tokenizer()
    type(c_ptr) :: tokenizer
    type(ins1_segment) :: segment
    character(len=len(question)), target :: text
    character(len=1024) :: back
    integer(c_int32_t) :: ids(256)
    integer(c_size_t) :: n, length

    text = question
    segment%text = c_loc(text)
    segment%size = len(text)
    segment%flags = INS1_SEGMENT_SPECIAL
    call must(ins1_tokenizer_create(tokenizer, model, call=how))
    call must(ins1_tokenizer_encode(tokenizer, [segment], 1_c_size_t, 0, ids, capacity=size(ids, kind=c_size_t), &
                                    count=n, call=how))
    call print_ids('ids', ids(:n))
    call must(ins1_tokenizer_decode(tokenizer, ids, n, 0, back, len(back, kind=c_size_t), length, how))
    print '(2a)', 'text: ', back(:length)
    call ins1_tokenizer_release(tokenizer)
  end subroutine trace_tokenizer

  subroutine trace_decoder()
    type(c_ptr) :: decoder, session, sampler, embeds, address
    type(ins1_span), target :: span
    type(ins1_feed) :: feed
    type(ins1_step) :: step
    type(ins1_logprob) :: picked
    integer(c_int32_t), target :: prompt(5) = [1, 2, 3, 4, 5]
    integer(c_int32_t) :: chosen(4)
    real(c_float), pointer :: logits(:)
    integer(c_size_t) :: n
    integer :: i

    call must(ins1_decoder_create(decoder, model, call=how))
    call must(ins1_session_create(session, decoder, call=how))
    call must(ins1_sampler_create(sampler, runtime, call=how))
    span%ids = c_loc(prompt)
    span%n_ids = size(prompt)
    feed%spans = c_loc(span)
    feed%n_spans = 1
    call must(ins1_session_prefill(session, [feed], 1_c_size_t, call=how))
    do i = 1, size(chosen)
      call must(ins1_session_logits(session, 0, address, n, how))
      call c_f_pointer(address, logits, [n])
      call must(ins1_sampler_pick(sampler, logits, n, picked, how))
      chosen(i) = picked%token
      step%token = picked%token
      call must(ins1_session_step(session, [step], 1_c_size_t, how))
    end do
    call print_ids('chosen', chosen)
    call must(ins1_session_logits(session, 0, address, n, how))
    call c_f_pointer(address, logits, [n])
    call print_floats('logits', logits)
    call must(ins1_session_embeds(embeds, session, 0, INS1_POOL_LAST, how))
    call print_embeds('hidden', embeds)
    call ins1_embeds_release(embeds)
    call ins1_sampler_release(sampler)
    call ins1_session_release(session)
    call ins1_decoder_release(decoder)
  end subroutine trace_decoder

  subroutine trace_vision()
    type(c_ptr) :: encoder, embeds(1)
    type(ins1_image) :: image
    integer(c_int8_t), target :: pixels(3, 64, 48)
    integer(c_int32_t) :: status
    integer :: x, y, c, value

    do y = 0, 47
      do x = 0, 63
        do c = 0, 2
          value = modulo(7*x + 13*y + 29*c + x*y, 256)
          if (value > 127) value = value - 256
          pixels(c + 1, x + 1, y + 1) = int(value, c_int8_t)
        end do
      end do
    end do
    status = ins1_vision_encoder_create(encoder, model, call=how)
    if (status == INS1_E_UNSUPPORTED) then
      print '(a)', 'vision: INS1_E_UNSUPPORTED'
      return
    end if
    call must(status)
    image%format = INS1_PIXEL_RGB8
    image%width = 64
    image%height = 48
    image%pixels = c_loc(pixels)
    call must(ins1_vision_encoder_encode(embeds, encoder, [image], 1_c_size_t, how))
    call print_embeds('vision', embeds(1))
    call ins1_embeds_release(embeds(1))
    call ins1_vision_encoder_release(encoder)
  end subroutine trace_vision

  subroutine trace_timeseries()
    type(c_ptr) :: encoder, embeds(1)
    type(ins1_timeseries) :: series
    real(c_float), target :: samples(2000)
    integer(c_int32_t) :: status
    integer :: i

    do i = 1, size(samples)
      samples(i) = real(mod(37*(i - 1), 201) - 100, c_float)/64
    end do
    status = ins1_timeseries_encoder_create(encoder, model, call=how)
    if (status == INS1_E_UNSUPPORTED) then
      print '(a)', 'timeseries: INS1_E_UNSUPPORTED'
      return
    end if
    call must(status)
    series%dtype = INS1_SAMPLE_F32
    series%data = c_loc(samples)
    series%n_samples = size(samples)
    series%n_channels = 1
    series%sample_rate_hz = 100
    call must(ins1_timeseries_encoder_encode(embeds, encoder, [series], 1_c_size_t, how))
    call print_embeds('timeseries', embeds(1))
    call ins1_embeds_release(embeds(1))
    call ins1_timeseries_encoder_release(encoder)
  end subroutine trace_timeseries

end program trace
