//! Pixels and samples to embeddings.

use crate::handle::{create, slice_at};
use crate::{call, sys, Model, Result, Runtime};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

shared! {
    /// Rows of numbers, one in the place of one token. Immutable.
    Embeds, ins1_embeds, ins1_embeds_retain, ins1_embeds_release
}

handle! {
    /// A checkpoint's vision part.
    VisionEncoder, ins1_vision_encoder, ins1_vision_encoder_release
}

handle! {
    /// A checkpoint's time-series part.
    TimeSeriesEncoder, ins1_timeseries_encoder, ins1_timeseries_encoder_release
}

/// What embeddings are.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct EmbedsInfo {
    pub dtype: i32,
    pub n_tokens: usize,
    pub dim: usize,
    pub modality: i32,
    pub grid: [i32; 3],
    pub times: Vec<f64>,
}

impl EmbedsInfo {
    fn raw(&self) -> sys::ins1_embeds_info {
        sys::ins1_embeds_info {
            n_tokens: self.n_tokens,
            dim: self.dim,
            modality: self.modality,
            grid_t: self.grid[0],
            grid_h: self.grid[1],
            grid_w: self.grid[2],
            times: self.times.as_ptr(),
            n_times: self.times.len(),
            ..Default::default()
        }
    }
}

impl Embeds {
    pub(crate) fn own(raw: NonNull<sys::ins1_embeds>) -> Self {
        Self { raw }
    }

    /// From `[n_tokens][dim]` floats, which are copied.
    pub fn from_f32(runtime: &Runtime, info: &EmbedsInfo, values: &[f32]) -> Result<Self> {
        assert_eq!(Some(values.len()), info.n_tokens.checked_mul(info.dim), "rows times width are other");
        let raw = info.raw();
        let raw = create(|out, call| unsafe {
            sys::ins1_embeds_from_f32(out, runtime.as_ptr(), &raw, values.as_ptr(), call)
        })?;
        Ok(Self { raw })
    }

    /// What they are.
    pub fn info(&self) -> Result<EmbedsInfo> {
        let mut i = sys::ins1_embeds_info::default();
        call::run(|call| unsafe { sys::ins1_embeds_info_get(self.as_ptr(), &mut i, call) })?;
        Ok(EmbedsInfo {
            dtype: i.dtype,
            n_tokens: i.n_tokens,
            dim: i.dim,
            modality: i.modality,
            grid: [i.grid_t, i.grid_h, i.grid_w],
            times: unsafe { slice_at(i.times, i.n_times) }.to_vec(),
        })
    }

    /// A copy of all rows.
    pub fn read(&self) -> Result<Vec<f32>> {
        let info = self.info()?;
        call::collect(info.n_tokens * info.dim, |out, capacity, count, call| unsafe {
            sys::ins1_embeds_read_f32(self.as_ptr(), 0, info.n_tokens, out, capacity, count, call)
        })
    }

    /// A DLPack tensor of them, without a copy and read-only; whoever takes it calls its deleter.
    pub fn to_dlpack(&self) -> Result<NonNull<sys::DLManagedTensorVersioned>> {
        create(|out, call| unsafe { sys::ins1_embeds_to_dlpack(out, self.as_ptr(), call) })
    }

    /// From a DLPack tensor, `[n_tokens][dim]` in host memory. Taken on success, its deleter is called when it is no
    /// longer needed; `info` may say modality, grid and times.
    ///
    /// # Safety
    /// The tensor is one, its numbers stay as they are until its deleter is called, which any thread may do.
    pub unsafe fn from_dlpack(
        runtime: &Runtime,
        tensor: NonNull<sys::DLManagedTensorVersioned>,
        info: Option<&EmbedsInfo>,
    ) -> Result<Self> {
        let raw = info.map(EmbedsInfo::raw);
        let raw = raw.as_ref().map_or(ptr::null(), |raw| raw as *const sys::ins1_embeds_info);
        create(|out, call| sys::ins1_embeds_from_dlpack(out, runtime.as_ptr(), tensor.as_ptr(), raw, call))
            .map(Self::own)
    }

