"""Pictures of a number on an instrument's display, drawn at random, and their patches as the Intern-S1-Pro processor cuts them.

Fonts come from Debian packages and are used, not shipped. Families are either for training or held out for the scores:

    apt install fonts-dejavu fonts-freefont-ttf fonts-lato fonts-roboto-unhinted fonts-cantarell fonts-dseg fonts-texgyre ...
"""

import glob
import os
import random
import re

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WIDTH, HEIGHT, PATCH, MERGE = 128, 64, 16, 2
TOKENS = WIDTH * HEIGHT // (PATCH * MERGE) ** 2

ROOTS = ["/usr/share/fonts", "/usr/share/texmf/fonts/opentype/public"]
TRAINING = {        # family -> pattern of its files below one of ROOTS
    "DejaVu": "truetype/dejavu/*", "FreeFont": "truetype/freefont/*", "Lato": "truetype/lato/*",
    "Roboto": "truetype/roboto/**/Roboto*", "Cantarell": "opentype/cantarell/*",
    "DSEG7 Classic": "truetype/dseg/DSEG7Classic*", "DSEG14 Classic": "truetype/dseg/DSEG14Classic*",
    "TeX Gyre Adventor": "**/tex-gyre/texgyreadventor-*", "TeX Gyre Bonum": "**/tex-gyre/texgyrebonum-*",
    "TeX Gyre Cursor": "**/tex-gyre/texgyrecursor-*", "TeX Gyre Heros": "**/tex-gyre/texgyreheros*",
    "TeX Gyre Pagella": "**/tex-gyre/texgyrepagella-*", "TeX Gyre Schola": "**/tex-gyre/texgyreschola-*",
    "TeX Gyre Termes": "**/tex-gyre/texgyretermes-*", "Comfortaa": "**/Comfortaa*", "Quicksand": "**/Quicksand*",
    "Fira Code": "**/FiraCode*", "JetBrains Mono": "**/JetBrainsMono*", "Mononoki": "**/mononoki*",
    "Play": "**/Play-*", "Dosis": "**/Dosis*", "Go": "**/Go-*", "Anonymous Pro": "**/Anonymous*", "Agave": "**/agave*",
    "Courier Prime": "**/Courier*Prime*", "Karla": "**/Karla*", "Jura": "**/Jura*", "Inter": "**/Inter-*",
    "Fantasque Sans": "**/FantasqueSansMono*", "B612": "**/B612*", "Monoid": "**/Monoid*", "Manrope": "**/*anrope*",
    "Roboto Slab": "**/RobotoSlab*", "Linux Libertine": "**/LinLibertine_[RM]*", "Gentium": "**/Gentium-*",
    "Latin Modern": "**/lm/lm*10-*", "League Spartan": "**/LeagueSpartan*", "Carlito": "**/Carlito*", "Caladea": "**/Caladea*",
}
HELD_OUT = {
    "Liberation": "truetype/liberation/*", "Open Sans": "truetype/open-sans/*", "Hack": "truetype/hack/*",
    "Inconsolata": "**/Inconsolata*", "DSEG7 Modern": "truetype/dseg/DSEG7Modern*",
}
OFTEN = {"DSEG7 Classic", "DSEG14 Classic"}         # what instruments show
NOISE = np.random.default_rng(1).standard_normal(1 << 21, dtype=np.float32)     # noise is cut out of this
SKIP = re.compile(r"Hairline|Thin|Light-?Italic10|DejaVuMathTeXGyre|Emoji|Symbol|caps|dunh|"
                  r"UprightItalic|FreeSerif.*Math|SEGGCHAN")


