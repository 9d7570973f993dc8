//! The programs that are measured.

use std::path::PathBuf;

use anyhow::{Context, ensure};

/// Where the programs are: beside the harness, as they are built together.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// wxcode.
    pub(crate) wxcode: PathBuf,
    /// The program of its sessions and hooks, beside it.
    pub(crate) holder: PathBuf,
    /// What runs in the terminals.
    pub(crate) agent: PathBuf,
}

impl Paths {
    /// Finds them; another wxcode where one is given.
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
