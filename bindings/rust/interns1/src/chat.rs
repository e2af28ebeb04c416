//! Messages to prompts, replies to events, and the common case.

use crate::handle::{c_string, create};
use crate::{call, sys, Decoder, Embeds, Event, EventKind, Model, Result, Runtime, Sampler, SamplerOptions};
use crate::{Session, Stream, StreamOptions, Tokenizer};
use std::ptr;

handle! {
    /// Messages as a model wants them.
    Prompt, ins1_prompt, ins1_prompt_release
}
unsafe impl Sync for Prompt {}

handle! {
    /// Reads a reply that comes from elsewhere: push text, ask for events; then finish and ask to the end.
    ReplyParser, ins1_reply_parser, ins1_reply_parser_release
}

/// A piece of a message. Its text never acts as a special token.
#[derive(Clone, Debug)]
pub enum Part {
    /// what is said
    Text(String),
    /// an image, a video or a series
    Embeds(Embeds),
}

/// One turn of a conversation.
#[derive(Clone, Debug)]
pub struct Message {
    /// "system", "user", "assistant" or "tool"
    pub role: String,
    /// what it says, in order
    pub parts: Vec<Part>,
    /// the assistant's, before its answer
    pub reasoning: String,
    /// the assistant's: a JSON array, or nothing
    pub tool_calls_json: String,
}

impl Message {
    /// A turn of text.
    pub fn new(role: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            role: role.into(),
            parts: vec![Part::Text(text.into())],
            reasoning: String::new(),
            tool_calls_json: String::new(),
        }
    }

    /// Say this too.
    pub fn with(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }
}

fn text(text: &str) -> sys::ins1_text {
    sys::ins1_text { text: text.as_ptr().cast(), size: text.len() }
}

impl Prompt {
    /// As the checkpoint's template does.
    pub fn new(tokenizer: &Tokenizer, messages: &[Message]) -> Result<Self> {
        Self::with(tokenizer, messages, &sys::ins1_chat_options::default())
    }

    fn with(tokenizer: &Tokenizer, messages: &[Message], options: &sys::ins1_chat_options) -> Result<Self> {
        let roles = messages.iter().map(|m| c_string(&m.role)).collect::<Result<Vec<_>>>()?;
        let mut parts = Vec::new();
        for message in messages {
            let mut raws = Vec::new();
            for part in &message.parts {
                let mut raw = sys::ins1_part::default();
                match part {
                    Part::Text(text) => {
                        raw.kind = sys::INS1_MODALITY_TEXT;
                        raw.text = text.as_ptr().cast();
                        raw.size = text.len();
                    }
                    Part::Embeds(embeds) => {
                        raw.kind = embeds.info()?.modality;
                        raw.embeds = embeds.as_ptr();
                    }
                }
                raws.push(raw);
            }
            parts.push(raws);
        }
        let turn =
            |((m, parts), role): ((&Message, &Vec<sys::ins1_part>), &std::ffi::CString)| sys::ins1_message {
                role: role.as_ptr(),
                parts: parts.as_ptr(),
                n_parts: parts.len(),
                reasoning: text(&m.reasoning),
                tool_calls_json: text(&m.tool_calls_json),
                ..Default::default()
            };
        let turns: Vec<_> = messages.iter().zip(&parts).zip(&roles).map(turn).collect();
        let raw = create(|out, call| unsafe {
            sys::ins1_prompt_create(out, tokenizer.as_ptr(), turns.as_ptr(), turns.len(), options, call)
        })?;
        Ok(Self { raw })
    }

    /// With tools (JSON text), and with thinking on or off where the template knows it.
    pub fn with_tools(
        tokenizer: &Tokenizer,
        messages: &[Message],
        tools_json: &str,
        thinking: Option<bool>,
    ) -> Result<Self> {
        let options = sys::ins1_chat_options {
            tools_json: text(tools_json),
            thinking: match thinking {
                None => sys::INS1_CHAT_DEFAULT,
                Some(true) => sys::INS1_CHAT_ON,
                Some(false) => sys::INS1_CHAT_OFF,
            },
            ..Default::default()
        };
        Self::with(tokenizer, messages, &options)
    }

    /// `sys::INS1_REPLY_*` for the stream or parser that reads the reply.
    pub fn reply_flags(&self) -> Result<u32> {
        Ok(self.info()?.reply_flags)
    }

    fn info(&self) -> Result<sys::ins1_prompt_info> {
        let mut out = sys::ins1_prompt_info::default();
        call::run(|call| unsafe { sys::ins1_prompt_info_get(self.as_ptr(), &mut out, call) })?;
        Ok(out)
    }

