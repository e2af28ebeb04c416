#!/usr/bin/env python3
"""What ins1-server answers, with the checkpoint that ships; the standard library alone.

    server.py SERVER INS1 MODEL
"""
import base64
import json
import math
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from service import Server, data_url, joined, png, wav

PROGRAM, INS1, MODEL = sys.argv[1:4]
ASPIRIN = "What is the molecular formula of <SMILES>CC(=O)Oc1ccccc1C(=O)O</SMILES>?"
QUESTIONS = [
    f"What is the molecular formula of <SMILES>{smiles}</SMILES>?"
    for smiles in ("CCO", "c1ccccc1", "CC(=O)O", "CCN(CC)CC", "O=C(O)c1ccccc1", "C1CCCCC1", "CC(C)O", "Clc1ccccc1")
]
TOOLS = [{"type": "function", "function": {"name": "weigh", "description": "Weighs.", "parameters": {
    "type": "object", "properties": {"smiles": {"type": "string"}, "scale": {"type": "number", "default": 0.1}}}}}]
CHAT, TEXT, EMBEDDINGS = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"


class Case(unittest.TestCase):
    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(PROGRAM, MODEL, *cls.flags).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def refused(self, path, body, status, *words, **more):
        found, headers, answer = self.server.post(path, body, **more)
        self.assertEqual(found, status, answer)
        error = answer["error"]
        self.assertEqual(set(error), {"message", "type", "param", "code"})
        for word in words:
            self.assertIn(word, error["message"])
        return headers, error


