//! From logits to tokens, and a reply as events.

use crate::handle::{create, slice_at};
use crate::{call, sys, Logprob, Result, Runtime, Session, Tokenizer};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr;

/// Which tokens may come: all do, until they are forbidden.
pub struct Mask<'a> {
    words: &'a mut [u32],
    n_vocab: usize,
}

impl Mask<'_> {
    /// This token must not come.
    pub fn forbid(&mut self, token: i32) {
        if token >= 0 && (token as usize) < self.n_vocab {
            self.words[token as usize / 32] &= !(1 << (token % 32));
        }
    }

    /// Nothing but these may come.
    pub fn only(&mut self, tokens: &[i32]) {
        let before = self.words.to_vec();
        self.words.fill(0);
        for &token in tokens.iter().filter(|&&token| token >= 0 && (token as usize) < self.n_vocab) {
            self.words[token as usize / 32] |= before[token as usize / 32] & (1 << (token % 32));
        }
    }
}

type MaskFn = Box<dyn FnMut(&[i32], &mut Mask<'_>) + Send>;

handle! {
    /// Logits to a token, reproducible from a seed.
    Sampler, ins1_sampler, ins1_sampler_release, _mask: Option<Box<MaskFn>>
}

/// How tokens are chosen; all zero is greedy. The steps are listed in sampler.h.
#[derive(Default)]
#[allow(missing_docs)]
pub struct SamplerOptions<'a> {
    pub temperature: f32,
    pub top_p: f32,
    pub min_p: f32,
    pub repeat_penalty: f32,
    pub frequency_penalty: f32,
    pub presence_penalty: f32,
    pub top_k: i32,
    pub repeat_last: i32,
    pub n_history: i32,
    pub seed: u64,
    /// added to the logits of these tokens
    pub bias: &'a [(i32, f32)],
    /// whose padding rows never come
    pub tokenizer: Option<&'a Tokenizer>,
    /// asked before each choice with the history; its panics come out of the choice
    pub mask: Option<MaskFn>,
}

unsafe extern "C" fn ask(
    user: *mut c_void,
    history: *const i32,
    n_history: usize,
    allowed: *mut u32,
    n_vocab: usize,
) -> i32 {
    let mask = &mut *(user as *mut MaskFn);
    call::guard(1, || {
        let words = std::slice::from_raw_parts_mut(allowed, (n_vocab + 31) / 32);
        mask(slice_at(history, n_history), &mut Mask { words, n_vocab });
        0
    })
}

impl Sampler {
    /// The most probable token, always.
    pub fn greedy(runtime: &Runtime) -> Result<Self> {
        Self::new(runtime, SamplerOptions::default())
    }

    /// With options.
    pub fn new(runtime: &Runtime, o: SamplerOptions<'_>) -> Result<Self> {
        let bias: Vec<_> =
            o.bias.iter().map(|&(token, logprob)| sys::ins1_logprob { token, logprob }).collect();
        let mut mask = o.mask.map(Box::new);
        let raw = sys::ins1_sampler_options {
            temperature: o.temperature,
            top_p: o.top_p,
            min_p: o.min_p,
            repeat_penalty: o.repeat_penalty,
            frequency_penalty: o.frequency_penalty,
            presence_penalty: o.presence_penalty,
            top_k: o.top_k,
            repeat_last: o.repeat_last,
            n_history: o.n_history,
            seed: o.seed,
            bias: bias.as_ptr(),
            n_bias: bias.len(),
            tokenizer: o.tokenizer.map_or(ptr::null_mut(), |tokenizer| tokenizer.as_ptr()),
            mask: if mask.is_some() { Some(ask) } else { None },
            mask_user: mask
                .as_mut()
                .map_or(ptr::null_mut(), |mask| &mut **mask as *mut MaskFn as *mut c_void),
            ..Default::default()
        };
        let raw = create(|out, call| unsafe { sys::ins1_sampler_create(out, runtime.as_ptr(), &raw, call) })?;
        Ok(Self { raw, _mask: mask })
    }

    /// Choose a token. The history stays as it is: accept what is used.
    pub fn pick(&mut self, logits: &[f32]) -> Result<Logprob> {
        let mut out = sys::ins1_logprob::default();
        call::run(|call| unsafe {
            sys::ins1_sampler_pick(self.as_ptr(), logits.as_ptr(), logits.len(), &mut out, call)
        })?;
        Ok(out.into())
    }

