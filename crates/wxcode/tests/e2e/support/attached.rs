//! `wxcode attach` in a terminal, below a shell.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Mode, OFlags},
    process::{Pid, Signal, kill_process},
    termios::{Action, tcflow},
};
use tempfile::TempDir;
use wxcode_terminal::{Modes, Screen, Size, Terminal as Emulator};
use wxcode_testbed::Terminal;

use super::{Server, eventually, is_stopped};

/// Records the terminal settings before and after, the pid and the exit code.
const SHELL: &str = r#"
stty -g > "$NOTES/before"
sh -c 'echo $$ > "$NOTES/new" && mv "$NOTES/new" "$NOTES/pid" && exec "$@"' sh "$@"
code=$?
stty -g > "$NOTES/after"
echo "attach ended with $code."
"#;

/// The program in a private terminal.
pub(crate) struct Attached {
    pub(crate) terminal: Terminal,
    size: (u16, u16),
    notes: TempDir,
}

/// The end of the program.
pub(crate) struct Ended {
    /// The exit code in the shell.
    pub(crate) code: i32,
    /// The terminal's whole content afterwards.
    pub(crate) text: String,
}

impl Attached {
    /// `wxcode attach ARGUMENTS` in a terminal of columns and rows.
    pub(crate) fn start(server: &Server, arguments: &[&str], size: (u16, u16)) -> Self {
        let notes = tempfile::tempdir().unwrap();
        let command = server.command(&[]);
        let mut env: Vec<(OsString, OsString)> = Vec::new();
        for (name, value) in command.as_std().get_envs() {
            env.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        }
        env.push(("NOTES".into(), notes.path().into()));
        let mut words: Vec<&str> = vec!["-c", SHELL, "sh", env!("CARGO_BIN_EXE_wxcode"), "attach"];
        words.extend(arguments);
        let terminal =
            Terminal::start(Path::new("/bin/sh"), words, env, notes.path(), size).unwrap();
        Self {
            terminal,
            size,
            notes,
        }
    }

    /// Waits until the screen fits.
    #[track_caller]
    pub(crate) fn until(&self, wanted: impl Fn(&str) -> bool) -> String {
        self.terminal
            .wait_output(|bytes| wanted(&self.emulate(bytes).text()));
        self.screen()
    }

    #[track_caller]
    pub(crate) fn until_shows(&self, text: &str) -> String {
        self.until(|screen| screen.contains(text))
    }

    pub(crate) fn screen(&self) -> String {
        self.emulate(&self.terminal.output()).text()
    }

    /// The terminal's current input modes.
    pub(crate) fn modes(&self) -> Modes {
        self.emulate(&self.terminal.output()).modes()
    }

    fn emulate(&self, bytes: &[u8]) -> Emulator {
        let (cols, rows) = self.size;
        let mut emulator = Emulator::new(Size::new(cols, rows).unwrap());
        emulator.feed(bytes, &mut Vec::new());
        emulator
    }

    pub(crate) fn keys(&self, keys: &str) {
        self.terminal.write(keys.as_bytes()).unwrap();
    }

    /// Resizes the window; the program must redraw the content.
    pub(crate) fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        self.terminal.resize(size.0, size.1).unwrap();
    }

    /// The program's process.
    pub(crate) async fn pid(&self) -> i32 {
        let path = self.note("pid");
        eventually("the program runs", || path.exists()).await;
        fs::read_to_string(path).unwrap().trim().parse().unwrap()
    }

    /// Sends a signal. The shell resumes only a stopped program, so a stop is waited for.
    pub(crate) async fn signal(&self, signal: Signal) {
        let pid = self.pid().await;
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
        if matches!(signal, Signal::STOP | Signal::TSTP) {
            eventually("the program stops", || is_stopped(pid)).await;
        }
    }

    /// Makes the terminal stop or resume reading.
    pub(crate) async fn flow(&self, action: Action) {
        let path = format!("/proc/{}/fd/1", self.pid().await);
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = rustix::fs::open(path, flags, Mode::empty()).unwrap();
        tcflow(terminal, action).unwrap();
    }

    /// Waits for the end and checks that the terminal settings are restored.
    #[track_caller]
    pub(crate) fn ended(mut self) -> Ended {
        self.terminal.wait_text("attach ended with ");
        self.terminal.wait_exit();
        let text = self.screen();
        let note = |name: &str| fs::read_to_string(self.note(name)).unwrap();
        assert_eq!(note("after"), note("before"), "the terminal's settings");
        let left = self.emulate(&self.terminal.output());
        let fresh = Modes {
            cursor_visible: true,
            ..Modes::default()
        };
        assert_eq!(left.modes(), fresh, "the terminal's modes");
        let (_, code) = text.rsplit_once("attach ended with ").unwrap();
        Ended {
            code: code.trim().trim_end_matches('.').parse().unwrap(),
            text,
        }
    }

    fn note(&self, name: &str) -> PathBuf {
        self.notes.path().join(name)
    }
}
