"""The package against the library that INTERNS1_LIBRARY names.

    test_interns1.py MODEL LAYOUT_PROGRAM PLUGIN [MODEL_WITH_ENCODERS...] [--moments=80] [--seed=1]

`moments` is how many times Ctrl-C comes while something is computed.
"""
import array
import ctypes
import gc
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time
import unittest

import interns1
from interns1 import abi
from interns1._memory import View

try:
    import numpy
except ImportError:
    numpy = None

SETTINGS = dict(word[2:].split("=") for word in sys.argv[1:] if word.startswith("--"))
MODEL, LAYOUT, PLUGIN, *OTHERS = [word for word in sys.argv[1:] if not word.startswith("--")]
MOMENTS, SEED = int(SETTINGS.get("moments", 80)), int(SETTINGS.get("seed", 1))
ASK = "What is the molecular formula of <SMILES>CC(=O)Oc1ccccc1C(=O)O</SMILES>?"


class Layout(unittest.TestCase):
    def test_every_struct_and_constant_is_where_c_has_it(self):
        said = dict(line.split() for line in
                    subprocess.run([LAYOUT], check=True, text=True, capture_output=True).stdout.splitlines())
        for name, number in said.items():
            if name.startswith("INS1_"):
                self.assertEqual(getattr(abi, name), int(number), name)
            elif "." in name:
                struct, field = name.split(".")
                self.assertEqual(getattr(getattr(abi, struct), field).offset, int(number), name)
            else:
                self.assertEqual(ctypes.sizeof(getattr(abi, name)), int(number), name)
        self.assertGreater(len(said), 400)


