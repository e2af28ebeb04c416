"""The transformer of a checkpoint, and timelines on it: feed, step, score, rewind, fork, save."""
from __future__ import annotations

import ctypes
from ctypes import byref, c_int32, c_size_t, c_void_p, cast
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Union

from . import abi
from ._call import BUFFER, Call, Handle, create, run
from ._library import core
from ._memory import FloatArray, borrowed, bytes_view, floats, int32s, shaped
from .embeds import POOLING, Embeds
from .model import PRECISIONS, Model, Reader, reader_struct
from .runtime import Runtime
from .tokenizer import Tokenizer, texts

KV: Dict[str, int] = {"default": abi.INS1_KV_DEFAULT, "f32": abi.INS1_KV_F32, "bf16": abi.INS1_KV_BF16,
                      "f16": abi.INS1_KV_F16, "q8": abi.INS1_KV_Q8}
OBSERVE: Dict[str, int] = {"hidden": abi.INS1_OBSERVE_HIDDEN, "router": abi.INS1_OBSERVE_ROUTER,
                           "logits": abi.INS1_OBSERVE_LOGITS}


class Placement(NamedTuple):
    """A run of layers on one device; 0 layers are as many as the budget holds."""

    device: int
    first_layer: int
    n_layers: int = 0
    budget: int = 0


class Logprob(NamedTuple):
    """A token and the natural logarithm of its probability."""

    token: int
    logprob: float


class Span(NamedTuple):
    """Rows of embeddings in a prompt; n_rows of 0 are all to the end."""

    embeds: Embeds
    first: int = 0
    n_rows: int = 0


class SessionInfo(NamedTuple):
    """What a session was made with; see ins1_session_info in session.h."""

    precision: str
    n_ctx: int
    n_seq: int
    n_batch: int
    kv_type: str
    kv_bytes: int
    state_bytes: int
    scratch_bytes: int


class Observation(NamedTuple):
    """One layer's numbers for a run of positions. The arrays are valid during the callback alone."""

    what: str
    seq: int
    layer: int
    first: int
    values: FloatArray
    experts: Optional[Any]


#: a stretch of a prompt: ids, embeddings, or some of their rows
Stretch = Union[Sequence[int], Embeds, Span]


class Decoder(Handle):
    """A checkpoint's decoder with its weights placed on devices. Shared between sessions and threads."""

    def __init__(self, model: Model, *, precision: str = "default", placements: Iterable[Placement] = (),
                 call: Optional[Call] = None) -> None:
        self._runtime = model._runtime
        self._keep = model._source
        runs = list(placements)
        array = (abi.ins1_placement * len(runs))()
        for entry, place in zip(array, runs):
            entry.device, entry.first_layer, entry.n_layers, entry.budget = place
        options = abi.ins1_decoder_options(precision=PRECISIONS[precision], n_placements=len(runs))
        options.placements = array
        self._ref: Optional[abi.Handle] = create(self._runtime, call, abi.ins1_decoder, core.ins1_decoder_create,
                                                 model._pointer, byref(options))

    @property
    def placements(self) -> List[Placement]:
        """What was decided: runs of layers in order, every layer once."""
        count, capacity = c_size_t(), 16
        while True:
            out = (abi.ins1_placement * capacity)()
            if run(self._runtime, None, core.ins1_decoder_placements, self._pointer, out, capacity,
                   byref(count)) != BUFFER:
                return [Placement(p.device, p.first_layer, p.n_layers, p.budget) for p in out[:count.value]]
            capacity = count.value


def spans_of(stretches: Iterable[Stretch], keep: List[Any]) -> Any:
    items = list(stretches)
    array = (abi.ins1_span * len(items))()
    for entry, item in zip(array, items):
        entry.struct_size = ctypes.sizeof(entry)
        if isinstance(item, Embeds):
            item = Span(item)
        if isinstance(item, Span):
            handle = item.embeds._pointer
            entry.embeds, entry.first, entry.count = handle.value, item.first, item.n_rows
            keep.append(handle)
        else:
            kept, address, n = int32s(item)
            entry.ids, entry.n_ids = cast(c_void_p(address), ctypes.POINTER(c_int32)), n
            keep.append(kept)
    keep.append(array)
    return array


