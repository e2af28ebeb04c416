"""Text to token ids and back, molecules and sequences included."""
from __future__ import annotations

import ctypes
from ctypes import byref, c_int32, c_size_t, c_uint32, c_void_p, create_string_buffer, string_at
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

from . import abi
from ._call import BUFFER, Call, Handle, create, run
from ._library import core
from ._memory import int32s
from .model import Model

KINDS: Dict[str, int] = {
    "auto": abi.INS1_SEGMENT_AUTO, "text": abi.INS1_SEGMENT_TEXT, "smiles": abi.INS1_SEGMENT_SMILES,
    "selfies": abi.INS1_SEGMENT_SELFIES, "iupac": abi.INS1_SEGMENT_IUPAC, "fasta": abi.INS1_SEGMENT_FASTA,
    "protein": abi.INS1_SEGMENT_PROTEIN, "dna": abi.INS1_SEGMENT_DNA, "rna": abi.INS1_SEGMENT_RNA,
    "xna": abi.INS1_SEGMENT_XNA, "token": abi.INS1_SEGMENT_TOKEN,
}
KIND_NAMES = {value: name for name, value in KINDS.items()}


class Segment(NamedTuple):
    """A stretch of the input. `special` lets its text act as special tokens: never for untrusted text."""

    text: Union[str, bytes]
    kind: str = "auto"
    special: bool = False


class Piece(NamedTuple):
    """A token or a stretch, and the bytes of the joined input it came from."""

    id: int
    kind: str
    begin: int
    end: int


class Token(NamedTuple):
    """The bytes of a token and what it is, INS1_TOKEN_*."""

    bytes: bytes
    attributes: int


Text = Union[str, bytes, Segment, Iterable[Segment]]


def segments_of(text: Text, special: bool) -> Tuple[Any, int, List[Any]]:
    if isinstance(text, (str, bytes)):
        text = [Segment(text, special=special)]
    elif isinstance(text, Segment):
        text = [text]
    texts = list(text)
    array = (abi.ins1_segment * len(texts))()
    keep: List[Any] = []
    for entry, segment in zip(array, texts):
        data = segment.text.encode("utf-8", "surrogateescape") if isinstance(segment.text, str) else segment.text
        keep.append(data)
        entry.struct_size = ctypes.sizeof(entry)
        entry.kind = KINDS[segment.kind]
        entry.flags = abi.INS1_SEGMENT_SPECIAL if segment.special else 0
        entry.text = abi.address_of_text(data)
        entry.size = len(data)
    return array, sum(map(len, keep)), keep


def texts(strings: Sequence[str], keep: List[Any]) -> Any:
    array = (abi.ins1_text * len(strings))()
    for entry, text in zip(array, strings):
        data = text.encode()
        keep.append(data)
        entry.text, entry.size = abi.address_of_text(data), len(data)
    return array


