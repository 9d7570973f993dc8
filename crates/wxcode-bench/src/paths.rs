//! The measured programs.

use std::path::PathBuf;

use anyhow::{Context, ensure};

/// The programs' paths, next to the harness.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    pub(crate) wxcode: PathBuf,
    /// The holder's program next to wxcode.
    pub(crate) holder: PathBuf,
    /// The agent in the terminals.
    pub(crate) agent: PathBuf,
}

impl Paths {
    /// Finds the programs, with another wxcode if given.
    pub(crate) fn find(wxcode: Option<PathBuf>) -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("cannot find this program's own path")?;
        let wxcode = wxcode.unwrap_or_else(|| own.with_file_name("wxcode"));
        let paths = Self {
            holder: wxcode.with_file_name("wxcode-holder"),
            wxcode,
            agent: own.with_file_name("bench-agent"),
        };
        for path in [&paths.wxcode, &paths.holder, &paths.agent] {
            ensure!(
                path.exists(),
                "{} is missing: run `make bench`",
                path.display()
            );
        }
        Ok(paths)
    }

    /// A program of the system, where it is installed.
    pub(crate) fn installed(name: &str) -> Option<PathBuf> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|path| path.is_file())
    }
}