    /// Put a token into the history.
    pub fn accept(&mut self, token: i32) -> Result<()> {
        call::run(|call| unsafe { sys::ins1_sampler_accept(self.as_ptr(), token, call) }).map(drop)
    }

    /// Begin again: an empty history, the first draw of `seed`.
    pub fn reset(&mut self, seed: u64) -> Result<()> {
        call::run(|call| unsafe { sys::ins1_sampler_reset(self.as_ptr(), seed, call) }).map(drop)
    }
}

/// What an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// nothing to say yet
    None,
    /// a piece of the answer
    Text,
    /// a piece of the reasoning before it
    Reasoning,
    /// a tool call; the text is its name
    ToolBegin,
    /// a piece of the JSON text of its arguments
    ToolArguments,
    /// the tool call is complete
    ToolEnd,
    /// the reply is complete
    End,
}

/// One event of a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// what it says
    pub kind: EventKind,
    /// its text
    pub text: String,
    /// `sys::INS1_END_*` of an END, else 0
    pub end_reason: i32,
    /// the number of the tool call in the reply
    pub tool_index: i32,
    /// the number of its first token in the reply
    pub first_token: usize,
    /// its tokens
    pub tokens: Vec<Logprob>,
    /// for each token the most probable ones, best first
    pub top: Vec<Vec<Logprob>>,
}

impl Event {
    pub(crate) unsafe fn from_raw(e: &sys::ins1_event) -> Self {
        let n = if e.tokens.is_null() { 0 } else { e.n_tokens };
        let pairs = |raw: &[sys::ins1_logprob]| raw.iter().map(|&p| p.into()).collect::<Vec<Logprob>>();
        let top = slice_at(e.top, e.n_tokens * e.n_top);
        Self {
            kind: match e.kind {
                sys::INS1_EVENT_TEXT => EventKind::Text,
                sys::INS1_EVENT_REASONING => EventKind::Reasoning,
                sys::INS1_EVENT_TOOL_BEGIN => EventKind::ToolBegin,
                sys::INS1_EVENT_TOOL_ARGUMENTS => EventKind::ToolArguments,
                sys::INS1_EVENT_TOOL_END => EventKind::ToolEnd,
                sys::INS1_EVENT_END => EventKind::End,
                _ => EventKind::None,
            },
            text: String::from_utf8_lossy(slice_at(e.text as *const u8, e.size)).into_owned(),
            end_reason: e.end_reason,
            tool_index: e.tool_index,
            first_token: e.first_token,
            tokens: pairs(slice_at(e.tokens, n)),
            top: top.chunks(e.n_top.max(1)).map(pairs).collect(),
        }
    }
}

/// How a reply is made; zero is the default.
#[derive(Clone, Debug, Default)]
pub struct StreamOptions<'a> {
    /// `sys::INS1_REPLY_*`; a prompt knows them
    pub reply_flags: u32,
    /// most tokens of the reply
    pub max_tokens: usize,
    /// texts that end the reply and are not part of it
    pub stop: &'a [&'a str],
    /// how many probable tokens events tell for each token
    pub n_top: i32,
    /// `sys::INS1_STREAM_*`
    pub flags: u32,
}

/// A reply in the making: an iterator over its events, whose last one is of kind `End`.
///
/// After a failure it may be asked again: a call that was stopped loses nothing.
pub struct Stream<'a> {
    raw: ptr::NonNull<sys::ins1_stream>,
    ended: bool,
    _borrowed: PhantomData<(&'a mut Session, &'a mut Sampler)>,
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        unsafe { sys::ins1_stream_release(self.raw.as_ptr()) }
    }
}

fn open(
    session: &Session,
    seq: i32,
    tokenizer: &Tokenizer,
    sampler: &Sampler,
    o: &StreamOptions<'_>,
) -> Result<ptr::NonNull<sys::ins1_stream>> {
    let text = |text: &&str| sys::ins1_text { text: text.as_ptr().cast(), size: text.len() };
    let stop: Vec<_> = o.stop.iter().map(text).collect();
    let options = sys::ins1_stream_options {
        reply_flags: o.reply_flags,
        max_tokens: o.max_tokens,
        stop: stop.as_ptr(),
        n_stop: stop.len(),
        n_top: o.n_top,
        flags: o.flags,
        ..Default::default()
    };
    create(|out, call| unsafe {
        sys::ins1_stream_open(
            out,
            session.as_ptr(),
            seq,
            tokenizer.as_ptr(),
            sampler.as_ptr(),
            &options,
            call,
        )
    })
}

