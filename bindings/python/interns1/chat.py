"""Messages to prompts, replies to events, and whole conversations."""
from __future__ import annotations

import ctypes
import json
from ctypes import byref, c_int32, c_size_t, c_void_p, string_at
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

from . import abi
from ._call import BUFFER, Call, Handle, create, run
from ._library import core
from .decoder import Session
from .embeds import MODALITIES, Embeds
from .encoders import Image, Series, Signal, TimeSeriesEncoder, VisionEncoder
from .model import Model
from .stream import Event, Sampler, Stream, event_of
from .tokenizer import Tokenizer

CHOICE: Dict[Optional[bool], int] = {None: abi.INS1_CHAT_DEFAULT, True: abi.INS1_CHAT_ON, False: abi.INS1_CHAT_OFF}


class ToolCall(NamedTuple):
    """A call that the model asks for; `arguments` is JSON text."""

    name: str
    arguments: str


class Message(NamedTuple):
    """One turn. `content` is text, or a list of texts, Embeds, images (Image, arrays of [height][width][channels],
    Pillow images) and signals (Signal, Series). Text never acts as a special token."""

    role: str
    content: Any
    reasoning: str = ""
    tool_calls: Sequence[ToolCall] = ()


class Reply(NamedTuple):
    """A whole reply; `str` of it is its text."""

    text: str
    reasoning: str
    tool_calls: Tuple[ToolCall, ...]
    end_reason: str
    ids: Tuple[int, ...]

    def __str__(self) -> str:
        return self.text


def reply_of(events: Iterable[Event]) -> Reply:
    """All events of a stream or a parser as one reply."""
    text: List[str] = []
    reasoning: List[str] = []
    calls: List[List[str]] = []
    ids: List[int] = []
    end = ""
    for event in events:
        ids.extend(pair.token for pair in event.tokens)
        if event.kind == "text":
            text.append(event.text)
        elif event.kind == "reasoning":
            reasoning.append(event.text)
        elif event.kind == "tool-begin":
            calls.append([event.text, ""])
        elif event.kind == "tool-arguments":
            calls[-1][1] += event.text
        elif event.kind == "end":
            end = event.end_reason or ""
    return Reply("".join(text), "".join(reasoning), tuple(ToolCall(*call) for call in calls), end, tuple(ids))


class Prompt(Handle):
    """Messages as a model wants them. Shared between threads.

    `tools` is JSON text or what json.dumps takes; media are Embeds, or None where a prompt is only to be rendered:
    `("image", None)`.
    """

    def __init__(self, tokenizer: Tokenizer, messages: Union[str, Iterable[Message]], *, tools: Any = None,
                 thinking: Optional[bool] = None, add_generation_prompt: Optional[bool] = None,
                 dialect: Optional[str] = None, call: Optional[Call] = None) -> None:
        self._runtime = tokenizer._runtime
        self._keep: List[Any] = [tokenizer]
        if isinstance(messages, str):
            messages = [Message("user", messages)]
        keep: List[Any] = []
        array = messages_of(list(messages), keep)
        options = abi.ins1_chat_options(thinking=CHOICE[thinking],
                                        add_generation_prompt=CHOICE[add_generation_prompt])
        if tools is not None:
            set_text(options.tools_json, tools if isinstance(tools, str) else json.dumps(tools), keep)
        if dialect is not None:
            keep.append(dialect.encode())
            options.dialect = abi.address_of_text(keep[-1])
        self._ref: Optional[abi.Handle] = create(self._runtime, call, abi.ins1_prompt, core.ins1_prompt_create,
                                                 tokenizer._pointer, array, len(array), byref(options))
        info = abi.ins1_prompt_info()
        run(self._runtime, None, core.ins1_prompt_info_get, self._ref, byref(info))
        #: INS1_REPLY_* for the stream or parser that reads the reply
        self.reply_flags: int = info.reply_flags
        self.n_tokens: int = info.n_tokens
        self.n_spans: int = info.n_spans

    @property
    def text(self) -> str:
        """The prompt as text, character for character the template's."""
        out, size = c_void_p(), c_size_t()
        run(self._runtime, None, core.ins1_prompt_text, self._pointer, byref(out), byref(size))
        return string_at(out.value, size.value).decode("utf-8", "replace") if out.value else ""

    @property
    def ids(self) -> List[int]:
        """The prompt as ids; placeholder ids stand where embeddings go."""
        count, capacity = c_size_t(), self.n_tokens
        while True:
            out = (c_int32 * capacity)()
            if run(self._runtime, None, core.ins1_prompt_ids, self._pointer, out, capacity, byref(count)) != BUFFER:
                return out[:count.value]
            capacity = count.value

    def _fill(self, feed: Any, keep: List[Any]) -> None:
        ref, n = self._pointer, c_size_t()
        spans = ctypes.POINTER(abi.ins1_span)()
        run(self._runtime, None, core.ins1_prompt_spans, ref, byref(spans), byref(n))
        feed.spans, feed.n_spans = spans, n.value
        keep.append(ref)