class Answers(Case):
    def test_chat_says_what_the_program_ins1_says(self):
        done = subprocess.run([INS1, "run", MODEL, "--json", "--threads", "2"], input=json.dumps({"text": ASPIRIN}),
                              text=True, capture_output=True, check=True)
        alone = json.loads(done.stdout)
        body = self.server.chat(ASPIRIN)
        message = body["choices"][0]["message"]
        self.assertEqual(message["content"], alone["content"].strip("\n"))
        self.assertEqual(message["reasoning_content"], alone["reasoning"].strip("\n"))
        self.assertEqual(body["object"], "chat.completion")
        self.assertEqual(body["choices"][0]["finish_reason"], "stop")
        self.assertEqual(body["usage"]["prompt_tokens"], alone["prompt_tokens"])
        self.assertEqual(body["usage"]["completion_tokens"], alone["tokens"])
        self.assertGreater(body["usage"]["completion_tokens_details"]["reasoning_tokens"], 0)

    def test_a_stream_says_the_same_in_pieces(self):
        message = self.server.chat(ASPIRIN)["choices"][0]["message"]
        events = list(self.server.stream(CHAT, {"messages": [{"role": "user", "content": ASPIRIN}],
                                                "stream_options": {"include_usage": True}}))
        self.assertEqual(joined(events), (message["reasoning_content"], message["content"]))
        self.assertEqual(events[0]["choices"][0]["delta"]["role"], "assistant")
        self.assertEqual(events[-2]["choices"][0]["finish_reason"], "stop")
        self.assertEqual(events[-1]["choices"], [])
        self.assertGreater(events[-1]["usage"]["completion_tokens"], 0)
        self.assertGreater(len(events), 10)

    def test_thinking_can_be_switched_off(self):
        for fields in ({"thinking": False}, {"enable_thinking": False}, {"chat_template_kwargs": {"enable_thinking": False}}):
            message = self.server.chat(ASPIRIN, **fields)["choices"][0]["message"]
            self.assertNotIn("reasoning_content", message)
        self.assertIn("reasoning_content", self.server.chat(ASPIRIN, thinking=True)["choices"][0]["message"])

    def test_log_probabilities_come_with_their_tokens(self):
        body = self.server.chat(ASPIRIN, thinking=False, logprobs=True, top_logprobs=3)
        tokens = body["choices"][0]["logprobs"]["content"]
        said = b"".join(bytes(token["bytes"]) for token in tokens).decode()
        self.assertIn(body["choices"][0]["message"]["content"], said)
        for token in tokens:
            self.assertEqual(len(token["top_logprobs"]), 3)
            self.assertAlmostEqual(token["logprob"], token["top_logprobs"][0]["logprob"], 4)
        streamed = []
        for event in self.server.stream(CHAT, {"messages": [{"role": "user", "content": ASPIRIN}], "thinking": False,
                                               "logprobs": True, "top_logprobs": 3}):
            streamed += (event["choices"][0]["logprobs"] or {"content": []})["content"]
        self.assertEqual(streamed, tokens)

    def test_several_choices_are_drawn_with_seeds_of_their_own(self):
        fields = {"n": 4, "temperature": 3, "seed": 7, "top_k": 0, "max_tokens": 12}
        first = [c["message"] for c in self.server.chat(ASPIRIN, **fields)["choices"]]
        again = [c["message"] for c in self.server.chat(ASPIRIN, **fields)["choices"]]
        self.assertEqual(first, again)
        self.assertGreater(len({json.dumps(m) for m in first}), 1)
        third = self.server.chat(ASPIRIN, **{**fields, "n": 1, "seed": 9})["choices"][0]["message"]
        self.assertEqual(first[2], third)

    def test_a_stop_string_and_a_length_end_a_reply(self):
        choice = self.server.chat(ASPIRIN, thinking=False, stop=["H8"])["choices"][0]
        self.assertEqual((choice["message"]["content"], choice["finish_reason"]), ("C9", "stop"))
        choice = self.server.chat(ASPIRIN, thinking=False, max_tokens=1)["choices"][0]
        self.assertEqual(choice["finish_reason"], "length")

    def test_a_bias_forbids_a_token(self):
        tokens = self.server.chat(ASPIRIN, thinking=False, logprobs=True)["choices"][0]["logprobs"]["content"]
        vocabulary = json.loads((pathlib.Path(MODEL) / "vocab.json").read_text(encoding="utf-8"))
        ident = vocabulary[tokens[0]["token"]]
        other = self.server.chat(ASPIRIN, thinking=False, logprobs=True, max_tokens=1, logit_bias={str(ident): -100})
        self.assertNotEqual(other["choices"][0]["logprobs"]["content"][0]["token"], tokens[0]["token"])

    def test_tools_and_their_results_enter_the_prompt(self):
        call = {"id": "1", "type": "function", "function": {"name": "weigh", "arguments": "{\"smiles\": \"CCO\"}"}}
        messages = [{"role": "user", "content": "Weigh ethanol."},
                    {"role": "assistant", "content": None, "reasoning_content": "A tool.", "tool_calls": [call]},
                    {"role": "tool", "tool_call_id": "1", "content": "46.07"}]
        bare = self.server.chat(messages, max_tokens=1)["usage"]["prompt_tokens"]
        with_tools = self.server.chat(messages, tools=TOOLS, max_tokens=1)["usage"]["prompt_tokens"]
        self.assertGreater(with_tools, bare)
        self.assertEqual(self.server.chat(messages, tools=TOOLS, tool_choice="none", max_tokens=1)["usage"]["prompt_tokens"],
                         bare)

    def test_bare_prompts_continue(self):
        _, _, one = self.server.post(TEXT, {"prompt": "hello", "max_tokens": 5, "logprobs": 2, "ignore_eos": True})
        self.assertEqual(one["object"], "text_completion")
        logprobs = one["choices"][0]["logprobs"]
        self.assertEqual({len(logprobs[k]) for k in ("tokens", "token_logprobs", "top_logprobs", "text_offset")}, {5})
        _, _, two = self.server.post(TEXT, {"prompt": ["C1CC", "hello"], "max_tokens": 5, "ignore_eos": True})
        self.assertEqual([c["index"] for c in two["choices"]], [0, 1])
        self.assertEqual(two["choices"][1]["text"], one["choices"][0]["text"])
        _, _, echoed = self.server.post(TEXT, {"prompt": "hello", "max_tokens": 5, "ignore_eos": True, "echo": True})
        self.assertEqual(echoed["choices"][0]["text"], "hello" + one["choices"][0]["text"])
        text = "".join(e["choices"][0]["text"] for e in
                       self.server.stream(TEXT, {"prompt": "hello", "max_tokens": 5, "ignore_eos": True}))
        self.assertEqual(text, one["choices"][0]["text"])

    def test_embeddings_have_length_one_in_both_encodings(self):
        status, _, body = self.server.post(EMBEDDINGS, {"input": ["CCO", "c1ccccc1", "CCO"]})
        self.assertEqual(status, 200, body)
        rows = [row["embedding"] for row in body["data"]]
        self.assertEqual(rows[0], rows[2])
        self.assertNotEqual(rows[0], rows[1])
        self.assertAlmostEqual(math.hypot(*rows[0]), 1, 5)
        _, _, packed = self.server.post(EMBEDDINGS, {"input": "CCO", "encoding_format": "base64"})
        values = base64.b64decode(packed["data"][0]["embedding"])
        self.assertEqual(struct.pack(f"<{len(rows[0])}f", *rows[0]), values)
        self.assertEqual(body["usage"]["total_tokens"], body["usage"]["prompt_tokens"])

    def test_models_and_health_are_told(self):
        _, _, models = self.server.get("/v1/models")
        name = models["data"][0]["id"]
        self.assertEqual(self.server.get(f"/v1/models/{name}")[2]["id"], name)
        self.assertEqual(self.server.get("/v1/models/other")[0], 404)
        self.assertEqual(self.server.get("/health")[2]["status"], "ok")
        status, headers, page = self.server.get("/")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertIn("<!doctype html>", page)

    def test_a_connection_serves_many_requests_and_prompts_are_remembered(self):
        connection = self.server.connect()
        counts = []
        for _ in range(3):
            _, _, body = self.server.post(CHAT, {"messages": [{"role": "user", "content": ASPIRIN}]}, connection=connection)
            counts.append(body["usage"]["prompt_tokens_details"]["cached_tokens"])
        connection.close()
        self.assertGreater(counts[2], 0)

    def test_clients_together_get_what_each_gets_alone(self):
        alone = [self.server.chat(q)["choices"][0]["message"] for q in QUESTIONS]
        together = [None] * 24
        def ask(i):
            together[i] = self.server.chat(QUESTIONS[i % 8])["choices"][0]["message"]
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(together, [alone[i % 8] for i in range(24)])


