"""Draws the symbols of Claude Code's interface that usual monospace fonts lack, as
src/terminal/font/symbols.woff2. Needs fonttools and brotli: `pip install fonttools brotli`, then
`python3 dev/symbols.py`."""

import math
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

UNITS = 1000
WIDTH = 602  # that of DejaVu Sans Mono and its kin
ASCENT, DESCENT = 928, 236
LEFT, RIGHT, LOW, HIGH = 60, 542, 60, 660
MIDDLE_X, MIDDLE_Y = WIDTH / 2, (LOW + HIGH) / 2
STROKE = 78


def shape(*contours):
    pen = TTGlyphPen(None)
    for contour in contours:
        first, *rest = [(round(x), round(y)) for x, y in contour]
        pen.moveTo(first)
        for point in rest:
            pen.lineTo(point)
        pen.closePath()
    return pen.glyph()


def box(left, low, right, high):
    return [(left, low), (left, high), (right, high), (right, low)]


def disc(radius):
    points = [2 * math.pi * step / 32 for step in range(32)]
    return [(MIDDLE_X - radius * math.cos(at), MIDDLE_Y + radius * math.sin(at)) for at in points]


GLYPHS = {
    # DENTISTRY SYMBOL LIGHT VERTICAL AND BOTTOM RIGHT: before the result of a tool
    0x23BF: shape(
        box(MIDDLE_X - STROKE / 2, 250, MIDDLE_X + STROKE / 2, ASCENT),
        box(MIDDLE_X - STROKE / 2, 250, WIDTH, 250 + STROKE),
    ),
    0x23F4: shape([(LEFT, MIDDLE_Y), (RIGHT, HIGH), (RIGHT, LOW)]),
    0x23F5: shape([(LEFT, LOW), (LEFT, HIGH), (RIGHT, MIDDLE_Y)]),
    0x23F6: shape([(LEFT, LOW), (MIDDLE_X, HIGH), (RIGHT, LOW)]),
    0x23F7: shape([(LEFT, HIGH), (RIGHT, HIGH), (MIDDLE_X, LOW)]),
    0x23F8: shape(box(110, LOW, 250, HIGH), box(352, LOW, 492, HIGH)),
    0x23F9: shape(box(LEFT, 120, RIGHT, 602)),
    0x23FA: shape(disc(241)),
}

names = {code: f"uni{code:04X}" for code in GLYPHS}
glyphs = {".notdef": shape(box(LEFT, LOW, RIGHT, HIGH))}
glyphs |= {names[code]: glyph for code, glyph in GLYPHS.items()}
font = FontBuilder(UNITS, isTTF=True)
font.setupGlyphOrder(list(glyphs))
font.setupCharacterMap(names)
font.setupGlyf(glyphs)
font.setupHorizontalMetrics({name: (WIDTH, 0) for name in glyphs})
font.setupHorizontalHeader(ascent=ASCENT, descent=-DESCENT)
font.setupNameTable({"familyName": "wxcode symbols", "styleName": "Regular"})
font.setupOS2(sTypoAscender=ASCENT, sTypoDescender=-DESCENT, usWinAscent=ASCENT, usWinDescent=DESCENT)
font.setupPost(isFixedPitch=1)
font.font.flavor = "woff2"
font.save(Path(__file__).parent.parent / "src/terminal/font/symbols.woff2")
