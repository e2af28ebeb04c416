//! A checkpoint and its decoder.

use crate::handle::{c_string, create, slice_at, string_at};
use crate::{call, sys, Result, Runtime};
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::ptr;

shared! {
    /// An opened checkpoint.
    Model, ins1_model, ins1_model_retain, ins1_model_release
}

shared! {
    /// A checkpoint's decoder with its weights placed on devices.
    Decoder, ins1_decoder, ins1_decoder_retain, ins1_decoder_release
}

/// How a checkpoint is opened; the default is everything there is, mapped.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModelOptions {
    /// `sys::INS1_PART_*`; 0 is all there are
    pub parts: u32,
    /// `sys::INS1_LOAD_*`
    pub load_mode: i32,
    /// compare all checksums now
    pub verify: bool,
    /// bytes of the cache of experts on demand; 0 is the library's choice
    pub expert_cache: u64,
}

/// A file of a folder that is none on disk.
#[derive(Clone, Debug)]
pub enum File {
    /// where it lies
    Path(PathBuf),
    /// its bytes; the library uses them for as long as anything made from the model lives
    Bytes(&'static [u8]),
}

/// What a checkpoint is.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct ModelInfo {
    pub parts: u32,
    pub arch: String,
    pub name: String,
    pub quant: String,
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

impl ModelOptions {
    fn raw(&self) -> sys::ins1_model_options {
        sys::ins1_model_options {
            parts: self.parts,
            load_mode: self.load_mode,
            verify: self.verify.into(),
            expert_cache: self.expert_cache,
            ..Default::default()
        }
    }
}

impl Model {
    /// Open a folder as Hugging Face publishes it.
    pub fn open(runtime: &Runtime, path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(runtime, path, ModelOptions::default())
    }

    /// Open a folder with options.
    pub fn open_with(runtime: &Runtime, path: impl AsRef<Path>, options: ModelOptions) -> Result<Self> {
        let path = c_string(path.as_ref())?;
        let raw = sys::ins1_model_options { path: path.as_ptr(), ..options.raw() };
        let raw = create(|out, call| unsafe { sys::ins1_model_open(out, runtime.as_ptr(), &raw, call) })?;
        Ok(Self { raw })
    }

    /// Open files as the folder they would be.
    pub fn open_files(runtime: &Runtime, files: &[(&str, File)], options: ModelOptions) -> Result<Self> {
        let mut texts: Vec<CString> = Vec::new();
        let mut raws = Vec::new();
        for (name, file) in files {
            let mut raw = sys::ins1_file::default();
            texts.push(c_string(name)?);
            raw.name = texts[texts.len() - 1].as_ptr();
            match file {
                File::Path(path) => {
                    texts.push(c_string(path)?);
                    raw.path = texts[texts.len() - 1].as_ptr();
                }
                File::Bytes(bytes) => {
                    raw.data = bytes.as_ptr().cast();
                    raw.size = bytes.len();
                }
            }
            raws.push(raw);
        }
        let raw = sys::ins1_model_options { files: raws.as_ptr(), n_files: raws.len(), ..options.raw() };
        let raw = create(|out, call| unsafe { sys::ins1_model_open(out, runtime.as_ptr(), &raw, call) })?;
        Ok(Self { raw })
    }

    /// What would opening and running a checkpoint take? Reads headers alone.
    pub fn plan(runtime: &Runtime, path: impl AsRef<Path>, options: ModelOptions) -> Result<sys::ins1_plan> {
        let path = c_string(path.as_ref())?;
        let raw = sys::ins1_model_options { path: path.as_ptr(), ..options.raw() };
        let mut out = sys::ins1_plan::default();
        call::run(|call| unsafe {
            sys::ins1_model_plan(runtime.as_ptr(), &raw, ptr::null(), ptr::null(), &mut out, call)
        })?;
        Ok(out)
    }

    /// What the checkpoint is.
    pub fn info(&self) -> Result<ModelInfo> {
        let mut i = sys::ins1_model_info::default();
        call::run(|call| unsafe { sys::ins1_model_info_get(self.as_ptr(), &mut i, call) })?;
        Ok(ModelInfo {
            parts: i.parts,
            arch: unsafe { string_at(i.arch) },
            name: unsafe { string_at(i.name) },
            quant: unsafe { string_at(i.quant) },
            n_vocab: i.n_vocab,
            n_embd: i.n_embd,
            n_layer: i.n_layer,
            n_head: i.n_head,
            n_head_kv: i.n_head_kv,
            n_expert: i.n_expert,
            n_expert_used: i.n_expert_used,
            n_ctx_train: i.n_ctx_train,
            n_params: i.n_params,
            n_params_active: i.n_params_active,
        })
    }

    /// A value of the checkpoint's JSON files by its path, `config.json/architectures`.
    pub fn meta(&self, key: &str) -> Result<Option<String>> {
        let key = c_string(key)?;
        let (mut value, mut size) = (ptr::null(), 0);
        call::run(|call| unsafe {
            sys::ins1_model_meta(self.as_ptr(), key.as_ptr(), &mut value, &mut size, call)
        })?;
        let bytes = unsafe { slice_at(value as *const u8, size) };
        Ok((!value.is_null()).then(|| String::from_utf8_lossy(bytes).into_owned()))
    }
}

/// How a decoder is placed.
#[derive(Clone, Default)]
pub struct DecoderOptions {
    /// `sys::INS1_PRECISION_*`
    pub precision: i32,
    /// runs of layers on devices; none is all layers on the CPU
    pub placements: Vec<sys::ins1_placement>,
}

impl Decoder {
    /// With all defaults.
    pub fn new(model: &Model) -> Result<Self> {
        Self::with(model, &DecoderOptions::default())
    }

    /// With options.
    pub fn with(model: &Model, options: &DecoderOptions) -> Result<Self> {
        let raw = sys::ins1_decoder_options {
            precision: options.precision,
            placements: options.placements.as_ptr(),
            n_placements: options.placements.len(),
            ..Default::default()
        };
        let raw = create(|out, call| unsafe { sys::ins1_decoder_create(out, model.as_ptr(), &raw, call) })?;
        Ok(Self { raw })
    }

    /// What was decided: runs of layers in order, every layer once.
    pub fn placements(&self) -> Result<Vec<sys::ins1_placement>> {
        call::collect(8, |out, capacity, count, call| unsafe {
            sys::ins1_decoder_placements(self.as_ptr(), out, capacity, count, call)
        })
    }
}
