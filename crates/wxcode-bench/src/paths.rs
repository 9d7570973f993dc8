//! The measured programs.

use std::path::PathBuf;

use anyhow::{Context, ensure};

/// The programs' paths, next to the harness.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    pub(crate) wxcode: PathBuf,
    /// The holder's program next to wxcode.
    pub(crate) holder: PathBuf,
    /// The program of the agent in the measured terminals.
    pub(crate) agent: PathBuf,
}

impl Paths {
    /// Finds the programs; `wxcode` replaces the wxcode next to the harness.
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

    /// The path of a program of the system, if installed.
    pub(crate) fn installed(name: &str) -> Option<PathBuf> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|path| path.is_file())
    }
}
