//! Files to pixels and samples, by libinterns1_io.

use crate::handle::{c_string, create, string_at};
use crate::{call, sys, Image, Result, Runtime, Series};
use std::path::Path;
use std::ptr;

handle! {
    /// A decoded image, PNG or JPEG.
    ImageFile, ins1_io_image, ins1_io_image_release
}

handle! {
    /// Decoded signals: NPY, CSV, WAV, EDF, BDF, WFDB, miniSEED 2.
    SeriesFile, ins1_io_series, ins1_io_series_release
}

impl ImageFile {
    /// Read a file.
    pub fn open(runtime: &Runtime, path: impl AsRef<Path>) -> Result<Self> {
        let path = c_string(path.as_ref())?;
        let file = sys::ins1_file { name: path.as_ptr(), path: path.as_ptr(), ..Default::default() };
        let raw = create(|out, call| unsafe {
            sys::ins1_io_image_open(out, runtime.as_ptr(), &file, ptr::null(), call)
        })?;
        Ok(Self { raw })
    }

    /// As the vision encoder takes it.
    pub fn image(&self) -> Result<Image<'_>> {
        let mut raw = sys::ins1_image::default();
        call::run(|call| unsafe { sys::ins1_io_image_get(self.as_ptr(), &mut raw, call) })?;
        Ok(unsafe { Image::from_raw(raw) })
    }
}

impl SeriesFile {
    /// Read a file, or a header and the files that it names.
    pub fn open<P: AsRef<Path>>(runtime: &Runtime, paths: &[P]) -> Result<Self> {
        let texts = paths.iter().map(|path| c_string(path.as_ref())).collect::<Result<Vec<_>>>()?;
        let name = |path: &P| c_string(path.as_ref().file_name().unwrap_or_default());
        let names = paths.iter().map(name).collect::<Result<Vec<_>>>()?;
        let one = |(name, path): (&std::ffi::CString, &std::ffi::CString)| sys::ins1_file {
            name: name.as_ptr(),
            path: path.as_ptr(),
            ..Default::default()
        };
        let files: Vec<_> = names.iter().zip(&texts).map(one).collect();
        let raw = create(|out, call| unsafe {
            sys::ins1_io_series_open(out, runtime.as_ptr(), files.as_ptr(), files.len(), ptr::null(), call)
        })?;
        Ok(Self { raw })
    }

    /// As the time-series encoder takes them.
    pub fn series(&self) -> Result<Series<'_>> {
        let mut raw = sys::ins1_timeseries::default();
        call::run(|call| unsafe { sys::ins1_io_series_get(self.as_ptr(), &mut raw, call) })?;
        Ok(unsafe { Series::from_raw(raw) })
    }

    /// Name and unit of a channel.
    pub fn channel(&self, index: usize) -> Result<(String, String)> {
        let (mut name, mut unit) = (ptr::null(), ptr::null());
        call::run(|call| unsafe {
            sys::ins1_io_series_channel(self.as_ptr(), index, &mut name, &mut unit, call)
        })?;
        Ok(unsafe { (string_at(name), string_at(unit)) })
    }
}
