//! Drafts and texts of all kinds on the real Claude Code.

use wxcode_testbed::stub::Request;

use super::deliveries;
use crate::support::{Server, real};

/// An idle session of the real Claude Code.
async fn start() -> Option<(Server, String)> {
    let agent = real()?.with_config("[delivery]\nready_timeout_s = 20\n");
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let commands = server
        .workspace(&project)
        .await
        .join(".claude/commands/gsd");
    std::fs::create_dir_all(&commands).unwrap();
    std::fs::write(commands.join("new-project.md"), "Carry out $ARGUMENTS.\n").unwrap();
    server.start_session(&project).await;
    server.idle(&project).await;
    Some((server, project))
}

async fn shows(
    server: &Server,
    project: &str,
    what: &str,
    wanted: impl Fn(&str) -> bool,
) -> String {
    let screen = format!("/output-projects/{project}/screen");
    let shown = server.until(&screen, what, |screen| screen.as_str().is_some_and(&wanted));
    shown.await.as_str().unwrap().to_owned()
}

/// The lines of the input box, between the last two borders. A non-breaking space follows the box's
/// mark.
fn prompt(screen: &str) -> String {
    let lines: Vec<&str> = screen.lines().collect();
    let edges: Vec<usize> = (0..lines.len())
        .filter(|at| lines[*at].starts_with("──────────"))
        .collect();
    match edges[..] {
        [.., top, bottom] => lines[top + 1..bottom].join("\n").replace('\u{a0}', " "),
        _ => String::new(),
    }
}

async fn submitted(server: &Server, project: &str, text: &str) {
    let delivery = server.deliver(project, text).await;
    server.delivery_until(project, &delivery, "submitted").await;
    server.idle(project).await;
}

#[tokio::test]
async fn drafts_of_all_kinds_are_restored() {
    let Some((server, project)) = start().await else {
        return;
    };
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    // Typed keys, and the resulting text in the box.
    let drafts = [
        ("half a thought", "❯ half a thought"),
        ("\u{1b}[200~one\ntwo\u{1b}[201~", "❯ one\n  two"),
        (
            "\u{1b}[200~a\nb\nc\nd\ne\u{1b}[201~",
            "❯ [Pasted text #1 +4 lines]",
        ),
        ("!ls -la", "! ls -la"),
        ("at its beginning\u{1}", "❯ at its beginning"),
    ];
    for (keys, stands) in drafts {
        socket.input(keys).await;
        shows(&server, &project, stands, |screen| prompt(screen) == stands).await;
        submitted(&server, &project, "a command").await;
        shows(&server, &project, stands, |screen| prompt(screen) == stands).await;
        // The draft is whole: the user sends it.
        socket.input("\r").await;
        shows(&server, &project, "sent", |screen| prompt(screen) == "❯").await;
        server.idle(&project).await;
    }
    let stub = server.agent.stub.as_ref().unwrap();
    let has_last = |request: &Request| {
        request
            .user_texts()
            .iter()
            .any(|text| text == "at its beginning")
    };
    let texts = stub.wait_for(has_last).await.user_texts();
    let count = |wanted: &str| texts.iter().filter(|text| *text == wanted).count();
    for alone in ["half a thought", "one\ntwo", "at its beginning"] {
        assert_eq!(count(alone), 1, "{alone:?} in {texts:?}");
    }
    assert_eq!(count("a command"), drafts.len(), "{texts:?}");
    assert!(
        texts.iter().any(|text| text.contains("\na\nb\nc\nd\ne\n")),
        "{texts:?}"
    );
}

