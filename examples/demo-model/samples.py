"""Makes the files in samples/: a picture of a display, two signals, and plots of the signals.

    python samples.py [FOLDER]

The font of the picture is one that the training never saw.
"""

import os
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

import signals

NUMBER, BEATS_PER_MINUTE, SQUARE_HZ = "407", 66, 3.0
FONT = "/usr/share/fonts/truetype/dseg/DSEG7Modern-Bold.ttf"
SECONDS = 10


def display(number, size=(320, 160)):
    """An instrument's display: amber digits and a frame on black, a little out of focus."""
    picture = Image.new("RGB", size, (24, 20, 17))
    canvas = ImageDraw.Draw(picture)
    canvas.rectangle([3, 3, size[0] - 4, size[1] - 4], outline=(110, 84, 40), width=3)
    font = ImageFont.truetype(FONT, 92)
    canvas.text((size[0] // 2, size[1] // 2), number, font=font, fill=(255, 176, 46), anchor="mm")
    return picture.filter(ImageFilter.GaussianBlur(0.8))


def heartbeat():
    """A signal of signals.py whose measured rate is BEATS_PER_MINUTE."""
    for seed in range(100000):
        samples, rate = signals.heartbeat(np.random.default_rng(seed), SECONDS * signals.RATE)
        if abs(rate - BEATS_PER_MINUTE) < 0.05 and samples.max() > -samples.min():
            return samples


def square():
    rng = np.random.default_rng(3)
    t = np.arange(SECONDS * signals.RATE) / signals.RATE
    return np.where((SQUARE_HZ * t + 0.1) % 1 < 0.5, 1.0, -1.0) + 0.1 * rng.standard_normal(len(t))


def plot(samples, width=640, height=150):
    """An SVG that is readable on light and on dark pages."""
    x = np.arange(len(samples)) / (len(samples) - 1) * (width - 20) + 10
    low, high = samples.min(), samples.max()
    y = height - 30 - (samples - low) / (high - low) * (height - 45)
    points = " ".join("%.1f,%.1f" % p for p in zip(x, y))
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">' % (width, height),
           '<rect width="%d" height="%d" rx="6" fill="#fff"/>' % (width, height)]
    for second in range(SECONDS + 1):
        at = 10 + second / SECONDS * (width - 20)
        out.append('<path d="M%.1f 10V%d" stroke="#ddd"/>' % (at, height - 25))
        if second % 2 == 0:
            out.append('<text x="%.1f" y="%d" text-anchor="%s" fill="#555">%d s</text>' % (
                at, height - 9, "start" if second == 0 else "end" if second == SECONDS else "middle", second))
    out.append('<polyline points="%s" fill="none" stroke="#0a5f8a" stroke-width="1.3"/></svg>' % points)
    return "\n".join(out) + "\n"


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "samples")
    os.makedirs(folder, exist_ok=True)
    display(NUMBER).quantize(64, dither=Image.Dither.NONE).save(os.path.join(folder, "display.png"), optimize=True)
    for name, samples in (("heartbeat", heartbeat()), ("square", square())):
        samples = np.round(samples, 3)
        np.savetxt(os.path.join(folder, name + ".csv"), samples, fmt="%.3f")
        with open(os.path.join(folder, name + ".svg"), "w", encoding="utf-8") as f:
            f.write(plot(samples))


if __name__ == "__main__":
    main()
