//! Generates sequences in their usual groups; single random pieces rarely build such groups.

use proptest::prelude::*;

use super::{csi, edit, motion, piece, sgr, text};

/// Any scene.
pub(crate) fn any() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        region(),
        other_screen(),
        line_drawing(),
        tab_stops(),
        inserting(),
        link(),
        underlines(),
        saved(),
        frame(),
        mouse(),
        scrolled(),
    ]
}

/// `before`, some of `what`, and `after`.
fn between(
    before: impl Strategy<Value = Vec<u8>>,
    what: impl Strategy<Value = Vec<u8>>,
    after: &'static [&'static str],
) -> impl Strategy<Value = Vec<u8>> {
    let some = prop::collection::vec(what, 1..8).prop_map(|parts| parts.concat());
    let after = prop::sample::select(after.to_vec());
    (before, some, after).prop_map(|(mut all, some, after)| {
        all.extend(some);
        all.extend_from_slice(after.as_bytes());
        all
    })
}

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec())
}

/// A scroll region, mostly with the origin in the region, and motion within the region.
fn region() -> impl Strategy<Value = Vec<u8>> {
    let before = (1u16..7, 1u16..7, any_origin()).prop_map(|(top, more, origin)| {
        let mut all = csi(format!("{top};{}", top + more), 'r');
        all.extend(origin);
        all
    });
    let moves = one_of(&[
        "\n",
        "\n\n\n",
        "\x1bM",
        "\x1bM\x1bM",
        "\x1bD",
        "\x1bE",
        "\x1b[2L",
        "\x1b[2M",
        "\x1b[S",
        "\x1b[2T",
        "\x1b[H",
        "\x1b[9;9H",
        "\x1b[9B",
        "\x1b[9A",
        "\x1b[2d",
        "\x1b#8",
        "\x1b7",
        "\x1b8",
        "\x1b[J",
        "\x1b[1J",
        "\x1b[6n",
    ]);
    let what = prop_oneof![3 => moves, 2 => text(), 1 => motion(), 1 => sgr()];
    between(
        before,
        what,
        &["", "\x1b[r", "\x1b[?6l", "\x1b[?6l\x1b[r", "\x1b[!p"],
    )
}

fn any_origin() -> impl Strategy<Value = Vec<u8>> {
    one_of(&["\x1b[?6h", "\x1b[?6h", "\x1b[?6l", ""])
}

/// To the other screen and back, in every way, with a cursor saved on either screen.
fn other_screen() -> impl Strategy<Value = Vec<u8>> {
    let before = one_of(&[
        "\x1b[?1049h",
        "\x1b[?47h",
        "\x1b[?1047h",
        "\x1b7\x1b[?47h",
        "\x1b[?1048h\x1b[?1047h",
    ]);
    let what =
        prop_oneof![2 => piece(), 1 => one_of(&["\x1b7", "\x1b8", "\x1b[?1048h", "\x1b[?1048l"])];
    between(
        before,
        what,
        &[
            "\x1b[?1049l",
            "\x1b[?47l",
            "\x1b[?1047l\x1b8",
            "\x1b[?47l\x1b8",
            "",
        ],
    )
}

/// Other character sets, in each bank, with affected text.
fn line_drawing() -> impl Strategy<Value = Vec<u8>> {
    let before = one_of(&[
        "\x1b(0",
        "\x1b)0\x0e",
        "\x1b*0\x1bn",
        "\x1b+0\x1bo",
        "\x1b(A",
        "\x1b)K\x0e",
    ]);
    let what = prop_oneof![
        3 => one_of(&["lqqk", "x x", "mqqj", "`a~#@[\\]^", "\x1b7", "\x1b8", "\x0f", "\x0e"]),
        1 => text(),
        1 => motion(),
    ];
    between(before, what, &["\x1b(B", "\x0f", "\x1b8", "\x1b[3b", ""])
}

/// Tab stops of the application's own, and tabs both ways.
fn tab_stops() -> impl Strategy<Value = Vec<u8>> {
    let before = one_of(&["\x1b[3g", "\x1b[g", ""]);
    let stop = (1u16..30).prop_map(|x| format!("\x1b[{x}G\x1bH").into_bytes());
    let what = prop_oneof![2 => stop, 3 => one_of(&["\t", "\x1b[2I", "\x1b[Z", "\x1b[3Z", "\r"]), 1 => text()];
    between(before, what, &["", "\x1bc", "\x1b[3g"])
}

