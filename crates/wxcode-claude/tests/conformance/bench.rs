//! The bench of a fact: the claude, a home, a folder, the stub, and the hooks of its processes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;
use wxcode_claude::{
    command::{Invocation, Start, argv},
    dialog::{self, Dialog},
    environment,
    hook::{self, HookEvent, HookKind, StartSource},
    prompt,
    running::{self, Running},
    settings,
    transcript::{self, Transcript},
};
use wxcode_terminal::{Screen, Size};
pub(crate) use wxcode_testbed::Terminal;
use wxcode_testbed::{Home, HookLog, RealClaude, Stub, pty::WAIT_MAX};

/// The pause without output after which a screen counts as settled.
pub(crate) const QUIET: Duration = Duration::from_millis(400);
/// The interval of polls, where no event exists.
const POLL: Duration = Duration::from_millis(5);
const SIZE: (u16, u16) = (120, 40);

/// The claude under test.
pub(crate) struct Judged {
    claude: PathBuf,
    /// Its output for `--version`.
    pub(crate) version: String,
}

impl Judged {
    /// Finds a claude; `None` if none is installed.
    pub(crate) fn locate() -> Option<Self> {
        let claude = RealClaude::locate()?;
        let printed = Command::new(&claude).arg("--version").output();
        let printed = printed.unwrap_or_else(|error| panic!("{}: {error}", claude.display()));
        let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
        let version = printed.split_whitespace().next().unwrap_or("of no version");
        Some(Self {
            claude,
            version: version.to_owned(),
        })
    }
}

/// A home, a folder with a slash command, and the hooks of its processes.
pub(crate) struct Bench {
    pub(crate) claude: PathBuf,
    pub(crate) version: String,
    pub(crate) stub: Stub,
    pub(crate) home: Home,
    pub(crate) hooks: HookLog,
    pub(crate) folder: TempDir,
}

impl Bench {
    pub(crate) fn new(judged: &Judged) -> Self {
        let stub = Stub::start_blocking().unwrap();
        let home = Home::new(&stub.base_url()).unwrap();
        let hooks = HookLog::new().unwrap();
        let folder = tempfile::Builder::new()
            .prefix("wxcode-folder-")
            .tempdir()
            .unwrap();
        home.trust(folder.path()).unwrap();
        let commands = folder.path().join(".claude/commands/gsd");
        fs::create_dir_all(&commands).unwrap();
        fs::write(commands.join("new-project.md"), "Begin with $ARGUMENTS.\n").unwrap();
        let document = settings::document(&hooks.command(), None).to_string();
        fs::write(hooks.path().join("settings.json"), document).unwrap();
        Self {
            claude: judged.claude.clone(),
            version: judged.version.clone(),
            stub,
            home,
            hooks,
            folder,
        }
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.hooks.path().join("settings.json")
    }

    pub(crate) fn start(&self, start: Start, prompt: Option<&str>) -> Terminal {
        self.start_with(start, &["--allowedTools", "Read"], prompt)
    }

    pub(crate) fn start_with(
        &self,
        start: Start,
        arguments: &[&str],
        prompt: Option<&str>,
    ) -> Terminal {
        self.start_as(start, arguments, prompt, &[])
    }

