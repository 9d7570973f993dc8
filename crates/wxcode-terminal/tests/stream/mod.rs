//! Generates terminal streams: text, controls and sequences of every kind known to the engine.

pub(crate) mod scene;

use proptest::prelude::*;

use crate::judge::Step;

/// A size with frequent edges.
pub(crate) fn size() -> impl Strategy<Value = (u16, u16)> {
    prop_oneof![(2u16..12, 1u16..8), (8u16..30, 2u16..12), Just((80, 24))]
}

/// A stream with resizes in between.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let part = prop_oneof![9 => piece(), 1 => scene::any()];
    let write = prop::collection::vec(part, 1..24).prop_map(|parts| Step::Write(parts.concat()));
    let resize = size().prop_map(|(cols, rows)| Step::Resize(cols, rows));
    prop::collection::vec(prop_oneof![5 => write, 1 => resize], 1..6)
}

/// A stream without resizes.
pub(crate) fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..12).prop_map(|parts| parts.concat())
}

/// A piece of a stream.
pub(crate) fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => text(),
        3 => prop::sample::select(vec!["\r", "\n", "\r\n", "\x08", "\t", "\x0b", "\x7f"]).prop_map(|s| s.into()),
        5 => motion(),
        4 => sgr(),
        4 => edit(),
        3 => mode(),
        2 => prop::sample::select(OTHER.to_vec()).prop_map(|s| s.as_bytes().to_vec()),
        1 => prop::sample::select(UNFINISHED.to_vec()).prop_map(|s| s.to_vec()),
    ]
}

pub(crate) fn text() -> impl Strategy<Value = Vec<u8>> {
    let wide = prop::sample::select(vec!["漢字", "한", "！"]);
    let marks = prop::sample::select(vec![
        "e\u{301}",
        "\u{301}",
        "\u{200d}",
        "👩\u{200d}🚀",
        "ñ",
        "─│",
        "漢\u{300}",
        "🎉",
        "❤",
        "❤\u{fe0f}",
        "\u{fe0f}",
        "🇧",
        "🇧🇷",
        "1\u{fe0f}\u{20e3}",
        "👋🏽",
        "🏽",
        "⛹",
    ]);
    prop_oneof![
        "[ -~]{1,30}".prop_map(String::into_bytes),
        "[a-z]{1,4}".prop_map(String::into_bytes),
        wide.prop_map(|s| s.as_bytes().to_vec()),
        marks.prop_map(|s| s.as_bytes().to_vec()),
    ]
}

pub(crate) fn csi(middle: String, last: char) -> Vec<u8> {
    format!("\x1b[{middle}{last}").into_bytes()
}

pub(crate) fn motion() -> impl Strategy<Value = Vec<u8>> {
    let place = (0u16..14, 0u16..34).prop_map(|(y, x)| csi(format!("{y};{x}"), 'H'));
    let last = prop::sample::select("ABCDEFGIZ`ade".chars().collect::<Vec<_>>());
    let step = (0u16..12, last).prop_map(|(n, last)| csi(n.to_string(), last));
    prop_oneof![place, step]
}