class Common(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = interns1.Model(MODEL)


class Chatting(Common):
    def test_two_lines_answer(self):
        self.assertEqual(str(self.model.chat(ASK)), "C9H8O4")

    def test_events_come_one_by_one_with_their_tokens(self):
        with interns1.Chat(self.model) as chat:
            events = list(chat.stream(ASK, n_top=2))
        self.assertEqual(events[-1].kind, "end")
        self.assertEqual(events[-1].end_reason, "eos")
        self.assertEqual("".join(e.text for e in events if e.kind == "text"), "C9H8O4")
        for event in events:
            self.assertEqual(len(event.top), len(event.tokens))
            for top, token in zip(event.top, event.tokens):
                self.assertEqual(top[0].token, token.token)

    def test_a_second_turn_feeds_what_is_new_alone(self):
        with interns1.Chat(self.model) as chat:
            chat.send(ASK)
            first = chat.session.length()
            fed = []
            chat.send("And its rings?", call=interns1.Call(progress=lambda phase, done, total: fed.append(total)))
            self.assertLess(max(fed), first)
            second = chat.messages[-1].content
        fresh = self.model.chat([interns1.Message("user", ASK), interns1.Message("assistant", "C9H8O4"),
                                 interns1.Message("user", "And its rings?")])
        self.assertEqual(fresh.text, second)

    def test_sampling_is_reproducible(self):
        one, two = (self.model.chat(ASK, temperature=1.0, seed=7, max_tokens=8).ids for _ in range(2))
        self.assertEqual(one, two)
        self.assertEqual(self.model.chat(ASK, max_tokens=2).end_reason, "length")
        stopped = self.model.chat(ASK, stop=["H8"])
        self.assertEqual((stopped.end_reason, "H8" in stopped.reasoning + stopped.text), ("stop", False))

    def test_a_prompt_is_text_and_ids(self):
        with interns1.Prompt(self.model.tokenizer, "hello") as prompt:
            self.assertIn("hello", prompt.text)
            self.assertEqual(len(prompt.ids), prompt.n_tokens)

    def test_a_parser_reads_tool_calls(self):
        parser = interns1.ReplyParser(self.model.tokenizer, dialect="qwen3")
        events = []
        text = '<think>\nhm\n</think>\n\nyes<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'
        for at in range(0, len(text), 7):
            parser.push(text[at:at + 7])
            events += parser
        parser.finish()
        reply = interns1.reply_of(events + list(parser))
        self.assertEqual((reply.text.strip(), reply.reasoning.strip()), ("yes", "hm"))
        self.assertEqual(reply.tool_calls, (interns1.ToolCall("f", '{"a": 1}'),))


class Tokens(Common):
    def test_text_comes_back(self):
        tokenizer = self.model.tokenizer
        for text in ["", "aspirin", "é ∑ 漢 \U0001f600", "a\0b", ASK * 20]:
            ids = tokenizer.encode(text, special=True)
            self.assertEqual(tokenizer.decode(ids), text)
            detokenizer = tokenizer.detokenizer()
            self.assertEqual("".join(detokenizer.push(i) for i in ids) + detokenizer.flush(), text)

    def test_pieces_cover_the_text(self):
        pieces = self.model.tokenizer.encode_pieces(ASK, special=True)
        self.assertEqual([p.id for p in pieces], self.model.tokenizer.encode(ASK, special=True))
        self.assertEqual((pieces[0].begin, pieces[-1].end), (0, len(ASK)))
        self.assertIn("smiles", [p.kind for p in self.model.tokenizer.segments(ASK, special=True)])
        self.assertEqual(self.model.tokenizer.token(pieces[0].id).bytes, b"What")

    def test_a_validator_may_raise(self):
        def valid(text):
            raise KeyError(text)

        tokenizer = interns1.Tokenizer(self.model, smiles_valid=valid)
        try:
            tokenizer.encode("CC(=O)Oc1ccccc1C(=O)O")
        except KeyError:
            pass


class Timelines(Common):
    def setUp(self):
        self.session = interns1.Session(self.model, n_seq=3, n_ctx=256, keep_hidden=True)
        self.session.prefill([1, 2, 3, 4, 5])

    def bits(self, seq=0):
        return memoryview(self.session.logits(seq)).cast("B").tobytes()

    def test_steps_batches_and_pieces_give_the_same_bits(self):
        whole = self.bits()
        self.session.prefill_many({1: [1, 2], 2: array.array("i", [1, 2, 3, 4])})
        self.session.step_many({1: 3, 2: 5})
        self.session.prefill([4, 5], seq=1)
        self.assertEqual(self.bits(1), whole)
        self.assertEqual(self.bits(2), whole)

    def test_fork_truncate_save_restore(self):
        whole = self.bits()
        self.session.fork(0, 1)
        self.assertEqual(self.bits(1), whole)
        self.assertEqual(self.session.truncate(2, seq=1), 2)
        self.session.prefill([3, 4, 5], seq=1)
        self.assertEqual(self.bits(1), whole)
        saved = self.session.save()
        self.session.restore(bytearray(saved), seq=2)
        self.assertEqual(self.bits(2), whole)
        self.session.truncate(0, seq=2)
        self.session.restore(interns1.Reader(len(saved), lambda at, n: saved[at:at + n]), seq=2)
        self.assertEqual(self.bits(2), whole)
        with self.assertRaises(interns1.FormatError):
            self.session.restore(saved[:-1], seq=2)

    def test_scores_agree(self):
        self.assertAlmostEqual(sum(self.session.score([6, 7])), self.session.score_many([[6, 7], [8]])[0], 4)
        best = self.session.logprobs(3)
        self.assertEqual(best[0].token, interns1.Sampler().pick(self.session.logits()).token)
        self.assertEqual(self.session.length(), 5)
        with self.assertRaises(interns1.Unsupported):
            self.session.reward()
        with self.assertRaises(interns1.Unsupported):
            self.session.polar_score(self.model.tokenizer, "a", "b", ["c", "d"], seq=1)

    def test_borrowed_logits_outlive_the_session(self):
        shown, before = self.session.logits(copy=False), self.session.logits().tolist()
        self.session.close()
        gc.collect()
        self.assertEqual(shown.tolist(), before)
        with self.assertRaises(ValueError):
            self.session.step(1)

    def test_what_is_observed(self):
        seen = []
        self.session.observe(["hidden", "router"], lambda o: seen.append((o.what, o.layer, o.first, len(o.values))))
        self.session.step(9)
        self.session.observe([])
        self.session.step(9)
        info = self.model.info
        self.assertEqual([s for s in seen if s[0] == "hidden"],
                         [("hidden", i, 5, 1) for i in range(info.n_layer + 1)])
        self.assertTrue([s for s in seen if s[0] == "router"])

    def test_a_mask_decides(self):
        sampler = interns1.Sampler(mask=lambda history, mask: mask.only([17, 18]), runtime=self.model.runtime)
        self.assertIn(sampler.pick(self.session.logits()).token, (17, 18))
        stream = interns1.Stream(self.session, self.model.tokenizer, sampler, max_tokens=3, reply_flags=1)
        self.assertTrue(set(interns1.reply_of(stream).ids) <= {17, 18})

    def test_errors_say_what_is_wrong(self):
        with self.assertRaises(interns1.ArgumentError) as caught:
            self.session.step(10 ** 6)
        self.assertEqual(caught.exception.name, "INS1_E_ARGUMENT")
        self.assertIn("1000000", str(caught.exception))
        with self.assertRaises(interns1.FileError) as io:
            interns1.Model("/nowhere")
        self.assertEqual(io.exception.os_errno, 2)
        with self.assertRaises(interns1.ContextFull):
            self.session.prefill([1] * 300)
        with self.assertRaises(interns1.DeadlineExceeded):
            self.session.prefill([1] * 200, call=interns1.Call(timeout=1e-6))


class Callbacks(Common):
    def test_what_a_callback_raises_comes_back(self):
        class Mine(BaseException):
            pass

        def fail(*_):
            raise Mine

        session = interns1.Session(self.model)
        with self.assertRaises(Mine):
            session.prefill([1, 2, 3], call=interns1.Call(progress=fail))
        with self.assertRaises(Mine):
            session.observe(["hidden"], fail)
            session.step(1)
        session.observe([])
        session.truncate(0)
        session.prefill([1])
        with self.assertRaises(Mine):
            session.save_to(fail)
        with self.assertRaises(Mine):
            interns1.Sampler(mask=fail, runtime=self.model.runtime).pick(session.logits())
        with self.assertRaises(Mine):
            session.restore(interns1.Reader(100, fail))
        self.assertEqual(self.model.runtime._failures.raised, [])

    def test_progress_may_stop(self):
        with self.assertRaises(interns1.Canceled):
            interns1.Session(self.model).prefill([1], call=interns1.Call(progress=lambda *_: True))

    def test_a_log_is_heard_and_may_raise(self):
        lines = []
        runtime = interns1.Runtime(threads=1, log=lambda *record: lines.append(record), log_level="debug")
        model = interns1.Model(MODEL, runtime=runtime)
        interns1.Session(model, n_ctx=100000).prefill([1])
        self.assertTrue(lines)
        self.assertTrue(all(isinstance(text, str) for _, _, text in lines))

    def test_a_folder_may_be_memory_and_readers(self):
        files = {}
        for path in pathlib.Path(MODEL).iterdir():
            data = path.read_bytes()
            files[path.name] = data if len(files) % 2 else interns1.Reader(
                len(data), lambda at, n, data=data: data[at:at + n])
        with interns1.Model(files=files, load="read") as model:
            del files
            gc.collect()
            self.assertEqual(str(model.chat(ASK)), "C9H8O4")


class Stopping(Common):
    LONG = [1] * 4000

    def late(self, act):
        """How long the prefill went on after `act`, which comes 20 ms into it."""
        session, at = interns1.Session(self.model, n_ctx=4096), []

        def soon():
            time.sleep(0.02)
            at.append(time.monotonic())
            act()

        thread = threading.Thread(target=soon)
        thread.start()
        try:
            yield session
        finally:
            self.latency = time.monotonic() - at[0] if at else None
            thread.join()
            self.length = session.length()

    def test_another_thread_stops_a_call(self):
        token = interns1.Cancel(self.model.runtime)
        with self.assertRaises(interns1.Canceled):
            for session in self.late(token.request):
                session.prefill(self.LONG, call=interns1.Call(cancel=token))
        self.assertLess(self.latency, 0.5)
        self.assertTrue(token.requested)
        token.reset()
        self.assertFalse(token.requested)

    def test_control_c_stops_a_call(self):
        interrupt = lambda: os.kill(os.getpid(), signal.SIGINT)  # noqa: E731
        for call in (None, interns1.Call(progress=lambda *_: None)):
            with self.assertRaises(KeyboardInterrupt):
                for session in self.late(interrupt):
                    session.prefill(self.LONG, call=call)
            self.assertLess(self.latency, 0.5)
            self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)
        session = interns1.Session(self.model, n_ctx=4096)
        self.assertEqual(session.prefill([1] * 64), 64)

    def test_a_handler_of_the_host_is_called_and_its_descriptor_hears(self):
        read, write = os.pipe()
        os.set_blocking(write, False)
        came = []
        old = signal.signal(signal.SIGINT, lambda *_: came.append(1))
        descriptor = signal.set_wakeup_fd(write)
        try:
            with self.assertRaises(interns1.Canceled):
                for session in self.late(lambda: os.kill(os.getpid(), signal.SIGINT)):
                    session.prefill(self.LONG)
            self.assertEqual(os.read(read, 1), bytes([signal.SIGINT]))
        finally:
            self.assertEqual(signal.set_wakeup_fd(descriptor), write)
            signal.signal(signal.SIGINT, old)
        self.assertEqual(came, [1])

    @staticmethod
    def is_late(timer, since={}):
        """Did what the timer did get lost? It was done 10 seconds ago."""
        if timer.is_alive():
            return False
        return time.monotonic() - since.setdefault(timer, time.monotonic()) > 10

    def test_control_c_in_the_middle_of_anything(self):
        """Interrupts at random moments: every one comes out, nothing else does, and answers stay right."""
        session = interns1.Session(self.model, n_ctx=512)
        stopping = interns1.Call(progress=lambda *_: None, timeout=60.0)
        tokenizer = self.model.tokenizer

        def plainly():
            session.prefill([1] * 100)
            session.step(1)

        def with_callbacks():
            session.prefill([1] * 100, call=stopping)
            session.step(1, call=stopping)

        def as_a_reply():
            session.prefill([1] * 20)
            for _ in interns1.Stream(session, tokenizer, max_tokens=8):
                pass

        def as_text():
            tokenizer.decode(tokenizer.encode(ASK * 4, special=True))

        def bits():
            session.truncate(0)
            plainly()
            return session.logits().tolist()

        right, chance = bits(), random.Random(SEED)
        works = [plainly, with_callbacks, as_a_reply, as_text]
        for moment in range(MOMENTS):
            work = works[moment % len(works)]
            timer = threading.Timer(chance.random() * 0.02, os.kill, (os.getpid(), signal.SIGINT))
            with self.subTest(moment=moment, work=work.__name__), self.assertRaises(KeyboardInterrupt):
                timer.start()
                while not self.is_late(timer):
                    session.truncate(0)
                    work()
            timer.join()
            if moment % 8 >= 4:  # and the next call of half of them begins in a session that was stopped
                self.assertEqual(bits(), right, (moment, work.__name__))
            self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)
            self.assertEqual(self.model.runtime._failures.raised, [])
        self.assertEqual(bits(), right)