def set_text(entry: Any, text: str, keep: List[Any]) -> None:
    data = text.encode("utf-8", "surrogateescape")
    keep.append(data)
    entry.text, entry.size = abi.address_of_text(data), len(data)


def messages_of(messages: List[Message], keep: List[Any]) -> Any:
    array = (abi.ins1_message * len(messages))()
    keep.append(array)
    for entry, message in zip(array, messages):
        entry.struct_size = ctypes.sizeof(entry)
        keep.append(message.role.encode())
        entry.role = abi.address_of_text(keep[-1])
        contents = message.content if isinstance(message.content, list) else [message.content]
        parts = (abi.ins1_part * len(contents))()
        keep.append(parts)
        for part, content in zip(parts, contents):
            part.struct_size = ctypes.sizeof(part)
            fill_part(part, content, keep)
        entry.parts, entry.n_parts = parts, len(contents)
        if message.reasoning:
            set_text(entry.reasoning, message.reasoning, keep)
        if message.tool_calls:
            set_text(entry.tool_calls_json, calls_json(message.tool_calls), keep)
    return array


def fill_part(part: Any, content: Any, keep: List[Any]) -> None:
    if isinstance(content, str):
        part.kind = abi.INS1_MODALITY_TEXT
        set_text(part, content, keep)
    elif isinstance(content, Embeds):
        handle = content._pointer
        keep.append(handle)
        part.kind, part.embeds = MODALITIES[content.modality], handle.value
    elif isinstance(content, tuple) and len(content) == 2 and content[1] is None:
        part.kind = MODALITIES[content[0]]
    else:
        raise TypeError(f"a {type(content).__name__} is no part of a prompt: expected str, Embeds or (kind, None)")


def calls_json(calls: Sequence[ToolCall]) -> str:
    return "[" + ", ".join('{"type": "function", "function": {"name": %s, "arguments": %s}}'
                           % (json.dumps(call.name), call.arguments) for call in calls) + "]"


class ReplyParser(Handle):
    """Reads a reply that comes from elsewhere: push text, iterate over the events that are complete; then `finish` and
    iterate to the end. One thread at a time."""

    def __init__(self, tokenizer: Tokenizer, *, flags: int = 0, dialect: Optional[str] = None) -> None:
        self._runtime = tokenizer._runtime
        self._keep = tokenizer
        name = None if dialect is None else dialect.encode()
        options = abi.ins1_reply_options(flags=flags, dialect=abi.address_of_text(name))
        self._event = abi.ins1_event()
        self._ended = False
        self._ref: Optional[abi.Handle] = create(self._runtime, None, abi.ins1_reply_parser,
                                                 core.ins1_reply_parser_create, tokenizer._pointer, byref(options))

    def push(self, text: Union[str, bytes]) -> None:
        """Add text; pieces may be cut anywhere."""
        data = text.encode() if isinstance(text, str) else text
        run(self._runtime, None, core.ins1_reply_parser_push, self._pointer, data, len(data))

    def finish(self) -> None:
        """No more text comes."""
        run(self._runtime, None, core.ins1_reply_parser_finish, self._pointer)

    def __iter__(self) -> Iterator[Event]:
        while not self._ended:
            run(self._runtime, None, core.ins1_reply_parser_next, self._pointer, byref(self._event))
            if self._event.kind == abi.INS1_EVENT_NONE:
                return
            self._ended = self._event.kind == abi.INS1_EVENT_END
            yield event_of(self._event)


SESSION = ("system", "tools", "thinking", "dialect", "n_ctx", "precision", "kv_type")