    /// One row for all of them: `sys::INS1_POOL_*`.
    pub fn pool(&self, pooling: i32, flags: u32) -> Result<Self> {
        let raw =
            create(|out, call| unsafe { sys::ins1_embeds_pool(out, self.as_ptr(), pooling, flags, call) })?;
        Ok(Self { raw })
    }
}

/// An image in the host's memory, borrowed.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    raw: sys::ins1_image,
    _pixels: PhantomData<&'a [u8]>,
}

impl<'a> Image<'a> {
    /// Dense rows of 8-bit pixels with 1, 3 or 4 channels, the first row on top.
    ///
    /// # Panics
    /// When there are not so many pixels, or another number of channels.
    pub fn from_u8(pixels: &'a [u8], width: usize, height: usize, channels: usize) -> Self {
        let format = match channels {
            1 => sys::INS1_PIXEL_GRAY8,
            3 => sys::INS1_PIXEL_RGB8,
            4 => sys::INS1_PIXEL_RGBA8,
            _ => panic!("{} channels, 1, 3 or 4 expected", channels),
        };
        let wanted = width.checked_mul(height).and_then(|n| n.checked_mul(channels));
        assert_eq!(wanted, Some(pixels.len()), "width times height times channels are not the bytes given");
        let size = |n: usize| i32::try_from(n).expect("a side of at most 2^31 pixels");
        let raw = sys::ins1_image {
            format,
            width: size(width),
            height: size(height),
            pixels: pixels.as_ptr().cast(),
            ..Default::default()
        };
        Self { raw, _pixels: PhantomData }
    }

    /// An image as C takes it.
    ///
    /// # Safety
    /// Its pixels are there for as long as `'a`.
    pub unsafe fn from_raw(raw: sys::ins1_image) -> Self {
        Self { raw, _pixels: PhantomData }
    }
}

/// A signal in the host's memory, borrowed.
#[derive(Clone, Copy)]
pub struct Series<'a> {
    raw: sys::ins1_timeseries,
    _samples: PhantomData<&'a [f32]>,
}

impl<'a> Series<'a> {
    fn dense<T>(samples: &'a [T], dtype: i32, channels: usize, sample_rate_hz: f64) -> Self {
        assert!(channels > 0 && samples.len() % channels == 0, "samples of {} channels", channels);
        let raw = sys::ins1_timeseries {
            dtype,
            data: samples.as_ptr().cast(),
            n_samples: samples.len() / channels,
            n_channels: channels,
            sample_rate_hz,
            ..Default::default()
        };
        Self { raw, _samples: PhantomData }
    }

    /// `[samples][channels]`; a rate of 0 is what the reference assumes.
    pub fn from_f32(samples: &'a [f32], channels: usize, sample_rate_hz: f64) -> Self {
        Self::dense(samples, sys::INS1_SAMPLE_F32, channels, sample_rate_hz)
    }

    /// The same of doubles.
    pub fn from_f64(samples: &'a [f64], channels: usize, sample_rate_hz: f64) -> Self {
        Self::dense(samples, sys::INS1_SAMPLE_F64, channels, sample_rate_hz)
    }

    /// The same of 16-bit integers.
    pub fn from_i16(samples: &'a [i16], channels: usize, sample_rate_hz: f64) -> Self {
        Self::dense(samples, sys::INS1_SAMPLE_I16, channels, sample_rate_hz)
    }

    /// The same of 32-bit integers.
    pub fn from_i32(samples: &'a [i32], channels: usize, sample_rate_hz: f64) -> Self {
        Self::dense(samples, sys::INS1_SAMPLE_I32, channels, sample_rate_hz)
    }

    /// A value is raw * scale + offset.
    pub fn scaled(mut self, scale: f64, offset: f64) -> Self {
        self.raw.scale = scale;
        self.raw.offset = offset;
        self
    }

    /// NaN is a gap and not a failure.
    pub fn fill_gaps(mut self) -> Self {
        self.raw.flags |= sys::INS1_TIMESERIES_FILL_GAPS;
        self
    }

    /// A signal as C takes it.
    ///
    /// # Safety
    /// Its samples are there for as long as `'a`.
    pub unsafe fn from_raw(raw: sys::ins1_timeseries) -> Self {
        Self { raw, _samples: PhantomData }
    }
}

fn owned(raws: Vec<*mut sys::ins1_embeds>) -> Vec<Embeds> {
    raws.into_iter().filter_map(NonNull::new).map(Embeds::own).collect()
}

