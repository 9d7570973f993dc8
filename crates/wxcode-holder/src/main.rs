//! The program of a session's process, of its guardian, and of the agent's hooks.
//!
//! The server starts the program, and Claude Code runs `wxcode-holder hook`; no person types the
//! arguments.

use std::{
    ffi::{OsStr, OsString},
    io::Write,
    path::Path,
    process::ExitCode,
};

use wxcode_holder::{check_state, confine, folder::BUILD, hook, resume, run, status_line};

/// The program's answer to unknown arguments.
const USAGE: &str =
    "usage: wxcode-holder hold [--dumpable | --resume LINE | --check-state FD] FOLDER
       wxcode-holder confine DATA-FOLDER FOLDER PROGRAM [ARGUMENT]...
       wxcode-holder hook FILE
       wxcode-holder status-line FILE [SETTINGS...]
       wxcode-holder --version
wxcode-holder is a part of wxcode, which starts it: run `wxcode --help`
";

fn main() -> ExitCode {
    // The files of a session are for its owner alone; the agent gets the umask of its spec.
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o077));
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words: Vec<&OsStr> = arguments.iter().map(OsString::as_os_str).collect();
    match words[..] {
        [command, file] if command == "hook" => {
            hook::run(Path::new(file));
            ExitCode::SUCCESS
        }
        [command, file, ref layers @ ..] if command == "status-line" => {
            let layers: Vec<&Path> = layers.iter().map(Path::new).collect();
            status_line::run(Path::new(file), &layers)
        }
        [command, dir] if command == "hold" => run(Path::new(dir), false),
        [command, option, dir] if command == "hold" && option == "--dumpable" => {
            run(Path::new(dir), true)
        }
        [command, option, line, dir] if command == "hold" && option == "--resume" => {
            resume(Path::new(dir), &line.to_string_lossy())
        }
        [command, option, fd, _] if command == "hold" && option == "--check-state" => {
            // `check_state` finds out about a number without a descriptor.
            check_state(fd.to_string_lossy().parse().unwrap_or(-1))
        }
        [command, data_dir, dir, ref program @ ..] if command == "confine" => {
            confine::run(Path::new(data_dir), Path::new(dir), program)
        }
        [option] if option == "--version" => match writeln!(std::io::stdout(), "{BUILD}") {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        _ => {
            let _ = std::io::stderr().write_all(USAGE.as_bytes());
            ExitCode::from(2)
        }
    }
}
