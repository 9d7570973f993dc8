//! `wxcode attach`: a project's session in the user's own terminal.

mod client;
mod keys;
mod line;
mod link;
mod mirror;
mod notice;
mod owed;
mod painting;
mod retry;
mod signals;
mod unsent;
mod window;

use std::io::{Write, stderr, stdout};

use anyhow::anyhow;
use wxcode_holder::folder::Exit;

pub(crate) use self::keys::DetachKey;
use self::{
    client::{Client, End, Wishes},
    link::Address,
};
use crate::{
    cli::{AttachOptions, Common, Usage},
    remote::{Remote, block_on},
};

pub(crate) fn run(common: &Common, options: &AttachOptions) -> anyhow::Result<()> {
    if !window::is_there() {
        let text = "attach needs a terminal on standard input and output: use `wxcode send PROJECT TEXT` to type from a script, and GET /api/v1/output-projects/{id}/screen to read the screen";
        return Err(Usage(text.to_owned()).into());
    }
    let remote = Remote::find(common)?;
    if !remote.base().starts_with("http://") {
        let text = format!(
            "attach speaks http only, and the server is {}: make a tunnel to it, such as `ssh -L 8052:localhost:8052 HOST`, and give --server http://127.0.0.1:8052",
            remote.base()
        );
        return Err(Usage(text).into());
    }
    let end = block_on(async {
        let project = remote.project(&options.project).await?;
        let address = Address {
            base: remote.base().to_owned(),
            token: remote.token().to_owned(),
            project: project.id,
            client: uuid::Uuid::new_v4().simple().to_string(),
            language: language(|name| std::env::var(name).ok()),
            read_only: options.read_only,
        };
        let wishes = Wishes {
            name: project.name,
            detach_key: options.detach_key,
            drive: !options.viewer,
        };
        // A server that comes back may have another address.
        let find = || {
            let remote = Remote::find(common).ok()?;
            Some((remote.base().to_owned(), remote.token().to_owned()))
        };
        Client::attach(address, wishes, &find).await?.run().await
    })?;
    tell(&end, &options.project)
}

/// Says on the terminal, which is the shell's again, how it ended.
fn tell(end: &End, project: &str) -> anyhow::Result<()> {
    let text = match end {
        End::Detached { unsent } => {
            let lost = if *unsent {
                ", but what you typed last did not reach it"
            } else {
                ""
            };
            format!("detached: the agent goes on{lost}; `wxcode attach {project}` comes back")
        }
        End::Exited { exit, screen } => {
            let _ = writeln!(stdout(), "{screen}");
            let how = exit.as_ref().map(how).unwrap_or_default();
            format!("the agent ended{how}; `wxcode attach {project}` starts it again")
        }
        End::Signal(name) => {
            return Err(anyhow!("left after {name}: the agent goes on"));
        }
        End::Hangup => return Err(anyhow!("the terminal is gone: the agent goes on")),
        End::Lost(lost) => return Err(lost.clone().into()),
    };
    let _ = writeln!(stderr(), "wxcode: {text}");
    Ok(())
}

fn how(exit: &Exit) -> String {
    match (exit.code, exit.signal) {
        (_, Some(signal)) => format!(" (signal {signal})"),
        (Some(code), None) => format!(" (code {code})"),
        (None, None) => format!(" ({})", exit.reason),
    }
}

/// The server's language for a user with these variables.
fn language(variable: impl Fn(&str) -> Option<String>) -> &'static str {
    let set = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
    let name = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find(set);
    let value = name.and_then(variable).unwrap_or_default();
    if value.to_ascii_lowercase().starts_with("pt") {
        "pt-BR"
    } else {
        "en"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_locale_s() {
        let of = |all: &'static [(&str, &str)]| {
            language(|name| {
                let found = all.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[]), "en");
        assert_eq!(of(&[("LANG", "pt_BR.UTF-8")]), "pt-BR");
        assert_eq!(of(&[("LANG", "pt_BR.UTF-8"), ("LC_ALL", "C")]), "en");
        assert_eq!(of(&[("LANG", "de_DE"), ("LC_MESSAGES", "pt_PT")]), "pt-BR");
        assert_eq!(of(&[("LANG", "pt_BR"), ("LC_ALL", "")]), "pt-BR");
    }

    #[test]
    fn an_end_says_how() {
        let exit = |code, signal, reason: &str| Exit {
            code,
            signal,
            at: String::new(),
            reason: reason.to_owned(),
            offset: 0,
        };
        assert_eq!(how(&exit(Some(3), None, "exited")), " (code 3)");
        assert_eq!(how(&exit(None, Some(9), "signaled")), " (signal 9)");
        assert_eq!(how(&exit(None, None, "stopped")), " (stopped)");
    }
}
