"""The module for Fortran 2018: constants, types and interfaces."""

SCALARS = {
    "char": "character(kind=c_char)", "double": "real(c_double)", "float": "real(c_float)",
    "int32_t": "integer(c_int32_t)", "int64_t": "integer(c_int64_t)", "ptrdiff_t": "integer(c_intptr_t)",
    "size_t": "integer(c_size_t)", "uint32_t": "integer(c_int32_t)", "uint64_t": "integer(c_int64_t)",
}
# Outputs that are one number; every other pointer to numbers is an array.
NUMBERS = {"attributes", "count", "index", "kept", "n_spans", "n_tokens", "size"}
ONE_NUMBER = {("ins1_session_reward", "out")}
HEAD = """! The C interface of libinterns1. Written by bindings/generate.py from the public headers, whose comments hold here.
!
! Handles are type(c_ptr). Structs know their own size; every other component is zero, the default. What C lets be
! NULL is optional: name the arguments that follow what is left out. Texts are passed with their size, names and
! paths end with c_null_char. Unsigned numbers of C are the signed ones of the same size.
module interns1
  use, intrinsic :: iso_c_binding
  implicit none
  public
"""


def write(interface):
    handles = [name for name in interface.opaque if name.startswith("ins1_")]
    out = [HEAD]
    out += [f"  integer(c_int32_t), parameter :: {name} = {value}_c_int32_t" for name, value, _ in interface.constants]
    for name, fields in ordered(interface.structs):
        size = size_of(name, interface)
        out += ["", f"  type, bind(C) :: {name}"]
        out += ["    " + member(field, size, interface) for field in fields]
        out += [f"  end type {name}"]
    out += ["", "  interface"]
    for function in interface.functions:
        out += procedure(function, interface, handles)
    out += ["  end interface", "", "contains", "", TEXT_AT, "end module interns1", ""]
    return "\n".join(out)


TEXT_AT = """  ! A copy of a text that the library lends: of `size` bytes, or up to its NUL.
  function ins1_text_at(address, size) result(text)
    type(c_ptr), intent(in) :: address
    integer(c_size_t), intent(in), optional :: size
    character(len=:), allocatable :: text
    character(kind=c_char), pointer :: bytes(:)
    integer(c_size_t) :: i, n

    if (.not. c_associated(address)) then
      text = ''
      return
    end if
    if (present(size)) then
      n = size
    else
      call c_f_pointer(address, bytes, [huge(0_c_int32_t)])
      n = 0
      do while (bytes(n + 1) /= c_null_char)
        n = n + 1
      end do
    end if
    call c_f_pointer(address, bytes, [n])
    allocate (character(len=n) :: text)
    do i = 1, n
      text(i:i) = bytes(i)
    end do
  end function ins1_text_at
"""


def ordered(structs):
    done = {}

    def visit(name):
        if name not in done:
            done[name] = None
            for field in structs[name]:
                if field.type.base in structs and not field.type.pointers:
                    visit(field.type.base)
            ready.append(name)

    ready = []
    for name in structs:
        visit(name)
    return [(name, structs[name]) for name in ready]


def layout_of(t, interface):
    """Size and alignment on every machine with 64-bit pointers; the tests compare with C."""
    if t.callback or t.pointers or t.base in interface.callbacks:
        return 8, 8
    if t.base in interface.structs:
        return size_of(t.base, interface), 8 if any(
            layout_of(f.type, interface)[1] == 8 for f in interface.structs[t.base]) else 4
    one = {"char": 1, "float": 4, "int32_t": 4, "uint32_t": 4}.get(t.base, 8)
    return one * (t.array or 1), one


def size_of(name, interface):
    at, most = 0, 1
    for field in interface.structs[name]:
        size, align = layout_of(field.type, interface)
        at = (at + align - 1) // align * align + size
        most = max(most, align)
    return (at + most - 1) // most * most


