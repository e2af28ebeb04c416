//! Timelines on a decoder: feed, step, score, rewind, fork, save.

use crate::handle::{create, slice_at};
use crate::{call, sys, Decoder, Embeds, Prompt, Result, Tokenizer};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr;

handle! {
    /// Sequences, each with its own keys and values.
    Session, ins1_session, ins1_session_release
}

/// A token and the natural logarithm of its probability.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Logprob {
    /// its id
    pub token: i32,
    /// at most 0
    pub logprob: f32,
}

impl From<sys::ins1_logprob> for Logprob {
    fn from(p: sys::ins1_logprob) -> Self {
        Self { token: p.token, logprob: p.logprob }
    }
}

/// How a session is made; zero is the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionOptions {
    /// most tokens of a sequence
    pub n_ctx: i32,
    /// sequences
    pub n_seq: i32,
    /// tokens computed at once
    pub n_batch: i32,
    /// `sys::INS1_KV_*`
    pub kv_type: i32,
    /// bytes of keys and values
    pub kv_budget: u64,
    /// keep final hidden states of every position, for `embeds`
    pub keep_hidden: bool,
}

/// A stretch of a prompt.
#[derive(Clone, Copy)]
pub struct Span<'a> {
    raw: sys::ins1_span,
    _borrowed: PhantomData<&'a ()>,
}

impl<'a> Span<'a> {
    /// Token ids.
    pub fn ids(ids: &'a [i32]) -> Self {
        let raw = sys::ins1_span { ids: ids.as_ptr(), n_ids: ids.len(), ..Default::default() };
        Self { raw, _borrowed: PhantomData }
    }

    /// All rows of embeddings.
    pub fn embeds(embeds: &'a Embeds) -> Self {
        Self::rows(embeds, 0, 0)
    }

    /// Some rows of embeddings; a count of 0 is all to the end.
    pub fn rows(embeds: &'a Embeds, first: usize, count: usize) -> Self {
        let raw = sys::ins1_span { embeds: embeds.as_ptr(), first, count, ..Default::default() };
        Self { raw, _borrowed: PhantomData }
    }
}

/// What one sequence gets.
#[derive(Clone, Copy)]
pub struct Feed<'a> {
    /// the sequence
    pub seq: i32,
    /// one after the other
    pub spans: &'a [Span<'a>],
}

