//! A program with the two hidden subcommands that the holder's tests need: `holder` and `hook`.

use std::{io::Read, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(command), Some(path)) = (args.next(), args.next()) else {
        return ExitCode::from(2);
    };
    match command.to_str() {
        Some("holder") => wxcode_holder::run(Path::new(&path)),
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
