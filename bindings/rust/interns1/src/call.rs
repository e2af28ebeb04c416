//! How every call is made: the call block, errors, panics of callbacks.

use crate::{sys, Cancel};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ffi::{c_void, CStr};
use std::fmt;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::ptr;
use std::time::Duration;

/// A call failed: which status, and the library's own sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// `sys::INS1_E_*`
    pub status: i32,
    /// `errno` of the failed system call, else 0
    pub os_errno: i32,
    /// what a device's driver said, else 0
    pub backend_code: i32,
    /// what went wrong
    pub text: String,
}

impl Error {
    /// The name of the status, `INS1_E_FORMAT`.
    pub fn name(&self) -> &'static str {
        let name = unsafe { CStr::from_ptr(sys::ins1_status_name(self.status)) };
        name.to_str().unwrap_or("unknown status")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text.is_empty() { self.name() } else { &self.text })
    }
}

impl std::error::Error for Error {}

/// What calls give.
pub type Result<T> = std::result::Result<T, Error>;

type Progress<'a> = Box<dyn FnMut(i32, u64, u64) -> bool + 'a>;

/// What may stop calls, how long each may take, and who hears how far they are.
///
/// ```
/// # use interns1::*;
/// # let runtime = Runtime::new()?;
/// # let model = Model::open(&runtime, "../../../examples/demo-model/interns1-demo")?;
/// # let mut session = Session::new(&Decoder::new(&model)?)?;
/// let token = Cancel::new(&runtime)?;
/// token.request();
/// let stopped = Call::new().cancel(&token).run(|| session.prefill(0, &[1, 2, 3])).unwrap_err();
/// assert_eq!(stopped.name(), "INS1_E_CANCELED");
/// # Ok::<(), Error>(())
/// ```
#[derive(Default)]
pub struct Call<'a> {
    cancel: Option<&'a Cancel>,
    budget_ns: i64,
    progress: Option<RefCell<Progress<'a>>>,
}

thread_local! {
    static CURRENT: Cell<*const c_void> = Cell::new(ptr::null());
    static PANIC: RefCell<Option<Box<dyn Any + Send>>> = RefCell::new(None);
}

impl<'a> Call<'a> {
    /// Calls that nothing stops.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stop when the token is requested.
    pub fn cancel(mut self, token: &'a Cancel) -> Self {
        self.cancel = Some(token);
        self
    }

    /// Stop each call when it has taken this long.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.budget_ns = timeout.as_nanos().clamp(1, i64::MAX as u128) as i64;
        self
    }

    /// Hear `(phase, done, total)` between tiles of work; `false` stops the call, a panic comes out of it.
    pub fn progress(mut self, progress: impl FnMut(i32, u64, u64) -> bool + 'a) -> Self {
        self.progress = Some(RefCell::new(Box::new(progress)));
        self
    }

    /// Everything that `work` calls on this thread is made so.
    pub fn run<R>(&self, work: impl FnOnce() -> R) -> R {
        struct Restore(*const c_void);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.with(|current| current.set(self.0));
            }
        }
        let _restore = Restore(CURRENT.with(|current| current.replace(self as *const _ as *const c_void)));
        work()
    }
}

unsafe extern "C" fn report(user: *mut c_void, phase: i32, done: u64, total: u64) -> i32 {
    let call = &*(user as *const Call<'_>);
    guard(1, || match call.progress.as_ref().map(|progress| progress.try_borrow_mut()) {
        Some(Ok(mut progress)) => i32::from(!progress(phase, done, total)),
        _ => 0,
    })
}

/// Run a callback: nothing unwinds through C, a panic is kept and goes on when the call is back.
pub(crate) fn guard<R>(failed: R, callback: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(callback)).unwrap_or_else(|panic| {
        PANIC.with(|kept| *kept.borrow_mut() = Some(panic));
        failed
    })
}

/// Call `function` with a call block: what it says is a failure, but for `INS1_E_BUFFER`.
pub(crate) fn run(function: impl FnOnce(*const sys::ins1_call) -> i32) -> Result<i32> {
    let mut error = sys::ins1_error::default();
    let mut block = sys::ins1_call { error: &mut error, ..Default::default() };
    let current = CURRENT.with(|current| current.get());
    if !current.is_null() {
        let call = unsafe { &*(current as *const Call<'_>) };
        block.cancel = call.cancel.map_or(ptr::null_mut(), |token| token.as_ptr());
        block.budget_ns = call.budget_ns;
        if call.progress.is_some() {
            block.progress = Some(report);
            block.user = current as *mut c_void;
        }
    }
    let status = function(&block);
    if let Some(panic) = PANIC.with(|kept| kept.borrow_mut().take()) {
        resume_unwind(panic);
    }
    if status == sys::INS1_OK || status == sys::INS1_E_BUFFER {
        return Ok(status);
    }
    let said = unsafe { CStr::from_ptr(error.text.as_ptr()) };
    Err(Error {
        status,
        os_errno: error.os_errno,
        backend_code: error.backend_code,
        text: if error.status == status { said.to_string_lossy().into_owned() } else { String::new() },
    })
}

/// Results of unknown length: ask, make room, ask again.
pub(crate) fn collect<T: Copy + Default>(
    guess: usize,
    mut function: impl FnMut(*mut T, usize, *mut usize, *const sys::ins1_call) -> i32,
) -> Result<Vec<T>> {
    let mut out = vec![T::default(); guess];
    let mut count = 0;
    while run(|call| function(out.as_mut_ptr(), out.len(), &mut count, call))? == sys::INS1_E_BUFFER {
        out.resize(count, T::default());
    }
    out.truncate(count);
    Ok(out)
}

pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