class Fonts:
    """The files of each family that are there and can write the ten digits."""

    def __init__(self, families, report=None):
        self.files, self.cache, missing = {}, {}, []
        for family, pattern in families.items():
            found = sorted(f for root in ROOTS for f in glob.glob(os.path.join(root, pattern), recursive=True))
            found = [f for f in found if f.lower().endswith((".ttf", ".otf")) and not SKIP.search(os.path.basename(f))]
            found = [f for f in found if self.has_digits(f)]
            if found:
                self.files[family] = found
            else:
                missing.append(family)
        if report:
            report("%d families, %d files; missing: %s" % (
                len(self.files), sum(map(len, self.files.values())), ", ".join(missing) or "none"))
        self.families = [f for f in self.files for _ in range(4 if f in OFTEN else 1)]

    def has_digits(self, path):
        """False for fonts that show the same thing for two digits, or hang old-style digits below the line."""
        font = self.load(path, 40)
        shapes = {bytes(font.getmask(d)) for d in "0123456789"}
        boxes = [font.getbbox(d, anchor="ls") for d in "0123456789"]
        heights = [b[3] - b[1] for b in boxes]
        return len(shapes) == 10 and min(heights) > 0.8 * max(heights) and max(b[3] for b in boxes) < 8

    def load(self, path, size):
        if (path, size) not in self.cache:
            self.cache[path, size] = ImageFont.truetype(path, size)
        return self.cache[path, size]

    def choose(self, rng, size):
        family = rng.choice(self.families)
        return self.load(rng.choice(self.files[family]), size), family


def number(rng):
    """One, two or three digits, without a leading zero."""
    digits = rng.choice([1, 2, 3, 3])
    return str(rng.randrange(10)) if digits == 1 else str(rng.randrange(10 ** (digits - 1), 10 ** digits))


def colours(rng):
    dark = [rng.randrange(91) for _ in range(3)]
    light = [rng.randrange(165, 256) for _ in range(3)]
    if rng.random() < 0.5:
        return tuple(light), tuple(rng.randrange(86) for _ in range(3))
    bright = [rng.randrange(170, 256) for _ in range(3)]
    if rng.random() < 0.3:                                  # a coloured display: one or two channels are free
        bright[rng.randrange(3)] = rng.randrange(256)
    return tuple(dark), tuple(bright)


def draw(fonts, rng, text, size=(WIDTH, HEIGHT)):
    """An RGB picture of `text` and the family of its font."""
    width, height = size
    scale = width / WIDTH
    ground, ink = colours(rng)
    picture = Image.new("RGB", size, ground)
    canvas = ImageDraw.Draw(picture)
    points = int(2 * rng.randint(12, 27) * scale)
    font, family = fonts.choose(rng, points)
    spaced = rng.random() < 0.15 and len(text) > 1          # digits set apart, as on counters
    gap = int(rng.uniform(1, 6) * scale) if spaced else 0

    def measure(font):
        left, top, right, bottom = font.getbbox(text, anchor="ls")
        return left, top, right + gap * (len(text) - 1), bottom

    margin = 5 * scale
    box = measure(font)
    while (box[2] - box[0] > width - 2 * margin or box[3] - box[1] > height - 2 * margin) and points > 8:
        points = int(points * 0.9)
        font = fonts.load(font.path, points)
        box = measure(font)
    if rng.random() < 0.4:
        edge = tuple((a + b) // 2 for a, b in zip(ground, ink))
        inset = rng.randint(0, 2)
        canvas.rectangle([inset, inset, width - 1 - inset, height - 1 - inset], outline=edge, width=rng.randint(1, 2))
    x = rng.uniform(margin, max(margin, width - margin - (box[2] - box[0]))) - box[0]
    y = rng.uniform(margin, max(margin, height - margin - (box[3] - box[1]))) - box[1]
    if gap:
        for digit in text:
            canvas.text((x, y), digit, font=font, fill=ink, anchor="ls")
            x += font.getlength(digit) + gap
    else:
        canvas.text((x, y), text, font=font, fill=ink, anchor="ls")
    if rng.random() < 0.7:
        turn, shear = np.radians(rng.uniform(-6, 6)), rng.uniform(-0.12, 0.12)
        a, b, c, d = np.cos(turn), np.sin(turn) + shear, -np.sin(turn), np.cos(turn)
        cx, cy = width / 2, height / 2
        picture = picture.transform(size, Image.Transform.AFFINE, (a, b, cx - a * cx - b * cy, c, d, cy - c * cx - d * cy),
                                    resample=Image.Resampling.BILINEAR, fillcolor=ground)
    if rng.random() < 0.4:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.0) * scale))
    return picture, family


