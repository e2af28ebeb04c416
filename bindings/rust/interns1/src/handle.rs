//! Owners of the library's handles.

/// A pointer with one owner. `Send`: a handle belongs to one thread at a time, without being tied to one.
macro_rules! handle {
    ($(#[$about:meta])* $name:ident, $raw:ident, $release:ident $(, $field:ident: $kind:ty)*) => {
        $(#[$about])*
        pub struct $name {
            raw: std::ptr::NonNull<crate::sys::$raw>,
            $($field: $kind,)*
        }

        unsafe impl Send for $name {}

        impl Drop for $name {
            fn drop(&mut self) {
                unsafe { crate::sys::$release(self.raw.as_ptr()) }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }

        impl $name {
            /// The handle, which stays this object's.
            pub fn as_ptr(&self) -> *mut crate::sys::$raw {
                self.raw.as_ptr()
            }
        }
    };
}

/// A pointer that threads share, and that is cloned by adding an owner.
macro_rules! shared {
    ($(#[$about:meta])* $name:ident, $raw:ident, $retain:ident, $release:ident) => {
        handle!($(#[$about])* $name, $raw, $release);

        unsafe impl Sync for $name {}

        impl Clone for $name {
            fn clone(&self) -> Self {
                unsafe { crate::sys::$retain(self.raw.as_ptr()) };
                Self { raw: self.raw }
            }
        }
    };
}

/// A new handle, made by `function(out, call)`.
pub(crate) fn create<T>(
    function: impl FnOnce(*mut *mut T, *const crate::sys::ins1_call) -> i32,
) -> crate::Result<std::ptr::NonNull<T>> {
    let mut out = std::ptr::null_mut();
    crate::call::run(|call| function(&mut out, call))?;
    Ok(std::ptr::NonNull::new(out).expect("success gives a handle"))
}

/// A text that the library lends.
pub(crate) unsafe fn string_at(text: *const std::os::raw::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    std::ffi::CStr::from_ptr(text).to_string_lossy().into_owned()
}

/// `n` things that the library lends; none where there are none.
pub(crate) unsafe fn slice_at<'a, T>(data: *const T, n: usize) -> &'a [T] {
    if data.is_null() || n == 0 {
        return &[];
    }
    std::slice::from_raw_parts(data, n)
}

/// A text for C, which may not hold NUL.
pub(crate) fn c_string(text: impl AsRef<std::ffi::OsStr>) -> crate::Result<std::ffi::CString> {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::CString::new(text.as_ref().as_bytes()).map_err(|error| crate::Error {
        status: crate::sys::INS1_E_ARGUMENT,
        os_errno: 0,
        backend_code: 0,
        text: format!("{:?} holds NUL at byte {}", text.as_ref(), error.nul_position()),
    })
}
