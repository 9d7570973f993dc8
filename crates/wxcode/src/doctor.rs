//! `wxcode doctor`: whether everything that wxcode needs is there.

use std::{fs, path::Path, process::Command};

use anyhow::bail;

use crate::{
    cli::{Common, ServeOptions},
    config,
    store::StoreChoice,
};

pub(crate) fn run(common: &Common) -> anyhow::Result<()> {
    let options = ServeOptions {
        listen: std::env::var("WXCODE_LISTEN").ok(),
        store: std::env::var("WXCODE_STORE").ok().map(Into::into),
        claude: std::env::var_os("WXCODE_CLAUDE").map(Into::into),
        log: None,
    };
    let mut findings = Findings::default();
    match config::resolve(common, &options) {
        Ok(resolved) => {
            findings.good("configuration", "read");
            check_claude(&resolved.settings.claude, &mut findings);
            check_data_dir(&resolved.settings.data_dir, &mut findings);
            check_store(&resolved.store, &resolved.settings.data_dir, &mut findings);
        }
        Err(error) => findings.bad("configuration", &format!("{error:#}")),
    }
    if findings.bad > 0 {
        bail!("{} of the checks failed", findings.bad)
    } else {
        Ok(())
    }
}

#[derive(Default)]
struct Findings {
    bad: usize,
}

impl Findings {
    fn good(&mut self, what: &str, detail: &str) {
        println!("ok      {what}: {detail}");
    }

    fn bad(&mut self, what: &str, detail: &str) {
        self.bad += 1;
        println!("FAILED  {what}: {detail}");
    }
}

/// The embedded store is a file of the data folder, and made when it is needed; a shared one has to be there.
fn check_store(store: &StoreChoice, data_dir: &Path, findings: &mut Findings) {
    match store {
        StoreChoice::Sqlite(path) => {
            let path = path.clone().unwrap_or_else(|| data_dir.join("wxcode.db"));
            findings.good("store", &format!("embedded, in {}", path.display()));
        }
        #[cfg(feature = "mongodb")]
        StoreChoice::Mongo(address) => {
            let opened = tokio::runtime::Runtime::new()
                .map_err(anyhow::Error::from)
                .and_then(|runtime| runtime.block_on(store.open(data_dir)));
            match opened {
                Ok(_) => findings.good("store", &format!("{address} answers")),
                Err(error) => findings.bad("store", &format!("{error:#}")),
            }
        }
    }
}

fn check_claude(claude: &Path, findings: &mut Findings) {
    match Command::new(claude).arg("--version").output() {
        Ok(output) if output.status.success() => {
            findings.good("claude", String::from_utf8_lossy(&output.stdout).trim());
        }
        Ok(output) => findings.bad("claude", &format!("{} --version ended with {}: reinstall Claude Code", claude.display(), output.status)),
        Err(error) => findings.bad(
            "claude",
            &format!("{}: {error}; install Claude Code (npm install -g @anthropic-ai/claude-code), or set WXCODE_CLAUDE", claude.display()),
        ),
    }
}

fn check_data_dir(data_dir: &Path, findings: &mut Findings) {
    let probe = data_dir.join(format!(".doctor.{}", std::process::id()));
    let written = fs::create_dir_all(data_dir)
        .and_then(|()| fs::write(&probe, b""))
        .and_then(|()| fs::remove_file(&probe));
    match written {
        Ok(()) => findings.good(
            "data folder",
            &format!("{} can be written", data_dir.display()),
        ),
        Err(error) => findings.bad(
            "data folder",
            &format!(
                "{}: {error}; check its permissions, or give another --data-dir",
                data_dir.display()
            ),
        ),
    }
}