def light(pixels, rng):
    """The camera's part: uneven light and noise on uint8 [height][width][3]."""
    values = pixels.astype(np.float32)
    if rng.random() < 0.3:
        values += np.linspace(-1, 1, pixels.shape[1], dtype=np.float32)[None, :, None] * (255 * rng.uniform(-0.1, 0.1))
    at = rng.randrange(len(NOISE) - values.size)
    values += NOISE[at:at + values.size].reshape(values.shape) * np.float32(255 * rng.uniform(0, 0.08))
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)


def clean_picture(fonts, rng):
    """(uint8 [HEIGHT][WIDTH][3], number, family); some are drawn larger and shrunk, as a camera's pictures are."""
    text = number(rng)
    if rng.random() < 0.15:
        factor = rng.uniform(1.2, 2.5)
        picture, family = draw(fonts, rng, text, (int(WIDTH * factor), int(HEIGHT * factor)))
        picture = picture.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    else:
        picture, family = draw(fonts, rng, text)
    return np.asarray(picture), text, family


def random_picture(fonts, rng):
    pixels, text, family = clean_picture(fonts, rng)
    return light(pixels, rng), text, family


def patches(pixels):
    """uint8 [patches][3 * 16 * 16], 2 x 2 blocks together; the two frames of a patch are alike and come later."""
    rows, cols = pixels.shape[0] // PATCH, pixels.shape[1] // PATCH
    view = pixels.reshape(rows // MERGE, MERGE, PATCH, cols // MERGE, MERGE, PATCH, 3)
    return view.transpose(0, 3, 1, 4, 6, 2, 5).reshape(rows * cols, -1)


def batch(fonts, rng, count):
    """uint8 [count][patches][768] and the numbers."""
    made = [random_picture(fonts, rng) for _ in range(count)]
    return np.stack([patches(p) for p, _, _ in made]), [text for _, text, _ in made]


class Album:
    """Batches in which half of the pictures are new and half were shown before, now in other colours and other noise."""

    def __init__(self, fonts, rng, size=8192):
        self.fonts, self.rng, self.size, self.kept = fonts, rng, size, []

    def batch(self, count):
        rng, made = self.rng, []
        for n in range(count):
            if n % 2 and len(self.kept) >= count:
                pixels, text = self.kept[rng.randrange(len(self.kept))]
                pixels = pixels[:, :, rng.sample(range(3), 3)]
                if rng.random() < 0.5:
                    pixels = 255 - pixels
            else:
                pixels, text, _ = clean_picture(self.fonts, rng)
                if len(self.kept) < self.size:
                    self.kept.append((pixels, text))
                else:
                    self.kept[rng.randrange(self.size)] = pixels, text
            made.append((patches(light(pixels, rng)), text))
        return np.stack([p for p, _ in made]), [text for _, text in made]


def main():
    """Shows what is drawn: a sheet of pictures of each part."""
    rng = random.Random(1)
    for name, families in (("training", TRAINING), ("held-out", HELD_OUT)):
        fonts = Fonts(families, print)
        sheet = Image.new("RGB", (8 * WIDTH, 12 * HEIGHT))
        for n in range(96):
            picture, _, _ = random_picture(fonts, rng)
            sheet.paste(Image.fromarray(picture), (n % 8 * WIDTH, n // 8 * HEIGHT))
        sheet.save("pictures-%s.png" % name)


if __name__ == "__main__":
    main()