class Session(Handle):
    """Sequences 0 .. n_seq - 1 on a decoder, each with its own keys and values. One thread at a time."""

    def __init__(self, decoder: Union[Decoder, Model], *, n_ctx: int = 0, n_seq: int = 0, n_batch: int = 0,
                 kv_type: str = "default", kv_budget: int = 0, keep_hidden: bool = False,
                 call: Optional[Call] = None) -> None:
        if isinstance(decoder, Model):
            decoder = decoder.decoder
        self._runtime = decoder._runtime
        self._keep: List[Any] = [decoder]
        options = abi.ins1_session_options(n_ctx=n_ctx, n_seq=n_seq, n_batch=n_batch, kv_type=KV[kv_type],
                                           kv_budget=kv_budget)
        options.flags = abi.INS1_SESSION_KEEP_HIDDEN if keep_hidden else 0
        self._ref: Optional[abi.Handle] = create(self._runtime, call, abi.ins1_session, core.ins1_session_create,
                                                 decoder._pointer, byref(options))
        self._observer: Any = None

    @property
    def info(self) -> SessionInfo:
        out = abi.ins1_session_info()
        run(self._runtime, None, core.ins1_session_info_get, self._pointer, byref(out))
        precision = {value: name for name, value in PRECISIONS.items()}
        kv = {value: name for name, value in KV.items()}
        return SessionInfo(precision[out.precision], out.n_ctx, out.n_seq, out.n_batch, kv[out.kv_type], out.kv_bytes,
                           out.state_bytes, out.scratch_bytes)

    def prefill(self, prompt: Union[Stretch, Any], *, seq: int = 0, call: Optional[Call] = None) -> int:
        """Append ids, embeddings or a Prompt to a sequence. Returns how many tokens that were.

        A call that is stopped keeps what was appended: `length` tells how far it came.
        """
        feeds = (abi.ins1_feed * 1)(abi.ins1_feed(seq=seq))
        keep: List[Any] = []
        self._feed(feeds[0], prompt, keep)
        done = c_size_t()
        run(self._runtime, call, core.ins1_session_prefill, self._pointer, feeds, 1, byref(done))
        return done.value

    def prefill_many(self, prompts: Dict[int, Any], *, call: Optional[Call] = None) -> Dict[int, int]:
        """The same for several sequences at once, by their numbers."""
        feeds, done = (abi.ins1_feed * len(prompts))(), (c_size_t * len(prompts))()
        keep: List[Any] = []
        for entry, (seq, prompt) in zip(feeds, prompts.items()):
            entry.struct_size, entry.seq = ctypes.sizeof(entry), seq
            self._feed(entry, prompt, keep)
        run(self._runtime, call, core.ins1_session_prefill, self._pointer, feeds, len(prompts), done)
        return dict(zip(prompts, done))

    @staticmethod
    def _feed(feed: Any, prompt: Any, keep: List[Any]) -> None:
        if hasattr(prompt, "_fill"):
            prompt._fill(feed, keep)
            return
        if isinstance(prompt, (list, tuple)) and any(not isinstance(item, int) for item in prompt) \
                and not isinstance(prompt, Span):
            spans = spans_of(prompt, keep)
        else:
            spans = spans_of([prompt], keep)
        feed.spans, feed.n_spans = spans, len(spans)

    def step(self, token: int, *, seq: int = 0, call: Optional[Call] = None) -> None:
        """Append one token."""
        run(self._runtime, call, core.ins1_session_step, self._pointer, byref(abi.ins1_step(seq, token)), 1)

    def step_many(self, tokens: Dict[int, int], *, call: Optional[Call] = None) -> None:
        """Append one token to each of several sequences, in one batch; all or nothing."""
        n = len(tokens)
        run(self._runtime, call, core.ins1_session_step, self._pointer, (abi.ins1_step * n)(*(abi.ins1_step(*pair) for pair in tokens.items())), n)

    def logits(self, seq: int = 0, *, copy: bool = True) -> FloatArray:
        """The logits after a sequence's last token. Without a copy they change with the next call on the session."""
        ref = self._pointer
        out, count = c_void_p(), c_size_t()
        run(self._runtime, None, core.ins1_session_logits, ref, seq, byref(out), byref(count))
        shown = borrowed(out.value or 0, count.value, ref)
        if not copy:
            return shown
        array, address = floats(count.value)
        ctypes.memmove(address, out.value or 0, 4 * count.value)
        return shaped(array, count.value)

    def logprobs(self, k: int, seq: int = 0) -> List[Logprob]:
        """The k most probable next tokens, best first."""
        out, count = (abi.ins1_logprob * k)(), c_size_t()
        run(self._runtime, None, core.ins1_session_logprobs, self._pointer, seq, k, out, k, byref(count))
        return [Logprob(p.token, p.logprob) for p in out[:count.value]]

    def score(self, ids: Sequence[int], *, seq: int = 0, call: Optional[Call] = None) -> List[float]:
        """How probable a continuation is, token by token. The sequence is left as it was."""
        keep, address, n = int32s(ids)
        out = (ctypes.c_float * n)()
        run(self._runtime, call, core.ins1_session_score, self._pointer, seq, address, n, out)
        return list(out)

    def score_many(self, candidates: Sequence[Sequence[int]], *, seq: int = 0,
                   call: Optional[Call] = None) -> List[float]:
        """How probable each continuation is as a whole; of a reward checkpoint the rewards."""
        lists = (abi.ins1_ids * len(candidates))()
        keep = []
        for entry, ids in zip(lists, candidates):
            kept, address, entry.n_ids = int32s(ids)
            entry.ids = cast(c_void_p(address), ctypes.POINTER(c_int32))
            keep.append(kept)
        out = (ctypes.c_float * len(candidates))()
        run(self._runtime, call, core.ins1_session_score_many, self._pointer, seq, lists, len(candidates), out)
        return list(out)

    def reward(self, seq: int = 0, *, call: Optional[Call] = None) -> float:
        """The reward after a sequence's last token."""
        out = ctypes.c_float()
        run(self._runtime, call, core.ins1_session_reward, self._pointer, seq, ctypes.addressof(out))
        return out.value

    def polar_score(self, tokenizer: Tokenizer, prompt: str, reference: str, candidates: Sequence[str], *,
                    seq: int = 0, pretrain: bool = False, keep_tail: bool = False, max_tokens: int = 0,
                    max_answer: int = 0, call: Optional[Call] = None) -> List[float]:
        """How well each candidate agrees with a reference answer, by a POLAR checkpoint; larger is better."""
        keep: List[Any] = []
        lists = texts(candidates, keep)
        request = abi.ins1_polar_request(n_candidates=len(candidates), max_tokens=max_tokens, max_answer=max_answer)
        request.flags = ((abi.INS1_POLAR_PRETRAIN if pretrain else 0)
                         | (abi.INS1_POLAR_KEEP_TAIL if keep_tail else 0))
        request.prompt, request.reference = texts([prompt, reference], keep)
        request.candidates = lists
        out = (ctypes.c_float * len(candidates))()
        run(self._runtime, call, core.ins1_polar_score, self._pointer, seq, tokenizer._pointer, byref(request), out)
        return list(out)

    def embeds(self, seq: int = 0, *, pooling: str = "last", call: Optional[Call] = None) -> Embeds:
        """Final hidden states: "last", "mean", or "none" for one row per token."""
        return Embeds(self._runtime, create(self._runtime, call, abi.ins1_embeds, core.ins1_session_embeds,
                                            self._pointer, seq, POOLING[pooling]))

    def length(self, seq: int = 0) -> int:
        """How many tokens a sequence has."""
        n = c_size_t()
        run(self._runtime, None, core.ins1_session_length, self._pointer, seq, byref(n))
        return n.value

    def truncate(self, keep: int, *, seq: int = 0) -> int:
        """Go back towards the first `keep` tokens; returns the length that was reached."""
        kept = c_size_t()
        run(self._runtime, None, core.ins1_session_truncate, self._pointer, seq, keep, byref(kept))
        return kept.value

    def checkpoint(self, seq: int = 0) -> None:
        """Make the end of a sequence a place that `truncate` can restore."""
        run(self._runtime, None, core.ins1_session_checkpoint, self._pointer, seq)

    def fork(self, source: int, to: int) -> None:
        """Make one sequence continue from where another is."""
        run(self._runtime, None, core.ins1_session_fork, self._pointer, source, to)

    def save(self, seq: int = 0, *, call: Optional[Call] = None) -> bytes:
        """Write a sequence down."""
        pieces: List[bytes] = []
        self.save_to(pieces.append, seq=seq, call=call)
        return b"".join(pieces)

    def save_to(self, write: Callable[[bytes], object], *, seq: int = 0, call: Optional[Call] = None) -> None:
        """The same, handed piece by piece to `write`."""
        def piece(_: object, data: int, size: int) -> int:
            write(ctypes.string_at(data, size))
            return 0

        writer = abi.ins1_writer(write=abi.ins1_writer_write(self._runtime._failures.guard(piece, 1)))
        run(self._runtime, call, core.ins1_session_save_to, self._pointer, seq, byref(writer))

    def restore(self, data: Union[bytes, bytearray, memoryview, Reader], *, seq: int = 0,
                call: Optional[Call] = None) -> None:
        """Make a sequence what a snapshot says."""
        if isinstance(data, Reader):
            keep: List[Any] = []
            reader = reader_struct(self._runtime, data, keep)
            run(self._runtime, call, core.ins1_session_restore_from, self._pointer, seq, byref(reader))
        else:
            kept, address, size = bytes_view(data)
            run(self._runtime, call, core.ins1_session_restore, self._pointer, seq, address, size)

    def observe(self, what: Iterable[str], callback: Optional[Callable[[Observation], object]] = None) -> None:
        """Show the insides from the next call on: some of "hidden", "router" and "logits"; none is off (inspect.h)."""
        mask, observer = observer_of(self._runtime, what, callback)
        run(self._runtime, None, core.ins1_session_observe, self._pointer, mask, observer, None)
        self._observer = observer


def observer_of(runtime: Runtime, what: Iterable[str], callback: Optional[Callable[[Observation], object]]) -> Any:
    """A mask, and the function for C that shows what it names."""
    mask = 0
    for name in what:
        mask |= OBSERVE[name]
    if not mask or callback is None:
        return mask, abi.ins1_observe_fn(0)
    shown = callback
    names = {value: name for name, value in OBSERVE.items()}

    def observation(_: object, entry: Any) -> int:
        o = entry.contents
        values = borrowed(ctypes.addressof(o.values.contents), o.n_tokens * o.width, None)
        experts = o.experts[:o.n_tokens * o.width] if o.experts else None
        shown(Observation(names.get(o.what, str(o.what)), o.seq, o.layer, o.first,
                          reshaped(values, o.n_tokens, o.width), experts))
        return 0

    return mask, abi.ins1_observe_fn(runtime._failures.guard(observation, 1))


def reshaped(values: Any, rows: int, width: int) -> FloatArray:
    if hasattr(values, "reshape"):
        return values.reshape(rows, width)  # type: ignore[no-any-return]
    return values.cast("B").cast("f", shape=[rows, width])  # type: ignore[no-any-return]
