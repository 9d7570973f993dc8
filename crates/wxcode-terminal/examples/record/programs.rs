//! Programs that every machine has: an editor, a pager, a monitor, a multiplexer, shells.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use crate::recorder::{Error, Recorder, Recording};

/// Text of many scripts: wide, combining, emoji with joiners, flags and selectors, right to left.
const SCRIPTS: [&str; 12] = [
    "wide: 漢字かな交じり文 한국어 ｆｕｌｌ　ｗｉｄｔｈ！",
    "marks: e\u{301}a\u{308}n\u{303} Z\u{351}\u{36b}a\u{321}l\u{337}g\u{334}o\u{310} q\u{307}\u{323}",
    "joined emoji: 👩\u{200d}🚀 👨\u{200d}👩\u{200d}👧\u{200d}👦 🏳\u{fe0f}\u{200d}🌈 🧑🏽\u{200d}💻",
    "flags: 🇧🇷🇯🇵🇩🇪 🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "selectors: ☎\u{fe0f} ☎\u{fe0e} ✔\u{fe0f} 1\u{fe0f}\u{20e3} ❤\u{fe0f}",
    "right to left: שלום עולם مرحبا بالعالم \u{202e}override\u{202c} mixed אבג 123",
    "Indic and Thai: नमस्ते दुनिया ภาษาไทย ກຳ தமிழ்",
    "jamo: \u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}",
    "lines: ┌─┬─┐ ╔═╦═╗ ▛▀▜ ░▒▓█ ⠋⠙⠹",
    "symbols: ⏺ ✻ ❯ → ∀x∈ℝ ½ ① ㊗ ⌚ ⏰ ⭐",
    "plane 2: 𠀀𠀁 music: 𝄞 letters: 𝒜𝓑",
    "invisible: a\u{200b}b\u{ad}c\u{2060}d\u{feff}e",
];

/// A folder with the texts for the programs.
fn folder() -> Result<tempfile::TempDir, Error> {
    let folder = tempfile::Builder::new().prefix("wxcode-texts-").tempdir()?;
    std::fs::write(folder.path().join("scripts.txt"), SCRIPTS.join("\n") + "\n")?;
    let mut long = String::new();
    for n in 0..160 {
        let text = SCRIPTS[n % SCRIPTS.len()];
        writeln!(
            long,
            "{n:4} \tlet x = {{ \"{text}\": {} }};",
            "ab cd ".repeat(n % 30)
        )?;
    }
    std::fs::write(folder.path().join("long.txt"), long)?;
    Ok(folder)
}

fn start(
    program: &str,
    args: &[&str],
    folder: tempfile::TempDir,
    size: (u16, u16),
) -> Result<Recorder, Error> {
    let work = folder.path().to_owned();
    let env: [(&str, OsString); 10] = [
        ("TERM", "xterm-256color".into()),
        ("COLORTERM", "truecolor".into()),
        ("LANG", "C.UTF-8".into()),
        ("PATH", "/usr/bin:/bin".into()),
        ("HOME", work.clone().into()),
        ("SHELL", "/bin/sh".into()),
        ("PS1", "$ ".into()),
        ("LESSHISTFILE", "-".into()),
        ("HTOPRC", work.join("htoprc").into()),
        ("TMUX_TMPDIR", work.clone().into()),
    ];
    let env = env.into_iter().map(|(name, value)| (name.into(), value));
    let program = Path::new("/usr/bin").join(program);
    Recorder::start(&program, args, env.collect(), &work, folder, size)
}

pub(crate) fn vim(size: (u16, u16)) -> Result<Recording, Error> {
    let mut vim = start(
        "vim",
        &["-u", "NONE", "-i", "NONE", "-n", "-N", "long.txt"],
        folder()?,
        size,
    )?;
    vim.settle()?;
    for keys in [":set nu hls is ls=2 ru\r", "G", "gg", "/str\r"] {
        vim.keys(keys)?;
    }
    vim.resize(100, 30)?;
    for keys in [
        ":vsplit scripts.txt\r",
        ":syntax on\r:set ft=c\r",
        "\x04\x04",
        "ggVjj",
        "d",
        "u",
    ] {
        vim.keys(keys)?;
    }
    vim.resize(64, 18)?;
    vim.keys(":set nowrap\r")?;
    vim.keys("20zl")?;
    vim.keys("onew 漢字 line e\u{301} 👩\u{200d}🚀 text\x1b")?;
    vim.resize(40, 12)?;
    vim.keys(":set wrap\r")?;
    vim.resize(120, 35)?;
    for keys in [":split\r", "\x17w", ":sort\r", ":%s/ab/XY/g\r", "\x17="] {
        vim.keys(keys)?;
    }
    vim.resize(80, 24)?;
    vim.finish(":qa!\r")
}

pub(crate) fn less(size: (u16, u16)) -> Result<Recording, Error> {
    let mut less = start("less", &["-R", "-M", "long.txt"], folder()?, size)?;
    less.settle()?;
    for keys in [" ", "b", "/guage\r", "/cd\r", "G", "g", "jjjj"] {
        less.keys(keys)?;
    }
    less.resize(70, 20)?;
    for keys in ["-S\r", "\x1b[C", "\x1b[C", "d", "kkk"] {
        less.keys(keys)?;
    }
    less.resize(100, 33)?;
    less.keys(":n\r")?;
    less.keys(" ")?;
    less.finish("q")
}

