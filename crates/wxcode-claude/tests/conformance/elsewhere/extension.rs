//! Facts about plugins, mods and updates: ways by which others move the conversation.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use uuid::Uuid;
use wxcode_claude::{
    command::Start,
    hook::{HookKind, StartSource},
};

use super::{Ended, goes_on};
use crate::bench::{Bench, QUIET, Terminal, screen, submit};

/// Makes a plugin in the fact's home; returns its folder.
fn plugin(bench: &Bench, hooks: &Value, module: Option<&str>) -> PathBuf {
    let folder = bench.home.path().join("plugin");
    let manifest = json!({ "name": "mover", "version": "0.1.0", "description": "moves" });
    fs::create_dir_all(folder.join(".claude-plugin")).unwrap();
    fs::create_dir_all(folder.join("hooks")).unwrap();
    let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
    write(".claude-plugin/plugin.json", manifest.to_string());
    write("hooks/hooks.json", hooks.to_string());
    if let Some(module) = module {
        write("hooks/main.js", module.to_owned());
    }
    folder
}

/// Starts a conversation with a plugin.
fn with(bench: &Bench, id: Uuid, plugin: &std::path::Path) -> Terminal {
    let arguments = ["--allowedTools", "Read", "--plugin-dir"];
    let arguments = [&arguments[..], &[plugin.to_str().unwrap()]].concat();
    let terminal = bench.start_with(Start::New(id), &arguments, None);
    bench.ready(&terminal, 1);
    terminal
}

pub(crate) fn plugin_hook(bench: &Bench) -> String {
    let _ended = Ended(bench);
    let id = Uuid::new_v4();
    let said = bench.home.path().join("said");
    let command = format!(
        "'{}' --bg --resume {id} words >'{said}' 2>&1; echo \"exit $?\" >>'{said}'",
        bench.claude.display(),
        said = said.display()
    );
    let hook = json!([{ "hooks": [{ "type": "command", "command": command }] }]);
    let folder = plugin(bench, &json!({ "hooks": { "Stop": hook } }), None);
    let terminal = with(bench, id, &folder);
    let before = bench.processes();
    submit(&terminal, "first words");
    let text = bench.found(|| {
        let text = fs::read_to_string(&said).ok()?;
        text.contains("exit").then_some(text)
    });
    assert!(
        text.contains("is disabled by") && text.contains("exit 1"),
        "{text}"
    );
    terminal.wait_quiet(QUIET);
    goes_on(bench, &terminal, id, "after the plugin");
    bench.wait_processes(&before);
    "a plugin's hook that moves the conversation into the background with `claude --bg --resume` is refused, exit 1"
        .to_owned()
}

/// A mod that runs these commands, one after each turn.
fn mover(commands: &Value) -> String {
    format!(
        "const commands = {commands}\nlet at = 0\n\
         export function register(on) {{\n\
         on('turn.complete', async ($, e, next) => {{\n\
         const result = await next(e)\n\
         const command = commands[at++]\n\
         if (command) try {{ await $.command.run(command) }} catch (error) {{ $.ui.log(String(error)) }}\n\
         return result\n}})\n}}\n"
    )
}

pub(crate) fn mod_command(bench: &Bench) -> String {
    let _ended = Ended(bench);
    let id = Uuid::new_v4();
    // The new start begins the module anew, so the list begins anew as well.
    let commands = json!([
        { "command": "bg" },
        { "command": "background" },
        { "command": "restart" },
        { "command": "remote-control" },
        { "command": "branch" },
    ]);
    let hooks = json!({ "modules": ["./main.js"] });
    let folder = plugin(bench, &hooks, Some(&mover(&commands)));
    let terminal = with(bench, id, &folder);
    let before = bench.processes();
    for turn in 1..=4 {
        submit(&terminal, &format!("words {turn}"));
        let stop = bench.nth("Stop", turn);
        assert_eq!(stop.session_id, id);
        terminal.wait_quiet(QUIET);
    }
    assert_eq!(bench.count("SessionStart"), 1);
    bench.wait_processes(&before);
    submit(&terminal, "words 5");
    let start = bench.nth("SessionStart", 2);
    let is_fork = matches!(
        start.kind,
        HookKind::SessionStart {
            source: StartSource::Fork,
            ..
        }
    );
    assert!(is_fork && start.session_id != id, "{start:?}");
    terminal.wait_quiet(QUIET);
    goes_on(bench, &terminal, start.session_id, "after the branch");
    bench.wait_processes(&before);
    "`$.command.run` of `bg`, `background`, `restart` and `remote-control` moves nothing; `branch` continues in the same process, with a `SessionStart` of its own"
        .to_owned()
}

pub(crate) fn updated(bench: &Bench) -> String {
    let _ended = Ended(bench);
    let id = Uuid::new_v4();
    let terminal = super::spoken(bench, id);
    let before = bench.processes();
    submit(&terminal, "/restart");
    let is_unknown = |text: &str| text.contains("Unknown command: /restart");
    screen(&terminal, |text| {
        is_unknown(text) || bench.count("SessionStart") == 2
    });
    terminal.wait_quiet(QUIET);
    bench.wait_processes(&before);
    goes_on(bench, &terminal, id, "after the command");
    match bench.count("SessionStart") {
        1 => "`/restart` is an unknown command here: Anthropic switches it on",
        _ => "`/restart` starts the program anew in the same process, with the same id",
    }
    .to_owned()
}

pub(crate) fn other_folder(bench: &Bench) -> String {
    let id = Uuid::new_v4();
    let terminal = super::spoken(bench, id);
    let before = bench.processes();
    let inner = bench.folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    submit(&terminal, &format!("/cd {}", inner.display()));
    terminal.wait_quiet(QUIET);
    goes_on(bench, &terminal, id, "in the other folder");
    let stop = bench.nth("Stop", 2);
    assert_eq!(
        stop.cwd.as_deref(),
        fs::canonicalize(&inner).ok().as_deref()
    );
    bench.wait_processes(&before);
    bench.spoken(id);
    drop(terminal);
    let terminal = bench.start(Start::Resume(id), Some("back"));
    assert_eq!(bench.nth("SessionStart", 2).session_id, id);
    assert_eq!(bench.nth("UserPromptSubmit", 3).session_id, id);
    drop(terminal);
    "`/cd` keeps process and id, and `--resume` from the project's folder finds the conversation"
        .to_owned()
}