class Lifetimes(unittest.TestCase):
    def test_handles_end_in_any_order(self):
        for seed in range(6):
            runtime = interns1.Runtime(threads=2)
            model = interns1.Model(MODEL, runtime=runtime)
            session = interns1.Session(model, keep_hidden=True)
            session.prefill([1, 2, 3])
            sampler = interns1.Sampler(tokenizer=model.tokenizer)
            stream = interns1.Stream(session, model.tokenizer, sampler)
            handles = [runtime, model, model.tokenizer, model.decoder, session, sampler, stream,
                       session.embeds(pooling="none"), interns1.Prompt(model.tokenizer, "x"),
                       interns1.Cancel(runtime), model.tokenizer.detokenizer()]
            random.Random(seed).shuffle(handles)
            for handle in handles:
                handle.close()
                handle.close()
                self.assertTrue(handle.closed)

    def test_close_waits_for_what_runs(self):
        model = interns1.Model(MODEL)
        session = interns1.Session(model, n_ctx=4096)
        thread = threading.Thread(target=lambda: session.prefill([1] * 1500))
        thread.start()
        time.sleep(0.02)
        session.close()
        model.close()
        thread.join()

    def test_a_second_thread_is_told(self):
        session = interns1.Session(interns1.Model(MODEL), n_ctx=4096)
        thread = threading.Thread(target=lambda: session.prefill([1] * 1500))
        thread.start()
        time.sleep(0.02)
        with self.assertRaises(interns1.Busy):
            session.step(1)
        thread.join()

    def test_control_c_while_a_handle_ends_is_not_lost(self):
        """It was, and the handle with it, when a destructor was a function of Python's."""
        runtime, chance = interns1.Runtime(threads=1), random.Random(SEED)
        before, data = runtime.memory().now, bytearray(100)
        for _ in range(MOMENTS // 4):
            timer = threading.Timer(chance.random() * 0.01, os.kill, (os.getpid(), signal.SIGINT))
            with self.assertRaises(KeyboardInterrupt):
                timer.start()
                while not Stopping.is_late(timer):
                    interns1.Cancel(runtime)
                    View(data)
            timer.join()
            data.append(1)  # which no View holds
            self.assertEqual(runtime.memory().now, before)

    def test_nothing_is_left(self):
        runtime = interns1.Runtime(threads=1)

        def use():
            model = interns1.Model(MODEL, runtime=runtime)
            model.chat("hi", max_tokens=3)

        use()
        before = runtime.memory().now
        gc.disable()  # nothing of ours waits for it
        for _ in range(3):
            use()
        gc.enable()
        self.assertEqual(runtime.memory().now, before)

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork here")
    def test_a_forked_child_begins_anew(self):
        script = ("import interns1, os, sys\n"
                  f"first = interns1.Model({MODEL!r})\n"
                  "pid = os.fork()\n"
                  "if pid == 0:\n"
                  f"    print(interns1.Model({MODEL!r}).chat({ASK!r}), flush=True)\n"
                  "    os._exit(0)\n"
                  "sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n")
        done = subprocess.run([sys.executable, "-c", script], text=True, capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (0, "C9H8O4\n"), done.stderr)


class Backends(unittest.TestCase):
    def test_a_plugin_is_loaded_or_registered(self):
        loaded = interns1.Runtime()
        loaded.load_backend(PLUGIN)
        names = [device.name for device in loaded.devices]
        self.assertEqual((len(names), loaded.find_device(names[1])), (2, 1))
        with self.assertRaises(interns1.StateError):
            loaded.load_backend(PLUGIN)
        registered = interns1.Runtime(plugins=False)
        with self.assertRaises(interns1.StateError):
            registered.load_backend(PLUGIN)
        registered.register_backend(ctypes.CDLL(PLUGIN).ins1_backend_entry)
        self.assertEqual([device.name for device in registered.devices], names)
        with self.assertRaises(interns1.ArgumentError):
            registered.register_backend(None)

    def test_a_backend_comes_before_the_first_model(self):
        runtime = interns1.Runtime()
        interns1.Model(MODEL, runtime=runtime)
        with self.assertRaises(interns1.StateError):
            runtime.register_backend(ctypes.CDLL(PLUGIN).ins1_backend_entry)


class Embeddings(Common):
    ROWS = array.array("f", range(12))

    def test_rows_of_the_host_become_embeddings(self):
        view = memoryview(self.ROWS).cast("B").cast("f", shape=[3, 4])
        embeds = interns1.Embeds.from_array(view, modality="image", grid=(1, 3, 1))
        self.assertEqual((embeds.shape, embeds.modality, embeds.grid), ((3, 4), "image", (1, 3, 1)))
        self.assertEqual(embeds.read().tolist(), view.tolist())
        self.assertEqual(embeds.read(1, 1).tolist(), [[4.0, 5.0, 6.0, 7.0]])
        self.assertEqual(embeds.pool().read().tolist(), [[4.0, 5.0, 6.0, 7.0]])
        self.assertEqual(embeds.pool("last").read().tolist(), [[8.0, 9.0, 10.0, 11.0]])
        self.assertTrue(embeds.__array_interface__["data"][1])

    @unittest.skipUnless(numpy, "there is no numpy")
    def test_numpy_both_ways(self):
        ours = numpy.arange(20, dtype=numpy.float32).reshape(4, 5)
        for source in (ours, numpy.asfortranarray(ours), ours.astype(numpy.float16)):
            embeds = interns1.Embeds.from_array(source)
            self.assertEqual(embeds.read().tolist(), ours.tolist())
        embeds = interns1.Embeds.from_array(ours)
        shown, packed = numpy.asarray(embeds), numpy.from_dlpack(embeds)
        self.assertEqual(shown.ctypes.data, packed.ctypes.data)
        self.assertFalse(shown.flags.writeable)
        del embeds, ours
        gc.collect()
        self.assertEqual(shown.tolist(), packed.tolist())

    @unittest.skipUnless(numpy, "there is no numpy")
    def test_dlpack_capsules_that_nobody_takes_end(self):
        from interns1 import _dlpack

        embeds = interns1.Embeds.from_array(self.ROWS_2D())
        before = len(_dlpack._kept)
        for version in (None, (1, 0)):
            capsule = embeds.__dlpack__(max_version=version)
            del capsule
            gc.collect()
            self.assertEqual(len(_dlpack._kept), before)
        again = interns1.Embeds.from_array(OnlyDLPack(embeds))
        self.assertEqual(again.read().tolist(), embeds.read().tolist())
        again = interns1.Embeds.from_array(OnlyDLPack(numpy.ones((2, 2), numpy.float32)))
        self.assertEqual(again.read().tolist(), [[1.0, 1.0], [1.0, 1.0]])
        del again
        gc.collect()
        self.assertEqual(len(_dlpack._kept), before)

    @classmethod
    def ROWS_2D(cls):
        return numpy.ones((3, 4), numpy.float32)

    def test_embeddings_stand_for_tokens(self):
        width = self.model.info.n_embd
        rows = memoryview(array.array("f", [0.01] * (3 * width))).cast("B").cast("f", shape=[3, width])
        embeds = interns1.Embeds.from_array(rows)
        session = interns1.Session(self.model, n_seq=2)
        self.assertEqual(session.prefill([[1, 2], embeds, interns1.Span(embeds, 1, 1), [3]]), 7)
        session.prefill([[1, 2], embeds], seq=1)
        session.prefill([interns1.Span(embeds, 1, 1), [3]], seq=1)
        self.assertEqual(session.logits(0).tolist(), session.logits(1).tolist())


class OnlyDLPack:
    """As a framework's tensor: no buffer, no numpy interface."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**({} if numpy is not None and isinstance(self.array, numpy.ndarray) else options))

    def __dlpack_device__(self):
        return (1, 0)


class Senses(Common):
    """The encoders, where the checkpoint has them."""

    def test_an_image(self):
        encoder = self.encoder("vision")
        pixels = memoryview(bytes(range(256)) * 36).cast("B", shape=[48, 64, 3])
        embeds = encoder.encode(pixels)
        self.assertEqual(len(embeds), encoder.tokens(64, 48))
        if numpy is not None:
            array_ = numpy.asarray(pixels)
            for same in (array_[:, :, ::-1][:, :, ::-1].copy(), numpy.ascontiguousarray(array_)):
                self.assertEqual(encoder.encode(same).read().tobytes(), embeds.read().tobytes())
            self.assertEqual(encoder.encode(array_[:, :, ::-1].copy(), bgr=True).read().tobytes(),
                             embeds.read().tobytes())
            pixels_, info = encoder.preprocess(array_)
            self.assertEqual(encoder.encode_pixels(pixels_, info).read().tobytes(), embeds.read().tobytes())
        seen = []
        encoder.observe(["hidden"], lambda o: seen.append((o.layer, o.values.shape[1])))
        encoder.encode(pixels)
        n = len(seen)
        self.assertGreater(n, 1)
        self.assertEqual({what for what in seen if what[0] == 0}, {(0, seen[0][1])})
        encoder.observe([])
        encoder.encode(pixels)
        self.assertEqual(len(seen), n)
        if "vision" in self.model.info.parts:
            self.assertTrue(self.model.chat("What is this?", images=[pixels], max_tokens=4).ids)

    def test_a_video(self):
        encoder = self.encoder("vision")
        frames = [memoryview(bytes((i + at) % 256 for i in range(48 * 64 * 3))).cast("B", shape=[48, 64, 3])
                  for at in range(4)]
        embeds = encoder.encode_video(frames, fps=2, all_frames=True)
        self.assertEqual(len(embeds), encoder.video_tokens(frames, fps=2, all_frames=True))
        pixels, info = encoder.preprocess_video(frames, fps=2, all_frames=True)
        self.assertEqual(info.n_tokens, len(embeds))
        self.assertEqual(encoder.encode_pixels(pixels, info).read().tolist(), embeds.read().tolist())

    def test_a_signal(self):
        encoder = self.encoder("timeseries")
        samples = array.array("f", (i % 17 / 16 for i in range(4000)))
        embeds = encoder.encode(interns1.Signal(samples, sample_rate=100))
        self.assertEqual(len(embeds), encoder.tokens(4000, 1, 100))
        if "timeseries" in self.model.info.parts:
            self.assertTrue(self.model.chat("What is this?", series=[interns1.Signal(samples, 100)], max_tokens=4).ids)

    @unittest.skipUnless(numpy, "there is no numpy")
    def test_samples_are_pointed_to(self):
        """That nothing is copied behind the pointer either is no_copy.py's to show."""
        from interns1.encoders import series_struct

        samples = numpy.zeros((1000, 1), numpy.float32)
        keep = []
        self.assertEqual(series_struct(interns1.Signal(samples, 100), keep).data, samples.ctypes.data)
        self.assertEqual(series_struct(interns1.Signal(samples[::-2]), keep).sample_stride, -8)

    def encoder(self, part):
        """An encoder of the checkpoint, or of the first of the others that has one."""
        kind = {"vision": interns1.VisionEncoder, "timeseries": interns1.TimeSeriesEncoder}[part]
        for path in [MODEL, *OTHERS]:
            try:
                return kind(interns1.Model(path, parts=[part]))
            except interns1.Unsupported:
                pass
        self.skipTest(f"no checkpoint has a {part} part")

    def test_files_are_read(self):
        try:
            from interns1 import _library

            _library.io()
        except ImportError as error:
            self.skipTest(str(error))
        series = interns1.Series({"a.csv": b"time,volt (mV)\n0,1\n0.5,2\n1,3\n"})
        self.assertEqual((series.n_samples, series.n_channels, series.sample_rate), (3, 1, 2.0))
        self.assertEqual(series.channels, [interns1.Channel("volt", "mV")])
        with self.assertRaises(interns1.FormatError):
            interns1.Image(b"\x89PNG\r\n\x1a\n")

    def test_what_is_no_array_is_refused(self):
        from interns1.encoders import image_struct, series_struct

        for wrong in (7, "text", b"abc", memoryview(bytes(30)).cast("B", shape=[5, 6])[::2]):
            with self.assertRaises(TypeError):
                series_struct(wrong, [])
        with self.assertRaises(TypeError):
            image_struct(memoryview(bytes(20)).cast("B", shape=[2, 5, 2]), False, [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
