"""From logits to tokens, and a reply as events."""
from __future__ import annotations

import ctypes
from ctypes import byref, string_at
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from . import abi
from ._call import Call, Handle, create, run
from ._library import core
from ._memory import View
from .decoder import Logprob, Session
from .runtime import Runtime, default_runtime
from .tokenizer import Tokenizer, texts

EVENTS: Dict[int, str] = {
    abi.INS1_EVENT_NONE: "none", abi.INS1_EVENT_TEXT: "text", abi.INS1_EVENT_REASONING: "reasoning",
    abi.INS1_EVENT_TOOL_BEGIN: "tool-begin", abi.INS1_EVENT_TOOL_ARGUMENTS: "tool-arguments",
    abi.INS1_EVENT_TOOL_END: "tool-end", abi.INS1_EVENT_END: "end",
}
ENDS: Dict[int, str] = {abi.INS1_END_EOS: "eos", abi.INS1_END_STOP: "stop", abi.INS1_END_LENGTH: "length",
                        abi.INS1_END_FULL: "full"}


class Mask:
    """Which tokens may come: all do, until `forbid` or `only` says otherwise."""

    def __init__(self, words: Any, n_vocab: int) -> None:
        self._words = words
        self.n_vocab = n_vocab

    def forbid(self, tokens: Sequence[int]) -> None:
        """These must not come."""
        for token in tokens:
            if 0 <= token < self.n_vocab:
                self._words[token // 32] &= ~(1 << (token % 32)) & 0xFFFFFFFF

    def only(self, tokens: Sequence[int]) -> None:
        """Nothing else may come."""
        allowed = [token for token in tokens if 0 <= token < self.n_vocab and self.allows(token)]
        ctypes.memset(ctypes.addressof(self._words.contents), 0, (self.n_vocab + 31) // 32 * 4)
        for token in allowed:
            self._words[token // 32] |= 1 << (token % 32)

    def allows(self, token: int) -> bool:
        return bool(self._words[token // 32] >> (token % 32) & 1)


class Sampler(Handle):
    """Logits to a token, reproducible from a seed; all zero is greedy. One thread at a time.

    `mask(history, mask)` is asked before each choice and may forbid tokens; the steps are listed in sampler.h.
    """

    def __init__(self, *, temperature: float = 0.0, top_k: int = 0, top_p: float = 0.0, min_p: float = 0.0,
                 repeat_penalty: float = 0.0, frequency_penalty: float = 0.0, presence_penalty: float = 0.0,
                 repeat_last: int = 0, n_history: int = 0, seed: int = 0, bias: Optional[Mapping[int, float]] = None,
                 tokenizer: Optional[Tokenizer] = None, mask: Optional[Callable[[List[int], Mask], object]] = None,
                 runtime: Optional[Runtime] = None) -> None:
        self._runtime = runtime or (tokenizer._runtime if tokenizer is not None else default_runtime())
        self._keep: List[Any] = [tokenizer]
        options = abi.ins1_sampler_options(
            temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, repeat_penalty=repeat_penalty,
            frequency_penalty=frequency_penalty, presence_penalty=presence_penalty, repeat_last=repeat_last,
            n_history=n_history, seed=seed)
        biases = (abi.ins1_logprob * len(bias or ()))(*(abi.ins1_logprob(*pair) for pair in (bias or {}).items()))
        options.bias, options.n_bias = biases, len(biases)
        if tokenizer is not None:
            options.tokenizer = tokenizer._pointer.value
        if mask is not None:
            options.mask = self._mask(mask)
        self._ref: Optional[abi.Handle] = create(self._runtime, None, abi.ins1_sampler, core.ins1_sampler_create,
                                                 self._runtime._pointer, byref(options))

    def _mask(self, mask: Callable[[List[int], Mask], object]) -> Any:
        def ask(_: object, history: Any, n: int, allowed: Any, n_vocab: int) -> int:
            mask(history[:n] if n else [], Mask(allowed, n_vocab))
            return 0

        callback = abi.ins1_sampler_options_mask(self._runtime._failures.guard(ask, 1))
        self._keep.append(callback)
        return callback

    def pick(self, logits: Any) -> Logprob:
        """Choose a token. The history stays as it is: accept what is used."""
        view = View(logits)
        if view.kind != "f4" or len(view.shape) != 1 or view.strides != (4,):
            raise TypeError(f"logits of shape {view.shape} and type {view.kind}: expected dense float32")
        out = abi.ins1_logprob()
        run(self._runtime, None, core.ins1_sampler_pick, self._pointer, view.address, view.shape[0], byref(out))
        return Logprob(out.token, out.logprob)

    def accept(self, token: int) -> None:
        """Put a token into the history."""
        run(self._runtime, None, core.ins1_sampler_accept, self._pointer, token)

    def reset(self, seed: int = 0) -> None:
        """Begin again: an empty history, the first draw of `seed`."""
        run(self._runtime, None, core.ins1_sampler_reset, self._pointer, seed)


class Event(NamedTuple):
    """One event of a reply; events in a row leave no gap and no overlap of tokens."""

    kind: str
    text: str = ""
    end_reason: Optional[str] = None
    tool_index: int = 0
    first_token: int = 0
    tokens: Tuple[Logprob, ...] = ()
    top: Tuple[Tuple[Logprob, ...], ...] = ()


def event_of(event: abi.ins1_event) -> Event:
    n, width = event.n_tokens, event.n_top
    tokens = event.tokens[:n] if event.tokens else []
    top = event.top[:n * width] if event.top else []
    pairs = [Logprob(p.token, p.logprob) for p in top]
    return Event(EVENTS.get(event.kind, "none"), string_at(event.text, event.size).decode() if event.size else "",
                 ENDS.get(event.end_reason), event.tool_index, event.first_token,
                 tuple([Logprob(p.token, p.logprob) for p in tokens]),
                 tuple(tuple(pairs[i:i + width]) for i in range(0, len(pairs), width)) if width else ())


class Stream(Handle):
    """A reply in the making: iterate over it for its events, the last one of kind "end". One thread at a time.

    A call that was stopped loses nothing: iterate again to go on.
    """

    def __init__(self, session: Session, tokenizer: Tokenizer, sampler: Optional[Sampler] = None, *, seq: int = 0,
                 max_tokens: int = 0, stop: Sequence[str] = (), n_top: int = 0, reply_flags: int = 0,
                 ignore_eos: bool = False, call: Optional[Call] = None) -> None:
        self._runtime = session._runtime
        sampler = sampler or Sampler(tokenizer=tokenizer)
        self._keep = (session, tokenizer, sampler)
        keep: List[Any] = []
        options = abi.ins1_stream_options(reply_flags=reply_flags, max_tokens=max_tokens, n_top=n_top,
                                          n_stop=len(stop), flags=abi.INS1_STREAM_IGNORE_EOS if ignore_eos else 0)
        options.stop = texts(stop, keep)
        self.call = call
        self._event = abi.ins1_event()
        self._ended = False
        self._ref: Optional[abi.Handle] = create(self._runtime, call, abi.ins1_stream, core.ins1_stream_open,
                                                 session._pointer, seq, tokenizer._pointer, sampler._pointer,
                                                 byref(options))

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        if self._ended:
            raise StopIteration
        return self.next(self.call)

    def next(self, call: Optional[Call] = None) -> Event:
        """The next event; "end" repeats when asked again."""
        run(self._runtime, call, core.ins1_stream_next, self._pointer, byref(self._event))
        self._ended = self._event.kind == abi.INS1_EVENT_END
        return event_of(self._event)

    def accept(self, token: int = -1, *, call: Optional[Call] = None) -> Event:
        """For hosts that step several sequences in one batch: the token that was picked, or -1 for the next event
        that is waiting."""
        run(self._runtime, call, core.ins1_stream_accept, self._pointer, token, byref(self._event))
        self._ended = self._event.kind == abi.INS1_EVENT_END
        return event_of(self._event)


