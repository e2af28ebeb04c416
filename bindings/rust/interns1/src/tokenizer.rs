//! Text to token ids and back.

use crate::handle::{create, slice_at};
use crate::{call, sys, Model, Result};
use std::ptr;

shared! {
    /// The tables of a checkpoint's tokenizer.
    Tokenizer, ins1_tokenizer, ins1_tokenizer_retain, ins1_tokenizer_release
}

handle! {
    /// Ids that become text piece by piece.
    Detokenizer, ins1_detokenizer, ins1_detokenizer_release
}

/// A stretch of the input.
#[derive(Clone, Copy, Debug, Default)]
pub struct Segment<'a> {
    /// its text
    pub text: &'a str,
    /// `sys::INS1_SEGMENT_*`; the default lets the model's own detectors decide
    pub kind: i32,
    /// text of special tokens acts as tokens: never for untrusted text
    pub special: bool,
}

/// A token or a stretch, and the bytes of the joined input it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Piece {
    pub id: i32,
    pub kind: i32,
    pub begin: usize,
    pub end: usize,
}

impl From<sys::ins1_piece> for Piece {
    fn from(p: sys::ins1_piece) -> Self {
        Self { id: p.id, kind: p.kind, begin: p.begin, end: p.end }
    }
}

fn raw(segments: &[Segment<'_>]) -> Vec<sys::ins1_segment> {
    let one = |s: &Segment<'_>| sys::ins1_segment {
        kind: s.kind,
        flags: if s.special { sys::INS1_SEGMENT_SPECIAL } else { 0 },
        text: s.text.as_ptr().cast(),
        size: s.text.len(),
        ..Default::default()
    };
    segments.iter().map(one).collect()
}

impl Tokenizer {
    /// Read a checkpoint's tokenizer.
    pub fn new(model: &Model) -> Result<Self> {
        Self::with(model, 0)
    }

    /// With `sys::INS1_TOKENIZER_*`.
    pub fn with(model: &Model, flags: u32) -> Result<Self> {
        let options = sys::ins1_tokenizer_options { flags, ..Default::default() };
        let raw =
            create(|out, call| unsafe { sys::ins1_tokenizer_create(out, model.as_ptr(), &options, call) })?;
        Ok(Self { raw })
    }

    /// Untrusted text to ids.
    pub fn encode(&self, text: &str) -> Result<Vec<i32>> {
        self.encode_segments(&[Segment { text, ..Default::default() }], 0)
    }

    /// Text of one's own to ids: the text of special tokens acts as tokens.
    pub fn encode_special(&self, text: &str) -> Result<Vec<i32>> {
        self.encode_segments(&[Segment { text, special: true, ..Default::default() }], 0)
    }

    /// Segments to ids; `flags` are `sys::INS1_ENCODE_*`.
    pub fn encode_segments(&self, segments: &[Segment<'_>], flags: u32) -> Result<Vec<i32>> {
        let raws = raw(segments);
        let guess = 16 + segments.iter().map(|s| s.text.len() / 2).sum::<usize>();
        call::collect(guess, |out, capacity, count, call| unsafe {
            sys::ins1_tokenizer_encode(
                self.as_ptr(),
                raws.as_ptr(),
                raws.len(),
                flags,
                out,
                ptr::null_mut(),
                capacity,
                count,
                call,
            )
        })
    }

    /// What is made of segments before they are split: stretches kind by kind.
    pub fn segments(&self, segments: &[Segment<'_>]) -> Result<Vec<Piece>> {
        let raws = raw(segments);
        let pieces = call::collect(64, |out, capacity, count, call| unsafe {
            sys::ins1_tokenizer_segments(self.as_ptr(), raws.as_ptr(), raws.len(), out, capacity, count, call)
        })?;
        Ok(pieces.into_iter().map(Piece::from).collect())
    }

    /// Ids to text; `flags` are `sys::INS1_DECODE_*`.
    pub fn decode(&self, ids: &[i32], flags: u32) -> Result<String> {
        let bytes = call::collect(8 * ids.len() + 64, |out: *mut u8, capacity, count, call| unsafe {
            sys::ins1_tokenizer_decode(
                self.as_ptr(),
                ids.as_ptr(),
                ids.len(),
                flags,
                out.cast(),
                capacity,
                count,
                call,
            )
        })?;
        Ok(call::text(bytes))
    }

    /// The bytes of one token, and `sys::INS1_TOKEN_*`.
    pub fn token(&self, id: i32) -> Result<(&[u8], u32)> {
        let (mut bytes, mut size, mut attributes) = (ptr::null(), 0, 0);
        call::run(|call| unsafe {
            sys::ins1_tokenizer_piece(self.as_ptr(), id, &mut bytes, &mut size, &mut attributes, call)
        })?;
        Ok((unsafe { slice_at(bytes as *const u8, size) }, attributes))
    }
}

impl Detokenizer {
    /// Begin a text; `flags` are `sys::INS1_DECODE_*`.
    pub fn new(tokenizer: &Tokenizer, flags: u32) -> Result<Self> {
        let raw = create(|out, call| unsafe {
            sys::ins1_detokenizer_create(out, tokenizer.as_ptr(), flags, call)
        })?;
        Ok(Self { raw })
    }

    /// Take in ids, give out the characters that became whole.
    pub fn push(&mut self, ids: &[i32]) -> Result<String> {
        let bytes = call::collect(64, |out: *mut u8, capacity, count, call| unsafe {
            sys::ins1_detokenizer_push(
                self.as_ptr(),
                ids.as_ptr(),
                ids.len(),
                out.cast(),
                capacity,
                count,
                call,
            )
        })?;
        Ok(call::text(bytes))
    }

    /// End the text.
    pub fn flush(&mut self) -> Result<String> {
        let bytes = call::collect(64, |out: *mut u8, capacity, count, call| unsafe {
            sys::ins1_detokenizer_flush(self.as_ptr(), out.cast(), capacity, count, call)
        })?;
        Ok(call::text(bytes))
    }
}