#[tokio::test]
async fn texts_arrive_unchanged_or_fail() {
    let Some((server, project)) = start().await else {
        return;
    };
    let mebibyte = "0123456789 abcd\n".repeat(1 << 16);
    let texts = [
        "!echo not for a shell",
        "#a note",
        "@.claude",
        "see @.cl",
        "?",
        "&",
        "/gsd:new-project",
        "/gsd:new-project with more",
        "a backslash at the end\\",
        "control \u{1b}[201~\u{3}\u{4}\u{1a} characters\u{7}",
        "Ação 日本 👍🏽 שלום e\u{301}",
        &mebibyte[..mebibyte.len() - 1],
    ];
    for text in texts {
        println!("{}", text.chars().take(40).collect::<String>());
        submitted(&server, &project, text).await;
    }
    // A partly typed command must not turn into the suggestion of the list.
    for (text, words) in [
        ("/gsd:new-pro", "Unknown command: /gsd:new-pro"),
        ("/gsd:no-such x", "Unknown command: /gsd:no-such"),
        ("/teleport", "/teleport needs a Claude subscription"),
    ] {
        let delivery = server.deliver(&project, text).await;
        let failed = server.delivery_until(&project, &delivery, "failed").await;
        let error = failed["error"].as_str().unwrap();
        assert!(error.contains(words), "{failed}");
        assert_eq!(failed["error_code"], "declined");
    }
    let screen = shows(&server, &project, "empty", |screen| prompt(screen) == "❯").await;
    assert!(!screen.contains("Begin with"), "{screen}");
    for text in ["", " \n\t ", "\u{1b}\u{7}"] {
        let answer = server
            .post(&deliveries(&project), serde_json::json!({ "text": text }))
            .await;
        let detail = answer.problem(422);
        assert!(detail.contains("text"), "{detail}");
    }
    submitted(&server, &project, "after all of it").await;
    // Commands of Claude Code itself with hooks of their own.
    let before = server.session(&project).await["claude_session_id"].clone();
    submitted(&server, &project, "/compact keep the names").await;
    submitted(&server, &project, "/clear").await;
    let after = server.session(&project).await["claude_session_id"].clone();
    assert_ne!(after, before);
    submitted(&server, &project, "in the new conversation").await;
}

/// No hook reports these commands: their records and the history of prompts confirm them.
#[tokio::test]
async fn commands_of_claude_itself_are_submitted() {
    let Some((server, project)) = start().await else {
        return;
    };
    for text in [
        "/model sonnet",
        "/rename one",
        "words",
        "/rename two",
        "/context",
    ] {
        submitted(&server, &project, text).await;
    }
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    for text in ["/cost", "/help"] {
        let delivery = server.deliver(&project, text).await;
        server
            .delivery_until(&project, &delivery, "submitted")
            .await;
        server
            .session_until(&project, "the panel", |session| {
                session["agent_state"] == "blocked_dialog"
            })
            .await;
        socket.input("\u{1b}").await;
        server.idle(&project).await;
    }
    submitted(&server, &project, "after the panels").await;
}

#[tokio::test]
async fn a_steering_text_is_reported_in_its_turn() {
    let Some((server, project)) = start().await else {
        return;
    };
    let stub = server.agent.stub.as_ref().unwrap();
    server.deliver(&project, "stub:slow").await;
    let is_working = |session: &serde_json::Value| session["agent_state"] == "working";
    server.session_until(&project, "working", is_working).await;
    stub.wait_held(1).await;
    let waits = server.deliver(&project, "after the turn").await;
    let body = serde_json::json!({ "text": "into the turn,\nin two lines", "steer": true });
    let steers = server.post(&deliveries(&project), body).await.expect(202);
    server.delivery_until(&project, &steers, "submitted").await;
    assert!(is_working(&server.session(&project).await));
    let path = super::line::of(&project, &waits);
    assert_eq!(server.get(&path).await.expect(200)["state"], "queued");
    stub.release();
    server.delivery_until(&project, &waits, "submitted").await;
    let has_all = |request: &Request| {
        let texts = request.user_texts();
        let has = |wanted: &str| texts.iter().any(|text| text.contains(wanted));
        has("into the turn,\nin two lines") && has("after the turn")
    };
    stub.wait_for(has_all).await;
}