class Media(Case):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.inside = pathlib.Path(cls.folder.name) / "inside"
        cls.inside.mkdir()
        (cls.inside / "red.png").write_bytes(png())
        (pathlib.Path(cls.folder.name) / "secret.png").write_bytes(png())
        (cls.inside / "link.png").symlink_to("../secret.png")
        cls.flags = ("--files", str(cls.inside), "--max-pixels", "100000", "--max-samples", "5000", "--max-media", "2")
        super().setUpClass()
        cls.model = cls.server.get("/v1/models")[2]["data"][0]

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.folder.cleanup()

    def ask(self, *parts, **fields):
        return self.server.post(CHAT, {"messages": [{"role": "user", "content": [*parts, {"type": "text", "text": "What?"}]}],
                                       "max_tokens": 4, **fields})

    def series(self, url, rate=None):
        inner = {"url": url} if rate is None else {"url": url, "sampling_rate": rate}
        return self.ask({"type": "time_series_url", "time_series_url": inner})

    def image(self, url):
        return self.ask({"type": "image_url", "image_url": {"url": url}})

    def test_series_of_every_kind_enter_the_prompt(self):
        if not self.model["takes_series"]:
            self.assertIn("takes no time series", self.series("data:text/csv,1")[2]["error"]["message"])
            self.skipTest("the checkpoint takes no series")
        numbers = [int(1000 * math.sin(i / 5)) for i in range(400)]
        csv = "\n".join(map(str, numbers)).encode()
        plain = self.ask()[2]["usage"]["prompt_tokens"]
        for url in (data_url("audio/wav", wav(numbers)), data_url("text/csv", csv), "data:text/csv," + csv.decode().replace("\n", "%0A")):
            status, _, body = self.series(url, 100)
            self.assertEqual(status, 200, body)
            self.assertGreater(body["usage"]["prompt_tokens"], plain)
        self.assertEqual(self.series(data_url("text/csv", b"0\n" * 6000))[0], 400)
        self.assertEqual(self.series(data_url("text/csv", csv), "fast")[0], 400)

    def test_images_enter_the_prompt(self):
        if not self.model["sees_images"]:
            self.assertIn("sees no images", self.image("data:,x")[2]["error"]["message"])
            self.skipTest("the checkpoint sees nothing")
        plain = self.ask()[2]["usage"]["prompt_tokens"]
        status, _, body = self.image(data_url("image/png", png()))
        self.assertEqual(status, 200, body)
        self.assertGreater(body["usage"]["prompt_tokens"], plain)
        self.assertEqual(self.image("file://" + str(self.inside / "red.png"))[2]["choices"], body["choices"])
        for url in ("file://" + str(self.inside / "link.png"), "file://" + str(self.inside / "../secret.png"),
                    "file:///etc/hostname", "file://" + str(self.inside), "file://" + str(self.inside / "none.png")):
            status, _, answer = self.image(url)
            self.assertEqual(status, 400)
            self.assertIn("no file that this server may read", answer["error"]["message"])
        self.assertEqual(self.image("http://127.0.0.1/x.png")[0], 400)
        self.assertEqual(self.image(data_url("image/png", png(400, 300)))[0], 400)
        self.assertEqual(self.image(data_url("image/png", b"no image"))[0], 400)
        self.assertEqual(self.image("data:image/png;base64,!!")[0], 400)
        part = {"type": "image_url", "image_url": {"url": data_url("image/png", png())}}
        self.assertIn("at most 2", self.ask(part, part, part)[2]["error"]["message"])


