//! What the host brings: threads, a log, a budget; and the devices there are.

use crate::handle::{c_string, create, string_at};
use crate::{call, sys, Result};
use std::ffi::c_void;
use std::os::raw::c_char;
use std::path::Path;
use std::ptr;

shared! {
    /// What every other handle is made from.
    Runtime, ins1_runtime, ins1_runtime_retain, ins1_runtime_release
}

shared! {
    /// A request to stop; any thread may make it.
    Cancel, ins1_cancel, ins1_cancel_retain, ins1_cancel_release
}

type Log = Box<dyn Fn(i32, &str, &str) + Send + Sync>;

/// The entry point of a backend, as `ins1_backend_entry_fn` of sys/backend.h has it.
pub type BackendEntry =
    unsafe extern "C" fn(abi: u32, host: *const sys::ins1_host_api, out: *mut sys::ins1_backend_api) -> i32;

/// How a runtime is made; the default is all defaults: the calling thread alone, silence.
#[derive(Default)]
pub struct RuntimeOptions {
    /// threads that compute, the caller included; 0 and 1 are the caller alone
    pub threads: i32,
    /// `sys::INS1_LOG_*`; 0 is warnings
    pub log_level: i32,
    /// hears `(level, component, text)`; kept for the rest of the program
    pub log: Option<Log>,
    /// most bytes of host memory; 0 is no limit
    pub host_budget: u64,
    /// "scalar", "avx2", ...; the best there is by default
    pub cpu_level: Option<String>,
    /// `sys::INS1_RUNTIME_*`
    pub flags: u32,
}

/// Bytes, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Memory {
    pub now: u64,
    pub peak: u64,
    pub budget: u64,
    pub mapped: u64,
    pub device: u64,
}

/// Something that can compute.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Device {
    pub kind: i32,
    pub backend: String,
    pub name: String,
    pub hardware: String,
    pub level: String,
    pub mem_total: u64,
    pub mem_free: u64,
    pub max_buffer: u64,
    pub caps: u32,
    pub score: i32,
}

unsafe extern "C" fn record(user: *mut c_void, level: i32, component: *const c_char, text: *const c_char) {
    let log = &*(user as *const Log);
    call::guard((), || log(level, &string_at(component), &string_at(text)))
}

impl Runtime {
    /// With all defaults.
    pub fn new() -> Result<Self> {
        Self::with(RuntimeOptions::default())
    }

    /// With options.
    pub fn with(options: RuntimeOptions) -> Result<Self> {
        let threading = sys::ins1_threading {
            mode: sys::INS1_THREADS_OWN,
            n_threads: options.threads,
            ..Default::default()
        };
        let level = options.cpu_level.map(c_string).transpose()?;
        let mut raw = sys::ins1_runtime_options {
            flags: options.flags,
            log_level: options.log_level,
            host_budget: options.host_budget,
            threading: if options.threads > 1 { &threading } else { ptr::null() },
            cpu_level: level.as_ref().map_or(ptr::null(), |level| level.as_ptr()),
            ..Default::default()
        };
        if let Some(log) = options.log {
            // The library may log for as long as anything made from the runtime lives.
            raw.log_user = Box::into_raw(Box::new(log)) as *mut c_void;
            raw.log = Some(record);
        }
        let raw = create(|out, call| unsafe { sys::ins1_runtime_create(out, &raw, call) })?;
        Ok(Self { raw })
    }

    /// How much memory is in use.
    pub fn memory(&self) -> Result<Memory> {
        let mut out = sys::ins1_mem_stats::default();
        call::run(|call| unsafe { sys::ins1_runtime_mem(self.as_ptr(), &mut out, call) })?;
        Ok(Memory {
            now: out.now,
            peak: out.peak,
            budget: out.budget,
            mapped: out.mapped,
            device: out.device,
        })
    }

    /// What can compute; the CPU is always the first.
    pub fn devices(&self) -> Result<Vec<Device>> {
        (0..unsafe { sys::ins1_device_count(self.as_ptr()) })
            .map(|index| {
                let mut d = sys::ins1_device_info::default();
                call::run(|call| unsafe { sys::ins1_device_get(self.as_ptr(), index, &mut d, call) })?;
                Ok(unsafe {
                    Device {
                        kind: d.kind,
                        backend: string_at(d.backend),
                        name: string_at(d.name),
                        hardware: string_at(d.hardware),
                        level: string_at(d.level),
                        mem_total: d.mem_total,
                        mem_free: d.mem_free,
                        max_buffer: d.max_buffer,
                        caps: d.caps,
                        score: d.score,
                    }
                })
            })
            .collect()
    }

    /// The index of a device by its name.
    pub fn find_device(&self, name: &str) -> Result<i32> {
        let name = c_string(name)?;
        let mut index = 0;
        call::run(|call| unsafe { sys::ins1_device_find(self.as_ptr(), name.as_ptr(), &mut index, call) })?;
        Ok(index)
    }

    /// Add the backend of a plugin by its absolute path, before the first model is opened.
    ///
    /// # Safety
    /// What lies there is trusted like the program itself.
    pub unsafe fn load_backend(&self, path: &Path) -> Result<()> {
        let path = c_string(path)?;
        call::run(|call| sys::ins1_backend_load(self.as_ptr(), path.as_ptr(), call)).map(drop)
    }

    /// Add a backend that is linked into the program, before the first model is opened.
    ///
    /// # Safety
    /// The entry keeps to sys/backend.h: what it writes is called for as long as anything made from the runtime lives,
    /// on threads of the library too.
    pub unsafe fn register_backend(&self, entry: BackendEntry) -> Result<()> {
        call::run(|call| sys::ins1_backend_register(self.as_ptr(), Some(entry), call)).map(drop)
    }
}

impl Cancel {
    /// A token, not requested.
    pub fn new(runtime: &Runtime) -> Result<Self> {
        let raw = create(|out, call| unsafe { sys::ins1_cancel_create(out, runtime.as_ptr(), call) })?;
        Ok(Self { raw })
    }

    /// Ask every call that carries this token to stop, now and until it is reset.
    pub fn request(&self) {
        unsafe { sys::ins1_cancel_request(self.as_ptr()) }
    }

    /// Was it requested, and not reset since?
    pub fn is_requested(&self) -> bool {
        unsafe { sys::ins1_cancel_is_requested(self.as_ptr()) != 0 }
    }

    /// Make the token usable again. No call that carries it may be running.
    pub fn reset(&self) {
        unsafe { sys::ins1_cancel_reset(self.as_ptr()) }
    }
}