class Tokenizer(Handle):
    """The tables of a checkpoint's tokenizer. Shared between threads.

    `smiles_valid(text)` may decide whether a detected candidate is a molecule.
    """

    def __init__(self, model: Model, *, smiles_valid: Optional[Callable[[str], bool]] = None,
                 reset_at_turn: bool = False, markers: bool = True, call: Optional[Call] = None) -> None:
        self._runtime = model._runtime
        self._keep: List[Any] = [model._source]
        options = abi.ins1_tokenizer_options()
        options.flags = ((abi.INS1_TOKENIZER_RESET_AT_TURN if reset_at_turn else 0)
                         | (0 if markers else abi.INS1_TOKENIZER_NO_MARKERS))
        if smiles_valid is not None:
            valid = smiles_valid
            options.smiles_valid = abi.ins1_tokenizer_options_smiles_valid(self._runtime._failures.guard(
                lambda _, text, size: int(bool(valid(string_at(text, size).decode("utf-8", "replace")))), -1))
            self._keep.append(options.smiles_valid)
        self._ref: Optional[abi.Handle] = create(self._runtime, call, abi.ins1_tokenizer, core.ins1_tokenizer_create,
                                                 model._pointer, byref(options))

    def encode(self, text: Text, *, special: bool = False, bos: bool = False,
               call: Optional[Call] = None) -> List[int]:
        """Text to ids. `special` lets the text of special tokens act as tokens: never for untrusted text."""
        return self._encode(text, special, bos, None, call)

    def encode_pieces(self, text: Text, *, special: bool = False, bos: bool = False,
                      call: Optional[Call] = None) -> List[Piece]:
        """The same with the kind of each token and the bytes it came from."""
        pieces: List[Piece] = []
        self._encode(text, special, bos, pieces, call)
        return pieces

    def _encode(self, text: Text, special: bool, bos: bool, pieces: Optional[List[Piece]],
                call: Optional[Call]) -> List[int]:
        segments, size, _keep = segments_of(text, special)
        flags = abi.INS1_ENCODE_ADD_BOS if bos else 0
        count, capacity = c_size_t(), size // 2 + 16
        while True:
            ids = (c_int32 * capacity)()
            places = (abi.ins1_piece * capacity)() if pieces is not None else None
            status = run(self._runtime, call, core.ins1_tokenizer_encode, self._pointer, segments, len(segments),
                         flags, ids, places, capacity, byref(count))
            if status != BUFFER:
                break
            capacity = count.value
        if pieces is not None and places is not None:
            pieces.extend(piece_of(places[i]) for i in range(count.value))
        return ids[:count.value]

    def segments(self, text: Text, *, special: bool = False, call: Optional[Call] = None) -> List[Piece]:
        """What `encode` makes of a text before it splits it: stretches kind by kind."""
        segments, _, _keep = segments_of(text, special)
        count, capacity = c_size_t(), 64
        while True:
            out = (abi.ins1_piece * capacity)()
            status = run(self._runtime, call, core.ins1_tokenizer_segments, self._pointer, segments, len(segments),
                         out, capacity, byref(count))
            if status != BUFFER:
                return [piece_of(out[i]) for i in range(count.value)]
            capacity = count.value

    def decode(self, ids: Sequence[int], *, skip_special: bool = False, skip_control: bool = False,
               call: Optional[Call] = None) -> str:
        """Ids to text."""
        keep, address, n = int32s(ids)
        count, capacity = c_size_t(), 8 * n + 64
        while True:
            out = create_string_buffer(capacity)
            status = run(self._runtime, call, core.ins1_tokenizer_decode, self._pointer, address, n,
                         decode_flags(skip_special, skip_control), out, capacity, byref(count))
            if status != BUFFER:
                return out.raw[:count.value].decode("utf-8")
            capacity = count.value

    def token(self, id: int) -> Token:
        """The bytes of one token and what it is."""
        data, size, attributes = c_void_p(), c_size_t(), c_uint32()
        run(self._runtime, None, core.ins1_tokenizer_piece, self._pointer, id, byref(data), byref(size),
            byref(attributes))
        return Token(string_at(data.value, size.value) if data.value else b"", attributes.value)

    def detokenizer(self, *, skip_special: bool = False, skip_control: bool = False) -> Detokenizer:
        """Begin a text that comes id by id."""
        return Detokenizer(self, skip_special=skip_special, skip_control=skip_control)


def piece_of(piece: abi.ins1_piece) -> Piece:
    return Piece(piece.id, KIND_NAMES.get(piece.kind, str(piece.kind)), piece.begin, piece.end)


def decode_flags(skip_special: bool, skip_control: bool) -> int:
    return ((abi.INS1_DECODE_SKIP_SPECIAL if skip_special else 0)
            | (abi.INS1_DECODE_SKIP_CONTROL if skip_control else 0))


class Detokenizer(Handle):
    """Ids that become text piece by piece, whole characters only. One thread at a time."""

    def __init__(self, tokenizer: Tokenizer, *, skip_special: bool = False, skip_control: bool = False) -> None:
        self._runtime = tokenizer._runtime
        self._keep = tokenizer
        self._ref: Optional[abi.Handle] = create(
            self._runtime, None, abi.ins1_detokenizer, core.ins1_detokenizer_create, tokenizer._pointer,
            decode_flags(skip_special, skip_control))

    def push(self, ids: Union[int, Sequence[int]]) -> str:
        """Take in ids, give out the characters that became whole."""
        keep, address, n = int32s([ids] if isinstance(ids, int) else ids)
        return self._text(core.ins1_detokenizer_push, address, n)

    def flush(self) -> str:
        """End the text: what was held back, half a character as U+FFFD."""
        return self._text(core.ins1_detokenizer_flush)

    def _text(self, function: Callable[..., int], *arguments: Any) -> str:
        count, capacity = c_size_t(), 256
        while True:
            out = create_string_buffer(capacity)
            status = run(self._runtime, None, function, self._pointer, *arguments, out, capacity, byref(count))
            if status != BUFFER:
                return out.raw[:count.value].decode("utf-8")
            capacity = count.value
