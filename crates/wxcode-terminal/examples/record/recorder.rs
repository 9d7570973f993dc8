//! Runs a program in a terminal and keeps its output, with the offsets of the sizes.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use wxcode_terminal::{Screen as _, Size, Terminal};

/// The reason why a recording failed.
pub(crate) type Error = Box<dyn std::error::Error>;

/// Time without a change before a screen counts as settled: shorter than Claude Code's blink.
const QUIET: Duration = Duration::from_millis(400);

/// A running program, with the replies of the holder's screen.
pub(crate) struct Recorder {
    pty: wxcode_testbed::Terminal,
    screen: Terminal,
    bytes: Vec<u8>,
    /// Each size with the offset of its first byte.
    sizes: Vec<(usize, u16, u16)>,
    /// Held until the program has ended.
    _folder: tempfile::TempDir,
}

/// The output of a program, and its sizes.
pub(crate) struct Recording {
    bytes: Vec<u8>,
    sizes: Vec<(usize, u16, u16)>,
}

impl Recorder {
    /// Starts `program` with exactly `env` in `work`, which lies in `folder`.
    pub(crate) fn start(
        program: &Path,
        args: &[&str],
        env: Vec<(OsString, OsString)>,
        work: &Path,
        folder: tempfile::TempDir,
        (cols, rows): (u16, u16),
    ) -> Result<Self, Error> {
        let size = Size::new(cols, rows).ok_or("a size out of bounds")?;
        let pty = wxcode_testbed::Terminal::start(program, args.iter(), env, work, (cols, rows))?;
        Ok(Self {
            pty,
            screen: Terminal::new(size),
            bytes: Vec::new(),
            sizes: vec![(0, cols, rows)],
            _folder: folder,
        })
    }

    /// Reads new output and replies; returns whether there was any output.
    fn take(&mut self) -> Result<bool, Error> {
        let output = self.pty.output();
        let new = output.get(self.bytes.len()..).unwrap_or_default();
        if new.is_empty() {
            return Ok(false);
        }
        let mut replies = Vec::new();
        self.screen.feed(new, &mut replies);
        self.bytes.extend_from_slice(new);
        if !replies.is_empty() {
            self.pty.write(&replies)?;
        }
        Ok(true)
    }

    /// Waits until the screen shows `text`, with any line breaks.
    pub(crate) fn until(&mut self, text: &str) -> Result<(), Error> {
        self.until_screen(|screen| screen.contains(&bare(text)))
    }

    /// Waits until the screen no longer shows `text`.
    pub(crate) fn until_gone(&mut self, text: &str) -> Result<(), Error> {
        self.until_screen(|screen| !screen.contains(&bare(text)))
    }

    fn until_screen(&mut self, wanted: impl Fn(&str) -> bool) -> Result<(), Error> {
        loop {
            self.take()?;
            if wanted(&bare(&self.screen.text())) {
                return Ok(());
            }
            let seen = self.bytes.len();
            self.pty.wait_output(|bytes| bytes.len() > seen);
        }
    }

    /// Waits until the output pauses.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        loop {
            self.pty.wait_quiet(QUIET);
            if !self.take()? {
                return Ok(());
            }
        }
    }

    /// Types, and waits until the output pauses.
    pub(crate) fn keys(&mut self, keys: &str) -> Result<(), Error> {
        let seen = self.bytes.len();
        self.pty.write(keys.as_bytes())?;
        self.pty.wait_output(|bytes| bytes.len() > seen);
        self.settle()
    }

    /// Changes the size after all output of the old size has arrived.
    pub(crate) fn resize(&mut self, cols: u16, rows: u16) -> Result<(), Error> {
        self.settle()?;
        self.sizes.push((self.bytes.len(), cols, rows));
        self.screen
            .resize(Size::new(cols, rows).ok_or("a size out of bounds")?);
        let seen = self.bytes.len();
        self.pty.resize(cols, rows)?;
        self.pty.wait_output(|bytes| bytes.len() > seen);
        self.settle()
    }

    /// Types the last keys and waits for the end of the program.
    pub(crate) fn finish(mut self, keys: &str) -> Result<Recording, Error> {
        self.pty.write(keys.as_bytes())?;
        self.pty.wait_exit();
        self.pty.wait_quiet(QUIET);
        self.take()?;
        Ok(Recording {
            bytes: self.bytes,
            sizes: self.sizes,
        })
    }
}

impl Recording {
    /// Writes the recording to the corpora; returns its size in bytes.
    pub(crate) fn write(&self, name: &str) -> Result<usize, Error> {
        let Some(((_, cols, rows), later)) = self.sizes.split_first() else {
            return Err("a recording without a size".into());
        };
        let stem = format!(
            "{}/corpora/{name}_{cols}x{rows}",
            env!("CARGO_MANIFEST_DIR")
        );
        std::fs::write(format!("{stem}.bin"), &self.bytes)?;
        if !later.is_empty() {
            let mut sizes = String::new();
            for (offset, cols, rows) in later {
                writeln!(sizes, "{offset} {cols} {rows}")?;
            }
            std::fs::write(format!("{stem}.sizes"), sizes)?;
        }
        Ok(self.bytes.len())
    }
}

/// A text without its white space.
fn bare(text: &str) -> String {
    text.split_whitespace().collect()
}