pub(crate) fn htop(size: (u16, u16)) -> Result<Recording, Error> {
    let folder = folder()?;
    // The usual columns without the user's name.
    let columns = "fields=0 17 18 38 39 40 2 46 47 49 1\n";
    std::fs::write(folder.path().join("htoprc"), columns)?;
    let only_itself = "exec htop -d 200 -p $$";
    let mut htop = start("env", &["sh", "-c", only_itself], folder, size)?;
    htop.until("CPU%")?;
    htop.settle()?;
    htop.keys("h")?;
    htop.keys("q")?;
    htop.resize(80, 24)?;
    htop.keys("t")?;
    htop.keys("\x1bOQ")?;
    htop.resize(60, 16)?;
    htop.keys("\x1b")?;
    htop.resize(110, 30)?;
    htop.finish("q")
}

pub(crate) fn tmux(size: (u16, u16)) -> Result<Recording, Error> {
    let folder = folder()?;
    // The status line would name the machine. The server ends with its client.
    let config = "set -g status-right ''\nset -g default-command 'PS1=\"$ \" sh'\nset -g mouse on\nset -g destroy-unattached on\n";
    std::fs::write(folder.path().join("tmux.conf"), config)?;
    let mut tmux = start("tmux", &["-f", "tmux.conf", "-u", "new"], folder, size)?;
    tmux.until("$")?;
    tmux.settle()?;
    for keys in [
        "cat scripts.txt\r",
        "\x02%",
        "seq 60\r",
        "\x02\"",
        "cat long.txt\r",
    ] {
        tmux.keys(keys)?;
    }
    tmux.resize(120, 36)?;
    tmux.keys("\x02[")?;
    tmux.keys("\x1b[5~\x1b[5~")?;
    tmux.keys("q")?;
    tmux.resize(70, 20)?;
    tmux.keys("\x02z")?;
    tmux.keys("printf '\\033[4:3;58:5:9mcurly\\033[m \\033[38;2;250;120;10mrgb\\033[m\\n'\r")?;
    tmux.keys("\x02z")?;
    tmux.resize(90, 28)?;
    tmux.keys("\x02:")?;
    tmux.finish("kill-server\r")
}

pub(crate) fn shell(size: (u16, u16)) -> Result<Recording, Error> {
    let mut shell = start("bash", &["--norc", "--noprofile", "-i"], folder()?, size)?;
    shell.until("$")?;
    for line in SHELL {
        shell.keys(&format!("{line}\r"))?;
    }
    shell.finish("exit\r")
}

pub(crate) fn shell_resized(size: (u16, u16)) -> Result<Recording, Error> {
    let mut shell = start("bash", &["--norc", "--noprofile", "-i"], folder()?, size)?;
    shell.until("$")?;
    let sizes = [
        (40, 16),
        (90, 24),
        (33, 10),
        (34, 30),
        (120, 12),
        (20, 6),
        (72, 20),
    ];
    for (line, (cols, rows)) in SHELL.iter().zip(sizes.iter().cycle()) {
        shell.keys(&format!("{line}\r"))?;
        shell.keys(
            "echo a line that is still being typed and is longer than the narrow ones 漢字",
        )?;
        shell.resize(*cols, *rows)?;
        shell.keys("\x03")?;
    }
    shell.finish("exit\r")
}

/// Input of a shell: every kind of text, colour, link and screen printed by hand.
const SHELL: [&str; 12] = [
    "cat scripts.txt",
    "cat scripts.txt scripts.txt | tr -d '\\n'; echo",
    "cut -c1-300 long.txt | head -40",
    "for i in 1 2 3 4 5 7 8 9 21 53; do printf '\\033[%smstyle %s\\033[m ' $i $i; done; echo",
    "for i in 1 2 3 4 5; do printf '\\033[4:%sm\\033[58:2::%s0:9:200mline\\033[m ' $i $i; done; echo",
    "for i in $(seq 16 4 255); do printf '\\033[48;5;%sm %s \\033[m' $i $i; done; echo",
    "for i in $(seq 0 9 255); do printf '\\033[38;2;%s;80;%sm█漢' $i $((255-i)); done; printf '\\033[m\\n'",
    "printf '\\033]8;;http://a.example/x\\007a link that goes on\\033]8;;\\007 and \\033]8;id=1;http://b.example\\033\\\\\\\\one with an id\\033]8;;\\007\\n'",
    "printf '\\033[?1049h\\033[2J\\033[5;5Hfull \\033[44mscreen\\033[K\\033[m'; cat scripts.txt; printf '\\033[?1049l'",
    "printf '\\033(0lqqqk\\033(B\\033[3g\\033[5G\\033H\\r\\tx\\ty\\033[4hins\\033[4l\\n'; reset -I 2>/dev/null; tabs -8 2>/dev/null",
    "printf '\\033[3;6r\\033[6;1H'; seq 12; printf '\\033[r\\033[20;1H'",
    "clear; seq 200; printf '\\033]0;a title\\007'",
];
