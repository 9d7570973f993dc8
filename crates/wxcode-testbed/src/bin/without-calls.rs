//! Runs a program under a seccomp filter. The filter answers some system calls with an error, like
//! an older kernel or a container's filter. The filter holds for all descendants of the program.

use std::{
    collections::BTreeMap,
    env,
    os::unix::process::CommandExt as _,
    process::{Command, ExitCode},
};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

const USAGE: &str = "usage: without-calls ERRNO FIRST-LAST PROGRAM [ARGUMENT]...";

fn main() -> ExitCode {
    let mut words = env::args_os().skip(1);
    let errno = words.next().and_then(|word| word.to_str()?.parse().ok());
    let calls = words.next().and_then(|word| {
        let (first, last) = word.to_str()?.split_once('-')?;
        Some(first.parse::<i64>().ok()?..=last.parse::<i64>().ok()?)
    });
    let (Some(errno), Some(calls), Some(program)) = (errno, calls, words.next()) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let error = match filter(errno, calls) {
        Ok(()) => Command::new(&program).args(words).exec().to_string(),
        Err(error) => error,
    };
    eprintln!("without-calls: {}: {error}", program.display());
    ExitCode::FAILURE
}

fn filter(errno: u32, calls: impl Iterator<Item = i64>) -> Result<(), String> {
    let rules: BTreeMap<_, _> = calls.map(|call| (call, Vec::new())).collect();
    let architecture = env::consts::ARCH
        .try_into()
        .map_err(|error| format!("{error:?}"))?;
    let answer = SeccompAction::Errno(errno);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, architecture)
        .map_err(|error| error.to_string())?;
    let program = BpfProgram::try_from(filter).map_err(|error| error.to_string())?;
    apply_filter(&program).map_err(|error| error.to_string())
}
