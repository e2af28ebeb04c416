//! libinterns1 from Rust: molecules, sequences, images and signals to text.
//!
//! ```
//! use interns1::*;
//!
//! let runtime = Runtime::new()?;
//! let model = Model::open(&runtime, "../../../examples/demo-model/interns1-demo")?;
//! let reply = Chat::new(&model)?.ask("What is the molecular formula of <SMILES>CCO</SMILES>?")?;
//! assert_eq!(reply.text, "C2H6O");
//! # Ok::<(), Error>(())
//! ```
//!
//! The types are the C library's handles; the comments of its headers hold. What threads share is `Clone`, `Send` and
//! `Sync`; what belongs to one thread at a time is `Send`:
//!
//! ```
//! fn shared<T: Clone + Send + Sync>() {}
//! fn moved<T: Send>() {}
//! shared::<interns1::Runtime>();
//! shared::<interns1::Cancel>();
//! shared::<interns1::Model>();
//! shared::<interns1::Tokenizer>();
//! shared::<interns1::Decoder>();
//! shared::<interns1::Embeds>();
//! moved::<interns1::Session>();
//! moved::<interns1::Sampler>();
//! moved::<interns1::VisionEncoder>();
//! moved::<interns1::TimeSeriesEncoder>();
//! moved::<interns1::Detokenizer>();
//! moved::<interns1::ReplyParser>();
//! ```
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<interns1::Session>();
//! ```
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<interns1::Sampler>();
//! ```
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<interns1::VisionEncoder>();
//! ```
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<interns1::TimeSeriesEncoder>();
//! ```
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<interns1::Detokenizer>();
//! ```
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<interns1::ReplyParser>();
//! ```
//! ```compile_fail,E0277
//! fn moved<T: Send>() {}
//! moved::<interns1::Stream<'static>>();
//! ```
//! ```compile_fail,E0277
//! fn moved<T: Send>() {}
//! moved::<interns1::BatchStream>();
//! ```
//!
//! Borrowed logits end with the next change of their session, which the compiler knows:
//!
//! ```compile_fail,E0502
//! fn stale(session: &mut interns1::Session) -> interns1::Result<f32> {
//!     let logits = session.logits(0)?;
//!     session.step(0, 1)?;
//!     Ok(logits[0])
//! }
//! ```

#![warn(missing_docs)]

pub use interns1_sys as sys;

#[macro_use]
mod handle;
mod call;
mod chat;
mod encoders;
#[cfg(feature = "io")]
mod io;
mod model;
mod runtime;
mod session;
mod stream;
mod tokenizer;

pub use call::{Call, Error, Result};
pub use chat::{Chat, Message, Part, Prompt, Reply, ReplyParser, ToolCall};
pub use encoders::{Embeds, EmbedsInfo, Image, Series, TimeSeriesEncoder, VisionEncoder};
#[cfg(feature = "io")]
pub use io::{ImageFile, SeriesFile};
pub use model::{Decoder, DecoderOptions, File, Model, ModelInfo, ModelOptions};
pub use runtime::{BackendEntry, Cancel, Device, Memory, Runtime, RuntimeOptions};
pub use session::{Feed, Logprob, Session, SessionOptions, Span};
pub use stream::{BatchStream, Event, EventKind, Mask, Sampler, SamplerOptions, Stream, StreamOptions};
pub use tokenizer::{Detokenizer, Piece, Segment, Tokenizer};

/// The version of the library that is loaded, and how it was built.
pub fn version() -> String {
    unsafe { handle::string_at(sys::ins1_version_string()) }
}

/// The same as one number to compare, `major * 1000000 + minor * 1000 + patch`.
pub fn version_number() -> u32 {
    unsafe { sys::ins1_version_number() }
}

/// Was the library built with a feature, such as "level.avx2"?
pub fn has_feature(name: &str) -> bool {
    handle::c_string(name).map_or(false, |name| unsafe { sys::ins1_has_feature(name.as_ptr()) != 0 })
}