class Refusals(Case):
    flags = ("--max-body", "20000", "--key", "s3cret", "--slots", "2", "--ctx", "256", "--idle-limit", "2")

    def setUp(self):
        self.headers = {"Authorization": "Bearer s3cret"}

    def no(self, body, status, *words, path=CHAT):
        return self.refused(path, body, status, *words, headers=self.headers)

    def test_a_key_is_needed_for_all_but_the_page(self):
        for headers in ({}, {"Authorization": "Bearer s3creT"}, {"Authorization": "s3cret"}, {"Authorization": "Bearer "}):
            status, _, body = self.server.post(CHAT, {"messages": []}, headers)
            self.assertEqual((status, body["error"]["code"]), (401, "invalid_api_key"))
        self.assertEqual(self.server.get("/v1/models")[0], 401)
        self.assertEqual(self.server.get("/")[0], 200)
        self.assertEqual(self.server.get("/v1/models", self.headers)[0], 200)

    def test_what_is_no_json_is_refused(self):
        for body in ("", "{", "[1, 2", "nul", "{\"a\": \"\\ud800\"}", b"\xff\xfe", "[" * 5000, "\0"):
            self.no(body, 400, "the body is no JSON")
        self.no("[1]", 400, "the body is an array, expected an object")

    def test_fields_are_refused_by_name_with_what_was_expected(self):
        user = [{"role": "user", "content": "C"}]
        for fields, word in (
            ({}, "'messages' is nothing"), ({"messages": []}, "'messages' is empty"), ({"messages": 4}, "'messages' is a number"),
            ({"messages": ["x"]}, "message 0 is a string"), ({"messages": [{}]}, "message 0 has no 'role'"),
            ({"messages": [{"role": "user", "content": 4}]}, "'content' is a number"),
            ({"messages": [{"role": "user", "content": [{"type": "video_url"}]}]}, "'video_url', expected 'text'"),
            ({"messages": [{"role": "wizard", "content": "C"}]}, "wizard"),
            ({"messages": user, "temperature": -1}, "'temperature' is -1, expected 0 to 100"),
            ({"messages": user, "temperature": "hot"}, "'temperature' is a string, expected a number"),
            ({"messages": user, "n": 3}, "'n' is 3, expected 1 to 2"), ({"messages": user, "n": 1.5}, "no whole number"),
            ({"messages": user, "top_logprobs": 3}, "'logprobs' to be true"), ({"messages": user, "stop": [""]}, "an empty string"),
            ({"messages": user, "stop": ["x"] * 17}, "17 entries"), ({"messages": user, "stream": "yes"}, "'stream' is a string"),
            ({"messages": user, "logit_bias": {"x": 1}}, "'logit_bias' has 'x'"),
            ({"messages": user, "tools": {}}, "'tools' is an object"),
            ({"messages": user, "tool_choice": "required"}, "'tool_choice' is required, expected 'auto' or 'none'"),
            ({"messages": user, "response_format": {"type": "json_object"}}, "'json_object', expected 'text'"),
            ({"messages": user, "thinking": 1}, "'thinking' is a number"),
        ):
            self.no(fields, 400, word)
        self.no({"model": "gpt", "messages": user}, 404, "'model' is 'gpt', this server has 'interns1-demo'")
        self.no({"prompt": [99999999]}, 400, "99999999", path=TEXT)
        self.no({"prompt": ""}, 400, "'prompt' is empty", path=TEXT)
        self.no({"prompt": ["x"] * 300}, 400, "300 entries", path=TEXT)
        self.no({"input": {}}, 400, "'input' is an object", path=EMBEDDINGS)
        self.no({"input": "x", "encoding_format": "zip"}, 400, "'zip', expected 'float' or 'base64'", path=EMBEDDINGS)

    def test_a_prompt_longer_than_the_context_is_refused_and_a_reply_ends_with_it(self):
        _, error = self.no({"messages": [{"role": "user", "content": "no " * 3000}]}, 400, "tokens, expected at most 255")
        self.assertEqual(error["code"], "context_length_exceeded")
        status, _, body = self.server.post(TEXT, {"prompt": "hello", "ignore_eos": True}, self.headers)
        self.assertEqual((status, body["choices"][0]["finish_reason"]), (200, "length"))
        self.assertEqual(body["usage"]["total_tokens"], 256)

    def test_a_body_that_is_too_large_is_refused(self):
        self.no("x" * 30000, 413, "expected at most 20000")
        with socket.create_connection(("127.0.0.1", self.server.port)) as client:
            client.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer s3cret\r\n"
                           b"Transfer-Encoding: chunked\r\n\r\n")
            try:
                for _ in range(100):
                    client.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            except OSError:
                pass  # thrown out while it still sent
        self.assertEqual(self.server.get("/health")[0], 200)

    def test_json_that_would_take_much_memory_is_refused(self):
        with Server(PROGRAM, MODEL, "--max-body", "4000000", "--max-bodies", "4000000", "--max-response", "3000") as server:
            before = server.memory()
            for body in (b"[" + b"{}," * 300000 + b"{}]", b"{\"prompt\":[" + b"1," * 1000000 + b"1]}", b"[[" * 100000):
                status, headers, answer = server.post(TEXT, body)
                self.assertEqual((status, answer["error"]["code"]), (503, "too_busy"))
            self.assertLess(server.memory() - before, 20 << 20)
            self.assertEqual(server.post(TEXT, {"prompt": "C", "max_tokens": 1})[0], 200)
            fields = {"prompt": "C", "max_tokens": 100, "ignore_eos": True, "logprobs": 5}
            status, _, answer = server.post(TEXT, fields)
            self.assertEqual((status, answer["error"]["code"]), (400, "response_too_large"))
            self.assertEqual(list(server.stream(TEXT, fields))[-1]["choices"][0]["finish_reason"], "length")

    def test_paths_and_methods_that_do_not_exist_are_refused(self):
        self.assertEqual(self.server.get("/v1/nothing", self.headers)[0], 404)
        self.assertEqual(self.server.get(CHAT, self.headers)[0], 405)
        self.assertEqual(self.server.request("DELETE", "/v1/models", None, self.headers)[0], 405)

    def test_bytes_that_are_no_http_do_not_hurt(self):
        for data in (b"\0" * 4096, b"GET\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n", os.urandom(2000), b"G" * 100000):
            with socket.create_connection(("127.0.0.1", self.server.port)) as client:
                try:
                    client.sendall(data)
                    client.shutdown(socket.SHUT_WR)
                    client.settimeout(5)
                    client.recv(4096)
                except OSError:
                    pass
        self.assertEqual(self.server.get("/health")[0], 200)