pub(crate) fn sgr() -> impl Strategy<Value = Vec<u8>> {
    let code = prop_oneof![
        prop::sample::select(
            "0 1 2 3 4 5 7 8 9 21 22 23 24 25 27 28 29 31 37 39 41 47 49 53 55 59 92 103"
                .split(' ')
                .collect::<Vec<_>>()
        )
        .prop_map(str::to_owned),
        prop::sample::select(vec![
            "4:0",
            "4:3",
            "4:5",
            "4:",
            "38;5;100",
            "48;2;1;2;3",
            "38:2::9:8:7",
            "58:5:9",
            "58;2;4;5;6",
            "38:5:3"
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(code, 0..4).prop_map(|codes| csi(codes.join(";"), 'm'))
}

pub(crate) fn edit() -> impl Strategy<Value = Vec<u8>> {
    let erase =
        (0u16..4, prop::sample::select(vec!["J", "K", "?J", "?K"])).prop_map(|(n, kind)| {
            let (prefix, last) = kind.split_at(kind.len() - 1);
            format!("\x1b[{prefix}{n}{last}").into_bytes()
        });
    let last = prop::sample::select(vec![
        "@", "P", "X", "L", "M", "S", "T", "b", " @", " A", "'}", "'~",
    ]);
    let count = (0u16..9, last).prop_map(|(n, last)| format!("\x1b[{n}{last}").into_bytes());
    let region = (0u16..8, 0u16..12).prop_map(|(top, bottom)| csi(format!("{top};{bottom}"), 'r'));
    prop_oneof![2 => erase, 4 => count, 1 => region]
}

fn mode() -> impl Strategy<Value = Vec<u8>> {
    let private = prop::sample::select(vec![
        "1", "6", "7", "45", "66", "9", "1000", "1002", "1003", "1004", "1006", "1016", "25",
        "1048", "47", "1047", "1049", "2004", "2026",
    ]);
    let on = prop::sample::select(vec!['h', 'l']);
    let private = (private, on.clone()).prop_map(|(mode, on)| csi(format!("?{mode}"), on));
    let ansi =
        (prop::sample::select(vec!["4", "20"]), on).prop_map(|(mode, on)| csi(mode.to_owned(), on));
    prop_oneof![4 => private, 1 => ansi]
}

const OTHER: &[&str] = &[
    "\x1b7",
    "\x1b8",
    "\x1b7",
    "\x1b8",
    "\x1b[s",
    "\x1b[u",
    "\x1bD",
    "\x1bE",
    "\x1bM",
    "\x1bM",
    "\x1bH",
    "\x1b[g",
    "\x1b[3g",
    "\x1b=",
    "\x1b>",
    "\x1b#8",
    "\x1bc",
    "\x1b[!p",
    "\x1b(0",
    "\x1b)0",
    "\x1b(B",
    "\x1b(A",
    "\x1b(4",
    "\x1b*0",
    "\x0e",
    "\x0f",
    "\x1bn",
    "\x1bo",
    "\x1b[1\"q",
    "\x1b[0\"q",
    "\x1b[1 q",
    "\x1b[6 q",
    "\x1b[0 q",
    "\x1b[9 q",
    "\x1b]0;title\x07",
    "\x1b]2;\u{e9}t\u{e9}\x1b\\",
    "\x1b]2;\x07",
    "\x1b]8;;http://a.example/\x07",
    "\x1b]8;id=x;http://b.example/\x1b\\",
    "\x1b]8;;\x07",
    "\x1b]8;;\x1b\\",
    "\x1b]4;1;#102030\x07",
    "\x1b]10;rgb:1/2/3\x07",
    "\x1b]11;#abc\x07",
    "\x1b]104\x07",
    "\x1b]104;1\x07",
    "\x1b]110\x07",
    "\x1b[?12h",
    "\x1b[c",
    "\x1b[>c",
    "\x1b[5n",
    "\x1b[6n",
    "\x1b[?6n",
    "\x1b[?2026$p",
    "\x1b[4$p",
    "\x1b[18t",
    "\x1bP$qm\x1b\\",
    "\x1bP$qr\x1b\\",
    "\x1b[?1u",
    "\u{84}",
    "\u{85}",
    "\u{9b}5C",
    "\x1b_apc\x1b\\",
    "\x1b^\u{e9}pm\x1b\\",
];

const UNFINISHED: &[&[u8]] = &[
    b"\x1b",
    b"\x1b[",
    b"\x1b[3",
    b"\x1b[3;",
    b"\x1b[?",
    b"\x1b[?25",
    b"\x1b[4:",
    b"\x1b[1 ",
    b"\x1b]",
    b"\x1b]2",
    b"\x1b]2;half",
    b"\x1bP",
    b"\x1bP1$",
    b"\x1bP$qm",
    b"\x1b(",
    b"\x1b_x",
    b"\xc3",
    b"\xe6\xbc",
    b"\xf0\x9f\x98",
    b"\xe2\x80",
    b"\xff",
    b"\x1b[1;2<",
    b"\x18",
    b"\x1b[3\n1",
];