    /// Starts with further variables.
    pub(crate) fn start_as(
        &self,
        start: Start,
        arguments: &[&str],
        prompt: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Terminal {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables: BTreeMap<String, String> = variables.iter().map(own).collect();
        let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
        let words = argv(&Invocation {
            claude: &self.claude,
            start,
            settings: &self.settings(),
            permission_mode: None,
            model: None,
            extra_args: &arguments,
            prompt,
        });
        let env = environment::agent(self.home.env().into_iter(), &[], &variables);
        Terminal::start(
            Path::new(&words[0]),
            &words[1..],
            env,
            self.folder.path(),
            SIZE,
        )
        .unwrap()
    }

    /// Starts and waits for a free prompt; `starts` counts the `SessionStart` events so far.
    pub(crate) fn start_ready(&self, start: Start, starts: usize) -> Terminal {
        let terminal = self.start(start, None);
        self.ready(&terminal, starts);
        terminal
    }

    /// Waits for a free prompt.
    pub(crate) fn ready(&self, terminal: &Terminal, starts: usize) {
        self.nth("SessionStart", starts);
        terminal.wait_text("\u{1b}[?2004h");
        terminal.wait_quiet(QUIET);
    }

    /// Runs the agent without a terminal.
    pub(crate) fn print(&self, arguments: &[&str]) -> Output {
        Command::new(&self.claude)
            .arg("-p")
            .args(arguments)
            .env_clear()
            .envs(self.home.env())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    pub(crate) fn nth(&self, name: &str, count: usize) -> HookEvent {
        hook::parse(self.hooks.wait_nth(name, count).to_string().as_bytes()).unwrap()
    }

    /// Waits for this `SessionStart`, which resumes a conversation.
    pub(crate) fn resumed(&self, count: usize, id: Uuid) {
        let start = self.nth("SessionStart", count);
        assert_eq!(start.session_id, id);
        let is_resume = matches!(
            start.kind,
            HookKind::SessionStart {
                source: StartSource::Resume,
                ..
            }
        );
        assert!(is_resume, "{:?}", start.kind);
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        let events = self.hooks.events();
        events
            .iter()
            .filter(|event| event["hook_event_name"] == name)
            .count()
    }

    /// The names of all hooks so far.
    pub(crate) fn names(&self) -> Vec<String> {
        let events = self.hooks.events();
        let name = |event: &Value| event["hook_event_name"].as_str().unwrap().to_owned();
        events.iter().map(name).collect()
    }

    /// The prompt of the `count`-th `UserPromptSubmit`.
    pub(crate) fn prompt(&self, count: usize) -> String {
        match self.nth("UserPromptSubmit", count).kind {
            HookKind::UserPromptSubmit {
                prompt, prompt_id, ..
            } => {
                assert!(prompt_id.is_some(), "a prompt has a `prompt_id`");
                prompt
            }
            kind => panic!("{kind:?}"),
        }
    }

    /// Waits for the transcript; Claude Code writes it slightly after the hooks.
    pub(crate) fn spoken(&self, id: Uuid) -> PathBuf {
        wait(|| match self.transcript(id) {
            Transcript::Spoken(path) => Ok(path),
            other => Err(format!("the transcript is {other:?}")),
        })
    }

    /// Waits for a state in Claude's own file about the process.
    pub(crate) fn recorded(
        &self,
        terminal: &Terminal,
        wanted: impl Fn(&Running) -> bool,
    ) -> Running {
        wait(|| {
            let seen = running::read(&self.home.config_dir(), terminal.pid()).unwrap();
            match seen {
                Some(running) if wanted(&running) => Ok(running),
                other => Err(format!("sessions/<pid>.json says {other:?}")),
            }
        })
    }

    /// The Claude Code processes of this home: those with its variable, without the hooks' shells.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let home = format!("HOME={}", self.home.path().display());
        let is_ours = |pid: &u32| {
            let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let named = |part: &[u8]| part.windows(6).any(|word| word == b"claude");
            environ
                .split(|byte| *byte == 0)
                .any(|var| var == home.as_bytes())
                && line.split(|byte| *byte == 0).next().is_some_and(named)
        };
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut found: Vec<u32> = pids.filter(is_ours).collect();
        found.sort_unstable();
        found
    }

    /// Waits for exactly these processes.
    pub(crate) fn wait_processes(&self, wanted: &[u32]) {
        wait(|| match self.processes() {
            found if found == wanted => Ok(()),
            found => Err(format!("there are the processes {found:?}, not {wanted:?}")),
        });
    }

    /// Waits for a value that a look finds.
    pub(crate) fn found<T>(&self, look: impl Fn() -> Option<T>) -> T {
        wait(|| look().ok_or_else(|| format!("of version {}", self.version)))
    }

    pub(crate) fn transcript(&self, id: Uuid) -> Transcript {
        transcript::find(&self.home.config_dir(), id).unwrap()
    }
}

/// Waits for a value.
fn wait<T>(look: impl Fn() -> Result<T, String>) -> T {
    let began = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) => assert!(began.elapsed() < WAIT_MAX, "not in time: {seen}"),
        }
        thread::sleep(POLL);
    }
}

/// Types a text and submits it.
pub(crate) fn submit(terminal: &Terminal, text: &str) {
    react(terminal, &prompt::paste(text));
    terminal.wait_quiet(QUIET);
    react(terminal, prompt::SUBMIT);
}

/// Types, and waits for output: a still screen may not have reacted yet.
pub(crate) fn react(terminal: &Terminal, keys: &[u8]) {
    let before = terminal.output().len();
    terminal.write(keys).unwrap();
    terminal.wait_output(|output| output.len() > before);
}

/// Waits for a text on the screen; returns the screen.
pub(crate) fn screen(terminal: &Terminal, wanted: impl Fn(&str) -> bool) -> String {
    wait(|| {
        let mut screen = wxcode_terminal::Terminal::new(Size::new(SIZE.0, SIZE.1).unwrap());
        screen.feed(&terminal.output(), &mut Vec::new());
        let text = screen.text();
        if wanted(&text) {
            Ok(text)
        } else {
            Err(format!("the screen shows\n{text}"))
        }
    })
}

/// Waits for a dialog on the screen.
pub(crate) fn dialog(terminal: &Terminal) -> Dialog {
    let text = screen(terminal, |text| dialog::recognize(text).is_some());
    dialog::recognize(&text).unwrap()
}

/// The choice that Enter would take.
pub(crate) fn chosen(dialog: &Dialog) -> &str {
    let selected = dialog.selected.and_then(|at| dialog.options.get(at));
    selected.map_or("nothing", String::as_str)
}