class Clients(Case):
    """Those that hang up, do not read, or are too many."""

    flags = ("--slots", "2", "--queue", "1", "--idle-limit", "1", "--ctx", "4096")
    long = {"prompt": "hello", "ignore_eos": True, "stream": True, "max_tokens": 4000, "logprobs": 20}

    def open(self, fields, buffer=None):
        client = socket.socket()
        if buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.connect(("127.0.0.1", self.server.port))
        body = json.dumps(fields).encode()
        client.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return client

    def wait_for(self, requests, seconds=20):
        begin = time.monotonic()
        while self.server.get("/health")[2]["requests"] != requests:
            self.assertLess(time.monotonic(), begin + seconds, self.server.get("/health")[2])
            time.sleep(0.02)

    def tearDown(self):
        self.wait_for(0)
        self.assertEqual(self.server.chat(ASPIRIN, thinking=False)["choices"][0]["message"]["content"], "C9H8O4")

    def test_who_hangs_up_frees_the_slot(self):
        for fields in (self.long, {**self.long, "stream": False}):
            client = self.open(fields)
            self.wait_for(1)
            client.close()
            self.wait_for(0, 5)

    def test_who_does_not_read_holds_up_nobody_and_is_thrown_out(self):
        client = self.open(self.long, 4096)
        self.wait_for(1)
        self.assertEqual(self.server.chat(ASPIRIN, thinking=False)["choices"][0]["message"]["content"], "C9H8O4")
        self.wait_for(0)
        client.close()

    def test_who_does_not_send_is_thrown_out(self):
        with socket.create_connection(("127.0.0.1", self.server.port)) as client:
            client.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            client.settimeout(20)
            self.assertEqual(client.recv(1), b"")

    def test_who_dribbles_is_thrown_out(self):
        with socket.create_connection(("127.0.0.1", self.server.port)) as client:
            begin = time.monotonic()
            with self.assertRaises(OSError):
                for _ in range(100):
                    client.sendall(b"GET / HTTP/1.1\r\n"[:1] if not _ else b"E")
                    time.sleep(0.2)
            self.assertLess(time.monotonic() - begin, 10)

    def test_who_comes_when_the_queue_is_full_is_told_to_come_again(self):
        clients = [self.open({**self.long, "stream": False, "n": 2}) for _ in range(3)]
        self.wait_for(3)
        begin = time.monotonic()
        status = 200
        while status == 200 and time.monotonic() < begin + 20:
            status, headers, body = self.server.post(TEXT, {"prompt": "C", "max_tokens": 1})
        self.assertEqual((status, body["error"]["code"], body["error"]["type"]), (429, "queue_full", "rate_limit_error"))
        self.assertEqual(headers["Retry-After"], "1")
        for client in clients:
            client.close()


