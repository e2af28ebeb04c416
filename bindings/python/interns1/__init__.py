"""libinterns1 from Python: molecules, sequences, images and signals to text, without a compiled extension.

    model = interns1.Model("path/to/checkpoint")
    print(model.chat("What is the molecular formula of <SMILES>CCO</SMILES>?"))

The classes are the C library's handles, see README.md. The C interface itself is in `interns1.abi`.
"""
from ._call import Call
from ._library import has_feature, version
from ._memory import FloatArray
from .chat import Chat, Message, Prompt, Reply, ReplyParser, ToolCall, reply_of
from .decoder import Decoder, Logprob, Observation, Placement, Session, SessionInfo, Span
from .embeds import Embeds
from .encoders import Channel, Image, PixelsInfo, Series, Signal, TimeSeriesEncoder, VisionEncoder
from .errors import (ArgumentError, BudgetExceeded, Busy, CallbackError, Canceled, ContextFull, DeadlineExceeded,
                     DeviceError, Error, FileError, FormatError, OutOfMemory, StateError, Unsupported, VersionError)
from .model import Model, ModelInfo, Plan, Reader, plan
from .runtime import Cancel, Device, Memory, Runtime, default_runtime
from .stream import Event, Mask, Sampler, Stream
from .tokenizer import Detokenizer, Piece, Segment, Token, Tokenizer

__all__ = [
    "ArgumentError", "BudgetExceeded", "Busy", "Call", "CallbackError", "Cancel", "Canceled", "Channel", "Chat",
    "ContextFull", "DeadlineExceeded", "Decoder", "Detokenizer", "Device", "DeviceError", "Embeds", "Error", "Event",
    "FileError", "FloatArray", "FormatError", "Image", "Logprob", "Mask", "Memory", "Message", "Model", "ModelInfo",
    "Observation", "OutOfMemory", "Piece", "PixelsInfo", "Placement", "Plan", "Prompt", "Reader", "Reply",
    "ReplyParser", "Runtime", "Sampler", "Segment", "Series", "Session", "SessionInfo", "Signal", "Span", "StateError",
    "Stream", "TimeSeriesEncoder", "Token", "Tokenizer", "ToolCall", "Unsupported", "VersionError", "VisionEncoder",
    "default_runtime", "has_feature", "plan", "reply_of", "version",
]
__version__ = "0.1.0"
