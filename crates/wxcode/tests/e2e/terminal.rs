//! The terminal over WebSocket: the JSON protocol.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Agent, Server, Socket};

fn terminal(project: &str) -> String {
    format!("/output-projects/{project}/terminal")
}

#[tokio::test]
async fn a_client_sees_the_agent_and_types() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let mut socket = server.socket(&terminal(&project)).await;
    let status = socket.message("status").await;
    let session = server.session(&project).await;
    assert_eq!(status["connected"], true);
    assert_eq!(status["session_id"], session["session_id"]);
    assert_eq!(status["claude_session_id"], session["claude_session_id"]);
    assert_eq!(
        (&status["resumed"], status.get("notice")),
        (&json!(false), None)
    );
    server.idle(&project).await;
    socket.input("hello there").await;
    socket.until("❯ hello there").await;
    socket.input("\r").await;
    socket
        .until("fake: 1 user message; last: hello there")
        .await;
    assert_eq!(server.session(&project).await["clients"], 1);
}

#[tokio::test]
async fn a_returning_client_sees_the_screen() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let mut first = server.socket(&terminal(&project)).await;
    first.message("status").await;
    server.idle(&project).await;
    first.input("remember me").await;
    first.until("❯ remember me").await;
    first.input("\r").await;
    first.until("last: remember me").await;
    first.drop_connection();

    let bearer = format!("Bearer {}", server.token);
    for (path, accept, message) in [
        (
            terminal(&project),
            "pt-BR,pt;q=0.9",
            "Reconectando a sessao existente...",
        ),
        (
            format!("{}?lang=pt-BR", terminal(&project)),
            "en",
            "Reconectando a sessao existente...",
        ),
        (
            terminal(&project),
            "en-US",
            "Reconnecting to the existing session...",
        ),
    ] {
        let headers = [
            ("authorization", bearer.as_str()),
            ("accept-language", accept),
        ];
        let mut again = Socket::open(&server, &path, &headers).await.unwrap();
        let status = again.message("status").await;
        assert_eq!(
            (&status["resumed"], &status["message"]),
            (&json!(true), &json!(message))
        );
        again.until("last: remember me").await;
    }
}

#[tokio::test]
async fn many_clients_see_the_same_bytes() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let path = terminal(&project);
    let mut sockets = join_all((0..5).map(|_| server.socket(&path))).await;
    for socket in &mut sockets {
        socket.until("fake mode on").await;
    }
    server.idle(&project).await;
    sockets[0].input("fake:flood 20000").await;
    // An Enter in the same read as the text would count as pasted.
    sockets[0].until("❯ fake:flood 20000").await;
    sockets[0].input("\r").await;
    let mut seen = Vec::new();
    for socket in &mut sockets {
        socket.until("\n311 ").await;
        let (_, flood) = socket.output.split_once("\n1 ").unwrap();
        seen.push(flood.split_once("\n311 ").unwrap().0.to_owned());
    }
    assert_eq!(seen[0].lines().count(), 310);
    assert!(
        seen.iter().all(|flood| *flood == seen[0]),
        "all see the same bytes"
    );
    assert_eq!(server.session_dirs().len(), 1);
}

#[tokio::test]
async fn a_resize_reaches_the_agent() {
    let server = Server::start(Agent::script(
        "trap 'stty size' WINCH; echo up; while :; do read line; done",
    ))
    .await;
    let project = server.project("p").await;
    let mut socket = server.socket(&terminal(&project)).await;
    socket.until("up").await;
    socket
        .send(json!({ "type": "resize", "rows": 30, "cols": 100 }))
        .await;
    server
        .session_until(&project, "resized", |session| {
            session["cols"] == 100 && session["rows"] == 30
        })
        .await;
    socket.input("\n").await;
    socket.until("30 100").await;
}

#[tokio::test]
async fn signals_reach_a_program_in_cooked_mode() {
    let script = "trap 'echo interrupted' INT; trap 'echo terminated; exit 3' TERM; echo up; while :; do sleep 0.1; done";
    let server = Server::start(Agent::script(script)).await;
    let project = server.project("p").await;
    let mut socket = server.socket(&terminal(&project)).await;
    socket.until("up").await;
    // The key, as a person presses it.
    socket.input("\u{3}").await;
    socket.until("interrupted").await;
    socket.output.clear();
    socket
        .send(json!({ "type": "signal", "signal": "SIGINT" }))
        .await;
    socket.until("interrupted").await;
    socket
        .send(json!({ "type": "signal", "signal": "SIGTERM" }))
        .await;
    socket.until("terminated").await;
    assert_eq!(
        socket.message("closed").await,
        json!({ "type": "closed", "exit_code": 3, "signal": null })
    );
    assert_eq!(socket.close_code().await, 1000);
}

#[tokio::test]
async fn end_of_file_and_signals_are_reported() {
    let server = Server::start(Agent::script(
        "echo up; cat; echo end of file; exec sleep 1000",
    ))
    .await;
    let project = server.project("p").await;
    let mut socket = server.socket(&terminal(&project)).await;
    socket.until("up").await;
    socket
        .send(json!({ "type": "signal", "signal": "EOF" }))
        .await;
    socket.until("end of file").await;
    let session = server.session(&project).await;
    crate::support::kill(i32::try_from(session["pid"].as_i64().unwrap()).unwrap());
    assert_eq!(
        socket.message("closed").await,
        json!({ "type": "closed", "exit_code": null, "signal": 9 })
    );
    assert_eq!(socket.close_code().await, 1000);
}

