//! `wxcode attach`: a project's session in the user's own terminal.

mod client;
mod clipboard;
mod end;
mod keys;
mod mirror;
mod notice;
mod painting;
mod paste;
mod signals;
mod window;

use wxcode_client::terminal::Target;
use wxcode_server::ssh_agent;

use self::client::{Client, Wishes};
pub(crate) use self::keys::DetachKey;
use crate::{
    cli::{AttachOptions, Common, Usage},
    config,
    remote::{Remote, block_on},
};

pub(crate) fn run(common: &Common, options: &AttachOptions) -> anyhow::Result<()> {
    if !window::is_there() {
        let text = "attach needs a terminal on standard input and output: use `wxcode send PROJECT TEXT` to type from a script, and `wxcode screen PROJECT` to read the screen";
        return Err(Usage(text.to_owned()).into());
    }
    let remote = Remote::find(common)?;
    if common.server.is_none() {
        follow_ssh_agent(common);
    }
    let end = block_on(async {
        let project = remote.project(&options.project).await?;
        let target = Target::new(&project.id)?
            .language(language(|name| std::env::var(name).ok()))
            .read_only(options.read_only);
        let wishes = Wishes {
            name: project.name,
            detach_key: options.detach_key,
            drive: !options.viewer,
        };
        // A restarted server may have another address.
        let find = Remote::finder(common);
        let server = remote.server().clone();
        Client::attach(server, target, wishes, find)
            .await?
            .run()
            .await
    })?;
    end.tell(&options.project)
}

/// Lets the agents of this machine's server use the SSH agent of this login.
fn follow_ssh_agent(common: &Common) {
    let socket = std::env::var_os(ssh_agent::VARIABLE);
    // Attaching works without it, and a log line would disturb the screen.
    let _ = config::data_dir(common).map(|dir| ssh_agent::follow(&dir, socket.as_deref()));
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
    fn the_language_follows_the_locale() {
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
}
