"""The interface for Rust: the crate interns1-sys, and the test of its layout."""

SCALARS = {
    "char": "c_char", "double": "f64", "float": "f32", "int32_t": "i32", "int64_t": "i64", "ptrdiff_t": "isize",
    "size_t": "usize", "uint32_t": "u32", "uint64_t": "u64", "void": "c_void",
}
KEYWORDS = {"as", "box", "const", "fn", "in", "loop", "match", "mod", "move", "ref", "type", "use", "where"}
HEAD = """//! The C interface of libinterns1 as it is. Written by bindings/generate.py from the public headers, whose
//! comments hold here; the crate `interns1` is the safe one.
//!
//! The library is found by the environment variable `INTERNS1_LIB_DIR` (folders, separated by `:`), else by
//! pkg-config.

#![allow(non_camel_case_types)]
#![no_std]

extern crate std;

use core::ffi::c_void;
use core::mem::{size_of, zeroed};
use std::os::raw::c_char;
"""
LAYOUT = """//! Every struct and constant is where C has it. Written by bindings/generate.py. `INTERNS1_LAYOUT` names the program
//! of bindings/tests/layout.c.

use interns1_sys::*;
use std::collections::HashMap;

macro_rules! place {
    ($list:ident, $t:ident, $f:ident) => {{
        let value = std::mem::MaybeUninit::<$t>::uninit();
        let base = value.as_ptr();
        let field = unsafe { std::ptr::addr_of!((*base).$f) } as usize - base as usize;
        $list.push((concat!(stringify!($t), ".", stringify!($f)).replace("r#", ""), field as i64));
    }};
}

fn ours() -> Vec<(String, i64)> {
    let mut list = Vec::new();
"""
LAYOUT_TAIL = """    list
}

#[test]
fn every_struct_and_constant_is_where_c_has_it() {
    let program = match std::env::var("INTERNS1_LAYOUT") {
        Ok(program) => program,
        Err(_) => return eprintln!("skipped: INTERNS1_LAYOUT names no program"),
    };
    let said = std::process::Command::new(program).output().unwrap().stdout;
    let said = String::from_utf8(said).unwrap();
    let theirs: HashMap<&str, i64> = said
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, number)| (name, number.parse().unwrap()))
        .collect();
    let ours = ours();
    assert_eq!(ours.len(), theirs.len());
    for (name, number) in ours {
        assert_eq!(theirs.get(name.as_str()), Some(&number), "{}", name);
    }
}
"""


def write(interface):
    out = [HEAD]
    for name, value, unsigned in interface.constants:
        out.append(f"pub const {name}: {'u32' if unsigned else 'i32'} = {value};")
    for name in interface.opaque:
        out += ["", "#[repr(C)]", f"pub struct {name} {{", "    _private: [u8; 0],", "}"]
    out.append("")
    for name, callback in interface.callbacks.items():
        out.append(f"pub type {name} = {function_type(callback)};")
    for name, fields in interface.structs.items():
        out += ["", "#[repr(C)]", "#[derive(Clone, Copy)]", f"pub struct {name} {{"]
        out += [f"    pub {word(field.name)}: {kind(field.type)}," for field in fields]
        out += ["}", "", f"impl Default for {name} {{", "    fn default() -> Self {"]
        if fields[0].name == "struct_size":
            out += ["        // Zeros are valid in every field, and mean the default.",
                    "        let mut value: Self = unsafe { zeroed() };",
                    "        value.struct_size = size_of::<Self>() as u32;", "        value"]
        else:
            out += ["        unsafe { zeroed() }"]
        out += ["    }", "}"]
    for title, is_io in (("#[link(name = \"interns1\")]", False), ("#[cfg(feature = \"io\")]\n#[link(name = \"interns1_io\")]", True)):
        out += ["", title, "extern \"C\" {"]
        for function in interface.functions:
            if (function.header == "io") == is_io:
                parameters = ", ".join(f"{word(p.name)}: {kind(p.type)}" for p in function.parameters)
                result = "" if function.result.base == "void" and not function.result.pointers else f" -> {kind(function.result)}"
                out += [f"    /// {function.summary.replace('[', '`[').replace(']', ']`')}",
                        f"    pub fn {function.name}({parameters}){result};"]
        out += ["}"]
    return "\n".join(out) + "\n"


def layout(interface):
    out = [LAYOUT]
    for name, fields in interface.structs.items():
        out.append(f'    list.push(("{name}".into(), std::mem::size_of::<{name}>() as i64));\n')
        out += [f"    place!(list, {name}, {word(field.name)});\n" for field in fields]
    out += [f'    list.push(("{name}".into(), {name} as i64));\n' for name, _, _ in interface.constants]
    return "".join(out) + LAYOUT_TAIL


def word(name):
    return f"r#{name}" if name in KEYWORDS else name


def function_type(callback):
    parameters = ", ".join(kind(p.type) for p in callback.parameters)
    result = "" if callback.result.base == "void" and not callback.result.pointers else f" -> {kind(callback.result)}"
    return f"Option<unsafe extern \"C\" fn({parameters}){result}>"


def kind(t):
    if t.callback:
        return function_type(t.callback)
    base = SCALARS.get(t.base, t.base)
    for level in range(t.pointers):
        base = f"{'*const' if t.const and level == 0 else '*mut'} {base}"
    return f"[{base}; {t.array}]" if t.array else base
