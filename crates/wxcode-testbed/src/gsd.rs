//! The real GSD (get-shit-done-cc), installed by its own installer.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The version of `scripts/install-gsd`.
pub const VERSION: &str = include_str!("../../../scripts/gsd-version").trim_ascii();

/// GSD's places of installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In the user's configuration folder.
    Global,
    /// In a workspace.
    Local,
}

/// The package of GSD.
#[derive(Debug)]
pub struct RealGsd {
    package: PathBuf,
}

impl RealGsd {
    /// The package installed by `scripts/install-gsd`.
    #[must_use]
    pub fn locate() -> Option<Self> {
        let cache = env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")))?;
        let package = cache.join(format!(
            "wxcode/gsd-{VERSION}/node_modules/get-shit-done-cc"
        ));
        package
            .join("bin/install.js")
            .is_file()
            .then_some(Self { package })
    }

    /// Runs GSD's installer with this home, in this folder.
    ///
    /// # Panics
    /// The installer fails.
    pub fn install(&self, scope: Scope, home: &Path, folder: &Path) {
        let output = Command::new("node")
            .arg(self.package.join("bin/install.js"))
            .arg("--claude")
            .arg(match scope {
                Scope::Global => "--global",
                Scope::Local => "--local",
            })
            .env_clear()
            .envs(env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", home)
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("node: {error}"));
        assert!(
            output.status.success(),
            "the installer of GSD failed: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