class End(unittest.TestCase):
    def test_running_requests_finish_and_new_ones_are_refused(self):
        with Server(PROGRAM, MODEL, "--slots", "2", "--grace", "120") as server:
            events = server.stream(TEXT, {"prompt": "hello", "ignore_eos": True, "max_tokens": 1500})
            next(events)
            idle = server.connect()
            server.post(TEXT, {"prompt": "C", "max_tokens": 1}, connection=idle)
            server.process.terminate()
            time.sleep(0.3)
            status, _, body = server.post(TEXT, {"prompt": "C", "max_tokens": 1}, connection=idle)
            self.assertEqual((status, body["error"]["code"]), (503, "shutting_down"))
            idle.close()
            last = list(events)[-1]
            self.assertEqual(last["choices"][0]["finish_reason"], "length")
            self.assertEqual(server.process.wait(120), 0)
        self.assertIn("finishing what runs", server.log)

    def test_the_second_signal_ends_what_runs(self):
        with Server(PROGRAM, MODEL, "--slots", "2") as server:
            events = server.stream(TEXT, {"prompt": "hello", "ignore_eos": True, "max_tokens": 4000, "logprobs": 20})
            next(events)
            server.process.terminate()
            time.sleep(0.3)
            server.process.terminate()
            rest = list(events)
            events.close()
            self.assertTrue("error" in rest[-1] or rest[-1]["choices"][0]["finish_reason"] == "length", rest[-1])
            self.assertEqual(server.process.wait(30), 0)

    def test_mistakes_of_the_command_line_are_told(self):
        for flags, word in ((["--port", "x"], "expected 0 to 65535"), ([], "MODEL"), (["--nothing", "1"], "unexpected"),
                            (["/nowhere"], "INS1_E_IO"), (["--key-file", "/nowhere", MODEL], "no key in the file")):
            done = subprocess.run([PROGRAM, *flags], text=True, capture_output=True)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(word, done.stderr)
        self.assertIn("--port", subprocess.run([PROGRAM, "--help"], text=True, capture_output=True, check=True).stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