fn raw_spans(spans: &[Span<'_>]) -> Vec<sys::ins1_span> {
    spans.iter().map(|span| span.raw).collect()
}

unsafe extern "C" fn take<W: FnMut(&[u8])>(user: *mut c_void, data: *const c_void, size: usize) -> i32 {
    let write = &mut *(user as *mut W);
    call::guard(1, || {
        write(slice_at(data as *const u8, size));
        0
    })
}

type ReadAt<'a> = &'a (dyn Fn(u64, &mut [u8]) -> bool + Sync);

unsafe extern "C" fn give(user: *mut c_void, offset: u64, to: *mut c_void, size: usize) -> i64 {
    let read_at = *(user as *const ReadAt<'_>);
    if size == 0 {
        return 0;
    }
    // The library's memory may never have been written; a host's function may read what it is lent.
    ptr::write_bytes(to as *mut u8, 0, size);
    let to = std::slice::from_raw_parts_mut(to as *mut u8, size);
    call::guard(-1, || if read_at(offset, to) { size as i64 } else { -1 })
}

impl Session {
    /// With all defaults.
    pub fn new(decoder: &Decoder) -> Result<Self> {
        Self::with(decoder, SessionOptions::default())
    }

    /// With options.
    pub fn with(decoder: &Decoder, o: SessionOptions) -> Result<Self> {
        let raw = sys::ins1_session_options {
            flags: if o.keep_hidden { sys::INS1_SESSION_KEEP_HIDDEN } else { 0 },
            n_ctx: o.n_ctx,
            n_seq: o.n_seq,
            n_batch: o.n_batch,
            kv_type: o.kv_type,
            kv_budget: o.kv_budget,
            ..Default::default()
        };
        let raw = create(|out, call| unsafe { sys::ins1_session_create(out, decoder.as_ptr(), &raw, call) })?;
        Ok(Self { raw })
    }

    /// What the session was made with.
    pub fn info(&self) -> Result<sys::ins1_session_info> {
        let mut out = sys::ins1_session_info::default();
        call::run(|call| unsafe { sys::ins1_session_info_get(self.as_ptr(), &mut out, call) })?;
        Ok(out)
    }

    /// Append ids to a sequence. Of a call that is stopped `len` tells how much stays.
    pub fn prefill(&mut self, seq: i32, ids: &[i32]) -> Result<()> {
        self.prefill_many(&[Feed { seq, spans: &[Span::ids(ids)] }])
    }

    /// Append spans to several sequences.
    pub fn prefill_many(&mut self, feeds: &[Feed<'_>]) -> Result<()> {
        let spans: Vec<_> = feeds.iter().map(|feed| raw_spans(feed.spans)).collect();
        let one = |(feed, spans): (&Feed<'_>, &Vec<sys::ins1_span>)| sys::ins1_feed {
            seq: feed.seq,
            spans: spans.as_ptr(),
            n_spans: spans.len(),
            ..Default::default()
        };
        let raws: Vec<_> = feeds.iter().zip(&spans).map(one).collect();
        call::run(|call| unsafe {
            sys::ins1_session_prefill(self.as_ptr(), raws.as_ptr(), raws.len(), ptr::null_mut(), call)
        })
        .map(drop)
    }

    /// Append a prompt to a sequence.
    pub fn prefill_prompt(&mut self, seq: i32, prompt: &Prompt) -> Result<()> {
        let (spans, n_spans) = prompt.raw_spans()?;
        let feed = sys::ins1_feed { seq, spans, n_spans, ..Default::default() };
        call::run(|call| unsafe { sys::ins1_session_prefill(self.as_ptr(), &feed, 1, ptr::null_mut(), call) })
            .map(drop)
    }

    /// Append one token.
    pub fn step(&mut self, seq: i32, token: i32) -> Result<()> {
        self.step_many(&[(seq, token)])
    }

    /// Append one token to each of several sequences, in one batch; all or nothing.
    pub fn step_many(&mut self, steps: &[(i32, i32)]) -> Result<()> {
        let step = |&(seq, token): &(i32, i32)| sys::ins1_step { seq, token };
        if let [one] = steps {
            let one = step(one);
            return call::run(|call| unsafe { sys::ins1_session_step(self.as_ptr(), &one, 1, call) })
                .map(drop);
        }
        let raws: Vec<_> = steps.iter().map(step).collect();
        call::run(|call| unsafe { sys::ins1_session_step(self.as_ptr(), raws.as_ptr(), raws.len(), call) })
            .map(drop)
    }

    /// The logits after a sequence's last token, the library's own memory.
    pub fn logits(&self, seq: i32) -> Result<&[f32]> {
        let (mut out, mut n) = (ptr::null(), 0);
        call::run(|call| unsafe { sys::ins1_session_logits(self.as_ptr(), seq, &mut out, &mut n, call) })?;
        Ok(unsafe { slice_at(out, n) })
    }

    /// The `k` most probable next tokens, best first.
    pub fn logprobs(&self, seq: i32, k: usize) -> Result<Vec<Logprob>> {
        let pairs = call::collect(k, |out, capacity, count, call| unsafe {
            sys::ins1_session_logprobs(self.as_ptr(), seq, k, out, capacity, count, call)
        })?;
        Ok(pairs.into_iter().map(Logprob::from).collect())
    }

    /// How probable a continuation is, token by token.
    pub fn score(&mut self, seq: i32, ids: &[i32]) -> Result<Vec<f32>> {
        let mut out = vec![0.0; ids.len()];
        call::run(|call| unsafe {
            sys::ins1_session_score(self.as_ptr(), seq, ids.as_ptr(), ids.len(), out.as_mut_ptr(), call)
        })?;
        Ok(out)
    }

    /// How probable each continuation is as a whole; of a reward checkpoint the rewards.
    pub fn score_many(&mut self, seq: i32, candidates: &[&[i32]]) -> Result<Vec<f32>> {
        let one = |ids: &&[i32]| sys::ins1_ids { ids: ids.as_ptr(), n_ids: ids.len() };
        let lists: Vec<_> = candidates.iter().map(one).collect();
        let mut out = vec![0.0; lists.len()];
        call::run(|call| unsafe {
            sys::ins1_session_score_many(
                self.as_ptr(),
                seq,
                lists.as_ptr(),
                lists.len(),
                out.as_mut_ptr(),
                call,
            )
        })?;
        Ok(out)
    }

    /// How well each candidate agrees with a reference answer, by a POLAR checkpoint; `flags` are
    /// `sys::INS1_POLAR_*`. The sequence is empty.
    pub fn polar_score(
        &mut self,
        seq: i32,
        tokenizer: &Tokenizer,
        prompt: &str,
        reference: &str,
        candidates: &[&str],
        flags: u32,
    ) -> Result<Vec<f32>> {
        let text = |text: &&str| sys::ins1_text { text: text.as_ptr().cast(), size: text.len() };
        let lists: Vec<_> = candidates.iter().map(text).collect();
        let request = sys::ins1_polar_request {
            flags,
            prompt: text(&prompt),
            reference: text(&reference),
            candidates: lists.as_ptr(),
            n_candidates: lists.len(),
            ..Default::default()
        };
        let mut out = vec![0.0; lists.len()];
        call::run(|call| unsafe {
            sys::ins1_polar_score(self.as_ptr(), seq, tokenizer.as_ptr(), &request, out.as_mut_ptr(), call)
        })?;
        Ok(out)
    }

    /// The reward after a sequence's last token.
    pub fn reward(&self, seq: i32) -> Result<f32> {
        let mut out = 0.0;
        call::run(|call| unsafe { sys::ins1_session_reward(self.as_ptr(), seq, &mut out, call) })?;
        Ok(out)
    }

    /// Final hidden states: `sys::INS1_POOL_*`.
    pub fn embeds(&self, seq: i32, pooling: i32) -> Result<Embeds> {
        create(|out, call| unsafe { sys::ins1_session_embeds(out, self.as_ptr(), seq, pooling, call) })
            .map(Embeds::own)
    }

    /// How many tokens a sequence has.
    pub fn length(&self, seq: i32) -> Result<usize> {
        let mut n = 0;
        call::run(|call| unsafe { sys::ins1_session_length(self.as_ptr(), seq, &mut n, call) })?;
        Ok(n)
    }

    /// Go back towards the first `keep` tokens; gives the length that was reached.
    pub fn truncate(&mut self, seq: i32, keep: usize) -> Result<usize> {
        let mut kept = 0;
        call::run(|call| unsafe { sys::ins1_session_truncate(self.as_ptr(), seq, keep, &mut kept, call) })?;
        Ok(kept)
    }

    /// Make the end of a sequence a place that `truncate` can restore.
    pub fn checkpoint(&mut self, seq: i32) -> Result<()> {
        call::run(|call| unsafe { sys::ins1_session_checkpoint(self.as_ptr(), seq, call) }).map(drop)
    }

    /// Make one sequence continue from where another is.
    pub fn fork(&mut self, from: i32, to: i32) -> Result<()> {
        call::run(|call| unsafe { sys::ins1_session_fork(self.as_ptr(), from, to, call) }).map(drop)
    }

    /// Write a sequence down.
    pub fn save(&mut self, seq: i32) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.save_to(seq, |piece| out.extend_from_slice(piece))?;
        Ok(out)
    }

    /// The same, piece by piece; a panic of `write` comes out.
    pub fn save_to<W: FnMut(&[u8])>(&mut self, seq: i32, mut write: W) -> Result<()> {
        let writer = sys::ins1_writer {
            write: Some(take::<W>),
            user: &mut write as *mut W as *mut c_void,
            ..Default::default()
        };
        call::run(|call| unsafe { sys::ins1_session_save_to(self.as_ptr(), seq, &writer, call) }).map(drop)
    }

    /// Make a sequence what a snapshot says.
    pub fn restore(&mut self, seq: i32, snapshot: &[u8]) -> Result<()> {
        call::run(|call| unsafe {
            sys::ins1_session_restore(self.as_ptr(), seq, snapshot.as_ptr().cast(), snapshot.len(), call)
        })
        .map(drop)
    }

    /// The same of a snapshot of `size` bytes that lies elsewhere: `read_at` fills a buffer from an offset on, and says
    /// `false` when it cannot. Its panics come out.
    pub fn restore_from(
        &mut self,
        seq: i32,
        size: u64,
        read_at: impl Fn(u64, &mut [u8]) -> bool + Sync,
    ) -> Result<()> {
        let read_at: ReadAt<'_> = &read_at;
        let reader = sys::ins1_reader {
            size,
            read_at: Some(give),
            user: &read_at as *const ReadAt<'_> as *mut c_void,
            ..Default::default()
        };
        call::run(|call| unsafe { sys::ins1_session_restore_from(self.as_ptr(), seq, &reader, call) })
            .map(drop)
    }
}
