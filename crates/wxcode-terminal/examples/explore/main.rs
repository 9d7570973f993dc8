//! scratch
use serde_json::json;
use std::io::BufRead;
use std::time::Duration;
use wxcode_terminal::{Screen as _, Size, Terminal};
use wxcode_testbed::{Home, HookLog, RealClaude, Stub};

fn unescape(s: &str) -> Vec<u8> {
    serde_json::from_str::<String>(&format!("\"{}\"", s))
        .unwrap()
        .into_bytes()
}

fn main() {
    let cols: u16 = std::env::args()
        .nth(1)
        .and_then(|a| a.parse().ok())
        .unwrap_or(100);
    let rows: u16 = 30;
    let claude = RealClaude::locate().unwrap();
    let stub = Stub::start_blocking().unwrap();
    let home = Home::new(&stub.base_url()).unwrap();
    let hooks = HookLog::new().unwrap();
    let mut settings = json!({"permissions": {"ask": ["Bash"]}});
    if let Ok(more) = std::env::var("SETTINGS") {
        settings = serde_json::from_str(&more).unwrap();
    }
    home.settings(&settings).unwrap();
    let folder = tempfile::tempdir().unwrap();
    home.trust(folder.path()).unwrap();
    let cmds = folder.path().join(".claude/commands/gsd");
    std::fs::create_dir_all(&cmds).unwrap();
    std::fs::write(cmds.join("new-project.md"), "Begin with $ARGUMENTS.\n").unwrap();
    std::fs::write(cmds.join("hinted.md"), "---\nargument-hint: [milestone name]\ndescription: hinted one\n---\nBegin with $ARGUMENTS.\n").unwrap();
    if let Ok(sh) = std::env::var("PREPARE") {
        std::process::Command::new("sh")
            .arg("-c")
            .arg(sh)
            .current_dir(folder.path())
            .status()
            .unwrap();
    }
    let hookcmd = hooks.command();
    let mut h = serde_json::Map::new();
    for e in [
        "SessionStart",
        "UserPromptSubmit",
        "UserPromptExpansion",
        "Stop",
        "SessionEnd",
        "PermissionRequest",
        "PreToolUse",
    ] {
        h.insert(
            e.into(),
            json!([{"matcher":"","hooks":[{"type":"command","command":hookcmd}]}]),
        );
    }
    std::fs::write(
        hooks.path().join("settings.json"),
        json!({"hooks": h}).to_string(),
    )
    .unwrap();
    let pty = wxcode_testbed::Terminal::start(
        &claude,
        [
            "--settings".to_string(),
            hooks
                .path()
                .join("settings.json")
                .to_string_lossy()
                .into_owned(),
        ]
        .iter(),
        {
            let mut e = home.env();
            if let Ok(m) = std::env::var("MOREENV") {
                for kv in m.split(' ') {
                    let (k, v) = kv.split_once('=').unwrap();
                    e.push((k.into(), v.into()));
                }
            }
            e
        },
        folder.path(),
        (cols, rows),
    )
    .unwrap();
    let mut screen = Terminal::new(Size::new(cols, rows).unwrap());
    let mut seen = 0;
    let mut hseen = 0;
    let quiet = Duration::from_millis(400);
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        if let Some(k) = line.strip_prefix("k ") {
            pty.write(&unescape(k)).unwrap();
        } else if let Some(ms) = line.strip_prefix("s ") {
            std::thread::sleep(Duration::from_millis(ms.parse().unwrap()));
        } else if line == "q" {
            break;
        } else if line.is_empty() {
            continue;
        }
        loop {
            pty.wait_quiet(quiet);
            let out = pty.output();
            if out.len() == seen {
                break;
            }
            let mut replies = vec![];
            screen.feed(&out[seen..], &mut replies);
            seen = out.len();
            if !replies.is_empty() {
                pty.write(&replies).unwrap();
            }
        }
        println!(
            "##### after {line:?} (cursor {:?}, modes {:?})",
            screen.cursor(),
            screen.modes().bracketed_paste
        );
        let text = screen.text();
        let n: usize = std::env::var("LINES_SHOWN")
            .ok()
            .and_then(|v| v.parse().ok())
            .unwrap_or(9);
        let lines: Vec<&str> = text.lines().collect();
        for (i, l) in lines.iter().enumerate().skip(lines.len().saturating_sub(n)) {
            println!("{i:2}|{l}");
        }
        let dump = screen.dump();
        let d = String::from_utf8_lossy(&dump).replace('\x1b', "^");
        // only the box part
        if std::env::var("DUMP").is_ok() {
            let chars: Vec<char> = d.chars().collect();
            let s: String = chars[chars.len().saturating_sub(900)..].iter().collect();
            println!("DUMP {s}");
        }
        let ev = hooks.events();
        for e in &ev[hseen..] {
            println!(
                "HOOK {} {}",
                e["hook_event_name"],
                e.get("prompt").map(|p| p.to_string()).unwrap_or_default()
            );
        }
        hseen = ev.len();
    }
}
