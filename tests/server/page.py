#!/usr/bin/env python3
"""The page of ins1-server in a headless Chromium: what is drawn and dropped is seen, and answers come in.

    page.py SERVER MODEL SAMPLES
"""
import math
import pathlib
import sys
import tempfile
import unittest

from browser import Browser, find
from service import Server, skip, wav

PROGRAM, MODEL, SAMPLES = sys.argv[1:4]
if not find():
    skip("there is no chromium")

INK = """(id => { const c = document.getElementById(id), d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
    let n = 0; for (let i = 0; i < d.length; i += 4) n += d[i] + d[i + 1] + d[i + 2] < 600; return n; })"""
LAST = "document.querySelector('#turns > .assistant:last-child')"


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(PROGRAM, MODEL, "--slots", "2").__enter__()
        cls.browser = Browser(find(), f"http://127.0.0.1:{cls.server.port}/").__enter__()
        cls.browser.wait("model.id")

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()
        cls.server.__exit__()

    def setUp(self):
        self.browser.click("#again")

    def tearDown(self):
        self.assertEqual(self.browser.complaints, [])

    def ask(self, question, thinks=False):
        """The answer, what it was preceded by, and how many states of it were seen."""
        self.browser.write("#question", question)
        if self.browser.value("document.getElementById('think').checked") != thinks:
            self.browser.click("#think")
        self.browser.value("window.states = []; new MutationObserver(() => states.push($('turns').textContent))"
                           ".observe($('turns'), { childList: true, subtree: true, characterData: true }); 0")
        self.browser.click("#ask")
        self.browser.wait(f"{LAST} && {LAST}.dataset.state !== 'running'")
        self.assertEqual(self.browser.value(f"{LAST}.dataset.state"), "done", self.browser.value(f"{LAST}.textContent"))
        said = f"((k) => [...{LAST}.querySelectorAll(k)].map(n => n.textContent).join(''))"
        return (self.browser.value(said + "('.content')"), self.browser.value(said + "('.reasoning')"),
                self.browser.value("new Set(states).size"))

    def test_the_model_is_named(self):
        self.assertEqual(self.browser.value("$('model').textContent"), "interns1-demo")
        self.assertIn("sees images, takes signals", self.browser.value("$('about').textContent"))

    def test_a_molecule_is_drawn_and_its_answer_streams(self):
        self.browser.write("#smiles", "CC(=O)Oc1ccccc1C(=O)O")
        letters = self.browser.value("[...document.querySelectorAll('#molecule text')].map(t => t.textContent).join('')")
        self.assertEqual(letters, "OOOO")
        self.assertGreaterEqual(self.browser.value("document.querySelectorAll('#molecule line').length"), 13)
        content, reasoning, n = self.ask("What is the molecular formula?", True)
        self.assertEqual((content, reasoning), ("C9H8O4", "C9 O4; unsaturation=6; H8"))
        self.assertGreater(n, 4)
        self.assertIn("tokens", self.browser.value("$('speed').textContent"))

    def test_a_picture_is_drawn(self):
        self.assertEqual(self.browser.value(f"{INK}('picture')"), 0)
        self.browser.drag("#picture", [(0.2 + i / 20, 0.5 + 0.3 * math.sin(i)) for i in range(12)])
        self.assertGreater(self.browser.value(f"{INK}('picture')"), 500)
        self.assertEqual(self.browser.value("$('picture-name').textContent"), "drawn")
        self.ask("What number does the display show?")
        self.assertEqual(self.browser.value("document.querySelectorAll('#turns .user img').length"), 1)

    def test_a_picture_is_dropped_and_read(self):
        self.browser.drop(pathlib.Path(SAMPLES).resolve() / "display.png")
        self.browser.wait("picture")
        self.assertIn("display.png", self.browser.value("$('picture-name').textContent"))
        self.assertEqual(self.ask("What number does the display show?")[0], "407")

    def test_a_signal_is_drawn(self):
        self.browser.drag("#signal", [(0.05 + 0.9 * i / 60, 0.5 + 0.4 * math.sin(i / 3)) for i in range(61)])
        self.assertIn("drawn, ", self.browser.value("$('signal-name').textContent"))
        self.assertGreater(self.browser.value(f"{INK}('signal')"), 300)
        self.ask("What waveform is this?")

    def test_a_signal_is_dropped_plotted_and_named(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "wave.wav"
            path.write_bytes(wav([int(20000 * math.sin(2 * math.pi * 3 * i / 50)) for i in range(500)], 50))
            self.browser.drop(path)
            self.browser.wait("signal")
        self.assertEqual(self.browser.value("$('signal-name').textContent"), "wave.wav, 500 samples")
        self.assertEqual(self.browser.value("$('rate').value"), "50")
        self.assertGreater(self.browser.value(f"{INK}('signal')"), 1000)
        self.assertEqual(self.ask("What waveform is this?")[0], "sine")

    def test_what_is_refused_is_shown(self):
        self.browser.write("#temperature", "9")
        self.browser.value("model.id = 'other', 0")
        self.browser.click("#ask")
        self.browser.wait(f"{LAST} && {LAST}.dataset.state === 'failed'")
        self.assertIn("this server has 'interns1-demo'", self.browser.value(f"{LAST}.textContent"))
        self.browser.value("model.id = 'interns1-demo', $('temperature').value = '', 0")
        self.browser.complaints.clear()  # the browser notes the status itself


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