def member(field, size, interface):
    t = field.type
    if t.callback or t.base in interface.callbacks:
        return f"type(c_funptr) :: {field.name} = c_null_funptr"
    if t.pointers:
        return f"type(c_ptr) :: {field.name} = c_null_ptr"
    if t.base in interface.structs:
        return f"type({t.base}) :: {field.name}"
    if t.base == "char":
        return f"{SCALARS[t.base]} :: {field.name}({t.array}) = c_null_char"
    start = size if field.name == "struct_size" else 0
    zero = f"{float(start)}_{SCALARS[t.base][5:-1]}" if t.base in ("float", "double") else str(start)
    return f"{SCALARS[t.base]} :: {field.name}{f'({t.array})' if t.array else ''} = {zero}"


def procedure(function, interface, handles):
    names = [p.name for p in function.parameters]
    nothing = function.result.base == "void" and not function.result.pointers
    word = "subroutine" if nothing else "function"
    head = f"    {word} {function.name}(" + ", ".join(names) + ")"
    tail = f" bind(C, name='{function.name}')" + ("" if nothing else " result(answer)")
    lines = ["", f"    ! {function.summary}"] if len(function.summary) < 120 else [""]
    if len(head + tail) > 120:
        head = f"    {word} {function.name}( &\n      " + ", &\n      ".join(names) + ")"
    lines += [head + " &", f"     {tail}", "      import"]
    for at, parameter in enumerate(function.parameters):
        following = function.parameters[at + 1].name if at + 1 < len(function.parameters) else ""
        lines.append("      " + dummy(function.name, parameter, following, interface, handles))
    if not nothing:
        kind = "type(c_ptr)" if function.result.pointers else SCALARS[function.result.base]
        lines.append(f"      {kind} :: answer")
    return lines + [f"    end {word} {function.name}"]


def dummy(function, parameter, following, interface, handles):
    t, name = parameter.type, parameter.name
    many = following in ("n", "capacity", "n_" + name) or following.startswith("n_") and t.base in interface.structs
    if t.callback or t.base in interface.callbacks:
        return f"type(c_funptr), value :: {name}"
    if t.pointers == 0:
        return f"{SCALARS[t.base]}, value :: {name}"
    if t.pointers == 2:
        array = "(*)" if function.endswith("_encoder_encode") and name == "out" else ""
        return f"type(c_ptr), intent(out){', optional' if t.const else ''} :: {name}{array}"
    if t.base in interface.structs:
        intent = "in" if t.const else "inout"
        return f"type({t.base}), intent({intent}), optional :: {name}{'(*)' if many else ''}"
    if t.base not in SCALARS:
        return f"type(c_ptr), value :: {name}"
    intent = "in" if t.const else "inout"
    one = not t.const and t.base != "char" and (name in NUMBERS or (function, name) in ONE_NUMBER)
    return f"{SCALARS[t.base]}, intent({intent}), optional :: {name}{'' if one else '(*)'}"


def layout(interface):
    """A program that prints what tests/layout.c prints of types and constants."""
    out = ["! Prints sizes, offsets and constants as this compiler sees them. Written by bindings/generate.py.",
           "program layout", "  use interns1", "  implicit none", ""]
    for name in interface.structs:
        out.append(f"  type({name}), target :: {name[5:]}_")
    out.append("")
    for name, fields in interface.structs.items():
        value = f"{name[5:]}_"
        out.append(f"  call say('{name}', int(c_sizeof({value}), c_int64_t))")
        for field in fields:
            first = f"{value}%{field.name}" + ("(1)" if field.type.array else "")
            out.append(f"  call say('{name}.{field.name}', &\n    place(c_loc({first})) - place(c_loc({value})))")
    out += [f"  call say('{name}', int({name}, c_int64_t))" for name, _, _ in interface.constants]
    return "\n".join(out + ["", "contains", "", "  integer(c_int64_t) function place(address)",
                            "    type(c_ptr), intent(in) :: address", "",
                            "    place = transfer(address, 0_c_int64_t)", "  end function place", "",
                            "  subroutine say(name, number)", "    character(len=*), intent(in) :: name",
                            "    integer(c_int64_t), intent(in) :: number", "", "    print '(a, 1x, i0)', name, number",
                            "  end subroutine say", "end program layout", ""])
