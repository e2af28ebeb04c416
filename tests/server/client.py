#!/usr/bin/env python3
"""ins1-server through the Python package `openai`, as its users talk to it.

    client.py SERVER MODEL
"""
import base64
import math
import sys
import unittest

from service import Server, data_url, png, skip, wav

try:
    import openai
except ImportError as missing:
    skip(f"the package openai is not there: {missing}")

PROGRAM, MODEL = sys.argv[1:3]
NAME = "interns1-demo"
FORMULA = "What is the molecular formula of <SMILES>CC(=O)Oc1ccccc1C(=O)O</SMILES>?"
USER = [{"role": "user", "content": FORMULA}]
DIRECT = {"thinking": False}
TOOLS = [{"type": "function", "function": {"name": "weigh", "description": "Weighs.", "parameters": {
    "type": "object", "properties": {"smiles": {"type": "string"}}, "required": ["smiles"]}}}]


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(PROGRAM, MODEL, "--key", "s3cret", "--slots", "4").__enter__()
        cls.address = f"http://127.0.0.1:{cls.server.port}/v1"
        cls.client = openai.OpenAI(base_url=cls.address, api_key="s3cret", max_retries=0)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.__exit__()

    def chat(self, messages=USER, **fields):
        return self.client.chat.completions.create(model=NAME, messages=messages, **fields)

    def test_models(self):
        self.assertEqual([model.id for model in self.client.models.list()], [NAME])
        self.assertEqual(self.client.models.retrieve(NAME).owned_by, "libinterns1")
        with self.assertRaises(openai.NotFoundError):
            self.client.models.retrieve("other")

    def test_chat(self):
        done = self.chat()
        self.assertEqual(done.choices[0].message.content, "C9H8O4")
        self.assertEqual(done.choices[0].message.reasoning_content, "C9 O4; unsaturation=6; H8")
        self.assertEqual(done.choices[0].finish_reason, "stop")
        self.assertEqual(done.usage.total_tokens, done.usage.prompt_tokens + done.usage.completion_tokens)
        done = self.chat(extra_body=DIRECT)
        self.assertEqual(done.choices[0].message.content, "C9H8O4")
        self.assertFalse(hasattr(done.choices[0].message, "reasoning_content"))

    def test_streams(self):
        reasoning = content = ""
        usage = None
        for chunk in self.chat(stream=True, stream_options={"include_usage": True}):
            for choice in chunk.choices:
                reasoning += getattr(choice.delta, "reasoning_content", None) or ""
                content += choice.delta.content or ""
            usage = chunk.usage or usage
        self.assertEqual((reasoning, content), ("C9 O4; unsaturation=6; H8", "C9H8O4"))
        self.assertEqual(usage, self.chat().usage.model_copy(update={
            "prompt_tokens_details": usage.prompt_tokens_details}))
        with self.client.chat.completions.stream(model=NAME, messages=USER, extra_body=DIRECT) as stream:
            kinds = {event.type for event in stream}
            self.assertEqual(stream.get_final_completion().choices[0].message.content, "C9H8O4")
        self.assertIn("content.delta", kinds)

    def test_a_stream_that_is_closed_frees_its_slot(self):
        for _ in range(6):
            stream = self.client.completions.create(model=NAME, prompt="hello", max_tokens=4000, stream=True, logprobs=1,
                                                    extra_body={"ignore_eos": True})
            next(iter(stream))
            stream.close()
        self.assertEqual(self.chat(extra_body=DIRECT).choices[0].message.content, "C9H8O4")

    def test_sampling(self):
        fields = {"n": 3, "temperature": 2, "seed": 5, "max_tokens": 12, "extra_body": {"top_k": 0}}
        first, again = self.chat(**fields), self.chat(**fields)
        self.assertEqual([c.message for c in first.choices], [c.message for c in again.choices])
        self.assertEqual([c.index for c in first.choices], [0, 1, 2])
        self.assertEqual(self.chat(stop="H8", extra_body=DIRECT).choices[0].message.content, "C9")
        self.assertEqual(self.chat(max_completion_tokens=1, extra_body=DIRECT).choices[0].finish_reason, "length")

    def test_log_probabilities(self):
        entries = self.chat(logprobs=True, top_logprobs=2, extra_body=DIRECT).choices[0].logprobs.content
        self.assertEqual(b"".join(bytes(e.bytes) for e in entries).decode(), "C9H8O4")
        for entry in entries:
            self.assertLessEqual(entry.logprob, 0)
            self.assertEqual([top.token for top in entry.top_logprobs][0], entry.token)

    def test_tools(self):
        bare, with_tools = self.chat(max_tokens=1), self.chat(max_tokens=1, tools=TOOLS, tool_choice="auto")
        self.assertGreater(with_tools.usage.prompt_tokens, bare.usage.prompt_tokens)
        call = {"id": "1", "type": "function", "function": {"name": "weigh", "arguments": '{"smiles": "CCO"}'}}
        after = [*USER, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "1", "content": "46.07"}]
        self.assertGreater(self.chat(after, tools=TOOLS, max_tokens=1).usage.prompt_tokens, with_tools.usage.prompt_tokens)

    def test_images_and_series(self):
        numbers = [int(1000 * math.sin(i / 5)) for i in range(400)]
        text = {"type": "text", "text": "What waveform is this?"}
        image = {"type": "image_url", "image_url": {"url": data_url("image/png", png())}}
        series = {"type": "time_series_url", "time_series_url": {"url": data_url("audio/wav", wav(numbers)), "sampling_rate": 50}}
        plain = self.chat([{"role": "user", "content": [text]}], max_tokens=4).usage.prompt_tokens
        for part in (image, series):
            done = self.chat([{"role": "user", "content": [part, text]}], max_tokens=4)
            self.assertGreater(done.usage.prompt_tokens, plain)
        done = self.chat([{"role": "user", "content": [series, text]}], extra_body=DIRECT)
        self.assertEqual(done.choices[0].message.content, "sine")

    def test_completions(self):
        done = self.client.completions.create(model=NAME, prompt=["C", "CC"], max_tokens=4, logprobs=1,
                                              extra_body={"ignore_eos": True})
        self.assertEqual([c.index for c in done.choices], [0, 1])
        self.assertEqual(len(done.choices[0].logprobs.tokens), 4)

    def test_embeddings(self):
        rows = [row.embedding for row in self.client.embeddings.create(model=NAME, input=["CCO", "CCN"]).data]
        floats = self.client.embeddings.create(model=NAME, input="CCO", encoding_format="float").data[0].embedding
        self.assertEqual(len(rows), 2)
        self.assertAlmostEqual(math.hypot(*rows[0]), 1, 5)
        for one, other in zip(rows[0], floats):
            self.assertAlmostEqual(one, other, 6)
        self.assertNotEqual(rows[0], rows[1])

    def test_errors(self):
        with self.assertRaises(openai.AuthenticationError):
            openai.OpenAI(base_url=self.address, api_key="other", max_retries=0).models.list()
        with self.assertRaises(openai.BadRequestError) as caught:
            self.chat(temperature=1e9)
        self.assertEqual(caught.exception.param, "temperature")
        with self.assertRaises(openai.BadRequestError):
            self.chat(tools=TOOLS, tool_choice="required")
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(b"none").decode()}}
        with self.assertRaises(openai.BadRequestError):
            self.chat([{"role": "user", "content": [image]}])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
