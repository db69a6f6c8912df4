#!/usr/bin/env python3
"""Makes assets/dashboard.svg from the real screen: `humanlayer demo` in a terminal of tmux.

    tools/picture.py [PROGRAM]      (default: target/release/humanlayer)

Wants tmux and nothing else. The screen is taken once its words say that the demonstration has
come to the point worth showing, so the picture is what anybody gets who runs the demo.
"""

import html
import os
import re
import subprocess
import sys
import tempfile
import time
import unicodedata

COLUMNS, ROWS = 130, 36
CELL_WIDTH, CELL_HEIGHT, MARGIN = 8.4, 18, 14
GROUND, TEXT = "#14171d", "#d8dee9"
# What must be on the screen before the next approval is gone to, and before it is taken.
WANTED = [(r"Inbox [3-9]", "C-n"), (r"Allow ", None)]
PATIENCE = 30
SIXTEEN = [
    "#1b202a", "#e8747c", "#9cc97f", "#f0c674", "#81a9e0", "#c39ad8", "#7fc8c2", "#d8dee9",
    "#7b8496", "#ff9aa0", "#b9e39c", "#ffdf95", "#a4c6f5", "#dcb9ee", "#a0e3dd", "#ffffff",
]


def tmux(socket, *words, **options):
    return subprocess.run(
        ["tmux", "-L", socket, *words], check=True, capture_output=True, text=True, **options
    ).stdout


def take(program):
    socket = f"picture-{os.getpid()}"
    with tempfile.TemporaryDirectory() as home:
        command = f"env HOME={home} TERM=tmux-256color COLORTERM=truecolor {program} demo"
        tmux(socket, "-f", "/dev/null", "new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), command)
        try:
            tmux(socket, "set", "-g", "default-terminal", "tmux-256color")
            deadline = time.monotonic() + PATIENCE
            for words, key in WANTED:
                while not re.search(words, screen := tmux(socket, "capture-pane", "-p")):
                    if time.monotonic() > deadline:
                        sys.exit(f"the screen never showed {words}:\n{screen}")
                    time.sleep(0.1)
                if key:
                    tmux(socket, "send-keys", key)
            # Everything of the first scene has been said a moment later.
            time.sleep(3)
            return tmux(socket, "capture-pane", "-p", "-e")
        finally:
            tmux(socket, "send-keys", "q")
            time.sleep(1)
            subprocess.run(["tmux", "-L", socket, "kill-server"], capture_output=True)


def colour(codes):
    """The colour behind 38 or 48; takes its codes off the list."""
    kind = codes.pop(0)
    if kind == 2:
        red, green, blue = codes.pop(0), codes.pop(0), codes.pop(0)
        return f"#{red:02x}{green:02x}{blue:02x}"
    number = codes.pop(0)
    if number < 16:
        return SIXTEEN[number]
    if number < 232:
        number -= 16
        part = [0, 95, 135, 175, 215, 255]
        return "#%02x%02x%02x" % (part[number // 36], part[number // 6 % 6], part[number % 6])
    return "#%02x%02x%02x" % ((8 + 10 * (number - 232),) * 3)


def restyle(style, codes):
    codes = codes or [0]
    while codes:
        code = codes.pop(0)
        if code == 0:
            style = {}
        elif code in (1, 2, 3, 4, 7):
            style = {**style, {1: "bold", 2: "dim", 3: "italic", 4: "under", 7: "reverse"}[code]: True}
        elif code == 22:
            style = {k: v for k, v in style.items() if k not in ("bold", "dim")}
        elif code in (23, 24, 27):
            gone = {23: "italic", 24: "under", 27: "reverse"}[code]
            style = {k: v for k, v in style.items() if k != gone}
        elif code in (38, 48):
            style = {**style, "fg" if code == 38 else "bg": colour(codes)}
        elif code in (39, 49):
            style = {k: v for k, v in style.items() if k != ("fg" if code == 39 else "bg")}
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style = {**style, "fg": SIXTEEN[code - 30 if code < 90 else code - 82]}
        elif 40 <= code <= 47 or 100 <= code <= 107:
            style = {**style, "bg": SIXTEEN[code - 40 if code < 100 else code - 92]}
    return style


def spans(line, style):
    """(column, character, style, width) of a captured line, and the style that the next one begins with."""
    column, found = 0, []
    for part in re.split(r"(\x1b\[[0-9;:]*m)", line):
        if part.startswith("\x1b["):
            style = restyle(style, [int(code or 0) for code in re.split("[;:]", part[2:-1])])
            continue
        for character in re.sub(r"\x1b[^m]*?[a-zA-Z\\]", "", part):
            wide = 2 if unicodedata.east_asian_width(character) in "WF" else 1
            found.append((column, character, style, wide))
            column += wide
    return found, style


def draw(screen):
    lines = screen.rstrip("\n").split("\n")
    width = COLUMNS * CELL_WIDTH + 2 * MARGIN
    height = ROWS * CELL_HEIGHT + 2 * MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-size="14" '
        'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace">',
        f'<rect width="100%" height="100%" rx="10" fill="{GROUND}"/>',
    ]
    grounds, words, carried = [], [], {}
    for row, line in enumerate(lines[:ROWS]):
        y = MARGIN + row * CELL_HEIGHT
        run = None
        cells, carried = spans(line, carried)
        for column, character, style, wide in cells + [(None, "", None, 0)]:
            if style is not None and style.get("reverse"):
                style = {**style, "fg": style.get("bg", GROUND), "bg": style.get("fg", TEXT)}
            if run and (style != run["style"] or column != run["end"]):
                paint(run, y, grounds, words)
                run = None
            if style is None:
                break
            if run is None:
                run = {"start": column, "end": column, "text": "", "style": style}
            run["text"] += character
            run["end"] = column + wide
    out += grounds + words + ["</svg>"]
    return "\n".join(out) + "\n"


def paint(run, y, grounds, words):
    style, x = run["style"], MARGIN + run["start"] * CELL_WIDTH
    width = (run["end"] - run["start"]) * CELL_WIDTH
    if "bg" in style:
        grounds.append(
            f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{CELL_HEIGHT}" fill="{style["bg"]}"/>'
        )
    if not run["text"].strip():
        return
    looks = f' fill="{style.get("fg", TEXT)}"'
    if style.get("bold"):
        looks += ' font-weight="bold"'
    if style.get("italic"):
        looks += ' font-style="italic"'
    if style.get("under"):
        looks += ' text-decoration="underline"'
    if style.get("dim"):
        looks += ' opacity="0.6"'
    words.append(
        f'<text x="{x:.1f}" y="{y + 13.5}" xml:space="preserve" textLength="{width:.1f}" '
        f'lengthAdjust="spacingAndGlyphs"{looks}>{html.escape(run["text"])}</text>'
    )


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    program = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../target/release/humanlayer")
    picture = draw(take(os.path.abspath(program)))
    with open(os.path.join(here, "../assets/dashboard.svg"), "w", encoding="utf-8") as file:
        file.write(picture)


main()
