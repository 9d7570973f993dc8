//! Records the corpora of the tests: real programs in a terminal with the holder's replies.
//!
//! `cargo run -p wxcode-terminal --example record [NAME]...` makes the recordings with a name that
//! contains one of the words, or all. `corpora/README.md` describes the output.

mod claude;
mod programs;
mod recorder;

use std::process::ExitCode;

/// The beginning size of a recording and its steps.
type Script = fn((u16, u16)) -> Result<recorder::Recording, recorder::Error>;

const RECORDINGS: [(&str, (u16, u16), Script); 11] = [
    ("claude-small", (80, 24), claude::fullscreen),
    ("claude-wide", (200, 50), claude::fullscreen),
    ("claude-phone", (44, 20), claude::fullscreen),
    ("claude-resized", (120, 40), claude::resized),
    ("claude-classic", (100, 30), claude::classic),
    ("vim-resized", (80, 24), programs::vim),
    ("less-resized", (90, 30), programs::less),
    ("htop-resized", (110, 30), programs::htop),
    ("tmux-resized", (90, 28), programs::tmux),
    ("shell-scripts", (72, 22), programs::shell),
    ("shell-resized", (60, 16), programs::shell_resized),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    let mut code = ExitCode::SUCCESS;
    for (name, size, script) in RECORDINGS.iter().filter(|(name, _, _)| wanted(name)) {
        let result = script(*size).and_then(|recording| recording.write(name));
        match result {
            Ok(bytes) => println!("{name}: {bytes} bytes"),
            Err(error) => {
                eprintln!("{name}: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