impl VisionEncoder {
    /// With all defaults.
    pub fn new(model: &Model) -> Result<Self> {
        Self::with(model, &sys::ins1_vision_encoder_options::default())
    }

    /// With options.
    pub fn with(model: &Model, options: &sys::ins1_vision_encoder_options) -> Result<Self> {
        let raw = create(|out, call| unsafe {
            sys::ins1_vision_encoder_create(out, model.as_ptr(), options, call)
        })?;
        Ok(Self { raw })
    }

    /// How many tokens an image of this size becomes.
    pub fn tokens(&self, width: i32, height: i32) -> Result<usize> {
        let mut n = 0;
        call::run(|call| unsafe {
            sys::ins1_vision_encoder_tokens(self.as_ptr(), width, height, &mut n, call)
        })?;
        Ok(n)
    }

    /// Encode images; the bits of one do not depend on its neighbours.
    pub fn encode(&mut self, images: &[Image<'_>]) -> Result<Vec<Embeds>> {
        let raws: Vec<_> = images.iter().map(|image| image.raw).collect();
        let mut out = vec![ptr::null_mut(); images.len()];
        call::run(|call| unsafe {
            sys::ins1_vision_encoder_encode(out.as_mut_ptr(), self.as_ptr(), raws.as_ptr(), raws.len(), call)
        })?;
        Ok(owned(out))
    }

    /// How many tokens a video becomes; of the frames only their size is read.
    pub fn video_tokens(&self, frames: &[Image<'_>], fps: f64, flags: u32) -> Result<usize> {
        let raws: Vec<_> = frames.iter().map(|image| image.raw).collect();
        let video =
            sys::ins1_video { flags, frames: raws.as_ptr(), n_frames: raws.len(), fps, ..Default::default() };
        let mut n = 0;
        call::run(|call| unsafe {
            sys::ins1_vision_encoder_video_tokens(self.as_ptr(), &video, &mut n, call)
        })?;
        Ok(n)
    }

    /// Encode frames of one size; `flags` are `sys::INS1_VIDEO_*`, a rate of 0 what the reference assumes.
    pub fn encode_video(&mut self, frames: &[Image<'_>], fps: f64, flags: u32) -> Result<Embeds> {
        let raws: Vec<_> = frames.iter().map(|image| image.raw).collect();
        let video =
            sys::ins1_video { flags, frames: raws.as_ptr(), n_frames: raws.len(), fps, ..Default::default() };
        let raw = create(|out, call| unsafe {
            sys::ins1_vision_encoder_encode_video(out, self.as_ptr(), &video, call)
        })?;
        Ok(Embeds::own(raw))
    }
}

impl TimeSeriesEncoder {
    /// With all defaults.
    pub fn new(model: &Model) -> Result<Self> {
        Self::with(model, &sys::ins1_timeseries_encoder_options::default())
    }

    /// With options.
    pub fn with(model: &Model, options: &sys::ins1_timeseries_encoder_options) -> Result<Self> {
        let raw = create(|out, call| unsafe {
            sys::ins1_timeseries_encoder_create(out, model.as_ptr(), options, call)
        })?;
        Ok(Self { raw })
    }

    /// How many tokens a signal becomes.
    pub fn tokens(&self, n_samples: usize, n_channels: usize, sample_rate_hz: f64) -> Result<usize> {
        let mut n = 0;
        call::run(|call| unsafe {
            sys::ins1_timeseries_encoder_tokens(
                self.as_ptr(),
                n_samples,
                n_channels,
                sample_rate_hz,
                &mut n,
                call,
            )
        })?;
        Ok(n)
    }

    /// Encode signals; the library normalises them.
    pub fn encode(&mut self, series: &[Series<'_>]) -> Result<Vec<Embeds>> {
        let raws: Vec<_> = series.iter().map(|series| series.raw).collect();
        let mut out = vec![ptr::null_mut(); series.len()];
        call::run(|call| unsafe {
            sys::ins1_timeseries_encoder_encode(
                out.as_mut_ptr(),
                self.as_ptr(),
                raws.as_ptr(),
                raws.len(),
                call,
            )
        })?;
        Ok(owned(out))
    }
}
