//! A program with the two hidden subcommands that the holder's tests need: `holder`, with its options, and `hook`.

use std::{io::Read, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(command), Some(path)) = (args.next(), args.next()) else {
        return ExitCode::from(2);
    };
    let (value, dir) = (
        args.next().unwrap_or_default(),
        args.next().unwrap_or_default(),
    );
    let value = value.to_string_lossy();
    match command.to_str() {
        Some("holder") if path == "--resume" => wxcode_holder::resume(Path::new(&dir), &value),
        Some("holder") if path == "--check-state" => {
            wxcode_holder::check_state(value.parse().unwrap_or(-1))
        }
        Some("holder") => wxcode_holder::run(Path::new(&path), 0o022),
        Some("hook") => {
            let mut payload = Vec::new();
            if std::io::stdin().read_to_end(&mut payload).is_err() {
                return ExitCode::FAILURE;
            }
            match wxcode_holder::hook::report(Path::new(&path), &payload) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    eprintln!("{error}");
                    ExitCode::FAILURE
                }
            }
        }
        _ => ExitCode::from(2),
    }
}
