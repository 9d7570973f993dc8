//! Runs a program in a new session with standard input as the controlling terminal.

use std::{
    env, io,
    os::unix::process::CommandExt as _,
    process::{Command, ExitCode},
};

fn main() -> ExitCode {
    let mut words = env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("usage: in-terminal PROGRAM [ARGUMENT]...");
        return ExitCode::from(2);
    };
    let error = match rustix::process::setsid()
        .and_then(|_| rustix::process::ioctl_tiocsctty(io::stdin()))
    {
        Ok(()) => Command::new(&program).args(words).exec(),
        Err(error) => error.into(),
    };
    eprintln!("in-terminal: {}: {error}", program.display());
    ExitCode::FAILURE
}
