//! The real Claude Code against the stub: the folder's trust, turns, a permission, a question,
//! `/clear`.

use std::path::Path;

use serde_json::json;
use wxcode_testbed::{Home, RealClaude, Stub};

use crate::recorder::{Error, Recorder, Recording};

/// Text whose width terminals count differently.
const SCRIPTS: &str = "漢字 e\u{301} 👩\u{200d}🚀 🇧🇷 ☎\u{fe0f} שלום مرحبا ไทย";

/// A running session and its stub.
struct Session {
    recorder: Recorder,
    _home: Home,
    _stub: Stub,
}

pub(crate) fn fullscreen(size: (u16, u16)) -> Result<Recording, Error> {
    let mut session = Session::start(size, &[])?;
    session.trust()?;
    session.talk()?;
    session.permission()?;
    session.question()?;
    session.clear()?;
    session.recorder.finish("/exit\r")
}

pub(crate) fn resized(size: (u16, u16)) -> Result<Recording, Error> {
    let session = Session::start(size, &[])?;
    between_resizes(session)
}

/// The renderer on the primary screen, which leaves a history.
pub(crate) fn classic(size: (u16, u16)) -> Result<Recording, Error> {
    let session = Session::start(size, &[("CLAUDE_CODE_DISABLE_ALTERNATE_SCREEN", "1")])?;
    between_resizes(session)
}

fn between_resizes(mut session: Session) -> Result<Recording, Error> {
    session.trust()?;
    session.recorder.resize(80, 24)?;
    session.talk()?;
    session.recorder.resize(132, 43)?;
    session.permission()?;
    session.recorder.resize(131, 20)?;
    session.recorder.resize(60, 30)?;
    session.question()?;
    session.recorder.resize(44, 50)?;
    session.clear()?;
    session.recorder.resize(100, 30)?;
    session.recorder.finish("/exit\r")
}

impl Session {
    fn start(size: (u16, u16), more: &[(&str, &str)]) -> Result<Self, Error> {
        let claude = RealClaude::locate()
            .ok_or("Claude Code is not installed: run scripts/install-claude")?;
        let stub = Stub::start_blocking()?;
        let home = Home::new(&stub.base_url())?;
        home.settings(&json!({"permissions": {"ask": ["Bash"]}}))?;
        let folder = tempfile::Builder::new().prefix("wxcode-site-").tempdir()?;
        let mut env = home.env();
        // The recorder's search path does not belong in a recording.
        env.retain(|(name, _)| name != "PATH");
        env.push(("PATH".into(), "/usr/bin:/bin".into()));
        env.extend(more.iter().map(|(name, value)| (name.into(), value.into())));
        let work = folder.path().to_owned();
        let recorder = Recorder::start(&claude, &[], env, Path::new(&work), folder, size)?;
        Ok(Self {
            recorder,
            _home: home,
            _stub: stub,
        })
    }

    fn trust(&mut self) -> Result<(), Error> {
        self.recorder.until("trust this folder")?;
        self.recorder.settle()?;
        self.recorder.keys("\x1b[B")?;
        self.recorder.keys("\r")?;
        self.recorder.until_gone("trust this folder")?;
        self.recorder.until("❯")?;
        self.recorder.settle()
    }

    /// Submits a prompt and waits for a text of the answer.
    fn say(&mut self, prompt: &str, answer: &str) -> Result<(), Error> {
        self.recorder.keys(prompt)?;
        self.recorder.keys("\r")?;
        self.recorder.until(answer)?;
        self.recorder.settle()
    }

    fn talk(&mut self) -> Result<(), Error> {
        self.say("hello", "stub: 1 user message")?;
        self.say("stub:lines 70", "line 70")?;
        self.say(SCRIPTS, "user messages; last:")
    }

    fn permission(&mut self) -> Result<(), Error> {
        self.say("stub:bash seq 3; echo done", "proceed?")?;
        self.recorder.keys("\r")?;
        self.recorder.until("tool result")?;
        self.recorder.settle()
    }

    fn question(&mut self) -> Result<(), Error> {
        self.say("stub:ask", "Blue")?;
        self.recorder.keys("\x1b[B")?;
        self.recorder.keys("\r")?;
        self.recorder.until("tool result: Your questions")?;
        self.recorder.settle()
    }

    fn clear(&mut self) -> Result<(), Error> {
        self.recorder.keys("/clear")?;
        self.recorder.keys("\r")?;
        self.recorder.until_gone("tool result")?;
        self.recorder.settle()
    }
}
