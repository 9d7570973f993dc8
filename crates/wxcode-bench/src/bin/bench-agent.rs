//! The agent of the measurements: takes orders from the terminal, and prints or echoes.
//!
//! `bench-agent --in-terminal PROGRAM [ARGUMENT]...` instead runs a program in its own session with
//! standard input as the controlling terminal. All other arguments are ignored: wxcode starts the
//! agent like Claude Code.

use std::{
    env, fs,
    io::{self, BufRead as _, BufReader, Read, Write},
    os::unix::{net::UnixListener, process::CommandExt as _},
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use wxcode_bench::{
    order::{DONE, END, HOOKS, Order, PRINTED, READY},
    text,
};

fn main() -> ExitCode {
    let mut words = env::args_os().skip(1);
    let result = if words.next().is_some_and(|first| first == "--in-terminal") {
        in_terminal(words)
    } else {
        serve()
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-agent: {error}");
            ExitCode::FAILURE
        }
    }
}

fn in_terminal(mut words: impl Iterator<Item = std::ffi::OsString>) -> io::Result<()> {
    let program = words.next().ok_or(io::ErrorKind::InvalidInput)?;
    rustix::process::setsid()?;
    rustix::process::ioctl_tiocsctty(io::stdin())?;
    Err(Command::new(program).args(words).exec())
}

/// Takes orders until the terminal is gone.
fn serve() -> io::Result<()> {
    // Like every full-screen program: no echo, no lines, no signals, no changed line ends.
    let mut termios = tcgetattr(io::stdin())?;
    termios.make_raw();
    tcsetattr(io::stdin(), OptionalActions::Now, &termios)?;
    write(format!("{READY}\r\n").as_bytes())?;
    let block = text::block();
    let mut line = Vec::new();
    let mut printed = 0;
    loop {
        match read_byte()? {
            None | Some(END) => return Ok(()),
            Some(b'\r') => {
                let order = std::str::from_utf8(&line).ok().and_then(Order::parse);
                line.clear();
                match order {
                    Some(Order::Echo) => return echo(),
                    Some(Order::Print(lines)) => {
                        printed += 1;
                        print(&block, lines, printed)?;
                    }
                    Some(Order::Tick(rate)) => tick(&block, rate)?,
                    Some(Order::Report) => return report(),
                    None => write(b"what?\r\n")?,
                }
            }
            Some(byte) => line.push(byte),
        }
    }
}

fn echo() -> io::Result<()> {
    let mut buffer = [0; 4096];
    write(format!("{READY}\r\n").as_bytes())?;
    loop {
        let n = rustix::io::read(io::stdin(), &mut buffer)?;
        if n == 0 || buffer[..n].contains(&END) {
            return Ok(());
        }
        write(&buffer[..n])?;
    }
}

fn print(block: &[u8], lines: usize, number: usize) -> io::Result<()> {
    let start = Instant::now();
    for piece in text::pieces(block, lines) {
        write(piece)?;
    }
    let took = start.elapsed().as_micros();
    write(format!("{DONE} {number} {took}\r\n").as_bytes())?;
    // Renamed into place, so that readers see the whole file.
    let draft = format!("{PRINTED}.new");
    fs::write(&draft, format!("{number} {took}"))?;
    fs::rename(draft, PRINTED)
}

fn tick(block: &[u8], rate: usize) -> io::Result<()> {
    let piece = &block[..(rate / 10).min(block.len())];
    loop {
        write(piece)?;
        thread::sleep(Duration::from_millis(100));
    }
}

/// Runs a hook for each payload from the socket: only children of the agent count as its hooks.
fn report() -> io::Result<()> {
    let (mut socket, _) = UnixListener::bind(HOOKS)?.accept()?;
    let mut lines = BufReader::new(socket.try_clone()?).lines();
    let mut next = || lines.next().transpose();
    let (Some(program), Some(file)) = (next()?, next()?) else {
        return Ok(());
    };
    while let Some(payload) = next()? {
        let start = Instant::now();
        let mut hook = Command::new(&program)
            .arg("hook")
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        if let Some(mut stdin) = hook.stdin.take() {
            stdin.write_all(payload.as_bytes())?;
        }
        hook.wait()?;
        writeln!(socket, "{}", start.elapsed().as_micros())?;
    }
    Ok(())
}

fn read_byte() -> io::Result<Option<u8>> {
    let mut byte = [0];
    Ok((io::stdin().read(&mut byte)? == 1).then_some(byte[0]))
}

/// Bypasses the buffer of standard output: one write, one system call.
fn write(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let n = rustix::io::write(io::stdout(), bytes)?;
        bytes = &bytes[n..];
    }
    io::stdout().flush()
}
