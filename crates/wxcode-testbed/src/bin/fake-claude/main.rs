//! `fake-claude`: the crate's module `fake_agent` describes its behaviour.

mod agent;
mod arguments;
mod conversation;
mod dialog;
mod event;
mod hooks;
mod input;
mod intruder;
mod mode;
mod print;
mod record;
mod screen;
mod status;
mod stream;
mod tool;

use std::{
    env, fs, io,
    process::{Command, ExitCode, Stdio},
    thread,
};

use arguments::Arguments;
use mode::Modes;

/// The argument of the grandchild in the mode `daemon`.
const DAEMON: &str = "--fake-daemon";
/// The first argument of a tool that types into a session: then a holder's socket and a text follow.
const INTRUDER: &str = "--fake-intruder";

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    if let [word, file] = words.as_slice()
        && word == DAEMON
    {
        return done(daemon(file));
    }
    if let [word, socket, text] = words.as_slice()
        && word == INTRUDER
    {
        return done(intruder::type_into(socket, text));
    }
    if words.iter().any(|word| word == "--version") {
        println!("{} (fake)", conversation::version());
        return ExitCode::SUCCESS;
    }
    let modes = match Modes::parse(&env::var("FAKE_CLAUDE").unwrap_or_default()) {
        Ok(modes) => modes,
        Err(word) => {
            eprintln!("FAKE_CLAUDE has no mode `{word}`");
            return ExitCode::from(2);
        }
    };
    if let Some(code) = modes.exit {
        println!("fake: told to exit");
        return ExitCode::from(code);
    }
    if let Some(file) = &modes.daemon
        && let Err(error) = start_daemon(file)
    {
        eprintln!("the daemon does not start: {error}");
        return ExitCode::FAILURE;
    }
    let mut arguments = Arguments::parse(words);
    if let Err(error) = arguments.read_prompt() {
        eprintln!("fake-claude: {error}");
        return ExitCode::FAILURE;
    }
    if arguments.print && arguments.stream {
        return done(stream::run(&arguments, &modes));
    }
    if arguments.print {
        return done(print::run(&arguments));
    }
    done(agent::run(arguments, modes))
}

fn done(result: io::Result<u8>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("fake-claude: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Starts the grandchild and waits until it has left the agent's session.
fn start_daemon(file: &str) -> io::Result<()> {
    let mut child = Command::new(env::current_exe()?)
        .args([DAEMON, file])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut ready = String::new();
    if let Some(stdout) = child.stdout.take() {
        io::BufRead::read_line(&mut io::BufReader::new(stdout), &mut ready)?;
    }
    if ready.is_empty() {
        Err(io::Error::other("it said nothing"))
    } else {
        Ok(())
    }
}

/// Lives in a new session until killed.
fn daemon(file: &str) -> io::Result<u8> {
    rustix::process::setsid()?;
    let _events = event::signals()?;
    fs::write(file, std::process::id().to_string())?;
    println!("ready");
    loop {
        thread::park();
    }
}