/// Insert mode, over wide and joined characters.
fn inserting() -> impl Strategy<Value = Vec<u8>> {
    let before =
        (text(), motion()).prop_map(|(text, motion)| [text, motion, b"\x1b[4h".to_vec()].concat());
    let what = prop_oneof![3 => text(), 1 => motion(), 1 => edit(), 1 => one_of(&["\x08", "\x1b[2b", "\x1b[?7l", "\x1b[?7h"])];
    between(before, what, &["\x1b[4l", ""])
}

/// A link across other steps.
fn link() -> impl Strategy<Value = Vec<u8>> {
    let before = one_of(&[
        "\x1b]8;;http://a.example/1\x07",
        "\x1b]8;;http://a.example/2\x1b\\",
        "\x1b]8;id=1;http://a.example/1\x07",
        "\x1b]8;x=y:id=2;http://b.example/;z\x07",
    ]);
    let what = prop_oneof![3 => text(), 2 => sgr(), 1 => piece()];
    between(before, what, &["\x1b]8;;\x07", "\x1b]8;;\x1b\\", ""])
}

/// Underlines of every style and colour, and steps that separate style and colour.
fn underlines() -> impl Strategy<Value = Vec<u8>> {
    let before = (0u8..6).prop_map(|style| format!("\x1b[4:{style}m").into_bytes());
    let what = prop_oneof![
        3 => one_of(&[
            "\x1b[58:5:9m", "\x1b[58;5;200m", "\x1b[58;2;1;2;3m", "\x1b[58:2::4:5:6m", "\x1b[59m", "\x1b[24m",
            "\x1b[21m", "\x1b[4m", "\x1b[m", "\x1b7", "\x1b8", "\x1b[1\"q",
        ]),
        3 => text(),
        1 => one_of(&["\x1b[K", "\x1b[X", "\x1b[2@", "\x1b[2P", "\x1b[?K"]),
    ];
    between(before, what, &["\x1b[24m", "\x1b[m", "\x1b[59m", ""])
}

/// Saved cursors with a pen, a character set and a pending wrap.
fn saved() -> impl Strategy<Value = Vec<u8>> {
    let before = (sgr(), motion()).prop_map(|(sgr, motion)| [sgr, motion].concat());
    let what = prop_oneof![
        3 => one_of(&["\x1b7", "\x1b8", "\x1b[s", "\x1b[u", "\x1b[99G", "\n\n\n\n", "\x1b[?47h", "\x1b[?47l"]),
        2 => text(),
        1 => sgr(),
    ];
    between(before, what, &["\x1b8", ""])
}

/// A synchronized update, whole or left open.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    between(
        one_of(&["\x1b[?2026h"]),
        piece(),
        &["\x1b[?2026l", "\x1b[?2026l", ""],
    )
}

/// Mouse modes switched over each other.
fn mouse() -> impl Strategy<Value = Vec<u8>> {
    let one = (
        prop::sample::select(vec![
            "9",
            "1000",
            "1002",
            "1003",
            "1004",
            "1005",
            "1006",
            "1015",
            "1016",
            "1000;1006",
        ]),
        prop::sample::select(vec!['h', 'h', 'l']),
    );
    between(
        one_of(&[""]),
        one.prop_map(|(mode, on)| csi(format!("?{mode}"), on)),
        &["", "\x1b[?1003;1006h", "\x1bc"],
    )
}

/// Text on its way into the history: wrapped, and erased with or without the history.
fn scrolled() -> impl Strategy<Value = Vec<u8>> {
    let lines = (1usize..20, "[a-z漢 ]{1,40}")
        .prop_map(|(n, line)| format!("{line}\r\n").repeat(n).into_bytes());
    let what = prop_oneof![3 => lines, 1 => sgr(), 1 => one_of(&["\x1b[3J", "\x1b[2J", "\x1b[H", "\x1bM", "\x1b7", "\x1b8"])];
    between(one_of(&[""]), what, &[""])
}