#[tokio::test]
async fn the_exit_comes_after_the_last_byte() {
    let server = Server::start(Agent::script(
        "i=0; while [ $i -lt 3000 ]; do echo \"line $i of the end\"; i=$((i+1)); done; exit 7",
    ))
    .await;
    let project = server.project("p").await;
    let mut socket = server.socket(&terminal(&project)).await;
    assert_eq!(socket.message("closed").await["exit_code"], 7);
    assert!(
        socket.output.contains("line 2999 of the end"),
        "{}",
        socket.output.len()
    );
    assert_eq!(socket.close_code().await, 1000);
    let exit = server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    assert_eq!(
        (&exit["exit"]["code"], &exit["exit"]["signal"]),
        (&json!(7), &Value::Null)
    );
}

#[tokio::test]
async fn a_bad_message_keeps_the_connection() {
    let server = Server::start(Agent::script("echo up; exec cat")).await;
    let project = server.project("p").await;
    let mut socket = server.socket(&terminal(&project)).await;
    socket.until("up").await;
    let bad = [
        "not json",
        "[]",
        r#"{"type":"unknown"}"#,
        r#"{"type":"input"}"#,
        r#"{"type":"resize","rows":0,"cols":80}"#,
        r#"{"type":"resize","rows":501,"cols":80}"#,
        r#"{"type":"resize","rows":"24","cols":80}"#,
        r#"{"type":"signal","signal":"SIGKILL"}"#,
    ];
    for text in bad {
        socket.send_raw(Message::text(text)).await;
        let error = socket.message("error").await;
        assert_eq!(error["code"], "VALIDATION", "{text}");
    }
    socket.send_raw(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(socket.message("error").await["code"], "VALIDATION");
    socket.input("please still here\n").await;
    socket.until("please still here").await;
}

#[tokio::test]
async fn pastes_arrive_whole_up_to_the_bound() {
    // The agent reads in raw mode, reports the length, and never echoes.
    let script =
        "stty raw -echo; echo up; head -c 4194304 | cksum; echo; echo done; exec sleep 1000";
    let server = Server::start(Agent::script(script)).await;
    let project = server.project("p").await;
    let mut socket = server.socket(&terminal(&project)).await;
    socket.until("up").await;
    socket.input(&"x".repeat((4 << 20) + 1)).await;
    assert_eq!(socket.message("error").await["code"], "TOO_LARGE");
    let paste: String = (0..(4 << 20) / 16)
        .map(|i| format!("{i:015}\u{1b}"))
        .collect();
    socket.input(&paste).await;
    socket.until("done").await;
    assert!(
        socket
            .output
            .contains(&format!("{} 4194304", cksum(paste.as_bytes()))),
        "{}",
        socket.output
    );
}

/// The checksum of POSIX `cksum`.
fn cksum(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: u8| {
        (0..8).fold(crc ^ u32::from(byte) << 24, |crc, _| {
            if crc >> 31 == 1 {
                crc << 1 ^ 0x04c1_1db7
            } else {
                crc << 1
            }
        })
    };
    let crc = bytes.iter().fold(0, |crc, byte| step(crc, *byte));
    let length = bytes.len().to_le_bytes();
    let used = length.len() - (bytes.len().leading_zeros() / 8) as usize;
    !length[..used]
        .iter()
        .fold(crc, |crc, byte| step(crc, *byte))
}

#[tokio::test]
async fn text_is_never_cut_inside_a_character() {
    let script = "i=0; while [ $i -lt 4000 ]; do printf 'ação日本🎉'; i=$((i+1)); done; echo; echo done; exec sleep 1000";
    let server = Server::start(Agent::script(script)).await;
    let project = server.project("p").await;
    let mut socket = server.socket(&terminal(&project)).await;
    socket.until("done").await;
    assert!(!socket.output.contains('\u{fffd}'));
}

#[tokio::test]
async fn close_codes_name_the_reason() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    for (path, code, error) in [
        (
            "/output-projects/nonsense/terminal".to_owned(),
            4000,
            "INVALID_ID",
        ),
        (
            "/milestones/nonsense/terminal".to_owned(),
            4000,
            "INVALID_ID",
        ),
        (
            "/output-projects/0123456789abcdef01234567/terminal".to_owned(),
            4004,
            "NOT_FOUND",
        ),
        (
            "/milestones/0123456789abcdef01234567/terminal".to_owned(),
            4004,
            "NOT_FOUND",
        ),
    ] {
        let mut socket = server.socket(&path).await;
        assert_eq!(socket.message("error").await["code"], error, "{path}");
        assert_eq!(socket.close_code().await, code, "{path}");
        assert!(
            !socket.closed.unwrap().1.is_empty(),
            "each close has a reason"
        );
    }
    let milestone = server.milestone(&project, "done").await;
    server
        .patch(
            &format!("/milestones/{milestone}"),
            json!({ "status": "failed" }),
        )
        .await
        .expect(200);
    let mut socket = server
        .socket(&format!("/milestones/{milestone}/terminal"))
        .await;
    assert_eq!(socket.message("error").await["code"], "ALREADY_FINISHED");
    assert_eq!(socket.close_code().await, 4009);

    let workspace = server.workspace(&project).await;
    std::fs::remove_dir_all(&workspace).unwrap();
    let mut socket = server.socket(&terminal(&project)).await;
    assert_eq!(socket.message("error").await["code"], "WORKSPACE_NOT_FOUND");
    assert_eq!(socket.close_code().await, 4003);
    assert!(!workspace.exists());
}