    /// The prompt as text, character for character the template's.
    pub fn text(&self) -> Result<String> {
        let (mut out, mut size) = (ptr::null(), 0);
        call::run(|call| unsafe { sys::ins1_prompt_text(self.as_ptr(), &mut out, &mut size, call) })?;
        let bytes = unsafe { crate::handle::slice_at(out as *const u8, size) };
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The prompt as ids; placeholder ids stand where embeddings go.
    pub fn ids(&self) -> Result<Vec<i32>> {
        let n = self.info()?.n_tokens;
        call::collect(n, |out, capacity, count, call| unsafe {
            sys::ins1_prompt_ids(self.as_ptr(), out, capacity, count, call)
        })
    }

    pub(crate) fn raw_spans(&self) -> Result<(*const sys::ins1_span, usize)> {
        let (mut spans, mut n) = (ptr::null(), 0);
        call::run(|call| unsafe { sys::ins1_prompt_spans(self.as_ptr(), &mut spans, &mut n, call) })?;
        Ok((spans, n))
    }
}

impl ReplyParser {
    /// `flags` are `sys::INS1_REPLY_*`; no dialect reads both forms of tool calls.
    pub fn new(tokenizer: &Tokenizer, flags: u32, dialect: Option<&str>) -> Result<Self> {
        let dialect = dialect.map(c_string).transpose()?;
        let options = sys::ins1_reply_options {
            flags,
            dialect: dialect.as_ref().map_or(ptr::null(), |name| name.as_ptr()),
            ..Default::default()
        };
        let raw = create(|out, call| unsafe {
            sys::ins1_reply_parser_create(out, tokenizer.as_ptr(), &options, call)
        })?;
        Ok(Self { raw })
    }

    /// Add text; pieces may be cut anywhere, inside a character too.
    pub fn push(&mut self, text: &[u8]) -> Result<()> {
        call::run(|call| unsafe {
            sys::ins1_reply_parser_push(self.as_ptr(), text.as_ptr().cast(), text.len(), call)
        })
        .map(drop)
    }

    /// No more text comes.
    pub fn finish(&mut self) -> Result<()> {
        call::run(|call| unsafe { sys::ins1_reply_parser_finish(self.as_ptr(), call) }).map(drop)
    }

    /// The next event; `None` when more text is needed, the last one of kind `End`.
    pub fn next_event(&mut self) -> Result<Option<Event>> {
        let mut event = sys::ins1_event::default();
        call::run(|call| unsafe { sys::ins1_reply_parser_next(self.as_ptr(), &mut event, call) })?;
        Ok((event.kind != sys::INS1_EVENT_NONE).then(|| unsafe { Event::from_raw(&event) }))
    }
}

/// A call that the model asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// which tool
    pub name: String,
    /// JSON text
    pub arguments: String,
}

/// A whole reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// the answer
    pub text: String,
    /// the reasoning before it
    pub reasoning: String,
    /// in order
    pub tool_calls: Vec<ToolCall>,
    /// `sys::INS1_END_*`
    pub end_reason: i32,
    /// its tokens
    pub ids: Vec<i32>,
}

impl Reply {
    /// Take in the next event.
    pub fn add(&mut self, event: &Event) {
        self.ids.extend(event.tokens.iter().map(|pair| pair.token));
        match event.kind {
            EventKind::Text => self.text += &event.text,
            EventKind::Reasoning => self.reasoning += &event.text,
            EventKind::ToolBegin => {
                self.tool_calls.push(ToolCall { name: event.text.clone(), arguments: String::new() })
            }
            EventKind::ToolArguments => {
                if let Some(call) = self.tool_calls.last_mut() {
                    call.arguments += &event.text;
                }
            }
            EventKind::End => self.end_reason = event.end_reason,
            _ => {}
        }
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// The common case: messages in, a reply out, greedy unless a sampler is given.
#[derive(Debug)]
pub struct Chat {
    tokenizer: Tokenizer,
    session: Session,
    sampler: Sampler,
}

impl Chat {
    /// Greedy.
    pub fn new(model: &Model) -> Result<Self> {
        let tokenizer = Tokenizer::new(model)?;
        // A sampler takes nothing from its runtime but memory.
        let runtime = Runtime::new()?;
        let options = SamplerOptions { tokenizer: Some(&tokenizer), ..Default::default() };
        let sampler = Sampler::new(&runtime, options)?;
        Self::with(tokenizer, Session::new(&Decoder::new(model)?)?, sampler)
    }

    /// Of parts that were made already; sequence 0 of the session is used.
    pub fn with(tokenizer: Tokenizer, session: Session, sampler: Sampler) -> Result<Self> {
        Ok(Self { tokenizer, session, sampler })
    }

    /// One question, one answer.
    pub fn ask(&mut self, question: &str) -> Result<Reply> {
        self.reply(&[Message::new("user", question)])
    }

    /// The reply to messages.
    pub fn reply(&mut self, messages: &[Message]) -> Result<Reply> {
        let mut reply = Reply::default();
        for event in self.stream(messages)? {
            reply.add(&event?);
        }
        Ok(reply)
    }

    /// The same event by event.
    pub fn stream(&mut self, messages: &[Message]) -> Result<Stream<'_>> {
        let prompt = Prompt::new(&self.tokenizer, messages)?;
        let options = StreamOptions { reply_flags: prompt.reply_flags()?, ..Default::default() };
        self.session.truncate(0, 0)?;
        self.session.prefill_prompt(0, &prompt)?;
        Stream::open(&mut self.session, 0, &self.tokenizer, &mut self.sampler, &options)
    }
}