class Chat:
    """A conversation. What was computed of it is kept: a turn costs what is new in it.

    `system` is said first, `tools` may be called. Media in a message are encoded with the checkpoint's encoders.
    """

    def __init__(self, model: Model, *, system: Optional[str] = None, tools: Any = None,
                 thinking: Optional[bool] = None, dialect: Optional[str] = None, n_ctx: int = 0,
                 precision: str = "default", kv_type: str = "default") -> None:
        self.model = model
        self.tokenizer = model.tokenizer
        if precision == "default":
            decoder = model.decoder
        else:
            from .decoder import Decoder

            decoder = Decoder(model, precision=precision)
        self.session = Session(decoder, n_ctx=n_ctx, kv_type=kv_type)
        #: all turns so far; may be changed between two of them
        self.messages: List[Message] = [] if system is None else [Message("system", system)]
        self._options: Dict[str, Any] = {"tools": tools, "thinking": thinking, "dialect": dialect}
        self._fed: List[Any] = []  # what the session holds: an id, or the embeddings and the row
        self._vision: Optional[VisionEncoder] = None
        self._timeseries: Optional[TimeSeriesEncoder] = None

    @staticmethod
    def _pick(options: Dict[str, Any]) -> Dict[str, Any]:
        """Take what is a conversation's out of the options of one message."""
        return {name: options.pop(name) for name in SESSION if name in options}

    def close(self) -> None:
        """Let go of the session and the encoders."""
        self.session.close()
        self._vision = self._timeseries = None

    def __enter__(self) -> Chat:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, message: Union[str, Message, Iterable[Message]], **options: Any) -> Reply:
        """Say something, get the whole reply. For the options see `stream`."""
        return reply_of(self.stream(message, **options))

    def stream(self, message: Union[str, Message, Iterable[Message]], *, images: Sequence[Any] = (),
               series: Sequence[Any] = (), max_tokens: int = 0, stop: Sequence[str] = (), n_top: int = 0,
               sampler: Optional[Sampler] = None, call: Optional[Call] = None, **sampling: Any) -> Iterator[Event]:
        """Say something, get the reply event by event. `images` and `series` stand before the text.

        How tokens are chosen is said by a sampler or by its options (temperature, top_p, top_k, seed, ...); without
        any it is greedy.
        """
        if isinstance(message, str):
            message = [Message("user", [*images, *map(as_signal, series), message])]
        elif isinstance(message, Message):
            message = [message]
        new = [self._with_embeds(turn, call) for turn in message]
        turns = self.messages + new
        with Prompt(self.tokenizer, turns, call=call, **self._options) as prompt:
            self._feed(prompt, turns, call)
            flags = prompt.reply_flags
        self.messages = turns
        chosen = sampler or Sampler(tokenizer=self.tokenizer, **sampling)
        events = []
        with Stream(self.session, self.tokenizer, chosen, max_tokens=max_tokens, stop=stop, n_top=n_top,
                    reply_flags=flags, call=call) as stream:
            for event in stream:
                events.append(event)
                self._fed.extend(pair.token for pair in event.tokens)
                if event.kind == "end":
                    break
                yield event
        reply = reply_of(events)
        self.messages.append(Message("assistant", reply.text, reply.reasoning, reply.tool_calls))
        yield events[-1]

    def _with_embeds(self, turn: Message, call: Optional[Call]) -> Message:
        contents = turn.content if isinstance(turn.content, list) else [turn.content]
        return turn._replace(content=[self._part(content, call) for content in contents])

    def _part(self, content: Any, call: Optional[Call]) -> Any:
        if isinstance(content, (str, Embeds)):
            return content
        if isinstance(content, (Signal, Series)):
            if self._timeseries is None:
                self._timeseries = TimeSeriesEncoder(self.model, call=call)
            return self._timeseries.encode(content, call=call)
        if self._vision is None:
            self._vision = VisionEncoder(self.model, call=call)
        return self._vision.encode(content, call=call)

    def _feed(self, prompt: Prompt, turns: Sequence[Message], call: Optional[Call]) -> None:
        """Go back to where the new prompt leaves what the session holds, and feed the rest."""
        rows: List[Any] = []
        for span in spans_in(prompt):
            rows.extend(span)
        length = self.session.length()
        same = 0
        while same < min(length, len(rows) - 1, len(self._fed)) and same_row(self._fed[same], rows[same]):
            same += 1
        kept = self.session.truncate(same)
        self._fed = rows[:kept]
        rest = rows[kept:]
        try:
            self.session.prefill(joined(rest), call=call)
        except BaseException:
            self._fed += rest[:self.session.length() - kept]
            raise
        self._fed = rows


class Row(NamedTuple):
    """A row of embeddings in a prompt."""

    handle: int
    row: int
    owner: Any


def same_row(a: Any, b: Any) -> bool:
    return bool(a[:2] == b[:2]) if isinstance(a, Row) and isinstance(b, Row) else bool(a == b)


def spans_in(prompt: Prompt) -> Iterator[List[Any]]:
    """The prompt row by row: ids and rows of embeddings, which stay alive with their owner."""
    feed = abi.ins1_feed()
    keep: List[Any] = []
    prompt._fill(feed, keep)
    for index in range(feed.n_spans):
        span = feed.spans[index]
        if span.ids:
            yield span.ids[:span.n_ids]
        else:
            core.ins1_embeds_retain(span.embeds)
            owner = Embeds(prompt._runtime, abi.ins1_embeds(span.embeds))
            last = span.first + span.count if span.count else len(owner)
            yield [Row(span.embeds, row, owner) for row in range(span.first, last)]


def joined(rows: List[Any]) -> List[Any]:
    """Rows as stretches: runs of ids, and runs of rows of the same embeddings."""
    from .decoder import Span

    out: List[Any] = []
    for row in rows:
        last = out[-1] if out else None
        if not isinstance(row, Row):
            if isinstance(last, list):
                last.append(row)
            else:
                out.append([row])
        elif isinstance(last, Span) and last.embeds is row.owner and last.first + last.n_rows == row.row:
            out[-1] = last._replace(n_rows=last.n_rows + 1)
        else:
            out.append(Span(row.owner, row.row, 1))
    return out


def as_signal(signal: Any) -> Any:
    return signal if isinstance(signal, (Signal, Series)) else Signal(signal)


__all__ = ["Chat", "Image", "Message", "Prompt", "Reply", "ReplyParser", "ToolCall", "reply_of"]