impl<'a> Stream<'a> {
    /// Begin a reply after what a sequence holds.
    pub fn open(
        session: &'a mut Session,
        seq: i32,
        tokenizer: &Tokenizer,
        sampler: &'a mut Sampler,
        o: &StreamOptions<'_>,
    ) -> Result<Self> {
        let raw = open(session, seq, tokenizer, sampler, o)?;
        Ok(Self { raw, ended: false, _borrowed: PhantomData })
    }
}

impl Iterator for Stream<'_> {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let mut event = sys::ins1_event::default();
        let status = call::run(|call| unsafe { sys::ins1_stream_next(self.raw.as_ptr(), &mut event, call) });
        Some(status.map(|_| {
            self.ended = event.kind == sys::INS1_EVENT_END;
            unsafe { Event::from_raw(&event) }
        }))
    }
}

/// A reply whose tokens the host picks and steps itself, which is how many sequences of one session share a batch: pick
/// a token for each, give it to its stream, then step all whose stream did not end.
///
/// ```
/// # use interns1::*;
/// # let runtime = Runtime::new()?;
/// # let model = Model::open(&runtime, "../../../examples/demo-model/interns1-demo")?;
/// # let tokenizer = Tokenizer::new(&model)?;
/// # let options = SessionOptions { n_seq: 2, ..Default::default() };
/// let mut session = Session::with(&Decoder::new(&model)?, options)?;
/// let mut replies = Vec::new();
/// for (seq, ids) in [(0, [1, 2, 3]), (1, [4, 5, 6])] {
///     session.prefill(seq, &ids)?;
///     let mut sampler = Sampler::greedy(&runtime)?;
///     let limit = StreamOptions { max_tokens: 4, ..Default::default() };
///     let stream = BatchStream::open(&session, seq, &tokenizer, &sampler, &limit)?;
///     replies.push((seq, sampler, stream));
/// }
/// let mut n_events = 0;
/// while !replies.is_empty() {
///     let mut steps = Vec::new();
///     for (seq, sampler, stream) in &mut replies {
///         let token = sampler.pick(session.logits(*seq)?)?.token;
///         let mut event = stream.accept(&session, sampler, token)?;
///         while event.kind != EventKind::None && event.kind != EventKind::End {
///             n_events += 1;
///             event = stream.waiting(&session, sampler)?;
///         }
///         if !stream.has_ended() {
///             steps.push((*seq, token));
///         }
///     }
///     session.step_many(&steps)?;
///     replies.retain(|(_, _, stream)| !stream.has_ended());
/// }
/// assert!(n_events > 0);
/// # Ok::<(), Error>(())
/// ```
pub struct BatchStream {
    raw: ptr::NonNull<sys::ins1_stream>,
    // What it reads and tells at each token; the library keeps both alive, so no other can have their addresses.
    session: *mut sys::ins1_session,
    sampler: *mut sys::ins1_sampler,
    ended: bool,
}

impl Drop for BatchStream {
    fn drop(&mut self) {
        unsafe { sys::ins1_stream_release(self.raw.as_ptr()) }
    }
}

impl BatchStream {
    /// Begin a reply after what a sequence holds.
    pub fn open(
        session: &Session,
        seq: i32,
        tokenizer: &Tokenizer,
        sampler: &Sampler,
        o: &StreamOptions<'_>,
    ) -> Result<Self> {
        let raw = open(session, seq, tokenizer, sampler, o)?;
        Ok(Self { raw, session: session.as_ptr(), sampler: sampler.as_ptr(), ended: false })
    }

    /// The next token of the reply; the sampler is told of it. Step it afterwards, unless the reply has ended.
    ///
    /// # Panics
    /// When session or sampler are not those of `open`.
    pub fn accept(&mut self, session: &Session, sampler: &mut Sampler, token: i32) -> Result<Event> {
        let own = session.as_ptr() == self.session && sampler.as_ptr() == self.sampler;
        assert!(own, "a stream goes on with the session and the sampler that it was opened with");
        let mut event = sys::ins1_event::default();
        call::run(|call| unsafe { sys::ins1_stream_accept(self.raw.as_ptr(), token, &mut event, call) })?;
        self.ended |= event.kind == sys::INS1_EVENT_END;
        Ok(unsafe { Event::from_raw(&event) })
    }

    /// The next event that the tokens so far have made; of kind `None` when all have been given.
    ///
    /// # Panics
    /// As `accept`.
    pub fn waiting(&mut self, session: &Session, sampler: &mut Sampler) -> Result<Event> {
        self.accept(session, sampler, -1)
    }

    /// Was the last event given?
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}
